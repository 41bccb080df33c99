"""Symbols as they are stored."""

import hashlib

import pytest

from shared.domain.api_docs.symbols import (
    MAX_PACKED_LENGTH,
    Symbol,
    pack_symbols,
    symbols_at,
    unpack_symbols,
)


def numbered(count: int) -> tuple[Symbol, ...]:
    """Return symbols that are hardly smaller when compressed."""
    digests = (hashlib.sha256(str(each).encode()).hexdigest() for each in range(count))
    return tuple(Symbol(kind="function", module="shop", name=each) for each in digests)


def test_packed_symbols_are_the_same_when_unpacked() -> None:
    listed = (
        Symbol(kind="client", module="shop", name="Client", flags=("is_isolated",)),
        Symbol(kind="method", module="shop", parent="Client", name="get", signature="get()"),
    )
    assert unpack_symbols(pack_symbols(listed)) == listed
    assert symbols_at(pack_symbols(listed), [1, 0]) == (listed[1], listed[0])
    assert pack_symbols(()) == ""
    assert unpack_symbols("") == ()


def test_the_last_symbols_are_left_out_if_all_of_them_are_too_large() -> None:
    listed = numbered(6_000)
    packed = pack_symbols(listed)
    kept = unpack_symbols(packed)
    assert MAX_PACKED_LENGTH * 0.8 < len(packed) <= MAX_PACKED_LENGTH
    assert kept == listed[: len(kept)]


@pytest.mark.parametrize(
    ("symbol", "title", "path"),
    [
        (Symbol(kind="function", module="m", name="parse"), "parse", "parse"),
        (
            Symbol(kind="method", module="m", parent="A", name="get b/[int c]"),
            *["A.get b/[int c]"] * 2,
        ),
        (Symbol(kind="annotation", module="m", name="Config"), "Config", "@Config"),
    ],
)
def test_a_symbol_has_a_title_and_a_path(symbol: Symbol, title: str, path: str) -> None:
    assert (symbol.title, symbol.path) == (title, path)
