"""The services of those who run a registry, over doubles."""

from dataclasses import dataclass
from typing import Self

from shared.auth.administration import Administration
from shared.auth.beside import Beside
from shared.domain.accounts import Account, AccountName
from shared.domain.identity import Principal
from shared.domain.rights import Grant
from shared.domain.sessions import Session
from shared.domain.tokens import Token
from shared.services.administrators import Administrators
from shared.services.appointing import Appointing
from shared.services.leasing import Leasing
from shared.services.logbook import Logbook
from shared.services.noticing import Noticing
from shared.services.notifying import Notifying
from shared.services.provisioning import Provisioning
from shared.services.reserving import Reserving
from shared.services.restraining import Restraining
from shared.services.signing_out import SigningOut
from shared.services.supervising import Supervising
from shared.services.token_records import TokenRecords
from tests.org_world import ADA, EVE, KIM, LEE, MAX, URL, OrgWorld

FAR_MS = 2**50  # Later than any clock of a test.


@dataclass
class PeopleWorld(OrgWorld):
    """The services of organizations, and those of administrators beside them."""

    @classmethod
    def settled(cls) -> Self:
        """Return a registry whose accounts have their names."""
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
        leasing = Leasing(self.work, self.clock, self.randomness)
        return Administrators(self.directory, self.administration, leasing)

    @property
    def notifying(self) -> Notifying:
        return Notifying(self.mailer, lambda *failure: self.undelivered.append(failure))

    @property
    def tokens(self) -> TokenRecords:
        return TokenRecords(
            directory=self.directory,
            recording=self.recording,
            lineage=self.lineage,
            clock=self.clock,
            randomness=self.randomness,
            environment="local",
        )

    @property
    def logbook(self) -> Logbook:
        return Logbook(self.events, self.directory, self.authorization, self.administration)

    @property
    def supervising(self) -> Supervising:
        return Supervising(
            directory=self.directory,
            administration=self.administration,
            administrators=self.administrators,
            organizations=self.organizations,
            tokens=self.tokens,
            logbook=self.logbook,
        )

    @property
    def appointing(self) -> Appointing:
        return Appointing(self.administrators, self.recording, self.notifying, URL)

    @property
    def restraining(self) -> Restraining:
        noticing = Noticing(self.directory, self.notifying, URL, Beside())
        return Restraining(
            administrators=self.administrators,
            recording=self.recording,
            signing_out=SigningOut(self.directory, self.recording, self.clock, noticing),
            tokens=self.tokens,
            notifying=self.notifying,
            base_url=URL,
        )

    @property
    def provisioning(self) -> Provisioning:
        return Provisioning(self.directory, self.administration, self.organizations)

    @property
    def reserving(self) -> Reserving:
        return Reserving(self.directory, self.administration, self.recording, self.kept_back)


def token_of(account: Account, id_: str = "token") -> Token:
    """Return a token of somebody."""
    return Token(
        id=id_, hash=f"hash-of-{id_}", owner=account.id, name=id_, grants=(Grant(),),
        created_ms=0, expires_ms=None,
    )  # fmt: skip


def session_of(account: Account, id_: str = "session") -> Session:
    """Return a session of somebody that goes on for long."""
    return Session(
        id=id_, account=account.id, provider="link", created_ms=0, seen_ms=0, expires_ms=FAR_MS,
        idle_ms=FAR_MS, signed_in_ms=0, secrets=("hash",),
    )  # fmt: skip
