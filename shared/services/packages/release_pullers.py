"""Who pulled the releases that are so young that their owners can erase them."""

import asyncio

from msgspec import Struct

from shared.auth.signing_keys import SigningKeys
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.release_pullers import MAX_PULLERS_OF_ERASED, ReleasePullers, is_erasable_at
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.lru_cache import LruCache
from shared.runtime.retries import retried_when_stale

# Young releases whose pullers wait to be stored; each has at most eleven pullers.
MAX_YOUNG_RELEASES = 10_000
RELEASES_WRITTEN_AT_ONCE = 16  # On one machine they share a transaction.

_NOBODY = frozenset[str]()
_PULLER_LENGTH = 16  # Characters of a signature: two of eleven pullers never have the same.


class _PullersOfRelease(Struct, frozen=True):
    coordinate: Coordinate
    published_ms: int
    pullers: set[str]  # Hashes of the pullers that are not stored yet.


class ReleasePullerRecorder:
    """Keeps who pulled young releases: as keyed hashes, a few for each release.

    A pull only adds to memory; `flush` reads and writes the records of the releases with new
    pullers, and none of a release that has many.
    """

    def __init__(self, directory: DirectoryStore, clock: Clock, keys: SigningKeys) -> None:
        """Hash pullers with a key of their own."""
        self._directory = directory
        self._clock = clock
        self._signer = keys.signer("pullers")
        self._pending = dict[str, _PullersOfRelease]()  # By the key of the release.
        # What this process has stored. Other processes may have stored more.
        self._known = LruCache[str, frozenset[str]](MAX_YOUNG_RELEASES)

    def add(self, coordinate: Coordinate, who: str, published_ms: int, *, key: str = "") -> None:
        """Remember a puller of a release, if the release is young; `key` is that of the coordinate,
        if the caller has it. Never waits."""
        if not is_erasable_at(published_ms, self._clock.now_ms()):
            return
        key = key or coordinate.key
        pending = self._pending.get(key)
        if pending is not None and (
            who in pending.pullers or len(pending.pullers) > MAX_PULLERS_OF_ERASED
        ):
            return
        known = self._known.get(key) or _NOBODY
        if who in known or len(known) > MAX_PULLERS_OF_ERASED:
            return
        if pending is None:
            if len(self._pending) >= MAX_YOUNG_RELEASES:
                return
            pending = self._pending[key] = _PullersOfRelease(coordinate, published_ms, set())
        pending.pullers.add(who)

    async def flush(self) -> None:
        """Write the pullers since the last flush; keep those of each release that fails.

        Raises `SigningKeyUnavailable`, and what its store raises.
        """
        if not self._pending:
            return
        await self._signer.ready()
        failures = list[BaseException]()
        waiting = list(self._pending.items())
        for start in range(0, len(waiting), RELEASES_WRITTEN_AT_ONCE):
            batch = waiting[start : start + RELEASES_WRITTEN_AT_ONCE]
            outcomes = await asyncio.gather(
                *(self._flush_release(key, release) for key, release in batch),
                return_exceptions=True,
            )
            failed = [each for each in outcomes if each is not None]
            failures += failed
            if len(failed) == len(batch):
                break  # The store does not answer.
        if failures:
            raise failures[0]

    async def _flush_release(self, key: str, release: _PullersOfRelease) -> None:
        # Moved to the end, so that after a failure the next flush begins with other releases.
        self._pending[key] = self._pending.pop(key)
        written = frozenset(release.pullers)
        await self._write(release.coordinate, release.published_ms, written)
        known = self._known.get(key) or _NOBODY
        self._known.put(key, known | written)
        if release.pullers <= written:  # Otherwise more pullers were added meanwhile.
            del self._pending[key]

    @retried_when_stale
    async def _write(
        self, coordinate: Coordinate, published_ms: int, pullers: frozenset[str]
    ) -> None:
        signed = sorted(self._signer.sign(each)[:_PULLER_LENGTH] for each in pullers)
        stored = await self._directory.get(ReleasePullers, release_place(coordinate))
        package = coordinate.package
        current = stored or ReleasePullers(
            org=package.org,
            name=package.name,
            version=coordinate.version.text,
            pullers=(),
            published_ms=published_ms,
        )
        changed = current.with_pullers(signed)
        if stored is None:
            await self._directory.add(changed)
        elif changed is not current:
            await self._directory.replace(changed)
