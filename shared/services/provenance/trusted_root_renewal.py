"""The renewal of the trusted root of Sigstore's public good instance, by The Update Framework."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from shared.confined.job_files import FETCHED, METADATA, OUTPUT, TRUSTED_ROOT
from shared.confined.jobs import ConfinedUnavailable, PartResult
from shared.domain.errors.base import printable
from shared.domain.provenance.trusted_roots import PublicGoodRoot
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import HttpClient, Unanswered
from shared.ports.system import Clock
from shared.services.api_docs.api_docs_generation import job_folder
from shared.services.provenance.trusted_roots import TrustedRoots

SERVER = "https://tuf-repo-cdn.sigstore.dev"
TASK = "sigstore-root"
# Files of one renewal; a registry that was off for years downloads about a dozen roots.
MAX_FILES = 64
MAX_STORED_BYTES = 512 * 1024  # The size of all files together; they have about 60 KB.
_NAME = re.compile(r"(?:targets/)?[0-9A-Za-z._-]{1,150}")
_OK = 200
_UNAVAILABLE = "the confined process is not available"
_NOT_THERE = (403, 404)


class RootNotRenewed(Exception):
    """The root could not be renewed; the text is a clause that says why. The last one stays."""


class TrustedRootRenewal(Struct, frozen=True):
    """Renews the root of the public good instance, once a bundle came."""

    roots: TrustedRoots
    directory: DirectoryStore
    confined: ConfinedTasks
    fetcher: HttpClient
    clock: Clock

    async def renew(self) -> PublicGoodRoot | None:
        """Renew the root and return it; None if nobody needs it yet, or if the operator has files.

        Nothing is fetched then. If it fails, the last root stays, with the failure.
        """
        stored = await self.roots.stored() if self.roots.is_renewed else None
        if stored is None:
            return None
        try:
            async with job_folder() as folder:
                root, metadata = await self._fetch(folder, stored)
        except ConfinedUnavailable:
            changed = stored.model_copy(update={"failure": _UNAVAILABLE})
        except (RootNotRenewed, Unanswered) as reason:
            changed = stored.model_copy(update={"failure": printable(str(reason))})
        else:
            changed = stored.model_copy(
                update={
                    "root": root,
                    "metadata": metadata,
                    "renewed_ms": self.clock.now_ms(),
                    "failure": "",
                }
            )
        with suppress(Stale):  # Another process renewed it at the same time.
            return await self.directory.replace(changed)
        return changed

    async def _fetch(self, folder: Path, stored: PublicGoodRoot) -> tuple[str, Mapping[str, str]]:
        await asyncio.to_thread(_write_metadata, folder, stored.metadata)
        missing = list[str]()
        for _ in range(MAX_FILES):
            parts = await self.confined.run(TASK, folder, missing)
            name = _needed(parts)
            if not name:
                return await asyncio.to_thread(_read_output, folder / OUTPUT)
            answer = await self.fetcher.get(f"{SERVER}/{name}", {})
            if answer.status in _NOT_THERE:
                missing.append(name)
            elif answer.status == _OK:
                file = folder / FETCHED / name.replace("/", "_")
                await asyncio.to_thread(file.write_bytes, answer.body)
            else:
                reason = f"{SERVER}/{name} answered {answer.status}"
                raise RootNotRenewed(reason)
        reason = f"it takes more than {MAX_FILES} files"
        raise RootNotRenewed(reason)


def _needed(parts: Sequence[PartResult]) -> str:
    """Return the file that the job needs; empty if it has the root. Whatever the confined process
    says is checked."""
    for part in parts:
        match part.result:
            case {"renewed": True}:
                return ""
            case {"needed": str(name)} if _NAME.fullmatch(name):
                return name
            case {"failed": str(reason)}:
                raise RootNotRenewed(reason)
            case _:
                raise RootNotRenewed(part.refused or "what was fetched cannot be read")
    reason = "what was fetched cannot be read"
    raise RootNotRenewed(reason)


def _write_metadata(folder: Path, metadata: Mapping[str, str]) -> None:
    (folder / FETCHED).mkdir()
    (folder / METADATA).mkdir()
    for name, text in metadata.items():
        (folder / METADATA / name).write_text(text, "utf-8")


def _read_output(folder: Path) -> tuple[str, Mapping[str, str]]:
    files = sorted(folder.glob("*.json"))
    if sum(each.stat().st_size for each in files) > MAX_STORED_BYTES:
        reason = f"the files have more than {MAX_STORED_BYTES // 1024} KiB"
        raise RootNotRenewed(reason)
    try:
        texts = {each.name: each.read_text("utf-8") for each in files}
        return texts.pop(TRUSTED_ROOT), texts
    except (KeyError, ValueError):
        reason = "what was fetched cannot be read"
        raise RootNotRenewed(reason) from None
