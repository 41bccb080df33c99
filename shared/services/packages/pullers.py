"""Pullers: who pulled the releases that are so young that their owners can erase them."""

from shared.auth.signing_keys import SigningKeys
from shared.domain.names import Coordinate, release_place
from shared.domain.releases import MAX_PULLERS_OF_ERASED, ReleasePullers, is_erasable_at
from shared.ports import Clock, DirectoryStore
from shared.runtime.caching import LruCache
from shared.runtime.retries import retried_when_stale

MAX_YOUNG_RELEASES = 10_000  # Whose pullers wait for a store; each has eleven at most.

_PULLER_LENGTH = 16  # Characters of a signature: two of eleven pullers are never alike.


class PullerRecords:
    """Keeps who pulled young releases: as keyed hashes, a few for each release.

    A pull only adds to memory; `flush` reads and writes the records of the releases with new
    pullers, and none of a release that has many.
    """

    def __init__(self, directory: DirectoryStore, clock: Clock, keys: SigningKeys) -> None:
        """Hash pullers with a key of their own."""
        self._directory = directory
        self._clock = clock
        self._signer = keys.signer("pullers")
        self._pending = dict[Coordinate, tuple[int, set[str]]]()
        # What is stored already, by this process. Another one may have stored more.
        self._known = LruCache[str, frozenset[str]](MAX_YOUNG_RELEASES)

    def add(self, coordinate: Coordinate, who: str, published_ms: int) -> None:
        """Note a puller of a release, if that is young. Never waits."""
        if not is_erasable_at(published_ms, self._clock.now_ms()):
            return
        known = self._known.get(coordinate.key) or frozenset[str]()
        if who in known or len(known) > MAX_PULLERS_OF_ERASED:
            return
        if coordinate not in self._pending and len(self._pending) >= MAX_YOUNG_RELEASES:
            return
        _, pullers = self._pending.setdefault(coordinate, (published_ms, set()))
        if len(pullers) <= MAX_PULLERS_OF_ERASED:
            pullers.add(who)

    async def flush(self) -> None:
        """Write the pullers since the last flush; on failure keep them.

        Raises `SigningKeyUnavailable`, and what its store raises.
        """
        if not self._pending:
            return
        await self._signer.ready()
        for coordinate, (published_ms, pullers) in list(self._pending.items()):
            written = frozenset(pullers)
            await self._write(coordinate, published_ms, written)
            known = self._known.get(coordinate.key) or frozenset[str]()
            self._known.put(coordinate.key, known | written)
            if pullers <= written:  # Else more were added meanwhile.
                del self._pending[coordinate]

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
