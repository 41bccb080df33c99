"""The symbols of a release by which developers find it: its declarations and their members.

Fields of records are no symbols of their own: there are more of them than of everything else. A
record has their names, by which it is found.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

# Characters of about 6,500 symbols; the largest known connector has 2,600. Every change of a
# package writes them to its search entry.
MAX_PACKED_LENGTH = 256 * 1024


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
    creation: str = ""  # How a client or a listener is made: `check new (string url)`.
    fields: tuple[str, ...] = ()  # The names of those that a record writes itself.

    @property
    def title(self) -> str:
        """The name after the name of its parent, if it has one."""
        return f"{self.parent}.{self.name}" if self.parent else self.name

    @property
    def path(self) -> str:
        """Its name in addresses of pages, within its module."""
        return path_of(self.kind, self.title)

    @property
    def is_deprecated(self) -> bool:
        return "is_deprecated" in self.flags


# The same as `DeclarationKind.ANNOTATION`, whose module takes long to import.
ANNOTATION = "annotation"


def path_of(kind: str, title: str) -> str:
    """Return the path of a symbol in its module. Annotations have names of their own, which may be
    those of types, too."""
    return f"@{title}" if kind == ANNOTATION else title


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
_SYMBOL = TypeAdapter(Symbol)


def pack_symbols(symbols: Sequence[Symbol]) -> str:
    """Return symbols as text of about 40 bytes each; empty for none. If they take more than
    `MAX_PACKED_LENGTH`, all names of fields are left out, then all descriptions, and then the last
    symbols."""
    packed = _pack(symbols)
    if len(packed) > MAX_PACKED_LENGTH:
        symbols = [replace(each, fields=()) for each in symbols]
        packed = _pack(symbols)
    if len(packed) > MAX_PACKED_LENGTH:
        symbols = [replace(each, description="") for each in symbols]
        packed = _pack(symbols)
    while len(packed) > MAX_PACKED_LENGTH:
        kept = len(symbols) * MAX_PACKED_LENGTH // len(packed)
        symbols = symbols[: min(kept, len(symbols) * 9 // 10)]
        packed = _pack(symbols)
    return packed


def _pack(symbols: Sequence[Symbol]) -> str:
    if not symbols:
        return ""
    lines = (_SYMBOL.dump_json(each, exclude_defaults=True) for each in symbols)
    return b64encode(zlib.compress(b"\n".join(lines), _COMPRESSION)).decode()


def unpack_symbols(packed: str) -> tuple[Symbol, ...]:
    return tuple(map(_SYMBOL.validate_json, _lines(packed)))


def symbols_at(packed: str, places: Sequence[int]) -> tuple[Symbol, ...]:
    """Return some of the packed symbols by their indices, without parsing the others."""
    lines = _lines(packed)
    return tuple(_SYMBOL.validate_json(lines[place]) for place in places)


def symbol_kinds(packed: str) -> list[str]:
    """Return the kind of each packed symbol, with which its line begins, without parsing them."""
    start = len(b'{"kind":"')
    return [line[start : line.index(b'"', start)].decode() for line in _lines(packed)]


def deprecated_symbols(packed: str) -> list[bool]:
    """Return of each packed symbol whether it is deprecated, without parsing them. Quotes inside of
    texts are escaped, so that no text has this."""
    return [b'"is_deprecated"' in line for line in _lines(packed)]


def symbols_of_module(packed: str, module: str) -> list[int]:
    """Return the indices of the packed symbols of a module, in any case, without parsing them."""
    text = b'"module":"%b"' % module.lower().encode()
    return [place for place, line in enumerate(_lines(packed)) if text in line.lower()]


def _lines(packed: str) -> list[bytes]:
    return zlib.decompress(b64decode(packed)).split(b"\n") if packed else []
