"""Inspecting: releases as administrators see them, whatever became of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from shared.auth.administration import Administration
from shared.domain.entity import Place
from shared.domain.errors import PackageNotFound, ReleaseNotFound
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, Package
from shared.domain.package import Head, Release, Survey
from shared.domain.query import Page, Query
from shared.domain.withheld import Withheld, place_of_withheld
from shared.ports import DirectoryStore, MetadataStore, PullLedger
from shared.services.finding import names_of
from shared.services.listing import slice_of
from shared.services.logbook import Logbook, LogPage
from shared.services.searching import Searching

WITHHELD = 50  # On a page of the list.

_COUNT_ALONE = Page(limit=0)
_NO_DAY = "9999"  # The pulls of all time are asked for, and of no day.


@dataclass(frozen=True, slots=True)
class WithheldPage:
    """What is withheld, by package; `names` are those of who decided, and `next` is the release
    after which there are more."""

    releases: tuple[Withheld, ...]
    names: Mapping[str, str]
    next: Coordinate | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything that is known of a release; `names` are those of accounts, by id."""

    head: Head
    release: Release
    pulls: int
    dependents: int
    history: LogPage
    names: Mapping[str, str]

    @property
    def decided_by(self) -> str:
        """Return who brought it into its state, where the history that was read says so."""
        events = (event for _, event in self.history.events)
        return next((event.actor for event in events if "state" in event.details), "")


@dataclass(frozen=True, slots=True)
class Inspecting:
    """Reads releases for administrators, who alone may ask."""

    administration: Administration
    metadata: MetadataStore
    directory: DirectoryStore
    pulls: PullLedger
    logbook: Logbook
    searching: Searching

    async def withheld(self, after: Coordinate | None = None, *, by: Principal) -> WithheldPage:
        """Return a page of what is withheld from everybody, from after a release on."""
        await self.administration.require(by, "read", "what is withheld")
        place = place_of_withheld(after) if after else Place("")
        found = await slice_of(self.directory, Withheld, place, WITHHELD)
        names = await names_of(self.directory, (each.by for each in found.entities))
        next_ = found.entities[-1].coordinate if found.is_more else None
        return WithheldPage(found.entities, names, next_)

    async def package(self, package: Package, *, by: Principal) -> Survey:
        """Return a package with all its releases, or raise `PackageNotFound`."""
        await self.administration.require(by, "look at", str(package))
        [survey] = await self.metadata.survey([package])
        if survey is None or not survey.entries:
            raise PackageNotFound(package)
        return survey

    async def release(
        self, coordinate: Coordinate, before: int | None = None, *, by: Principal
    ) -> Dossier:
        """Return a release with what happened to it, from before an event on.

        Raises `ReleaseNotFound`.
        """
        await self.administration.require(by, "look at", str(coordinate))
        found = await self.metadata.find(coordinate)
        head, release = found.head, found.release
        if head is None or release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        pulls, dependents, history, names = await asyncio.gather(
            self.pulls.history(head.package, since=_NO_DAY),
            self.searching.search(_needing(head.package), _COUNT_ALONE, by=by),
            self.logbook.of_release(release, before, by=by),
            names_of(self.directory, [release.origin.principal]),
        )
        return Dossier(
            head=head,
            release=release,
            pulls=pulls.versions.get(release.version, 0),
            dependents=dependents.count,
            history=history,
            names={**names, **history.names},
        )


def _needing(package: Package) -> Query:
    return Query(needs=package.key, include_deprecated=True)
