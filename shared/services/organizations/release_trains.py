"""Release trains: an owner announces that the organization publishes up to so many packages within
hours, and burst detection lets so many through.

The announcement is a part of the organization's record, which every push reads; packages are
counted over all instances, and only while a train runs. The counters of a train are its own, so
that a new one begins at zero.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.auth.secrets import random_text
from shared.domain.errors.organizations import NoReleaseTrain, ReleaseTrainRunning
from shared.domain.identity import Principal
from shared.domain.mail import release_train_mail
from shared.domain.names import OrgName, Package
from shared.domain.organizations import Organization, ReleaseTrain, ReleaseTrainPlan
from shared.domain.rights import Action
from shared.ports import Clock, Counter, Randomness, WorkStore
from shared.runtime.retries import retry_when_stale
from shared.services.organizations.role_changes import (
    Actor,
    OrganizationMembers,
)
from shared.services.records import EntityChange, RecordWriter

# As many as burst detection allows by default: 60 releases of 20 packages.
RELEASES_FOR_EACH_PACKAGE = 3

_TRAIN, _PACKAGE = "train", "train-package"
_ID_LENGTH = 20  # Base62: no two trains share their counters.

# The counter of a train holds both counts: releases below, packages above. A train has far fewer
# than a million releases.
_ONE_RELEASE, _ONE_PACKAGE = 1, 1 << 20


@dataclass(frozen=True, slots=True)
class ReleaseTrainProgress:
    """A train that runs, and how many packages and releases were published with it."""

    train: ReleaseTrain
    packages: int
    releases: int


@dataclass(frozen=True, slots=True)
class ReleaseTrains:
    """Announces and ends release trains, and counts the packages that are published with them."""

    authorization: Authorization
    organization_members: OrganizationMembers
    record_writer: RecordWriter
    work: WorkStore
    clock: Clock
    randomness: Randomness

    async def announce(
        self, org: OrgName, plan: ReleaseTrainPlan, *, by: Principal
    ) -> ReleaseTrain:
        """Begin a train now, and send mail to the owners; raise `ReleaseTrainRunning`."""

        async def attempt() -> ReleaseTrain:
            actor, organization = await self._require_owner(org, by)
            now_ms = self.clock.now_ms()
            running = organization.release_train_at(now_ms)
            if running is not None:
                raise ReleaseTrainRunning(organization.name, running.ends_ms)
            train = ReleaseTrain(
                id=random_text(self.randomness, _ID_LENGTH),
                packages=plan.packages,
                begins_ms=now_ms,
                ends_ms=now_ms + plan.hours * (timedelta(hours=1) // timedelta(milliseconds=1)),
            )
            details = {"packages": str(train.packages), "hours": str(plan.hours)}
            await self._write(organization, train, "train.announced", details, by)
            await self._notify_owners(organization, train, actor)
            return train

        return await retry_when_stale(attempt)

    async def end(self, org: OrgName, *, by: Principal) -> None:
        """End the train that runs, or raise `NoReleaseTrain`."""

        async def attempt() -> None:
            _, organization = await self._require_owner(org, by)
            if organization.release_train_at(self.clock.now_ms()) is None:
                raise NoReleaseTrain(organization.name)
            await self._write(organization, None, "train.ended", {}, by)

        await retry_when_stale(attempt)

    async def show(self, org: OrgName, *, by: Principal) -> ReleaseTrainProgress | None:
        """Return the train that runs, to owners."""
        access = await self.authorization.require_within(by, Action.MANAGE, org)
        return await self.progress(access.require_organization(org))

    async def progress(self, organization: Organization) -> ReleaseTrainProgress | None:
        """Return the train that runs; no store is called if there is none."""
        now_ms = self.clock.now_ms()
        train = organization.release_train_at(now_ms)
        if train is None:
            return None
        [total] = await self.work.count([_train_counter(train, 0)], now_ms)
        return ReleaseTrainProgress(train, total // _ONE_PACKAGE, total % _ONE_PACKAGE)

    async def admits(self, organization: Organization, package: Package) -> bool:
        """Count a push; say whether it is one of the packages that were announced.

        Two calls of the store while a train runs, none otherwise. Never more packages are let
        through than were announced, whatever happens at the same moment: a package is marked only
        after the count had room for it. A process that ends in between, or a failing store, can use
        up room that is then missing.
        """
        now_ms = self.clock.now_ms()
        train = organization.release_train_at(now_ms)
        if train is None:
            return False
        mark = Counter(_PACKAGE, _key(train.id, package.key), train.ends_ms)
        counted = _train_counter(train, _ONE_PACKAGE + _ONE_RELEASE)
        total, marks = await self.work.count([counted, replace(mark, amount=0)], now_ms)
        packages, releases = divmod(total, _ONE_PACKAGE)
        has_room = marks > 0 or packages <= train.packages
        if not has_room or releases > train.packages * RELEASES_FOR_EACH_PACKAGE:
            await self.work.count([replace(counted, amount=-counted.amount)], now_ms)
            return False
        if not marks:
            [marks] = await self.work.count([mark], now_ms)
            marks -= 1  # Its own; another one is of a push at the same moment.
        if marks:  # The package was counted before.
            await self.work.count([_train_counter(train, -_ONE_PACKAGE)], now_ms)
        return True

    async def _require_owner(self, org: OrgName, by: Principal) -> tuple[Actor, Organization]:
        access = await self.authorization.require_within(by, Action.GOVERN, org)
        return Actor(by, access), access.require_organization(org)

    async def _write(
        self,
        organization: Organization,
        train: ReleaseTrain | None,
        kind: str,
        details: dict[str, str],
        by: Principal,
    ) -> None:
        name = organization.name
        change = EntityChange(kind, name, org=name, details=details)
        changed = organization.model_copy(update={"release_train": train})
        await self.record_writer.replace(changed, change=change, by=by)

    async def _notify_owners(
        self, organization: Organization, train: ReleaseTrain, actor: Actor
    ) -> None:
        name = organization.name
        link = f"{self.organization_members.organization_url(name)}/held"
        mail_text = release_train_mail(
            name, train.packages, by=actor.name, until_ms=train.ends_ms, link=link
        )
        members = await self.organization_members.read(organization)
        await self.organization_members.notify_owners(members, mail_text)


def _train_counter(train: ReleaseTrain, amount: int) -> Counter:
    return Counter(_TRAIN, _key(train.id), train.ends_ms, amount)


def _key(*parts: str) -> str:
    """Return a key that every store accepts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
