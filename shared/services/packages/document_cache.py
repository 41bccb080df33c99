"""A cache of documents that are made of the releases of a package."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from shared.domain.documents import DerivedDocument
from shared.domain.packages import Survey
from shared.runtime.lru_cache import LruCache

DOCUMENTS_CACHED_BYTES = 32 * 1024 * 1024  # The whole public index has about 4 MB.
ENTRIES_ON_THE_LOOP = 200  # A document of 200 entries is made in two milliseconds.


class _CachedDocument(Struct, frozen=True):
    """A document, and the revision of the package that it is made of."""

    document: DerivedDocument
    revision: int

    @property
    def size(self) -> int:
        return 2 * len(self.document.content)  # With its gzip file, which may be made later.


class DocumentCache:
    """Makes one kind of document of packages, and caches those that were used last."""

    def __init__(
        self, make: Callable[[Survey], bytes], capacity: int = DOCUMENTS_CACHED_BYTES
    ) -> None:
        """Make documents by `make`, a pure function, and cache up to `capacity` bytes of them."""
        self._make = make
        self._documents = LruCache[str, _CachedDocument](
            capacity, weigh=lambda _, cached: cached.size
        )
        self._making = asyncio.Lock()

    async def document(self, survey: Survey) -> DerivedDocument:
        key = _document_key(survey)
        revision = survey.revision
        document = self._cached(key, revision) or await self._make_document(survey, revision)
        self._documents.put(key, _CachedDocument(document, revision))
        return document

    def _cached(self, key: str, revision: int) -> DerivedDocument | None:
        cached = self._documents.get(key)
        return cached.document if cached and cached.revision == revision else None

    async def _make_document(self, survey: Survey, revision: int) -> DerivedDocument:
        if len(survey.entries) <= ENTRIES_ON_THE_LOOP:
            return self._document(survey)
        async with self._making:  # If several callers wait for one document, it is made once.
            key = _document_key(survey)
            document = self._cached(key, revision)
            return document or await asyncio.to_thread(self._large_document, survey)

    def _large_document(self, survey: Survey) -> DerivedDocument:
        return self._document(survey).with_gzip()

    def _document(self, survey: Survey) -> DerivedDocument:
        return DerivedDocument.of(self._make(survey), survey.changed_ms)


def _document_key(survey: Survey) -> str:
    """Return the key of the document of a package. A document that names the successor of the
    package has a key of its own."""
    head = survey.head
    return f"{head.key} {head.successor}" if head.successor else head.key
