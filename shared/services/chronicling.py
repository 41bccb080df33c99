"""Chronicling: what became of a package, from its records and from the log of its organization."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeGuard

from shared.domain.change import EVERY_VERSION, Change, PackageChange, package_change
from shared.domain.names import OrgName, Package
from shared.domain.package import Entry, Event, State, Survey, Visibility, org_stream
from shared.ports import EventStore, MetadataStore
from shared.services.showing import Happening, Portrait

READ = 200  # Events: the log of a large organization is not read whole to find those of a package.
SHOWN = 30  # Changes of an organization: each may be of another package, which is read.

# What happened to one release is told while it is there; whoever decides of others tells nobody.
_OF_RELEASES = frozenset({Change.PUBLISHED, Change.DEPRECATED, Change.UNDEPRECATED})


@dataclass(frozen=True, slots=True)
class Chronicling:
    """Tells what happened to a package that whoever asks may see, or to those of an organization.

    What lasts is in its records. That something was taken back, who sees it, and which job
    published a release is told of what is among the newest events of its organization.
    """

    events: EventStore
    metadata: MetadataStore

    async def of_organization(self, org: OrgName) -> list[tuple[Package, Happening]]:
        """Return what became lately of the packages of an organization that everybody sees, newest
        first. Two trips, whoever asks."""
        batch = await self.events.stream(org_stream(org.lower()), None, READ)
        changes = list(islice(_changes(event for _, event in batch), SHOWN))
        packages = {change.package.key: change.package for change, _ in changes}
        surveys = await self.metadata.survey(list(packages.values()))
        public = {each.head.package.key: each for each in surveys if _is_public(each)}
        found = ((public.get(change.package.key), change, told) for change, told in changes)
        return [
            (survey.head.package, told)
            for survey, change, told in found
            if survey and _is_told(change, survey.entries)
        ]

    async def of(self, portrait: Portrait) -> list[Happening]:
        """Return what became of the package and of what is live of it, newest first. One trip."""
        batch = await self.events.stream(org_stream(portrait.package.org.lower()), None, READ)
        logged = {_key(each): each for each in _told(portrait, (event for _, event in batch))}
        known = {_key(each): each for each in portrait.happenings}
        # A record has the message, the log the job.
        both = {key: replace(each, job=_job_of(logged.get(key))) for key, each in known.items()}
        return sorted({**logged, **both}.values(), key=lambda each: -each.at_ms)


def _told(portrait: Portrait, events: Iterable[Event]) -> Iterator[Happening]:
    for change, happening in _changes(events):
        is_own = change.package.key == portrait.package.key
        if is_own and _is_told(change, portrait.entries):
            yield happening


def _changes(events: Iterable[Event]) -> Iterator[tuple[PackageChange, Happening]]:
    for event in events:
        change = package_change(0, event)
        if change is not None:
            job = event.details.get("repository", "")
            yield change, Happening(event.at_ms, change.change, change.version, job=job)


def _is_told(change: PackageChange, entries: Iterable[Entry]) -> bool:
    if change.version == EVERY_VERSION:
        return True
    live = any(each.version == change.version and each.state is State.LIVE for each in entries)
    return live and change.change in _OF_RELEASES


def _is_public(survey: Survey | None) -> TypeGuard[Survey]:
    return survey is not None and survey.head.visibility is Visibility.PUBLIC


def _key(happening: Happening) -> tuple[Change, str, int]:
    """Return what tells one happening from others: a release is published once."""
    is_first = happening.change is Change.PUBLISHED
    return happening.change, happening.version, 0 if is_first else happening.at_ms


def _job_of(happening: Happening | None) -> str:
    return happening.job if happening else ""
