"""The task `advisories`: reads records of OSV that somebody sent, a JSON file or a ZIP archive of
such files, and writes those that are about Ballerina packages or Java libraries as lines.

A ZIP archive is a dump of another database: single records of it that cannot be read are left out
and named. If the archive itself is damaged, nothing of it is read.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from shared.confined.job_files import ADVISORIES, ADVISORY_LINES, MAX_REFUSED_ADVISORIES, OUTPUT
from shared.confined.jobs import Json
from shared.confined.tasks import Job
from shared.domain.advisories.advisories import (
    MAVEN,
    MAX_ADVISORY_BYTES,
    Advisory,
    is_ballerina,
)
from shared.domain.advisories.osv import parse_osv
from shared.domain.advisories.records import encoded
from shared.domain.errors.base import Invalid, printable

ENTRIES = "entries.json"
RECORDS_OF_A_PART = 1_000
MAX_RECORDS = 500_000
_REASON_LENGTH = 300  # Characters.

# What a record about an ecosystem that we match has somewhere; parsing takes fifty times as long.
_MARKS = (b'"Maven', b'"Ballerina')


def read_advisories(job: Job) -> None:
    reading = _Reading(job)
    job.run("open", reading.open)
    for start in range(0, len(reading.entries), RECORDS_OF_A_PART):
        job.run(f"records {start}", partial(reading.records, start))


class _Reading:
    """The reading of one file. A process that was started again opens it again."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._input = job.folder / ADVISORIES
        with self._input.open("rb") as file:
            self._is_zip = file.read(2) == b"PK"

    def open(self) -> Json:
        """Write the names of the records, or return what is wrong with the whole file."""
        try:
            names = self._zip_names() if self._is_zip else self._json_names()
        except (zipfile.BadZipFile, msgspec.DecodeError, UnicodeDecodeError) as error:
            return {"problem": _reason(str(error))}
        except RecursionError:
            return {"problem": "its values are nested too deeply"}
        if len(names) > MAX_RECORDS:
            return {"problem": f"it has {len(names):,} records, and may have {MAX_RECORDS:,}"}
        (self._job.output / ENTRIES).write_text(json.dumps(names), "utf-8")
        return {"entries": len(names)}

    @property
    def entries(self) -> Sequence[str]:
        """The names of the records; empty if the file could not be opened."""
        file = self._job.folder / OUTPUT / ENTRIES
        return json.loads(file.read_text("utf-8")) if file.exists() else []

    def records(self, start: int) -> Json:
        """Write some records as lines, and return what became of the others."""
        left_out = 0
        refused = list[str]()
        lines = list[str]()
        names = self.entries[start : start + RECORDS_OF_A_PART]
        try:
            for name, content in self._contents(names):
                try:
                    advisory = _read(content)
                except Invalid as refusal:
                    refused.append(f"{printable(name)}: {_reason(str(refusal))}")
                    continue
                if advisory is None:
                    left_out += 1
                else:
                    lines.append(encoded(advisory))
        # An encrypted entry is a `RuntimeError`, and so is one that is compressed in another way.
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            return {"problem": _reason(str(error))}
        (self._job.output / f"{start:09}{ADVISORY_LINES}").write_text("\n".join(lines), "utf-8")
        return {
            "left_out": left_out,
            "refused": refused[:MAX_REFUSED_ADVISORIES],
            "count": len(refused),
        }

    def _zip_names(self) -> list[str]:
        with zipfile.ZipFile(self._input) as archive:
            infos = [each for each in archive.infolist() if each.filename.endswith(".json")]
            return [each.filename for each in infos]

    def _json_names(self) -> list[str]:
        return [f"record {number + 1}" for number in range(len(self._listed()))]

    def _listed(self) -> list[msgspec.Raw]:
        """Return the records of a JSON file: one, or a list of them."""
        content = self._input.read_bytes()
        if content.lstrip()[:1] == b"[":
            return msgspec.json.decode(content, type=list[msgspec.Raw])
        return [msgspec.json.decode(content, type=msgspec.Raw)]

    def _contents(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        if not self._is_zip:
            listed = self._listed()
            for name in names:
                yield name, bytes(listed[int(name.removeprefix("record ")) - 1])
            return
        with zipfile.ZipFile(self._input) as archive:
            for name in names:
                with archive.open(name) as entry:
                    # At its end an entry is compared with its checksum.
                    yield name, entry.read(MAX_ADVISORY_BYTES + 1)


def _read(content: bytes) -> Advisory | None:
    """Return the advisory, or None if it is about nothing that is here; raise `Invalid`."""
    if len(content) <= MAX_ADVISORY_BYTES and not any(mark in content for mark in _MARKS):
        return None
    advisory = parse_osv(content)
    is_ours = any(_is_matched(each.ecosystem) for each in advisory.affected)
    return advisory if is_ours else None


def _is_matched(ecosystem: str) -> bool:
    return is_ballerina(ecosystem) or ecosystem.partition(":")[0] == MAVEN


def _reason(text: str) -> str:
    return text if len(text) <= _REASON_LENGTH else f"{text[:_REASON_LENGTH]}…"
