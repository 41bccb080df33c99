"""Chronicling: what became of a package, from its records and from the log of its organization."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from shared.domain.change import EVERY_VERSION, Change, package_change
from shared.domain.package import Event, org_stream
from shared.ports import EventStore
from shared.services.showing import Happening, Portrait

READ = 200  # Events: the log of a large organization is not read whole to find those of a package.

# What happened to one release is told while it is there; whoever decides of others tells nobody.
_OF_RELEASES = frozenset({Change.PUBLISHED, Change.DEPRECATED, Change.UNDEPRECATED})


@dataclass(frozen=True, slots=True)
class Chronicling:
    """Tells what happened to a package that whoever asks may see.

    What lasts is in its records. That something was taken back, who sees it, and which job
    published a release is told of what is among the newest events of its organization.
    """

    events: EventStore

    async def of(self, portrait: Portrait) -> list[Happening]:
        """Return what became of the package and of what is live of it, newest first. One trip."""
        batch = await self.events.stream(org_stream(portrait.package.org.lower()), None, READ)
        logged = {_key(each): each for each in _told(portrait, (event for _, event in batch))}
        known = {_key(each): each for each in portrait.happenings}
        # A record has the message, the log the job.
        both = {key: replace(each, job=_job_of(logged.get(key))) for key, each in known.items()}
        return sorted({**logged, **both}.values(), key=lambda each: -each.at_ms)


def _told(portrait: Portrait, events: Iterable[Event]) -> Iterator[Happening]:
    live = {entry.version for entry in portrait.entries}
    for event in events:
        change = package_change(0, event)
        if change is None or change.package.key != portrait.package.key:
            continue
        is_whole = change.version == EVERY_VERSION
        if is_whole or (change.version in live and change.change in _OF_RELEASES):
            job = event.details.get("repository", "")
            yield Happening(event.at_ms, change.change, change.version, job=job)


def _key(happening: Happening) -> tuple[Change, str, int]:
    """Return what tells one happening from others: a release is published once."""
    is_first = happening.change is Change.PUBLISHED
    return happening.change, happening.version, 0 if is_first else happening.at_ms


def _job_of(happening: Happening | None) -> str:
    return happening.job if happening else ""
