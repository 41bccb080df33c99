"""From the sources of a release to its modules, and to the record of its documentation."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from typing import Self

from msgspec import Struct

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import SourceFile
from shared.domain.api_docs.editor_items import api_summary
from shared.domain.api_docs.generator import ModuleSource
from shared.domain.api_docs.item_summaries import MAX_LISTED, NO_API, ApiSummary
from shared.domain.api_docs.model import (
    ClientDocs,
    DeclarationKind,
    Documented,
    ListenerDocs,
    ModuleDocs,
)
from shared.domain.api_docs.outline import DocsSymbol, count_documented, declared
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState, UnreadLines
from shared.domain.api_docs.signatures import signature_text
from shared.domain.api_docs.symbols import SYMBOL_FLAGS, Symbol, pack_symbols
from shared.domain.archives.manifest import BALA_TOML
from shared.domain.mentions import mentions_of, merge_mentions
from shared.domain.packages import ModuleText, Texts
from shared.domain.records import Record

_SOURCE = re.compile(r"(?:modules/(?P<module>[^/]+)/)?(?P<path>(?:generated/)?[^/]+\.bal)")


class SourceName(Struct, frozen=True):
    """A source file: its module, its path below the folder of the module, its name in the
    archive."""

    module: str
    path: str
    entry: str


def source_names(entries: Iterable[str], package: str) -> list[SourceName]:
    """Return the sources of a package among the files of its archive, by module and path.

    Sources of tests are in other folders.
    """
    names = frozenset(entries)
    is_project = BALA_TOML in names  # The author's project, with the default module at the root.
    sources = list[SourceName]()
    for entry in names:
        if found := _SOURCE.fullmatch(entry):
            folder = found["module"]
            path = found["path"]
            module = f"{package}.{folder}" if folder and is_project else folder
            if module or is_project:
                sources.append(SourceName(module or package, path, entry))
    return sorted(sources, key=lambda each: (each.module, each.path))


def read_sources(
    package: str, exported: Sequence[str], texts: Texts, contents: Mapping[SourceName, bytes]
) -> tuple[list[ModuleSource], list[UnreadLines]]:
    """Return the modules of a release with their declarations, the default one first, and the
    files that are no text."""
    unread = list[UnreadLines]()

    def read(found: Iterable[SourceName]) -> Iterator[SourceFile]:
        for source in found:
            content = contents[source]
            try:
                text = content.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                line = content.count(b"\n", 0, error.start) + 1
                reason = f"the file is not UTF-8, as line {line} shows"
                unread.append(
                    UnreadLines(
                        module=source.module, file=source.path, first=1, last=1, reason=reason
                    )
                )
            else:
                # Markdown readers replace this character, too. In pieces it stands for the
                # registry's address.
                yield read_source(source.path, text.replace("\0", "\N{REPLACEMENT CHARACTER}"))

    known = {each.name: each for each in texts.modules}
    sources = {
        module: tuple(read(found))
        for module, found in groupby(contents, key=lambda each: each.module)
    }
    modules = list[ModuleSource]()
    for name in sorted({*sources, *exported}):
        text = known.get(name) or ModuleText(name=name)
        modules.append(
            ModuleSource(
                name=name,
                files=sources.get(name, ()),
                readme=text.readme or (texts.readme if name == package else ""),
                summary=text.summary,
                is_exported=name in exported,
            )
        )
    return modules, unread


# Unreadable lines that are stored and shown; in a file that is no source, every line is one.
MAX_UNREAD = 100


class ModuleFacts(Record):
    """The facts about one module in the record of a release."""

    module: str
    unread: tuple[UnreadLines, ...] = ()
    documented: int = 0
    declarations: int = 0
    declared: int = 0
    api: ApiSummary = NO_API
    symbols: tuple[Symbol, ...] = ()
    mentions: tuple[str, ...] = ()

    @classmethod
    def of(cls, docs: ModuleDocs, unread: Iterable[UnreadLines]) -> Self:
        documented, declarations = count_documented(docs)
        return cls(
            module=docs.id,
            unread=tuple(unread),
            documented=documented,
            declarations=declarations,
            declared=sum(1 for _ in declared(docs)),
            api=api_summary(docs),
            symbols=tuple(symbols_of(docs)),
            mentions=mentions_of(_texts_of(docs)),
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
        declared=sum(each.declared for each in facts),
        api=ApiSummary(
            connectors=tuple(islice(connectors, MAX_LISTED)),
            triggers=tuple(islice(triggers, MAX_LISTED)),
        ),
        symbols=pack_symbols(tuple(symbols)),
        mentions=merge_mentions(chain.from_iterable(each.mentions for each in facts)),
    )


def _texts_of(module: ModuleDocs) -> Iterator[str]:
    """Yield the comments and signatures of a module, with the default values of fields."""
    for _, declaration in declared(module):
        for each in (declaration, *declaration.members()):
            yield each.comment
            yield signature_text(each.docs)


MAX_SIGNATURE_LENGTH = 300  # Characters: more than a line of a search result shows.
MAX_FIELDS = 200  # Field names of one record by which search finds it.


def symbols_of(module: ModuleDocs) -> Iterator[Symbol]:
    """Yield the symbols of a module, without those with names that are too long."""
    for kind, declaration in declared(module):
        # Fields of records are found by their record, which has their names.
        members = () if kind is DeclarationKind.RECORD else declaration.members()
        # Values of configurables are for a program, not for its code.
        own = () if kind is DeclarationKind.CONFIGURABLE else (declaration,)
        for each in (*own, *members):
            if len(each.title) <= MAX_SIGNATURE_LENGTH:
                yield _symbol(module, each)


def _symbol(module: ModuleDocs, symbol: DocsSymbol) -> Symbol:
    return Symbol(
        kind=symbol.kind,
        module=module.id,
        parent=symbol.owner.title if symbol.owner else "",
        name=symbol.title,
        signature=signature_text(symbol.docs)[:MAX_SIGNATURE_LENGTH],
        description=symbol.summary,
        flags=tuple(flag for flag in SYMBOL_FLAGS if getattr(symbol.docs, flag, False)),
        creation=_init_signature(symbol.docs),
        fields=tuple(_field_names(symbol)) if symbol.kind == DeclarationKind.RECORD.value else (),
    )


def _field_names(record: DocsSymbol) -> Iterator[str]:
    names = (each.title for each in record.members())
    return islice((each for each in names if len(each) <= MAX_SIGNATURE_LENGTH), MAX_FIELDS)


def _init_signature(docs: Documented) -> str:
    """Return how a client or a listener is made, by the parameters of its `init`."""
    if not isinstance(docs, ClientDocs | ListenerDocs):
        return ""
    init = docs.init_method
    if init is None:
        return "new ()"
    parameters = ", ".join(map(signature_text, init.parameters))
    check = "check " if init.return_parameters else ""
    return f"{check}new ({parameters})"[:MAX_SIGNATURE_LENGTH]
