"""Import of advisories: single ones from JSON, and sets from dumps, which are replaced as a whole.

What is imported is read in the confined process. Its records keep their ids.
"""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.auth.registry_authorization import RegistryAuthorization
from shared.confined.job_files import ADVISORIES, ADVISORY_LINES, MAX_REFUSED_ADVISORIES, OUTPUT
from shared.confined.jobs import ConfinedEnded, ConfinedUnavailable, PartResult
from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.records import (
    ADDED_ADVISORIES,
    MAX_ADDED_TOLD,
    OWNER,
    AdvisorySet,
    StoredAdvisory,
    decoded,
)
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Invalid, Unavailable, printable, quoted
from shared.domain.principals import Principal
from shared.ports.advisories import AdvisoryFiles
from shared.ports.confined_tasks import ConfinedTasks
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.advisories.advisory_index import AdvisoryIndex, lines_of_set_file, set_file
from shared.services.advisories.set_files import AdvisorySetFiles, set_file_name
from shared.services.api_docs.api_docs_generation import job_folder
from shared.services.audited_writes import AuditedWriter, EntityChange

MAX_FILE_BYTES = 256 * 1024 * 1024  # The dump of Maven has 12 MB, that of malware 90.
MAX_SINGLE = 1_000  # Records of one JSON file.

_SET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_NO_SET_NAME = re.compile(r"[^a-z0-9]+")
_DIGEST_LENGTH = 32  # Hexadecimal digits: 128 bits.


class ReadAdvisories(Struct, frozen=True):
    """What the confined process read of a file: advisories as JSON, how many are about nothing that
    is matched here, and the first of those that could not be read, with the reasons."""

    lines: tuple[bytes, ...]
    left_out: int
    refused: tuple[str, ...]


class ImportedAdvisories(Struct, frozen=True):
    """What an import stored: a set, or single records if its name is empty."""

    set_name: str
    records: int
    left_out: int
    refused: tuple[str, ...] = ()


class AdvisoryImport(Struct, frozen=True):
    """Imports advisories for administrators who signed in recently and for maintenance tasks."""

    index: AdvisoryIndex
    directory: DirectoryStore
    files: AdvisoryFiles
    set_files: AdvisorySetFiles
    confined: ConfinedTasks
    registry_authorization: RegistryAuthorization
    audited_writer: AuditedWriter
    clock: Clock
    ecosystem: str  # The OSV ecosystem of the packages of this registry.

    async def import_file(self, name: str, content: bytes, by: Principal) -> ImportedAdvisories:
        """Import a file: each record of JSON replaces the one with its id, and a ZIP archive the
        whole set that has the name of the file, without its ending.

        Raises `advisories-unreadable`, and `advisories-refused`, `too-many-advisories` and
        `advisory-own` for JSON, of which nothing is stored then.
        """
        await self.registry_authorization.require_fresh(by, "import", "advisories")
        if content[:2] == b"PK":
            stem = name.rpartition("/")[2].partition(".")[0].lower()
            set_name = _NO_SET_NAME.sub("-", stem).strip("-")
            return await self.replace_set(set_name, content, source=name, tag="", by=by)
        read = await self.read(name, content)
        if read.refused:
            raise Invalid("advisories-refused", f"Nothing was imported. {read.refused[0]}")
        advisories = [replace(decoded(each), is_imported=True) for each in read.lines]
        if len(advisories) > MAX_SINGLE:
            raise Invalid(
                "too-many-advisories",
                f"{printable(name)} has {len(advisories):,} records, and a JSON file may have "
                f"{MAX_SINGLE:,}. Pack them as a ZIP archive, which is stored as a set.",
            )
        for each in advisories:
            await self._require_foreign(each.id)
        try:
            for each in advisories:
                await self._store(each, by)
        finally:  # Records before a refused one are stored.
            await self.index.say_changed()
        return ImportedAdvisories("", len(advisories), read.left_out)

    async def replace_set(
        self, set_name: str, content: bytes, *, source: str, tag: str, by: Principal
    ) -> ImportedAdvisories:
        """Replace a set by the records of a ZIP archive; a repeat changes nothing. Raises
        `advisories-unreadable`, `advisories-irrelevant` and `invalid-advisory-set`, and changes
        nothing then."""
        if _SET_NAME.fullmatch(set_name) is None:
            raise Invalid(
                "invalid-advisory-set",
                f"{quoted(set_name)} is not the name of a set. It has up to 32 letters, digits and "
                "hyphens, such as maven. Name the file so.",
            )
        read = await self.read(source, content)
        if not read.lines:
            raise Invalid(
                "advisories-irrelevant",
                f"{printable(source)} has no record about a Ballerina package or a Java library. "
                "The set stays as it is.",
            )
        packed = await asyncio.to_thread(set_file, read.lines)
        digest = hashlib.sha256(packed).hexdigest()[:_DIGEST_LENGTH]
        now_ms = self.clock.now_ms()
        new = AdvisorySet(
            name=set_name,
            file=set_file_name(set_name, digest),
            records=len(read.lines),
            left_out=read.left_out,
            refused=read.refused,
            source=source,
            tag=tag,
            imported_ms=now_ms,
            tried_ms=now_ms,
        )
        added = await self._added(set_name, read.lines)
        await self.files.put(new.file, packed)
        before = await self._commit(new, added, by)
        await self.set_files.store_missing(new.file, packed)
        await self.index.say_changed()
        if before and before.file != new.file:
            await self.set_files.delete(before.file)
        return ImportedAdvisories(set_name, new.records, new.left_out, new.refused)

    async def _added(self, set_name: str, lines: Sequence[bytes]) -> tuple[str, ...]:
        """Return the ids of the first live records about packages of this registry that the set did
        not have before: followers are told of them. None for a set that is new as a whole."""
        stored = await self.directory.get(AdvisorySet, Place(OWNER, set_name))
        before = await self.files.get(stored.file) if stored else None
        if before is None:
            return ()
        return await asyncio.to_thread(_added_about, self.ecosystem, lines, before)

    async def remove_set(self, set_name: str, by: Principal) -> None:
        """Remove a set; a repeat changes nothing."""
        await self.registry_authorization.require_fresh(by, "import", "advisories")
        stored = await self.directory.get(AdvisorySet, Place(OWNER, set_name))
        if stored is None:
            return
        change = EntityChange("advisory-set.removed", set_name)
        await self.audited_writer.remove(stored, change=change, by=by)
        await self.index.say_changed()
        await self.set_files.delete(stored.file)

    async def sets(self) -> list[AdvisorySet]:
        return await self.directory.list_by_owner(AdvisorySet, OWNER)

    async def read(self, name: str, content: bytes) -> ReadAdvisories:
        """Return the records of a file, or raise `advisories-unreadable`."""
        if len(content) > MAX_FILE_BYTES:
            size = f"{len(content):,} bytes, and may have {MAX_FILE_BYTES:,}"
            raise _unreadable(name, reason=f"it has {size}")
        try:
            async with job_folder() as folder:
                await asyncio.to_thread((folder / ADVISORIES).write_bytes, content)
                parts = await self.confined.run("advisories", folder, None)
                return await asyncio.to_thread(_result, name, folder, parts)
        except ConfinedEnded:
            raise _unreadable(name, reason="it ends the process that reads it") from None
        except ConfinedUnavailable:
            raise Unavailable(
                "confined-unavailable",
                "The process that reads advisories does not start. Try again later.",
            ) from None

    async def _require_foreign(self, advisory_id: str) -> None:
        stored = await self.directory.get(StoredAdvisory, Place(OWNER, advisory_id))
        if stored is not None and not stored.advisory.is_imported:
            raise _own(advisory_id, "Nothing was imported.")

    @retried_when_stale
    async def _store(self, advisory: Advisory, by: Principal) -> None:
        stored = await self.directory.get(StoredAdvisory, Place(OWNER, advisory.id))
        change = EntityChange(
            "advisory.imported", advisory.id, details={"summary": advisory.summary}
        )
        if stored is None:
            await self.audited_writer.add(StoredAdvisory.of(advisory), change=change, by=by)
        elif not stored.advisory.is_imported:  # Somebody wrote it since the file was checked.
            raise _own(advisory.id, "Records before it in the file were imported.")
        elif stored.advisory != advisory:
            changed = stored.with_content(advisory)
            await self.audited_writer.replace(changed, change=change, by=by)

    @retried_when_stale
    async def _commit(
        self, new: AdvisorySet, added: Sequence[str], by: Principal
    ) -> AdvisorySet | None:
        """Store the record of a set, and return the one before."""
        before = await self.directory.get(AdvisorySet, new.place)
        details = {"records": str(new.records), "source": new.source}
        if added:
            details[ADDED_ADVISORIES] = " ".join(added)
        change = EntityChange("advisory-set.imported", new.name, details=details)
        if before is None:
            await self.audited_writer.add(new, change=change, by=by)
        elif before.file == new.file:
            kept = {"tried_ms": new.tried_ms, "tag": new.tag, "source": new.source, "failure": ""}
            await self.directory.replace(before.model_copy(update=kept))
        else:
            stored = new.model_copy(update={"revision": before.revision, "outbox": before.outbox})
            await self.audited_writer.replace(stored, change=change, by=by)
        return before


def _added_about(ecosystem: str, lines: Sequence[bytes], before: bytes) -> tuple[str, ...]:
    # Most records of a set are about Java libraries, and are not parsed for this.
    named = msgspec.json.encode(ecosystem)
    had = {decoded(line).id for line in lines_of_set_file(before) if named in line}
    found = (decoded(line) for line in lines if named in line)
    added = (
        each.id
        for each in found
        if each.id not in had
        and each.is_live
        and any(affected.ecosystem == ecosystem for affected in each.affected)
    )
    return tuple(islice(added, MAX_ADDED_TOLD))


def _own(advisory_id: str, done: str) -> Conflict:
    return Conflict(
        "advisory-own",
        f"{advisory_id} is an advisory that was written here. {done} Change it on its page, or "
        "leave it out of the file.",
    )


def _result(name: str, folder: Path, parts: Sequence[PartResult]) -> ReadAdvisories:
    """Return what the confined process wrote; it is checked, whatever it is."""
    left_out = 0
    refused = list[str]()
    for each in parts:
        if each.refused is not None:
            raise _unreadable(name, reason=each.refused)
        result = cast("dict[str, Any]", each.result)
        if problem := result.get("problem"):
            raise _unreadable(name, reason=printable(str(problem)))
        left_out += int(result.get("left_out", 0))
        refused += [str(reason) for reason in result.get("refused", ())]
    lines = list[bytes]()
    for file in sorted((folder / OUTPUT).glob(f"*{ADVISORY_LINES}")):
        lines += [line for line in file.read_bytes().split(b"\n") if line]
    for line in lines:
        decoded(line)
    return ReadAdvisories(tuple(lines), left_out, tuple(refused[:MAX_REFUSED_ADVISORIES]))


def _unreadable(name: str, reason: str) -> Invalid:
    return Invalid(
        "advisories-unreadable",
        f"{printable(name)} cannot be read: {reason}. Nothing was imported. Get it again.",
    )
