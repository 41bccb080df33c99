"""Releases with a malicious Java library inside are quarantined as malicious packages are.

After the known malicious libraries changed, all releases are looked at, in as many runs as that
takes; otherwise those that are new in the feed of events, once their libraries are read.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Self

from msgspec import Struct

from shared.domain.advisories.advisories import Advisory
from shared.domain.advisories.matching import matches
from shared.domain.coordinates import Coordinate
from shared.domain.events import Event
from shared.domain.packages import Head
from shared.domain.release_states import SERVABLE
from shared.domain.times import MS
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.advisories.advisories import Advisories, version_of_library
from shared.services.advisories.malware import MalwareQuarantine
from shared.services.api_docs.sboms import Sboms
from shared.services.feed_position import FeedPosition, last_event_number
from shared.services.record_batches import EVENTS_READ_AT_ONCE

# Libraries that are not read by then are not waited for: the archive may be unreadable.
WAITED_FOR = timedelta(days=1)

_KIND = "malicious-libraries"
_KEY = "position"
_PUBLISHED = {"release.published", "release.mirrored"}

VisitAll = Callable[[Callable[[Head], Awaitable[None]]], Awaitable[bool]]


class _Position(Struct, frozen=True):
    """For which malicious libraries all releases were looked at, the last event that was read, and
    for which ones they are being looked at."""

    known: str = ""
    number: int = 0
    visiting: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        if not text:
            return cls()
        known, number, visiting = text.split(" ")
        return cls(known, int(number), visiting)

    def __str__(self) -> str:
        return f"{self.known} {self.number} {self.visiting}"


class MaliciousLibraries(Struct, frozen=True):
    """Looks for malicious Java libraries inside of releases. Everything may be repeated."""

    advisories: Advisories
    malware: MalwareQuarantine
    metadata: MetadataStore
    sboms: Sboms
    events: EventReader
    work: WorkStore
    clock: Clock

    async def run(self, visit_all: VisitAll) -> int:
        """Look at what is new; return how many releases were found. `visit_all` visits all
        packages, in several runs if one is too short, and says whether it did."""
        malicious = await self.advisories.malicious_libraries()
        if not malicious:
            return 0
        listed = sorted(f"{each.id} {each.modified_ms}" for each in malicious)
        current = sha256("\n".join(listed).encode()).hexdigest()[:16]
        position = _Position.parse(await self._feed_position.load())
        if position.known == current:
            return await self._follow(position, malicious)
        if not position.visiting:
            # Read before the visit: what is published meanwhile is looked at afterwards.
            number = await last_event_number(self.events)
            position = _Position(position.known, number, current)
            await self._save(position)
        found = 0

        async def visit(head: Head) -> None:
            nonlocal found
            found += await self._look_at(await self._releases(head), malicious)

        if await visit_all(visit):
            await self._save(_Position(position.visiting, position.number))
        return found

    async def _releases(self, head: Head) -> list[Coordinate]:
        [survey] = await self.metadata.survey([head.package])
        entries = survey.entries if survey else ()
        return [head.package.at(each.parsed) for each in entries if each.state in SERVABLE]

    async def _follow(self, position: _Position, malicious: Sequence[Advisory]) -> int:
        """Look at the releases of new events; those whose libraries are not read yet are looked at
        again."""
        number = position.number
        waits_at: int | None = None
        found = 0
        while numbered := await self.events.since(number, EVENTS_READ_AT_ONCE):
            for each, event in numbered:
                if event.kind in _PUBLISHED:
                    if await self._is_unread(event):
                        waits_at = number if waits_at is None else waits_at
                    else:
                        found += await self._look_at(
                            [Coordinate.from_text(event.subject)], malicious
                        )
                number = each
        read = number if waits_at is None else waits_at
        if read != position.number:
            await self._save(_Position(position.known, read))
        return found

    async def _is_unread(self, event: Event) -> bool:
        if self.clock.now_ms() - event.at_ms > WAITED_FOR // MS:
            return False
        release = (await self.metadata.find(Coordinate.from_text(event.subject))).release
        if release is None or release.state not in SERVABLE:
            return False
        return await self.sboms.known_java_libraries(release) is None

    async def _look_at(self, releases: Sequence[Coordinate], malicious: Sequence[Advisory]) -> int:
        found = dict[str, list[Coordinate]]()
        for each in releases:
            for advisory in await self._inside(each, malicious):
                found.setdefault(advisory.id, []).append(each)
        by_id = {each.id: each for each in malicious}
        decided = 0
        for advisory_id, those in found.items():
            decided += len(await self.malware.apply_inside(by_id[advisory_id], those))
        return decided

    async def _inside(
        self, coordinate: Coordinate, malicious: Sequence[Advisory]
    ) -> list[Advisory]:
        """Return the advisories that call a library inside of a release malicious, while it is
        served or would be."""
        release = (await self.metadata.find(coordinate)).release
        if release is None or release.state not in SERVABLE:
            return []
        libraries = await self.sboms.java_libraries(release)
        asked = [version_of_library(each) for each in libraries]
        return [
            advisory
            for advisory in malicious
            if any(matches(part, each) for part in advisory.affected for each in asked)
        ]

    @property
    def _feed_position(self) -> FeedPosition:
        return FeedPosition(self.work, self.clock, _KIND, _KEY)

    async def _save(self, position: _Position) -> None:
        await self._feed_position.save(str(position))
