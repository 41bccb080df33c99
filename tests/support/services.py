"""Services of organizations and of administrators over fakes, with the accounts that use them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from shared.auth.authorization import Administration, Authorization
from shared.domain.access import Membership
from shared.domain.accounts import Account, AccountName, Organization, Token, organization_place
from shared.domain.names import OrgName
from shared.domain.packages import Head, Release
from shared.domain.principals import OPERATOR, Grant, Principal, Role
from shared.domain.rate_limits import RateLimit, RateLimitClass
from shared.domain.records import Event, Place
from shared.domain.sessions import Session
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.administration.administration import AccountAdministration, Administrators
from shared.services.administration.audit_log import AuditLog
from shared.services.identity.accounts import Accounts
from shared.services.identity.mail import AccountMail, MailDelivery
from shared.services.identity.sessions import Sessions
from shared.services.leases import Leases
from shared.services.limits.notices import ReadOnlyMode
from shared.services.limits.rate_limits import BurstDetection, RateLimiter
from shared.services.maintenance.record_tasks import FinishDeletions
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.memberships import Memberships, OrganizationMembers
from shared.services.organizations.organizations import OrganizationDeletion, Organizations
from shared.services.organizations.reserved_names import ReservedNames
from shared.services.records import RecordWriter
from shared.services.tokens.tokens import TokenRecords
from tests.fakes.mail import FakeMailer
from tests.fakes.readers import known_readers
from tests.fakes.services import changes_allowed, fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness

ACME = OrgName("Acme")
URL = "https://registry.test"


def person(name: str, *, administrator: bool = False) -> Account:
    """Return an account whose mail goes to example.org."""
    return Account(
        id=f"{name}0000000",
        name=name,
        created_ms=0,
        administrator=administrator,
        email=f"{name}@example.org",
    )


KIM, LEE, MAX, EVE = (person(name) for name in ("kim", "lee", "max", "eve"))
ADA = person("ada", administrator=True)


@dataclass
class FakePackages:
    """The part of a `MetadataStore` that lists packages."""

    heads: list[Head] = field(default_factory=list[Head])
    released: dict[str, list[Release]] = field(default_factory=dict[str, list[Release]])

    async def packages(self, after: str, count: int) -> list[Head]:
        """Return heads above a key."""
        ordered = sorted(self.heads, key=lambda head: head.package.key)
        return [head for head in ordered if head.package.key > after][:count]

    async def releases(self, package: object) -> list[Release]:
        return self.released.get(str(package), [])


@dataclass
class OrganizationServices:
    """The services of organizations, and the fakes that they use."""

    directory: FakeDirectory = field(
        default_factory=lambda: FakeDirectory.holding(KIM, LEE, MAX, EVE, ADA)
    )
    events: FakeEvents = field(default_factory=FakeEvents)
    work: FakeWork = field(default_factory=FakeWork)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: FakeRandomness = field(default_factory=FakeRandomness)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    packages: FakePackages = field(default_factory=FakePackages)
    reserved_patterns: tuple[str, ...] = ()
    invitation_limit: str = "account=1000"  # In 60 minutes.
    invitation_mail_minutes: int = 10
    read_only_mode: ReadOnlyMode = field(default_factory=changes_allowed)
    creation_limit: str = ""
    undelivered: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def authorization(self) -> Authorization:
        return Authorization(self.directory, self.clock, known_readers())

    @property
    def record_writer(self) -> RecordWriter:
        return fake_record_writer(
            self.directory, self.events, self.clock, randomness=self.randomness
        )

    @property
    def mail_delivery(self) -> MailDelivery:
        return MailDelivery(self.mailer, lambda *failure: self.undelivered.append(failure))

    @property
    def leases(self) -> Leases:
        return Leases(self.work, self.clock, self.randomness)

    @property
    def organization_members(self) -> OrganizationMembers:
        return OrganizationMembers(
            self.directory, self.record_writer, self.leases, self.mail_delivery, URL
        )

    @property
    def rate_limiter(self) -> RateLimiter:
        """Return limits that no test reaches, except those of invitations and creations."""
        rules = {each: RateLimit.parse(each, "") for each in RateLimitClass}
        rules[RateLimitClass.INVITATION] = RateLimit.parse(
            RateLimitClass.INVITATION, self.invitation_limit
        )
        rules[RateLimitClass.FOUND] = RateLimit.parse(RateLimitClass.FOUND, self.creation_limit)
        burst_detection = BurstDetection(self.work, self.clock, 20, 60)
        return RateLimiter(self.work, self.clock, rules, burst_detection, changes_allowed())

    @property
    def organizations(self) -> Organizations:
        return Organizations(
            directory=self.directory,
            authorization=self.authorization,
            record_writer=self.record_writer,
            rate_limiter=self.rate_limiter,
            clock=self.clock,
            randomness=self.randomness,
            reserved_patterns=self.reserved_patterns,
        )

    @property
    def memberships(self) -> Memberships:
        return Memberships(
            directory=self.directory,
            authorization=self.authorization,
            record_writer=self.record_writer,
            organization_members=self.organization_members,
            clock=self.clock,
        )

    @property
    def organization_deletion(self) -> OrganizationDeletion:
        return OrganizationDeletion(
            authorization=self.authorization,
            directory=self.directory,
            metadata=self.packages,  # pyright: ignore[reportArgumentType] - a part of it.
            organization_members=self.organization_members,
            record_writer=self.record_writer,
        )

    @property
    def finish_deletions(self) -> FinishDeletions:
        metadata = self.packages
        return FinishDeletions(
            self.directory,
            metadata,  # pyright: ignore[reportArgumentType] - a part of it.
            self.record_writer,
            self.organization_deletion,
        )

    @property
    def invitations(self) -> Invitations:
        return Invitations(
            directory=self.directory,
            work=self.work,
            authorization=self.authorization,
            record_writer=self.record_writer,
            organization_members=self.organization_members,
            mail_delivery=self.mail_delivery,
            rate_limiter=self.rate_limiter,
            read_only_mode=self.read_only_mode,
            clock=self.clock,
            randomness=self.randomness,
            base_url=URL,
            invitation_mail_minutes=self.invitation_mail_minutes,
        )

    def signed_in(self, account: Account) -> Principal:
        """Return a principal with a fresh sign-in."""
        now_ms = self.clock.now_ms()
        return Principal(account.id, "session", (Grant(),), signed_in_ms=now_ms)

    def token_of(self, account: Account, *grants: Grant) -> Principal:
        """Return a principal with a token, which is never a fresh sign-in."""
        return Principal(account.id, "token", grants or (Grant(),))

    def roles(self) -> dict[str, Role]:
        """Return the current roles by the names of accounts."""
        now = [each.at(self.clock.now_ms()) for each in self.directory.every(Membership)]
        return {self.name_of(each.account): each.role for each in now if each}

    def name_of(self, account_id: str) -> str:
        return next(each.name for each in self.directory.every(Account) if each.id == account_id)

    async def add_members(self, *people: Account, role: Role = Role.OWNER) -> None:
        """Make people members of Acme, at once."""
        for each in people:
            await self.memberships.set_member(ACME, each, role, by=OPERATOR)
        self.clear_calls()

    def clear_calls(self) -> None:
        """Delete recorded events, mails and calls."""
        self.events.feed.clear()
        self.mailer.sent.clear()
        self.directory.calls.clear()

    async def acme(self) -> Organization:
        """Return Acme as it is stored."""
        found = await self.directory.get(Organization, organization_place(ACME))
        assert found
        return found

    def events_of(self, account: Account) -> Sequence[Event]:
        """Return the events in the log of an account."""
        return [each for each in self.events.feed if each.account == account.id]

    async def delete_account(self, account: Account) -> None:
        """Delete an account."""
        known = await self.directory.get(Account, Place(account.id))
        assert known
        await self.directory.remove(known)


async def acme_of_kim() -> OrganizationServices:
    """Return services in which kim owns Acme."""
    world = OrganizationServices()
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    world.clear_calls()
    return world


FAR_MS = 2**50  # Later than any clock of a test.


@dataclass
class AdministrationServices(OrganizationServices):
    """The services of organizations and of administrators."""

    @classmethod
    def with_names(cls) -> Self:
        """Return services whose accounts have their names."""
        world = cls()
        for each in (KIM, LEE, MAX, EVE, ADA):
            claim = AccountName(name=each.name, account=each.id, created_ms=0)
            world.directory.entities[claim.kind, claim.place] = claim
        return world

    @property
    def ada(self) -> Principal:
        """Return the administrator, who has just signed in."""
        return self.signed_in(ADA)

    @property
    def administration(self) -> Administration:
        return Administration(self.directory, self.clock)

    @property
    def administrators(self) -> Administrators:
        return Administrators(
            self.directory,
            self.administration,
            self.leases,
            self.record_writer,
            self.mail_delivery,
            URL,
        )

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.directory, self.record_writer, self.clock, self.randomness)

    @property
    def tokens(self) -> TokenRecords:
        return TokenRecords(
            directory=self.directory,
            record_writer=self.record_writer,
            clock=self.clock,
            randomness=self.randomness,
            environment="local",
        )

    @property
    def audit_log(self) -> AuditLog:
        return AuditLog(self.events, self.directory, self.authorization, self.administration)

    @property
    def account_administration(self) -> AccountAdministration:
        account_mail = AccountMail(self.directory, self.mail_delivery, URL, BackgroundTasks())
        return AccountAdministration(
            directory=self.directory,
            administration=self.administration,
            administrators=self.administrators,
            accounts=self.accounts,
            memberships=self.memberships,
            tokens=self.tokens,
            sessions=Sessions(self.directory, self.record_writer, self.clock, account_mail),
            audit_log=self.audit_log,
            record_writer=self.record_writer,
            mail_delivery=self.mail_delivery,
            base_url=URL,
        )

    @property
    def reserved_names(self) -> ReservedNames:
        return ReservedNames(
            self.directory, self.administration, self.record_writer, self.reserved_patterns
        )


def token_of(account: Account, id_: str = "token") -> Token:
    return Token(
        id=id_, hash=f"hash-of-{id_}", owner=account.id, name=id_, grants=(Grant(),),
        created_ms=0, expires_ms=None,
    )  # fmt: skip


def session_of(account: Account, id_: str = "session") -> Session:
    """Return a session that lasts for the whole test."""
    return Session(
        id=id_, account=account.id, provider="link", created_ms=0, seen_ms=0, expires_ms=FAR_MS,
        idle_ms=FAR_MS, signed_in_ms=0, secrets=("hash",),
    )  # fmt: skip
