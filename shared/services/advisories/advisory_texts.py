"""The details of advisories as HTML. Strangers write them, so the confined process renders them,
once, and the HTML is stored."""

import asyncio
from datetime import timedelta
from functools import partial
from hashlib import sha256

from msgspec import Struct

from shared.confined.job_files import OUTPUT, SOURCE, SOURCE_PAGE
from shared.domain.archives.digests import Digest
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.documents import DocumentStore
from shared.prose.rendering import renderer_version
from shared.prose.safe_html import SafeHtml
from shared.services.api_docs.api_docs_generation import job_folder
from shared.services.api_docs.on_demand import REFUSED, OnDemandJobs

PATIENCE = timedelta(seconds=2)  # A short text takes some milliseconds once the renderer is loaded.
_PREFIX = "details"
_NAME = "advisory"


class AdvisoryTexts(Struct, frozen=True):
    """Renders details of advisories, each when somebody first asks for them."""

    documents: DocumentStore
    confined: ConfinedTasks
    jobs: OnDemandJobs

    async def html(self, text: str) -> SafeHtml | None:
        """Return the text as HTML; None as long as there is none, and if the confined process
        refused it: a page shows the text itself then."""
        if not text:
            return SafeHtml("")
        digest = Digest(sha256(text.encode()).hexdigest())
        stored = await self._stored(digest)
        if stored is None:
            key = f"{_NAME} {digest}"
            self.jobs.start(key, partial(self._make, digest, text))
            await self.jobs.wait(key, PATIENCE)
            stored = await self._stored(digest)
        return None if stored is None or stored.startswith(REFUSED) else SafeHtml(stored)

    async def _stored(self, digest: Digest) -> str | None:
        version = renderer_version().encode()
        stored = await self.documents.rendering(digest, _NAME)
        if stored is None or not stored.startswith(version):
            return None
        return stored[len(version) :].decode()

    async def _make(self, digest: Digest, text: str) -> None:
        async with job_folder() as folder:
            await asyncio.to_thread((folder / SOURCE).write_text, text, "utf-8")
            [part] = await self.confined.run("markdown", folder, _PREFIX)
            page = folder / OUTPUT / SOURCE_PAGE
            content = f"{REFUSED}{part.refused}"
            if not part.refused:
                content = await asyncio.to_thread(page.read_text, "utf-8")
        stored = (renderer_version() + content).encode()
        await self.documents.put_rendering(digest, _NAME, stored)
