"""Prefetch: stores releases of the upstream before anybody pulls them, so that builds go on without
the upstream, and the quota never drops them.

One release is fetched after the other, and the upstream's pauses are kept. What is stored is not
fetched again, so a prefetch that was interrupted goes on where it stopped.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from shared.domain.errors.base import Refusal
from shared.domain.errors.mirroring import UpstreamUnavailable
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.packages import Graph, Release, State, read_graph
from shared.domain.wanted_releases import dependencies_of
from shared.ports import DocumentStore, MetadataStore
from shared.services.mirroring.admission import Admission
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstreams import UpstreamSource

TRIES = 3  # Of each release, while the upstream does not answer.
PAUSE = timedelta(seconds=2)  # Between them, if the upstream does not say for how long.
GIVEN_UP_AFTER = 3  # Releases, one after the other, for which the upstream did not answer.

Sleep = Callable[[float], Awaitable[None]]
_NOT_ASKED = "The upstream was not asked, because it did not answer for the releases before."


class Outcome(Enum):
    """The result for a release that was wanted."""

    FETCHED = "fetched"
    STORED = "stored"  # It was there.
    MISSING = "missing"  # Neither registry has it.
    REFUSED = "refused"
    UNANSWERED = "unanswered"

    @property
    def is_there(self) -> bool:
        return self in (Outcome.FETCHED, Outcome.STORED)


class PrefetchScope(Enum):
    """Which releases are fetched with those that are wanted."""

    ALONE = "alone"
    WITH_DEPENDENCIES = "with-dependencies"  # All of the dependency graph of each.


@dataclass(frozen=True, slots=True)
class Prefetched:
    """A release, what became of it, and why it is not there. `number` of `total` are known, which
    grows with the dependencies that are found."""

    coordinate: Coordinate
    outcome: Outcome
    number: int
    total: int
    reason: str = ""
    size_bytes: int = 0


@dataclass(frozen=True)
class Prefetch:
    """Fetches releases of the upstream for an operator."""

    admission: Admission
    metadata: MetadataStore
    documents: DocumentStore
    sleep: Sleep = asyncio.sleep

    async def run(
        self,
        wanted: Sequence[Coordinate],
        scope: PrefetchScope,
        *,
        progress: Callable[[Prefetched], None],
    ) -> list[Prefetched]:
        """Fetch what is not stored, and call `progress` after each release."""
        waiting, known = deque(wanted), {each.key for each in wanted}
        done, unanswered = list[Prefetched](), 0
        while waiting:
            coordinate = waiting.popleft()
            if unanswered < GIVEN_UP_AFTER:
                outcome, reason = await self._fetch(coordinate)
            else:
                outcome, reason = Outcome.UNANSWERED, _NOT_ASKED
            unanswered = unanswered + 1 if outcome is Outcome.UNANSWERED else 0
            release = await self._found(coordinate) if outcome.is_there else None
            if release is not None and scope is PrefetchScope.WITH_DEPENDENCIES:
                found = dependencies_of(coordinate, await self._graph(release))
                waiting.extend(each for each in found if each.key not in known)
                known.update(each.key for each in found)
            number, size_bytes = len(done) + 1, release.size_bytes if release else 0
            done.append(Prefetched(coordinate, outcome, number, len(known), reason, size_bytes))
            progress(done[-1])
        return done

    async def _fetch(self, coordinate: Coordinate) -> tuple[Outcome, str]:
        """Fetch the release if it is not stored; return the outcome, and why it is not there."""
        if await self._is_kept(coordinate):
            return Outcome.STORED, ""
        asker, source = Asker(OPERATOR), None
        for attempt in range(TRIES):
            if attempt:
                opens_in = source.gate.opens_in if source else PAUSE
                await self.sleep(max(opens_in, PAUSE).total_seconds())
            with suppress(UpstreamUnavailable):
                source = await self.admission.reader.source(coordinate.package, asker)
                if source is None:
                    return Outcome.MISSING, "It comes from no upstream, and it is not here."
                return await self._admitted(coordinate, source, asker)
        reason = f": {source.gate.health.reason}" if source else ""
        return Outcome.UNANSWERED, f"The upstream did not answer{reason}."

    async def _admitted(
        self, coordinate: Coordinate, source: UpstreamSource, asker: Asker
    ) -> tuple[Outcome, str]:
        """Fetch the release now; raise `UpstreamUnavailable`."""
        try:
            is_known = await self.admission.admit(coordinate, asker)
        except UpstreamUnavailable:
            raise
        except Refusal as refusal:
            return Outcome.REFUSED, str(refusal)
        if not is_known:
            return Outcome.MISSING, f"The upstream {source.name} does not have it."
        if await self._is_kept(coordinate):
            return Outcome.FETCHED, ""
        return Outcome.REFUSED, "An administrator withheld it."

    async def _is_kept(self, coordinate: Coordinate) -> bool:
        """Check whether the release is there, and let the quota never drop it from now on."""
        if (await self.metadata.find(coordinate)).release is None:
            return False
        await self.admission.releases.keep(coordinate)
        return await self._found(coordinate) is not None

    async def _found(self, coordinate: Coordinate) -> Release | None:
        """Return the release if it can be pulled without the upstream."""
        release = (await self.metadata.find(coordinate)).release
        if release is None or release.state is not State.LIVE or release.is_dropped:
            return None
        return release

    async def _graph(self, release: Release) -> Graph:
        [graph] = await self.documents.graphs([release.content])
        return Graph(nodes=read_graph(graph))
