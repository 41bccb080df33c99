"""From the documentation of modules to the symbols by which they are found.

Apart from `symbols`, which every process imports for the search: the model takes long to import.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from shared.domain.api_docs.model import DeclarationKind, ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.signatures import signature_text
from shared.domain.api_docs.symbols import SYMBOL_FLAGS, Symbol

MAX_SYMBOLS = 20_000  # Of a release: more than `MAX_PACKED_LENGTH` has room for.
MAX_SIGNATURE_LENGTH = 300  # Characters: more than a line of a search result shows.


def symbols_of(modules: Sequence[ModuleDocs]) -> tuple[Symbol, ...]:
    """Return the symbols of a release, the first `MAX_SYMBOLS` of them."""
    found = chain.from_iterable(map(_symbols_of_module, modules))
    named = (each for each in found if len(each.name) <= MAX_SIGNATURE_LENGTH)
    return tuple(islice(named, MAX_SYMBOLS))


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
