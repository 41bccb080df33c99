"""The symbols of a module by which developers find it: its declarations and their members.

Fields of records are left out: there are more of them than of everything else, and they are found
by the name of their record.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from pydantic import TypeAdapter

from shared.domain.api_docs.model import DeclarationKind, ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.signatures import signature_text

MAX_SYMBOLS = 20_000  # Of a release. The largest known connector has 2,600.
MAX_SIGNATURE_LENGTH = 300  # Characters: more than a line of a search result shows.


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A declaration, or a member of the declaration `parent`. The name of a resource method is its
    accessor and path. `flags` are what is true of `SYMBOL_FLAGS`."""

    kind: str  # The value of a `DeclarationKind`, or `method`, `field` or `enum member`.
    module: str
    parent: str = ""
    name: str
    signature: str = ""
    description: str = ""
    flags: tuple[str, ...] = ()


# What Central says of symbols, besides that they are deprecated.
SYMBOL_FLAGS = (
    "is_isolated",
    "is_remote",
    "is_resource",
    "is_closed",
    "is_distinct",
    "is_read_only",
    "is_deprecated",
)

_COMPRESSION = 6
_SYMBOLS = TypeAdapter(tuple[Symbol, ...])


def symbols_of(modules: Sequence[ModuleDocs]) -> tuple[Symbol, ...]:
    """Return the symbols of a release, the first `MAX_SYMBOLS` of them."""
    return tuple(islice(chain.from_iterable(map(_symbols_of_module, modules)), MAX_SYMBOLS))


def pack_symbols(symbols: tuple[Symbol, ...]) -> str:
    """Return symbols as text of about 40 bytes each; empty for none."""
    if not symbols:
        return ""
    content = _SYMBOLS.dump_json(symbols, exclude_defaults=True)
    return b64encode(zlib.compress(content, _COMPRESSION)).decode()


def unpack_symbols(packed: str) -> tuple[Symbol, ...]:
    """Return the symbols that `pack_symbols` packed."""
    return _SYMBOLS.validate_json(zlib.decompress(b64decode(packed))) if packed else ()


def _symbols_of_module(module: ModuleDocs) -> Iterator[Symbol]:
    for kind, declaration in declared(module):
        if kind is not DeclarationKind.CONFIGURABLE:  # Values for a program, not for its code.
            yield _symbol(module, declaration)
        if kind is not DeclarationKind.RECORD:
            yield from (_symbol(module, member) for member in declaration.members())


def _symbol(module: ModuleDocs, symbol: DocsSymbol) -> Symbol:
    return Symbol(
        kind=symbol.kind,
        module=module.id,
        parent=symbol.owner.title if symbol.owner else "",
        name=symbol.title,
        signature=signature_text(symbol.docs)[:MAX_SIGNATURE_LENGTH],
        description=symbol.summary,
        flags=tuple(flag for flag in SYMBOL_FLAGS if getattr(symbol.docs, flag, False)),
    )
