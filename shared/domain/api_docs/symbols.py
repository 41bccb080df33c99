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

from shared.domain.api_docs.model import (
    ClassDocs,
    DeclarationKind,
    Documented,
    EnumDocs,
    ModuleDocs,
    ObjectTypeDocs,
    declarations_of,
)
from shared.domain.api_docs.signatures import signature_text
from shared.domain.archives.summaries import summary_of

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
    for kind, docs in declarations_of(module):
        if kind is not DeclarationKind.CONFIGURABLE:  # Values for a program, not for its code.
            yield _symbol(module, kind.value, docs, docs.name)
        for what, name, member in _members(docs):
            yield _symbol(module, what, member, name, parent=docs.name)


def _members(docs: Documented) -> Iterator[tuple[str, str, Documented]]:
    """Yield what members are, their names and their documentation."""
    if isinstance(docs, ClassDocs | ObjectTypeDocs):
        for field in docs.fields:
            yield "field", field.name, field
        for method in docs.methods:
            yield "method", method.title, method
    elif isinstance(docs, EnumDocs):
        for member in docs.members:
            yield "enum member", member.name, member


def _symbol(
    module: ModuleDocs, kind: str, docs: Documented, name: str, *, parent: str = ""
) -> Symbol:
    return Symbol(
        kind=kind,
        module=module.id,
        parent=parent,
        name=name,
        signature=signature_text(docs)[:MAX_SIGNATURE_LENGTH],
        description=summary_of("", docs.documentation or docs.description),
        flags=tuple(flag for flag in SYMBOL_FLAGS if getattr(docs, flag, False)),
    )
