"""Services of organizations over fakes, with the accounts that use them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.events import Event
from shared.domain.grants import Grant
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.packages import Head, Release
from shared.domain.principals import OPERATOR, Principal
from shared.domain.rate_limits import RateLimit, RateLimitClass
from shared.domain.scopes import Role
from shared.ports.directory import DirectoryStore
from shared.ports.search import SearchIndex
from shared.ports.system import Clock
from shared.services.audited_writes import AuditedWriter
from shared.services.identity.mail import DecisionMail
from shared.services.identity.mail_domains import MailDomains
from shared.services.identity.mail_recipients import recipient_accounts
from shared.services.leases import Leases
from shared.services.limits.burst_detection import BurstDetection
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mail_delivery import Appeal, MailDelivery
from shared.services.mail_queue import MailQueue
from shared.services.maintenance.finish_deletions import FinishDeletions
from shared.services.organizations.invitations import Invitations
from shared.services.organizations.made_by_accounts import MadeByAccounts, MakerMail
from shared.services.organizations.membership_records import MembershipRecords
from shared.services.organizations.memberships import Memberships
from shared.services.organizations.organizations import OrganizationDeletion, Organizations
from shared.services.organizations.typosquats import Typosquats
from shared.services.tokens.tokens import TokenRecords
from tests.fakes.http_client import answering
from tests.fakes.mail import FakeMailer
from tests.fakes.readers import known_readers
from tests.fakes.services import changes_allowed, fake_audited_writer
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

    async def head(self, package: Package) -> Head | None:
        return next((head for head in self.heads if head.package.key == package.key), None)

    async def releases(self, package: object) -> list[Release]:
        return self.released.get(str(package), [])


def authorization_over(directory: DirectoryStore, clock: Clock) -> Authorization:
    """Return the authorization of a registry whose administrators alone create organizations."""
    return Authorization(directory, clock, known_readers(), "", "administrators")


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
    undelivered: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def authorization(self) -> Authorization:
        return authorization_over(self.directory, self.clock)

    @property
    def audited_writer(self) -> AuditedWriter:
        return fake_audited_writer(
            self.directory, self.events, self.clock, randomness=self.randomness
        )

    @property
    def mail_delivery(self) -> MailDelivery:
        return MailDelivery(
            self.mailer,
            self.work,
            self.clock,
            lambda *failure: self.undelivered.append(failure),
            self.mail_queue,
            partial(recipient_accounts, self.directory, self.clock),
        )

    @property
    def mail_queue(self) -> MailQueue:
        return MailQueue(self.directory, self.clock, self.randomness)

    @property
    def decision_mail(self) -> DecisionMail:
        return DecisionMail(self.mail_delivery, Appeal(abuse_contact=""), self.clock, URL)

    @property
    def leases(self) -> Leases:
        return Leases(self.work, self.clock, self.randomness)

    @property
    def membership_records(self) -> MembershipRecords:
        return MembershipRecords(
            self.directory,
            self.audited_writer,
            self.clock,
            self.leases,
            self.mail_delivery,
            self.decision_mail,
            URL,
            two_administrators=False,
        )

    @property
    def rate_limiter(self) -> RateLimiter:
        """Return limits that no test reaches."""
        rules = {each: RateLimit.parse(each, "account=1000") for each in RateLimitClass}
        burst_detection = BurstDetection(self.work, self.clock, 20, 60)
        return RateLimiter(self.work, self.clock, rules, burst_detection, changes_allowed())

    @property
    def organizations(self) -> Organizations:
        return Organizations(
            directory=self.directory,
            authorization=self.authorization,
            audited_writer=self.audited_writer,
            rate_limiter=self.rate_limiter,
            clock=self.clock,
            randomness=self.randomness,
            founding="anyone",
            reserved_patterns=(),
            upstreams=None,
            typosquats=self.typosquats,
        )

    @property
    def mail_domains(self) -> MailDomains:
        """Return what asks nobody about domains."""
        return MailDomains(
            http=answering(404),
            directory=self.directory,
            audited_writer=self.audited_writer,
            mail_delivery=self.mail_delivery,
            clock=self.clock,
            rdap_url="",
            base_url=URL,
        )

    @property
    def typosquats(self) -> Typosquats:
        """Return what compares no names, because a part of a registry has no search."""
        return Typosquats(
            index=cast("SearchIndex", None),  # It is not asked while this is off.
            directory=self.directory,
            work=self.work,
            mail_delivery=self.mail_delivery,
            clock=self.clock,
            base_url=URL,
            is_on=False,
            on_failure=lambda _: None,
        )

    @property
    def memberships(self) -> Memberships:
        return Memberships(
            directory=self.directory,
            authorization=self.authorization,
            membership_records=self.membership_records,
            made_by_accounts=self.made_by_accounts,
            maker_mail=MakerMail(self.mail_delivery, URL),
            clock=self.clock,
        )

    @property
    def made_by_accounts(self) -> MadeByAccounts:
        records = TokenRecords(
            self.directory, self.audited_writer, self.clock, self.randomness, "local"
        )
        return MadeByAccounts(
            directory=self.directory,
            metadata=self.packages,  # pyright: ignore[reportArgumentType] - a part of it.
            audited_writer=self.audited_writer,
            token_records=records,
            clock=self.clock,
        )

    @property
    def organization_deletion(self) -> OrganizationDeletion:
        return OrganizationDeletion(
            authorization=self.authorization,
            metadata=self.packages,  # pyright: ignore[reportArgumentType] - a part of it.
            membership_records=self.membership_records,
            audited_writer=self.audited_writer,
            clock=self.clock,
        )

    @property
    def finish_deletions(self) -> FinishDeletions:
        metadata = self.packages
        return FinishDeletions(
            self.directory,
            metadata,  # pyright: ignore[reportArgumentType] - a part of it.
            self.audited_writer,
            self.clock,
            self.organization_deletion,
            _no_group_rules,
        )

    @property
    def invitations(self) -> Invitations:
        return Invitations(
            directory=self.directory,
            work=self.work,
            authorization=self.authorization,
            audited_writer=self.audited_writer,
            membership_records=self.membership_records,
            mail_domains=self.mail_domains,
            mail_delivery=self.mail_delivery,
            rate_limiter=self.rate_limiter,
            read_only_mode=changes_allowed(),
            clock=self.clock,
            randomness=self.randomness,
            base_url=URL,
            invitation_mail_minutes=10,
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
            await self.memberships.set_member(
                ACME, each, role, by=OPERATOR, reason="It was decided."
            )
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


async def acme_of_kim() -> OrganizationServices:
    """Return services in which kim owns Acme."""
    world = OrganizationServices()
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    world.clear_calls()
    return world


async def _no_group_rules(_organization: Organization) -> None:
    """There are no rules about groups."""
