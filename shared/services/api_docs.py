"""API documentation: the documents of modules, for those who may see their packages."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from shared.auth.authorization import Authorization
from shared.caching import SingleFlight
from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.archives.names import Digest
from shared.domain.documents import unpacked_length
from shared.domain.errors.base import InvalidName, InvalidVersion
from shared.domain.errors.packages import ApiDocsFailed, ModuleNotFound
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, Package, parse_module_name, parse_org, possible_packages
from shared.domain.packages import Head, Release, ReleaseEntry, State, Survey, Visibility
from shared.domain.versions import Version
from shared.ports import DocumentStore, PackageReader
from shared.services.api_docs_generation import ApiDocsGeneration

if TYPE_CHECKING:
    from shared.domain.api_docs.comparison import ApiComparison
    from shared.domain.api_docs.model import ModuleDocs

Value = TypeVar("Value")

# Documentation of 64 MB takes 600 MB of memory, so that few are read at the same time.
CONCURRENT_READERS = 2
_readers = ThreadPoolExecutor(CONCURRENT_READERS, thread_name_prefix="api-docs-reader")

MAX_CANDIDATES = 8  # Packages that may have a module; no known module has four parts.


@dataclass(frozen=True, slots=True)
class ModuleName:
    """A module of a version, as a client names it; the package is not named."""

    org: str
    module: str
    version: str

    def packages(self) -> list[Package]:
        """Return the packages that may have the module, the longest name first."""
        org, module = parse_org(self.org), parse_module_name(self.module)
        return [Package(org, name) for name in possible_packages(module)][:MAX_CANDIDATES]


@dataclass(frozen=True, slots=True)
class DocumentedModule:
    """A module of a live release that the caller may see."""

    head: Head
    entry: ReleaseEntry
    module: str

    @property
    def digest(self) -> Digest:
        return Digest(self.entry.digest)

    @property
    def is_public(self) -> bool:
        return self.head.visibility is Visibility.PUBLIC


@dataclass(frozen=True, slots=True)
class ModuleDocument:
    """The document of a module as it is stored: a gzip file."""

    gzipped: bytes
    is_public: bool

    @property
    def unpacked_length(self) -> int:
        return unpacked_length(self.gzipped)


@dataclass(frozen=True)
class ApiDocs:
    """Reads the API documentation of releases.

    Documentation that is not made yet is made at once. Private, withheld and missing packages are
    the same `ModuleNotFound`.
    """

    authorization: Authorization
    records: PackageReader
    documents: DocumentStore
    generation: ApiDocsGeneration
    # To be held by what keeps much unpacked documentation in memory until it responds.
    large_answers: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(CONCURRENT_READERS), init=False
    )
    _reading: "SingleFlight[ModuleDocs]" = field(
        default_factory=SingleFlight["ModuleDocs"], init=False
    )

    async def document(self, name: ModuleName, *, by: Principal) -> ModuleDocument:
        """Return the document of a module. Two trips.

        Raises `ModuleNotFound`, `ApiDocsFailed` or `ApiDocsPending`.
        """
        found = await self.find(name, by=by)
        return ModuleDocument(await self._found(found), found.is_public)

    async def module(self, name: ModuleName, *, by: Principal) -> "ModuleDocs":
        """Return the documentation of a module; raise as `document` does."""
        return await self.read(await self.find(name, by=by))

    async def read(self, found: DocumentedModule) -> "ModuleDocs":
        """Return the documentation of a module that was found."""
        return await self._read(await self._found(found))

    async def of_release(self, release: Release, module: str) -> "ModuleDocs":
        """Return the documentation of a module of a release that the caller may see; raise
        `ApiDocsFailed` or `ApiDocsPending`."""
        return await self._read(await self._content(release.content, release.coordinate, module))

    async def record(self, release: Release) -> ApiDocsRecord:
        """Return the state of the documentation of a release."""
        record = await self.documents.api_docs_record(release.content)
        return record or ApiDocsRecord(state=DocsState.PENDING, generator=0)

    async def compare(
        self, package: Package, before: ReleaseEntry, after: ReleaseEntry
    ) -> "ApiComparison":
        """Compare two releases of a package that the caller may see; raise `ApiDocsFailed` or
        `ApiDocsPending` if one of them has no documentation."""
        old, new = await asyncio.gather(*(self._modules(package, each) for each in (before, after)))
        return await self.in_reader(partial(_compare, (before.parsed, old), (after.parsed, new)))

    async def _modules(self, package: Package, entry: ReleaseEntry) -> "list[ModuleDocs]":
        digest, coordinate = Digest(entry.digest), package.at(entry.parsed)
        return [
            await self._read(await self._content(digest, coordinate, module))
            for module in entry.modules
        ]

    async def lists(self, release: Release, key: str) -> list[str]:
        """Return a list of each module of a release as JSON, by its key in the document; of a
        module without a document it is empty. One trip for each module."""
        digest = release.content
        contents = [await self.documents.api_docs(digest, each) for each in release.modules]
        if None in contents:
            await self.generation.require(release.coordinate)
            contents = [await self.documents.api_docs(digest, each) for each in release.modules]
        return await self.in_reader(partial(_lists, contents, key))

    async def in_reader(self, work: Callable[[], Value]) -> Value:
        """Do work that unpacks documentation; others wait until few do."""
        return await asyncio.get_running_loop().run_in_executor(_readers, work)

    async def find(self, name: ModuleName, *, by: Principal) -> DocumentedModule:
        """Return the release that has the module, or raise `ModuleNotFound`. One trip."""
        missing = ModuleNotFound(name.org, name.module, name.version)
        try:
            packages, version = name.packages(), Version.parse(name.version)
        except (InvalidName, InvalidVersion):
            raise missing from None
        surveys = await self.records.survey(packages, [each.at(version) for each in packages])
        requested = list(zip(packages, surveys, strict=True))
        found = _find(await self.authorization.visible(by, requested), name.module, version)
        if found is None:
            raise missing
        return found

    async def _read(self, content: bytes) -> "ModuleDocs":
        """Return the documentation of a document; all who ask for it at once share it."""
        return await self._reading.answer(content, lambda: self.in_reader(partial(_read, content)))

    async def _found(self, found: DocumentedModule) -> bytes:
        coordinate = found.head.package.at(found.entry.parsed)
        return await self._content(found.digest, coordinate, found.module)

    async def _content(self, digest: Digest, coordinate: Coordinate, module: str) -> bytes:
        content = await self.documents.api_docs(digest, module)
        if content is not None:
            return content
        record = await self.generation.require(coordinate)
        content = await self.documents.api_docs(digest, module)
        if content is None or record.state is DocsState.FAILED:
            raise ApiDocsFailed(coordinate, record.reason or "the archive has no sources")
        return content


def _find(surveys: Iterable[Survey], module: str, version: Version) -> DocumentedModule | None:
    for survey in surveys:
        for entry in survey.entries:
            if entry.version == version.text and entry.state is State.LIVE:
                names = (each for each in entry.modules if each.lower() == module.lower())
                if name := next(names, None):
                    return DocumentedModule(survey.head, entry, name)
    return None


def _lists(contents: Iterable[bytes | None], key: str) -> list[str]:
    return [_list(each, key) if each else "[]" for each in contents]


def _list(content: bytes, key: str) -> str:
    [module] = json.loads(gzip.decompress(content))["docsData"]["modules"]
    return json.dumps(module[key], separators=(",", ":"))


def _compare(
    before: "tuple[Version, list[ModuleDocs]]", after: "tuple[Version, list[ModuleDocs]]"
) -> "ApiComparison":
    from shared.domain.api_docs.comparison import compare  # noqa: PLC0415 - few requests need it.

    return compare(before, after)


def _read(content: bytes) -> "ModuleDocs":
    from shared.domain.api_docs.documents import read_document  # noqa: PLC0415 - few requests need it.

    return read_document(gzip.decompress(content))
