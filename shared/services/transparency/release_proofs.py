"""The proof that the log has a release, which everybody can verify offline."""

import json
from datetime import timedelta

from msgspec import Struct

from shared.domain.errors.base import Unavailable
from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.packages import Release
from shared.domain.releases import publications_of
from shared.domain.times import MS
from shared.domain.transparency.encodings import base64_of
from shared.domain.transparency.leaves import FIRST_KINDS, LoggedEvent
from shared.domain.transparency.log_proofs import LogProof
from shared.domain.transparency.log_states import LogState
from shared.domain.transparency.proof_steps import ProofStep, proof_steps
from shared.domain.transparency.records import (
    ReleaseProof,
    id_of_log,
    id_of_release,
    release_proof_place,
)
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.system import Clock
from shared.runtime.lru_cache import LruCache
from shared.services.limits.notices import ReadOnlyMode
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.published_checkpoints import PublishedCheckpoints

PROOFS_CACHED = 2_000  # Proofs in memory; each takes about 2 KB.
# How long proofs of the previous log may still be given after a new log began.
STATE_CACHED_FOR = timedelta(minutes=1)


class LoggedRelease(Struct, frozen=True):
    """The entry of a release, and the proof that the log has it."""

    entry: bytes
    proof: LogProof
    says_published: bool  # Whether everybody reads in the entry that the release was published.

    @property
    def number(self) -> int:
        """The line of the log, counted from 1."""
        return self.proof.index + 1

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.proof.checkpoint.origin

    @property
    def size(self) -> int:
        """How many entries the log had with which it is proven."""
        return self.proof.checkpoint.size

    @property
    def root(self) -> str:
        """The hash that is signed."""
        return base64_of(self.proof.checkpoint.root)

    @property
    def hashes(self) -> list[str]:
        """Those of the proof, from the entry to the root."""
        return list(map(base64_of, self.proof.hashes))

    @property
    def steps(self) -> list[ProofStep]:
        """The way from the entry to the root."""
        return proof_steps(self.proof.index, self.size)


class ReleaseProofs:
    """Finds the entries of releases in the log that is written.

    The proof that a release was published never changes: the writer of the log stores it (see
    `NewProofs`), or else the first process that makes it, and each keeps it in memory until another
    log follows. That of an entry that is not public is kept in memory until the release changes,
    since a change may publish it.
    """

    def __init__(
        self,
        *,
        directory: DirectoryStore,
        events: EventReader,
        reader: LogReader,
        published: PublishedCheckpoints,
        read_only_mode: ReadOnlyMode,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._events = events
        self._reader = reader
        self._published = published
        self._read_only_mode = read_only_mode
        self._clock = clock
        self._known = LruCache[str, LoggedRelease](PROOFS_CACHED)
        self._state: LogState | None = None
        self._state_until_ms = 0

    async def find(self, release: Release) -> LoggedRelease | None:
        """Return the entry of a release with its proof; None while it is being logged, and for one
        that is not stored here. Callers check who may see the release."""
        if not release.is_stored:
            return None
        state = await self._written()
        if state is None:
            return None
        key = id_of_release(release.coordinate, release.digest)
        key_of_change = f"{key}@{release.revision}"
        for each in (key, key_of_change):
            kept = self._known.get(each)
            if kept is not None and kept.origin == state.origin:
                return kept
        found = await self._stored(key, state.origin)
        if found is None:
            found = await self._read(state, release)
            if found is not None and found.says_published:
                found = await self._store(key, found)
        if found is not None:
            self._known.put(key if found.says_published else key_of_change, found)
        return found

    async def _written(self) -> LogState | None:
        """Return the log that is written, or was a minute ago: its name, its folder and its
        segments change only when it is mended."""
        if self._state is None or self._clock.now_ms() >= self._state_until_ms:
            self._state = await self._reader.state()
            self._state_until_ms = self._clock.now_ms() + STATE_CACHED_FOR // MS
        return self._state

    async def _stored(self, key: str, origin: str) -> LoggedRelease | None:
        """Return the proof that a process stored; None if there is none that verifies."""
        place = release_proof_place(key, id_of_log(origin))
        stored = await self._directory.get(ReleaseProof, place)
        if stored is None:
            return None
        entry = stored.entry.encode()
        try:
            proof = LogProof.parse(stored.proof)
            proof.require_entry(entry)
        except (NoteUnreadable, ProofRefused):
            return None
        # Proofs of other entries are not stored.
        return LoggedRelease(entry, proof, says_published=True)

    async def _store(self, key: str, found: LoggedRelease) -> LoggedRelease:
        """Store a proof, and return the one that is stored: that of another process, if it was
        faster."""
        record = ReleaseProof(
            release=key,
            log=id_of_log(found.origin),
            entry=found.entry.decode(),
            proof=found.proof.text,
        )
        try:
            await self._read_only_mode.require_changes_allowed()
            await self._directory.add(record)
        except AlreadyThere:
            return await self._stored(key, found.origin) or found
        except Unavailable:  # As in read-only mode and on a full disk: another process stores it.
            return found
        return found

    async def _read(self, state: LogState, release: Release) -> LoggedRelease | None:
        """Return the first entry of the release that says that it was published; else, as for a
        private one, its first entry."""
        origin = release.upstream
        since_ms = origin.first_seen_ms if origin else release.created_ms
        first: LoggedRelease | None = None
        for event_id in publications_of(release):
            event = await self._events.find(event_id, since_ms)
            if event is None:
                return first
            found = await self._proven(state, event)
            if found is None or found.says_published:
                return found
            first = first or found
        return first

    async def _proven(self, state: LogState, event: LoggedEvent) -> LoggedRelease | None:
        if event.leaf is None:
            return None
        entry = event.leaf.leaf
        index = state.index_of(event.number)
        # After a restore the first checkpoint may be unknown: then that of now proves the entry.
        first = await self._published.first_with(state.origin, index)
        proof = await self._reader.proof(state, index, entry, first)
        return proof and LoggedRelease(entry, proof, _says_published(entry))


def _says_published(entry: bytes) -> bool:
    kind: object = json.loads(entry).get("kind")
    return kind in FIRST_KINDS
