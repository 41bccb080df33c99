"""The task `release`: from the archive of a release to its documentation, piece by piece.

Each part writes a file of pieces, and the last part makes one file of them. A part that takes too
much is refused, and the others are made without it.
"""

import gzip
import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import chain, islice
from pathlib import Path

import msgspec

from shared.confined.comparison import compared, read_models
from shared.confined.docs_pages import DocsPages
from shared.confined.docs_text import json_text, module_markdown
from shared.confined.jar_files import read_libraries
from shared.confined.job_files import (
    ARCHIVE,
    BEFORE,
    OUTPUT,
    PIECES,
    RECORD,
    REQUEST,
    SECRETS_PART,
    SINCE,
    SOURCE,
    SOURCE_PAGE,
)
from shared.confined.jobs import Json
from shared.confined.release_files import ArchiveFile, ReleaseRequest
from shared.confined.secret_search import as_json, secrets_of
from shared.confined.shown_pieces import (
    InclusionFacts,
    OtherModules,
    add_complete_pieces,
    add_editor_pieces,
    add_page,
    add_sent,
    add_symbol,
    includes_others,
)
from shared.confined.tasks import Job, OutputExceeded
from shared.domain.api_docs.documents import (
    facts_text,
    item_texts,
    list_texts,
    read_document,
    write_document,
)
from shared.domain.api_docs.generator import DocsGenerator, ModuleSource
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.other_packages import ModuleKey, OtherRecords
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.pieces import (
    PieceKind,
    PiecesPart,
    PiecesWriter,
    merge_pieces,
    piece_name,
)
from shared.domain.api_docs.records import DocsState, ReadmeContent, UnreadLines
from shared.domain.api_docs.release import ModuleFacts, read_sources, release_record, source_names
from shared.domain.archives.java_libraries import JavaLibrary
from shared.domain.archives.unpacking import text_of
from shared.domain.sboms import (
    AUTHOR_SBOM_PART,
    LIBRARIES_PART,
    MAX_SBOM_BYTES,
    SBOM_FILE,
    SBOM_PART,
)
from shared.prose.rendering import highlight, render_markdown

LIBRARIES = "libraries.json"  # A file of the part that reads the Java libraries.
README_CONTENT = "readme-content"  # A file of the part that reads the readme of the release.
MAX_TEXT_BYTES = 256 * 1024  # The size of a text in `docs`.
SYMBOLS_OF_A_PART = 1_000
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024  # The document of 1 MB of sources has 10 to 16 MB.
MAX_CACHED_DOCUMENT_BYTES = (
    32 * 1024 * 1024
)  # Models of more than these are read again by later parts.


def make_release(job: Job) -> None:
    making = _Making(job)
    modules = making.request.modules
    job.run(LIBRARIES_PART, making.libraries)
    job.run(SBOM_PART, making.sbom)
    job.run(AUTHOR_SBOM_PART, making.author_sbom)
    job.run(SECRETS_PART, making.secrets)
    for module in modules:
        job.run(f"module {module}", partial(making.module, module))
    for module in ("", *filter(making.has_own_readme, modules)):
        job.run(f"readme {module}".rstrip(), partial(making.readme, module))
    for module in making.documented:
        job.run(f"outline {module}", partial(making.outline, module))
    for module in making.documented if making.includes_others else ():
        job.run(f"inclusions {module}", partial(making.inclusions, module))
    if making.request.before:
        job.run("comparison", making.comparison)
    for module in making.documented:
        for start in range(0, making.symbol_count(module), SYMBOLS_OF_A_PART):
            job.run(f"symbols {module} {start}", partial(making.symbols, module, start))
    job.run_last("finish", making.finish)


def check_release(job: Job) -> None:
    """The task `check`: compare an archive that nobody published with the version before; without a
    result if one of the two is not complete, since what was not read would count as removed."""
    making = _Making(job)
    for module in making.request.modules:
        job.run(f"module {module}", partial(making.module, module))
    job.run_last("comparison", making.verdict)


class _Making:
    """The documentation of a release in the making.

    A process that was started again, because a part ended the one before, has nothing of this in
    memory: it reads the sources, or the documents that were finished, when a part needs them.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._output = job.folder / OUTPUT
        self.request = ReleaseRequest.model_validate_json((job.folder / REQUEST).read_bytes())
        self._archive = ArchiveFile(job.folder / ARCHIVE)
        self._others = OtherModules(job.folder, self.request)
        self._models = dict[str, ModuleDocs]()
        self._kept_bytes = 0

    @property
    def documented(self) -> list[str]:
        """The modules with a document."""
        return [each for each in self.request.modules if self._document(each).exists()]

    @property
    def includes_others(self) -> bool:
        """Whether records of a module include records of other packages."""
        return any(self._output.glob("includes-*"))

    def has_own_readme(self, module: str) -> bool:
        """Check whether a module has a readme that is not that of the release."""
        texts = self.request.texts
        is_own = any(e.name == module and e.readme not in ("", texts.readme) for e in texts.modules)
        return is_own or module != self.request.name

    # --- Parts

    def module(self, name: str) -> None:
        """Write the document of a module, and what the record says of it."""
        source = next(each for each in self._generator.exported if each.name == name)
        docs, unread = self._generator.module(source)
        document = write_document(docs)
        if len(document) > MAX_DOCUMENT_BYTES:
            raise OutputExceeded
        self._keep(docs, len(document))
        own = [each for each in self._read[1] if self._is_told_by(name, each.module)]
        facts = ModuleFacts.of(docs, (*own, *unread))
        number = self._number(name)
        count = sum(1 for _ in _symbols(docs))
        (self._job.output / f"count-{number}").write_text(str(count))
        if includes_others(docs):
            (self._job.output / f"includes-{number}").touch()
        (self._job.output / f"since-{number}.json").write_text(json_text(self._since_of(docs)))
        (self._job.output / f"facts-{number}.json").write_text(facts.model_dump_json())
        (self._job.output / f"document-{number}.json.gz").write_bytes(
            gzip.compress(document, mtime=0)
        )
        with self._pieces(f"module-{number}") as pieces:
            pieces.add(piece_name(PieceKind.DOCUMENT, name), document)

    def symbols(self, name: str, start: int) -> None:
        """Write the pages of some symbols of a module."""
        module = self._model(name)
        pages = DocsPages.of(self.request, module, self._since(name))
        with self._pieces(f"symbols-{self._number(name)}-{start}") as pieces:
            for symbol in islice(_symbols(module), start, start + SYMBOLS_OF_A_PART):
                add_symbol(pieces, pages, symbol, piece_name)

    def readme(self, module: str) -> None:
        """Write the readme of a module as HTML; without a module, that of the release."""
        texts = self.request.texts
        of_modules = {each.name: each.readme for each in texts.modules}
        text = of_modules.get(module, "") if module else texts.readme
        with self._pieces(f"readme-{self._number(module) if module else 'all'}") as pieces:
            html = self._html(text, self._readme_folder(module, text))
            add_page(pieces, piece_name(PieceKind.README, module), html)
        if not module:
            has = ReadmeContent.EXAMPLE if "<pre" in html else ReadmeContent.TEXT
            found = has if text.strip() else ReadmeContent.NOTHING
            (self._job.output / README_CONTENT).write_text(found.value)

    def outline(self, name: str) -> None:
        """Write the page of a module, its Markdown, its lists, and what editors read."""
        module = self._model(name)
        number = self._number(name)
        pages = DocsPages.of(self.request, module, self._since(name))
        with self._pieces(f"outline-{number}") as pieces:
            page = pages.module_page(self._facts(name))
            add_page(pieces, piece_name(PieceKind.MODULE_PAGE, name), page)
            pieces.add(piece_name(PieceKind.MODULE_INDEX, name), pages.module_index())
            markdown = module_markdown(self.request, module)
            add_sent(pieces, piece_name(PieceKind.MODULE_MARKDOWN, name), markdown)
            pieces.add(piece_name(PieceKind.LIST, name, ""), facts_text(module))
            for key, text in list_texts(module):
                pieces.add(piece_name(PieceKind.LIST, name, key), text)
            for item, text in item_texts(module.functions):
                pieces.add(piece_name(PieceKind.FUNCTION, name, item), text)
            for item, text in item_texts(module.clients):
                pieces.add(piece_name(PieceKind.CLIENT, name, item), text)
            own = [self._model(each) for each in self.documented if each != name]
            add_editor_pieces(pieces, module, own, self._others)

    def inclusions(self, name: str) -> None:
        """Write the pieces of a module again, with the fields of other packages' records."""
        number = self._number(name)
        own = {(self.request.org, each) for each in self.request.modules}

        def module_of(key: ModuleKey) -> ModuleDocs | None:
            if key in own:
                return self._model(key[1]) if self._document(key[1]).exists() else None
            return self._others.known(*key)

        records = OtherRecords(own, module_of)
        whole = records.complete(self._model(name))
        pages = DocsPages.of(self.request, whole, self._since(name))
        with self._pieces(f"inclusions-{number}") as pieces:
            add_complete_pieces(pieces, pages, records)
        facts = InclusionFacts.of(self.request, records).model_dump_json()
        (self._job.output / f"inclusions-{number}.json").write_text(facts)

    def libraries(self) -> None:
        """Write the list of Java libraries."""
        found = msgspec.json.encode(list(read_libraries(self._archive, self.request)))
        (self._job.output / LIBRARIES).write_bytes(found)
        with self._pieces(LIBRARIES_PART) as pieces:
            pieces.add(piece_name(PieceKind.JAVA_LIBRARIES), found)

    def sbom(self) -> Json:
        """Write the bill of materials; without the list of Java libraries there is none. Return why
        it is refused."""
        # The other tasks of this module do without its libraries.
        from shared.confined.sboms import SbomRefused, sbom_of  # noqa: PLC0415

        file = self._output / LIBRARIES
        if not file.exists():
            return "its Java libraries could not be read"
        libraries = msgspec.json.decode(file.read_bytes(), type=list[JavaLibrary])
        try:
            made = sbom_of(self.request, libraries)
        except SbomRefused as why:
            return str(why)
        with self._pieces(SBOM_PART) as pieces:
            pieces.add(piece_name(PieceKind.SBOM), made)
        return None

    def author_sbom(self) -> Json:
        """Write the author's bill of materials as it is: of several, the one nearest to the root.
        Return why it is refused."""
        found = [each for each in self._archive.names if each.rpartition("/")[2] == SBOM_FILE]
        if not found:
            return None
        name = min(found, key=lambda each: (each.count("/"), each))
        size = self._archive.size(name)
        if size > MAX_SBOM_BYTES:
            return f"it has {size:,} bytes, and the registry shows {MAX_SBOM_BYTES:,} at most"
        with self._pieces(AUTHOR_SBOM_PART) as pieces:
            pieces.add(piece_name(PieceKind.AUTHOR_SBOM), self._archive.read(name))
        return None

    def secrets(self) -> Json:
        """Return the secrets that its files have, for those who manage the release."""
        return as_json(
            secrets_of(self._archive, sorted(self._archive.names), self.request.own_token)
        )

    def comparison(self) -> Json:
        """Write the changes from the version before; return the verdict on the release."""
        after = [self._model(each) for each in self.documented]
        before = read_models(self._job.folder / BEFORE)
        made, verdict = compared(self.request, before, after)
        with self._pieces("comparison") as pieces:
            for kind, text in made.items():
                pieces.add(piece_name(kind, self.request.before), text)
        return verdict

    def verdict(self) -> Json:
        """Return the verdict on the release, if both versions are complete."""
        documented = self.documented
        is_complete = release_record(list(map(self._facts, documented))).state is DocsState.DONE
        if not is_complete or documented != [*self.request.modules]:
            return None
        after = map(self._model, documented)
        before = read_models(self._job.folder / BEFORE)
        _, verdict = compared(self.request, before, list(after))
        return verdict

    def finish(self) -> None:
        """Write one file with all pieces, and the record."""
        with self._pieces("rest") as pieces:
            since = (f"{json_text(each)}:{self._since_text(each)}" for each in self.documented)
            pieces.add(piece_name(PieceKind.SINCE), f"{{{','.join(since)}}}")
        files = [*self._output.glob("*.pieces"), *self._job.output.glob("*.pieces")]
        with (self._job.output / PIECES).open("wb") as target:
            pointer = merge_pieces(map(PiecesPart.load, sorted(files)), target)
        record = release_record(list(map(self._facts, self.documented)))
        names = self._archive.names
        more = {"pieces": pointer, "files": len(names), "readme": self._readme_content()}
        more |= self._other_releases()
        text = record.model_copy(update=more).model_dump_json()
        (self._job.output / RECORD).write_text(text)
        for each in self._job.output.glob("rest.*"):
            each.unlink()

    # --- What parts read

    def symbol_count(self, module: str) -> int:
        return int((self._output / f"count-{self._number(module)}").read_text())

    def _number(self, module: str) -> int:
        return self.request.modules.index(module)

    def _document(self, module: str) -> Path:
        return self._output / f"document-{self._number(module)}.json.gz"

    def _facts(self, module: str) -> ModuleFacts:
        file = self._output / f"facts-{self._number(module)}.json"
        return ModuleFacts.model_validate_json(file.read_bytes())

    def _readme_content(self) -> ReadmeContent | None:
        """Return what the readme of the release has; None if it took too much."""
        file = self._output / README_CONTENT
        return ReadmeContent(file.read_text()) if file.exists() else None

    def _other_releases(self) -> dict[str, object]:
        """Return which releases the fields of records are from, and which are missing."""
        files = sorted(self._output.glob("inclusions-*.json"))
        facts = [InclusionFacts.model_validate_json(each.read_bytes()) for each in files]
        took = dict.fromkeys(chain.from_iterable(each.took for each in facts))
        awaited = dict.fromkeys(chain.from_iterable(each.awaited for each in facts))
        return {"took": tuple(took), "awaited": tuple(awaited)}

    def _model(self, module: str) -> ModuleDocs:
        """Return the documentation of a finished module."""
        if module not in self._models:
            document = gzip.decompress(self._document(module).read_bytes())
            self._keep(read_document(document), len(document))
        return self._models[module]

    def _keep(self, docs: ModuleDocs, size: int) -> None:
        if self._kept_bytes + size > MAX_CACHED_DOCUMENT_BYTES:
            self._models.clear()
            self._kept_bytes = 0
        self._models[docs.id] = docs
        self._kept_bytes += size

    @cached_property
    def _read(self) -> tuple[list[ModuleSource], list[UnreadLines]]:
        request = self.request
        sources = source_names(self._archive.names, request.name)
        contents = {each: self._archive.read(each.entry) for each in sources}
        return read_sources(request.name, request.modules, request.texts, contents)

    @cached_property
    def _generator(self) -> DocsGenerator:
        return DocsGenerator(self.request.coordinate, self._read[0], self.request.graph)

    def _is_told_by(self, module: str, unread: str) -> bool:
        """Check whether the notice of `module` says what was not read of another module, which is
        not exported."""
        return unread == module or (
            module == self.request.modules[0] and unread not in self.request.modules
        )

    @cached_property
    def _known_since(self) -> Mapping[str, Mapping[str, str]]:
        file = self._job.folder / BEFORE / SINCE
        return json.loads(file.read_bytes()) if file.exists() else {}

    def _since_of(self, docs: ModuleDocs) -> Mapping[str, str]:
        """Return since which version the symbols of a module exist, by path; empty if that is not
        known."""
        request = self.request
        is_known = not request.before or request.before_is_complete
        added = request.version if is_known and not request.has_unknown_history else ""
        known = self._known_since.get(docs.id, {})
        return {each.path: known.get(each.path, added) for each in _symbols(docs)}

    def _since_text(self, module: str) -> str:
        return (self._output / f"since-{self._number(module)}.json").read_text()

    def _since(self, module: str) -> Mapping[str, str]:
        return json.loads(self._since_text(module))

    def _text(self, path: str) -> str | None:
        entry = self._archive.directory.entries[path]
        if entry.unpacked_bytes > MAX_TEXT_BYTES:
            return None
        return text_of(self._archive.read(path))

    def _readme_folder(self, module: str, text: str) -> str:
        """Return the folder of a readme, by which its relative links are resolved.

        The Go toolchain packs it beside the sources or below `docs`, so it is looked for there.
        """
        if self.request.is_project:
            beginning = f"{self.request.packed_text_folder(module)}/"
            found = (
                each
                for each in self._archive.names
                if each.startswith(beginning) and each.endswith(".md")
            )
            for each in found:
                if self._text(each) == text:
                    return each.rpartition("/")[0]
        return self.request.text_folder(module)

    def _html(self, text: str, folder: str) -> str:
        return render_markdown(text, self.request.place(folder, self._archive.names))

    @contextmanager
    def _pieces(self, name: str) -> Generator[PiecesWriter]:
        path = self._job.output / f"{name}.pieces"
        with path.open("wb") as file:
            writer = PiecesWriter(file)
            yield writer
        PiecesPart(path, writer.places).save()


def _symbols(module: ModuleDocs) -> Iterator[DocsSymbol]:
    """Yield the declarations of a module, and their members."""
    for _, declaration in declared(module):
        yield declaration
        yield from declaration.members()


def highlight_file(job: Job) -> None:
    """Write the file of the job, whose path in the archive is the request, as HTML."""

    def work() -> None:
        text = (job.folder / SOURCE).read_text("utf-8")
        (job.output / SOURCE_PAGE).write_text(highlight(str(job.request), text), "utf-8")

    job.run_last("file", work)
