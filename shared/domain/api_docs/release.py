"""From the sources of a release to its documentation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import SourceFile
from shared.domain.api_docs.connectors import api_summary
from shared.domain.api_docs.coverage import count_documented
from shared.domain.api_docs.documents import write_document
from shared.domain.api_docs.generator import ModuleSource, PackageSources, generate
from shared.domain.api_docs.model import PackageDocs
from shared.domain.api_docs.records import ApiDocsRecord, DocsState, UnreadLines
from shared.domain.api_docs.sources import ReleaseDocs, ReleaseFiles, SourceName
from shared.domain.api_docs.symbol_lists import symbols_of
from shared.domain.api_docs.symbols import pack_symbols
from shared.domain.documents import gzipped
from shared.domain.packages import ModuleText

# Seconds of the processor, for a package. 1 MB of sources takes a tenth of one to read, and half of
# one to document.
READING_SECONDS = 10
GENERATING_SECONDS = 10


def document_release(files: ReleaseFiles, processor_seconds: Callable[[], float]) -> ReleaseDocs:
    """Return the documentation of a release. What is not read or documented in time is left out.

    `processor_seconds` is a clock of the processor, such as `time.thread_time`.
    """
    reading = _Reading(files, _deadline(processor_seconds, READING_SECONDS))
    sources = PackageSources(files.coordinate, tuple(reading.modules()))
    docs = generate(sources, files.graph, _deadline(processor_seconds, GENERATING_SECONDS))
    return _stored(docs, tuple(reading.unread))


def _deadline(clock: Callable[[], float], seconds: float) -> Callable[[], bool]:
    """Return what says whether these seconds have passed."""
    ends = clock() + seconds
    return lambda: clock() > ends


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
            return _Text(content.decode("utf-8-sig"))
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


def _stored(docs: PackageDocs, unread: tuple[UnreadLines, ...]) -> ReleaseDocs:
    skipped = (
        UnreadLines(
            module=each.module,
            file=each.file,
            first=each.first,
            last=each.last,
            reason=each.reason,
        )
        for each in docs.unread
    )
    unread = (*unread, *skipped)
    documented, declarations = count_documented(docs.modules)
    record = ApiDocsRecord(
        state=DocsState.PARTIAL if unread and docs.state is DocsState.DONE else docs.state,
        generator=docs.generator,
        modules=tuple(each.id for each in docs.modules),
        unread=unread[:MAX_UNREAD],
        reason=docs.reason,
        documented=documented,
        declarations=declarations,
        api=api_summary(docs.modules),
        symbols=pack_symbols(symbols_of(docs.modules)),
    )
    return ReleaseDocs(record, {each.id: gzipped(write_document(each)) for each in docs.modules})
