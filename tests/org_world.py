"""The services of organizations over doubles, and the people who meet there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.entity import Place
from shared.domain.identity import OPERATOR, Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Membership, Organization, place_of
from shared.domain.package import Event, Head, Release
from shared.domain.rates import Limits, OperationClass
from shared.domain.rights import Grant, Role
from shared.services.braking import Braking
from shared.services.closing import Closing
from shared.services.founding import Founders, Founding
from shared.services.handing_over import HandingOver
from shared.services.inviting import InvitationPace, Inviting
from shared.services.limiting import Limiting
from shared.services.member_changes import MemberChanges
from shared.services.notifying import Notifying
from shared.services.organizations import Organizations
from shared.services.proving import Proving
from shared.services.recording import Recording
from shared.services.rosters import Rosters
from shared.services.token_lineage import TokenLineage
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.domain_records import FakeDomainRecords
from tests.fakes.events import FakeEvents
from tests.fakes.mailer import FakeMailer
from tests.fakes.pausing import taking_changes
from tests.fakes.randomness import FakeRandomness
from tests.fakes.recording import recording
from tests.fakes.work import FakeWork

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
    """The part of a `MetadataStore` that tells which packages there are."""

    heads: list[Head] = field(default_factory=list[Head])
    released: dict[str, list[Release]] = field(default_factory=dict[str, list[Release]])

    async def packages(self, after: str, count: int) -> list[Head]:
        """Return heads above a key."""
        ordered = sorted(self.heads, key=lambda head: head.package.key)
        return [head for head in ordered if head.package.key > after][:count]

    async def releases(self, package: object) -> list[Release]:
        """Return the releases of a package."""
        return self.released.get(str(package), [])


@dataclass
class OrgWorld:
    """The services, with everything that they lean on in sight."""

    directory: FakeDirectory = field(
        default_factory=lambda: FakeDirectory.holding(KIM, LEE, MAX, EVE, ADA)
    )
    events: FakeEvents = field(default_factory=FakeEvents)
    work: FakeWork = field(default_factory=FakeWork)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: FakeRandomness = field(default_factory=FakeRandomness)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    records: FakeDomainRecords = field(default_factory=FakeDomainRecords)
    packages: FakePackages = field(default_factory=FakePackages)
    founders: Founders = Founders.ANYONE
    kept_back: tuple[str, ...] = ()
    invitations: str = "account=1000"  # In 60 minutes.
    between_mails: timedelta = timedelta(minutes=10)
    limit_found: str = ""
    undelivered: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def authorization(self) -> Authorization:
        return Authorization(self.directory, self.clock)

    @property
    def recording(self) -> Recording:
        return recording(self.directory, self.events, self.clock, randomness=self.randomness)

    @property
    def rosters(self) -> Rosters:
        return Rosters(self.directory, self.work, self.clock, self.randomness)

    @property
    def changes(self) -> MemberChanges:
        notifying = Notifying(self.mailer, lambda *failure: self.undelivered.append(failure))
        return MemberChanges(self.directory, self.recording, notifying, URL)

    @property
    def founding(self) -> Founding:
        return Founding(
            directory=self.directory,
            recording=self.recording,
            clock=self.clock,
            randomness=self.randomness,
            limiting=self.limiting,
            founders=self.founders,
            kept_back=self.kept_back,
        )

    @property
    def limiting(self) -> Limiting:
        """Return limits that nobody of a test meets, but for invitations and foundings."""
        rules = {each: Limits.parse(each, "") for each in OperationClass}
        rules[OperationClass.INVITATION] = Limits.parse(OperationClass.INVITATION, self.invitations)
        rules[OperationClass.FOUND] = Limits.parse(OperationClass.FOUND, self.limit_found)
        braking = Braking(self.work, self.clock, 20, 60)
        return Limiting(self.work, self.clock, rules, braking, taking_changes())

    @property
    def lineage(self) -> TokenLineage:
        return TokenLineage(self.directory, self.recording, self.clock)

    @property
    def organizations(self) -> Organizations:
        return Organizations(
            directory=self.directory,
            authorization=self.authorization,
            recording=self.recording,
            founding=self.founding,
            rosters=self.rosters,
            changes=self.changes,
            lineage=self.lineage,
            clock=self.clock,
        )

    @property
    def handing_over(self) -> HandingOver:
        return HandingOver(self.authorization, self.rosters, self.changes)

    @property
    def closing(self) -> Closing:
        return Closing(
            authorization=self.authorization,
            directory=self.directory,
            metadata=self.packages,  # pyright: ignore[reportArgumentType] - a part of it.
            rosters=self.rosters,
            recording=self.recording,
            changes=self.changes,
        )

    @property
    def inviting(self) -> Inviting:
        return Inviting(
            directory=self.directory,
            authorization=self.authorization,
            recording=self.recording,
            rosters=self.rosters,
            changes=self.changes,
            lineage=self.lineage,
            pace=InvitationPace(self.work, self.clock, self.limiting, self.between_mails),
            randomness=self.randomness,
            base_url=URL,
        )

    @property
    def proving(self) -> Proving:
        return Proving(
            directory=self.directory,
            authorization=self.authorization,
            recording=self.recording,
            rosters=self.rosters,
            changes=self.changes,
            records=self.records,
            randomness=self.randomness,
        )

    def signed_in(self, account: Account) -> Principal:
        """Return somebody who signed in a moment ago."""
        now_ms = self.clock.now_ms()
        return Principal(account.id, "session", (Grant(),), signed_in_ms=now_ms)

    def token_of(self, account: Account, *grants: Grant) -> Principal:
        """Return somebody by a token, which is never fresh."""
        return Principal(account.id, "token", grants or (Grant(),))

    def roles(self) -> dict[str, Role]:
        """Return who is what, by name, as it counts now."""
        now = [each.at(self.clock.now_ms()) for each in self.directory.every(Membership)]
        return {self.name_of(each.account): each.role for each in now if each}

    def name_of(self, account_id: str) -> str:
        """Return the name of an account."""
        return next(each.name for each in self.directory.every(Account) if each.id == account_id)

    async def let_in(self, *people: Account, role: Role = Role.OWNER) -> None:
        """Make people members of Acme, at once."""
        for each in people:
            await self.organizations.set_member(ACME, each, role, by=OPERATOR)
        self.forget()

    def forget(self) -> None:
        """Forget what was told, and who called."""
        self.events.feed.clear()
        self.mailer.sent.clear()
        self.directory.calls.clear()

    async def acme(self) -> Organization:
        """Return Acme as it is stored."""
        found = await self.directory.get(Organization, place_of(ACME))
        assert found
        return found

    def told_to(self, account: Account) -> Sequence[Event]:
        """Return the events that somebody's own log shows."""
        return [each for each in self.events.feed if each.account == account.id]

    async def without(self, account: Account) -> None:
        """Delete an account."""
        known = await self.directory.get(Account, Place(account.id))
        assert known
        await self.directory.remove(known)


async def acme_of_kim() -> OrgWorld:
    """Return a world in which kim owns Acme."""
    world = OrgWorld()
    await world.organizations.found(ACME, KIM, by=OPERATOR)
    world.forget()
    return world
