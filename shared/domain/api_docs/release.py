"""From the sources of a release to its modules, and to the record of its documentation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, islice
from typing import Self

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import SourceFile
from shared.domain.api_docs.connectors import api_summary
from shared.domain.api_docs.generator import ModuleSource, PackageSources
from shared.domain.api_docs.model import DeclarationKind, ModuleDocs, UnreadSource
from shared.domain.api_docs.outline import DocsSymbol, count_documented, declared
from shared.domain.api_docs.records import (
    GENERATOR_VERSION,
    MAX_LISTED,
    NO_API,
    ApiDocsRecord,
    ApiSummary,
    DocsState,
    UnreadLines,
)
from shared.domain.api_docs.signatures import signature_text
from shared.domain.api_docs.sources import ReleaseFiles, SourceName
from shared.domain.api_docs.symbols import SYMBOL_FLAGS, Symbol, pack_symbols
from shared.domain.packages import ModuleText
from shared.domain.records import Record


def read_sources(
    files: ReleaseFiles, is_late: Callable[[], bool] = lambda: False
) -> tuple[PackageSources, tuple[UnreadLines, ...]]:
    """Return the modules of a release with their declarations, and the files that were not read:
    those that are too large or no text, and those that are left once `is_late`."""
    reading = _Reading(files, is_late)
    sources = PackageSources(files.coordinate, tuple(reading.modules()))
    return sources, tuple(reading.unread)


@dataclass(frozen=True, slots=True)
class _Reading:
    files: ReleaseFiles
    is_late: Callable[[], bool]
    unread: list[UnreadLines] = field(default_factory=list[UnreadLines])

    def modules(self) -> Iterator[ModuleSource]:
        """Yield the modules, the default module first, and note what was not read."""
        texts = {each.name: each for each in self.files.texts.modules}
        sources = {
            module: tuple(self._read(list(found)))
            for module, found in groupby(self.files.contents, key=lambda each: each.module)
        }
        for name in sorted({*sources, *self.files.exported}):
            text = texts.get(name) or ModuleText(name=name)
            yield ModuleSource(
                name=name,
                files=sources.get(name, ()),
                readme=text.readme or self._readme(name),
                summary=text.summary,
                is_exported=name in self.files.exported,
            )

    def _readme(self, module: str) -> str:
        is_default = module == self.files.coordinate.package.name
        return self.files.texts.readme if is_default else ""

    def _read(self, sources: list[SourceName]) -> Iterator[SourceFile]:
        for source in sources:
            text = self._text(source)
            if text.reason:
                self._note(source, 1, 1, text.reason)
            else:
                yield read_source(source.path, text.content)

    def _text(self, source: SourceName) -> "_Text":
        content = self.files.contents[source]
        if isinstance(content, str):
            return _Text(reason=content)
        if self.is_late():
            return _Text(reason="there was no time left to read the file")
        try:
            # As Markdown readers do with it. Pieces have it in place of the registry's address.
            return _Text(content.decode("utf-8-sig").replace("\0", "\N{REPLACEMENT CHARACTER}"))
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            return _Text(reason=f"the file is not UTF-8, as line {line} shows")

    def _note(self, source: SourceName, first: int, last: int, reason: str) -> None:
        self.unread.append(
            UnreadLines(
                module=source.module, file=source.path, first=first, last=last, reason=reason
            )
        )


@dataclass(frozen=True, slots=True)
class _Text:
    content: str = ""
    reason: str = ""  # Why there is none.


MAX_UNREAD = 100  # That are stored and shown; a file that is no source has one for each line.


class ModuleFacts(Record):
    """The facts about one module in the record of a release."""

    module: str
    unread: tuple[UnreadLines, ...] = ()
    documented: int = 0
    declarations: int = 0
    api: ApiSummary = NO_API
    symbols: tuple[Symbol, ...] = ()

    @classmethod
    def of(cls, docs: ModuleDocs, unread: Iterable[UnreadLines | UnreadSource]) -> Self:
        documented, declarations = count_documented([docs])
        return cls(
            module=docs.id,
            unread=tuple(map(_lines, islice(unread, MAX_UNREAD))),
            documented=documented,
            declarations=declarations,
            api=api_summary([docs]),
            symbols=symbols_of([docs]),
        )


def _lines(unread: UnreadLines | UnreadSource) -> UnreadLines:
    return UnreadLines(
        module=unread.module,
        file=unread.file,
        first=unread.first,
        last=unread.last,
        reason=unread.reason,
    )


def release_record(facts: Sequence[ModuleFacts]) -> ApiDocsRecord:
    unread = tuple(chain.from_iterable(each.unread for each in facts))
    symbols = chain.from_iterable(each.symbols for each in facts)
    connectors = chain.from_iterable(each.api.connectors for each in facts)
    triggers = chain.from_iterable(each.api.triggers for each in facts)
    return ApiDocsRecord(
        state=DocsState.PARTIAL if unread else DocsState.DONE,
        generator=GENERATOR_VERSION,
        modules=tuple(each.module for each in facts),
        unread=unread[:MAX_UNREAD],
        documented=sum(each.documented for each in facts),
        declarations=sum(each.declarations for each in facts),
        api=ApiSummary(
            connectors=tuple(islice(connectors, MAX_LISTED)),
            triggers=tuple(islice(triggers, MAX_LISTED)),
        ),
        symbols=pack_symbols(tuple(islice(symbols, MAX_SYMBOLS))),
    )


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
