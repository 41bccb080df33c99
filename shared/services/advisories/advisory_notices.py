"""Notices about advisories: mail for owners who asked, and an event for the webhooks of their
organizations, about what the latest releases of their packages depend on.

Everything may be repeated: an event has one id, mail is sent once, and what was told is stored
afterwards.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from shared.domain.access_rights import require_own_account
from shared.domain.accounts import Account
from shared.domain.advisories.followers import (
    AdvisoryFollower,
    ToldOrganization,
    finding_key,
    follower_place,
)
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.events import Event
from shared.domain.grants import UNLIMITED, Grant
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.principals import MAINTENANCE, Principal
from shared.domain.scopes import Role, Scope
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.webhooks import Topic, Webhook
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.advisories.advisory_mail import AdvisoryMail
from shared.services.advisories.affected_packages import AffectedPackage, AffectedPackages
from shared.services.event_appender import EventAppender
from shared.services.identity.accounts import accounts_by_ids
from shared.services.record_batches import RECORDS_AT_ONCE, entity_batches

EVENTS_AT_ONCE = 100
_WHAT = "what your account is told of advisories"
_KIND = "advisory-notices"
_TOLD_LAST = "told-last"
_TOLD_LAST_KEPT_FOR = timedelta(days=30)

# By the key of each finding: the package with it, and the advisory.
_Findings = Mapping[str, tuple[AffectedPackage, str]]


class _Asker(NamedTuple):
    """An account or an organization that asked to be told."""

    key: str
    name: str
    tell: Callable[[], Awaitable[int]]


class AdvisoryNotices(Struct, frozen=True):
    """Tells those who asked: accounts that switched mail on, and organizations with a webhook for
    advisories."""

    affected: AffectedPackages
    directory: DirectoryStore
    event_appender: EventAppender
    mail: AdvisoryMail
    work: WorkStore
    clock: Clock

    async def is_on(self, *, by: Principal) -> bool:
        """Check whether the account of `by` gets mail."""
        require_own_account(by, "see", _WHAT)
        return await self.directory.get(AdvisoryFollower, follower_place(by.id)) is not None

    async def switch_on(self, *, by: Principal) -> None:
        """Send mail to the account from now on, first about what is known; a repeat changes
        nothing."""
        require_own_account(by, "change", _WHAT)
        if await self.is_on(by=by):
            return
        try:
            await self.directory.add(AdvisoryFollower(account=by.id, since_ms=self.clock.now_ms()))
        except AlreadyThere:
            return  # Another request added it at the same time.

    async def switch_off(self, *, by: Principal) -> None:
        """Stop the mail; a repeat changes nothing."""
        require_own_account(by, "change", _WHAT)
        found = await self.directory.get(AdvisoryFollower, follower_place(by.id))
        if found is not None:
            await self.directory.remove(found)

    async def run(self, until_ms: int) -> TaskReport:
        """Tell everybody who asked, until that time, and at least one; the next run goes on with
        the others."""
        seen = 0
        done = 0
        problems = list[str]()
        after: str | None = None  # Read with the first one: most registries have none.
        async for asker in self._askers():
            if after is None:
                after = await self._told_last()
            if asker.key <= after:
                continue
            seen += 1
            try:
                done += await asker.tell()
            # Only this one is affected; the others are still told.
            except Refusal as refusal:
                problems.append(f"{asker.name} was not told of advisories: {refusal}")
            if self.clock.now_ms() >= until_ms:
                await self._save_told_last(asker.key)
                return TaskReport(seen, done, tuple(problems), unfinished=True)
        if after:
            await self._save_told_last("")
        return TaskReport(seen, done, tuple(problems))

    async def _told_last(self) -> str:
        """Return the key of the one that a run told last whose time was over; empty if the last run
        told everybody."""
        return await self.work.peek(_KIND, _TOLD_LAST, self.clock.now_ms()) or ""

    async def _save_told_last(self, key: str) -> None:
        ends_ms = self.clock.now_ms() + _TOLD_LAST_KEPT_FOR // MS
        await self.work.put(_KIND, _TOLD_LAST, key, ends_ms)

    async def _askers(self) -> AsyncIterator[_Asker]:
        """Yield everybody who asked, in the order of their keys."""
        async for batch in entity_batches(self.directory, AdvisoryFollower, RECORDS_AT_ONCE):
            for each in batch:
                tell = partial(self._send_to_account, each)
                yield _Asker(f"account {each.account}", "An account", tell)
        for org in await self._organizations_that_asked():
            yield _Asker(f"organization {org}", org, partial(self._append_events, org))

    async def _send_to_account(self, follower: AdvisoryFollower) -> int:
        """Send mail about what is new to an account; return how many mails were sent."""
        accounts = await accounts_by_ids(self.directory, [follower.account])
        if not accounts or accounts[0].is_locked:
            return 0
        account = accounts[0]
        reader = reader_for(account)
        now_ms = self.clock.now_ms()
        findings = dict[str, tuple[AffectedPackage, str]]()
        for each in await self.directory.list_by_subject(Membership, account.id):
            if each.role_at(now_ms) is Role.OWNER:
                findings |= await self._findings(OrgName(each.org), reader)
        new = follower.new(findings)
        if not new:
            return 0
        lines = [_line(*findings[each]) for each in new]
        key = sha256("\n".join(new).encode()).hexdigest()[:32]
        # By a run that ended before it could note what it told.
        was_sent = await self.mail.was_sent(key, account)
        sent = 0 if was_sent else await self.mail.send(key, account, lines)
        if sent or was_sent:
            await self._written(self.directory.replace(follower.having_told(new)))
        return sent

    async def _organizations_that_asked(self) -> list[OrgName]:
        found = dict[str, None]()
        async for batch in entity_batches(self.directory, Webhook, RECORDS_AT_ONCE):
            for each in batch:
                if each.org and Topic.ADVISORY in each.topics:
                    found[each.org.lower()] = None
        return [OrgName(each) for each in sorted(found)]

    async def _append_events(self, org: OrgName) -> int:
        """Append an event for each new finding of an organization; return how many."""
        fresh = ToldOrganization(org=org)
        stored = await self.directory.get(ToldOrganization, fresh.place)
        known = stored or fresh
        findings = await self._findings(org, reader_of(org))
        new = known.new(findings)
        for start in range(0, len(new), EVENTS_AT_ONCE):
            part = new[start : start + EVENTS_AT_ONCE]
            now_ms = self.clock.now_ms()
            await self.event_appender.append(
                [_event(*findings[each], each, now_ms) for each in part]
            )
        if new:
            write = self.directory.replace if stored else self.directory.add
            await self._written(write(known.having_told(new)))
        return len(new)

    async def _findings(self, org: OrgName, reader: Principal) -> _Findings:
        found = dict[str, tuple[AffectedPackage, str]]()
        try:
            async for each in self.affected.of_organization(org, by=reader):
                for finding in each.findings:
                    key = finding_key(each.release.coordinate.package.key, finding.advisory.id)
                    found.setdefault(key, (each, finding.advisory.id))
        except NotFound:  # It was deleted; members and webhooks stay until its name is free.
            return {}
        return found

    async def _written(self, write: Awaitable[object]) -> None:
        """Wait for a write of what was told."""
        try:
            await write
        except (AlreadyThere, Stale):
            return  # Somebody switched it off, or another run told the same.


def reader_for(account: Account) -> Principal:
    """Return the account as a reader of what it may see."""
    return Principal(account.id, "session", (UNLIMITED,))


def reader_of(org: OrgName) -> Principal:
    """Return a reader of what every member of the organization sees."""
    read = Grant(scopes=frozenset({Scope.READ}), org=org)
    return Principal(MAINTENANCE.id, MAINTENANCE.credential, (read,), organization=org)


def _line(package: AffectedPackage, advisory: str) -> str:
    found = next(each for each in package.findings if each.advisory.id == advisory)
    through = f" through {found.through}" if found.through else ""
    summary = f": {found.advisory.summary}" if found.advisory.summary else ""
    return f"{package.release.coordinate}{through}: {advisory}{summary}"


def _event(package: AffectedPackage, advisory: str, key: str, now_ms: int) -> Event:
    """Return the event of a finding; a repeat has the same id."""
    at = package.release.coordinate
    found = next(each for each in package.findings if each.advisory.id == advisory)
    return Event(
        id=f"advisory.affects:{key}",
        kind="advisory.affects",
        at_ms=now_ms,
        actor=MAINTENANCE.id,
        subject=str(at),
        org=at.package.org.lower(),
        details={"advisory": advisory, "through": found.through, "summary": found.advisory.summary},
    )
