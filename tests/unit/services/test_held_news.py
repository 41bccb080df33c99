"""The letter that tells owners of releases which wait for them."""

from datetime import timedelta

from shared.domain.accounts import Account
from shared.domain.errors import Busy
from shared.domain.organizations import Membership, PendingRole
from shared.domain.package import Origin, Release
from shared.domain.rights import Role
from shared.ports import DirectoryStore
from shared.services.braking import BRAKE_WINDOW
from shared.services.held_news import HeldNews
from shared.services.notifying import Notifying
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.mailer import FakeMailer
from tests.fakes.work import FakeWork
from tests.faults import Fault, failing

ANN = Account(id="ann0000000", name="ann", email="ann@example.org", created_ms=0)
BOB = Account(id="bob0000000", name="bob", email="bob@example.org", created_ms=0)
MIA = Account(id="mia0000000", name="mia", email="mia@example.org", created_ms=0)


def directory() -> FakeDirectory:
    """Return a registry in which ann owns Acme, bob did until lately, and mia works for it."""
    over = PendingRole(role=Role.MEMBER, at_ms=1, by="ann0000000")
    return FakeDirectory.holding(
        *(ANN, BOB, MIA),
        Membership(org="Acme", account=ANN.id, role=Role.OWNER),
        Membership(org="Acme", account=BOB.id, role=Role.OWNER, pending=over),
        Membership(org="Acme", account=MIA.id, role=Role.MAINTAINER),
    )


def news(mailer: FakeMailer, clock: FakeClock, stored: DirectoryStore | None = None) -> HeldNews:
    """Return what is tested, over doubles."""
    notifying = Notifying(mailer, failed=lambda _kind, _count: None)
    return HeldNews(stored or directory(), FakeWork(), notifying, clock, "https://registry.test")


def release(name: str = "greet", org: str = "Acme") -> Release:
    """Return a release, with what the letter says of it alone."""
    origin = Origin(principal=MIA.id, credential="token:first")
    fields = {"org": org, "name": name, "version": "1.0.0", "origin": origin}
    return Release.model_construct(None, **fields)


async def test_owners_are_told_what_waits_who_published_it_and_what_to_do() -> None:
    mailer = FakeMailer()
    await news(mailer, FakeClock()).tell(release())
    [mail] = mailer.sent
    assert (mail.to, mail.subject) == (ANN.email, "Releases of Acme wait for you")
    assert mail.text == (
        "Acme/greet:1.0.0 was pushed together with many other packages within minutes, so it is "
        "held, and so is what follows it for now: nobody sees or pulls it.\n\n"
        "It was published by mia0000000 with the credential token:first.\n\n"
        "If that was meant, sign in and confirm each release that waits. If it was not, revoke "
        "that credential at once, and tell the operator of the registry.\n\n"
        "What waits: https://registry.test/account/organizations/Acme/held\n"
    )


async def test_one_letter_is_sent_for_an_organization_and_window() -> None:
    mailer, clock = FakeMailer(), FakeClock()
    told = news(mailer, clock)
    await told.tell(release())
    await told.tell(release("other", org="ACME"))
    clock.advance(BRAKE_WINDOW - timedelta(milliseconds=1))
    await told.tell(release())
    assert len(mailer.sent) == 1
    clock.advance(timedelta(milliseconds=1))
    await told.tell(release("third"))
    assert len(mailer.sent) == 2


async def test_a_store_that_is_away_stops_nothing() -> None:
    mailer = FakeMailer()
    stored = failing(directory(), Fault("of", Busy()))
    await news(mailer, FakeClock(), stored).tell(release())
    assert mailer.sent == []
