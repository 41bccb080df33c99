"""Mails to owners about held releases, and reminders of tokens that expire soon."""

import ast
import string
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.domain.access import Membership, PendingRole
from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.identity import Role
from shared.domain.mail import Mail, MailText, parse_email
from shared.domain.packages import Origin, Release, State
from shared.ports import DirectoryStore
from shared.services.identity.mail import MAIL_TEXTS, MailDelivery, ReleaseMail
from shared.services.limits.rate_limits import BURST_WINDOW
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import FakeClock
from tests.paths import ROOT
from tests.support.port_doubles import Fault, failing

ANN = Account(id="ann0000000", name="ann", email="ann@example.org", created_ms=0)
BOB = Account(id="bob0000000", name="bob", email="bob@example.org", created_ms=0)
MIA = Account(id="mia0000000", name="mia", email="mia@example.org", created_ms=0)


def acme_directory() -> FakeDirectory:
    """Return a registry in which ann owns Acme, bob did until lately, and mia works for it."""
    over = PendingRole(role=Role.MEMBER, at_ms=1, by="ann0000000")
    return FakeDirectory.holding(
        *(ANN, BOB, MIA),
        Membership(org="Acme", account=ANN.id, role=Role.OWNER),
        Membership(org="Acme", account=BOB.id, role=Role.OWNER, pending=over),
        Membership(org="Acme", account=MIA.id, role=Role.MAINTAINER),
    )


def news(mailer: FakeMailer, clock: FakeClock, stored: DirectoryStore | None = None) -> ReleaseMail:
    """Return what is tested, over doubles."""
    mail_delivery = MailDelivery(mailer, failed=lambda _kind, _count: None)
    return ReleaseMail(
        stored or acme_directory(), FakeWork(), mail_delivery, clock, "https://registry.test"
    )


def release(name: str = "greet", org: str = "Acme") -> Release:
    """Return a release, with what the letter says of it alone."""
    origin = Origin(principal=MIA.id, credential="token:first")
    fields = {"org": org, "name": name, "version": "1.0.0", "origin": origin}
    return Release.model_construct(None, **fields)


async def test_owners_read_which_release_waits_who_published_it_and_what_to_do() -> None:
    mailer = FakeMailer()
    await news(mailer, FakeClock()).send_held(release())
    [mail] = mailer.sent
    assert (mail.to, mail.subject) == (ANN.email, "Held releases of Acme need confirmation")
    assert mail.text == (
        "Acme/greet:1.0.0 was published together with many other packages within minutes, so it is "
        "held, and so are the releases that follow it: nobody can see or pull them.\n\n"
        "It was published by mia0000000 with the credential token:first.\n\n"
        "If you published them, sign in and confirm them, all at once or one by one. If not, "
        "revoke that credential immediately, refuse the releases, and tell the operator of the "
        "registry.\n\n"
        "Held releases: https://registry.test/account/organizations/Acme/held\n"
    )


async def test_one_mail_is_sent_for_an_organization_and_window() -> None:
    mailer, clock = FakeMailer(), FakeClock()
    shown = news(mailer, clock)
    await shown.send_held(release())
    await shown.send_held(release("other", org="ACME"))
    clock.advance(BURST_WINDOW - timedelta(milliseconds=1))
    await shown.send_held(release())
    assert len(mailer.sent) == 1
    clock.advance(timedelta(milliseconds=1))
    await shown.send_held(release("third"))
    assert len(mailer.sent) == 2


async def test_a_store_that_is_away_stops_nothing() -> None:
    mailer = FakeMailer()
    stored = failing(acme_directory(), Fault("list_by_owner", Busy()))
    await news(mailer, FakeClock(), stored).send_held(release())
    assert mailer.sent == []


KIM = Account(id="kim0000000", name="kim", created_ms=0, email="kim@example.org")
LEE = Account(id="lee0000000", name="lee", created_ms=0, email="lee@example.org")
MAX = Account(id="max0000000", name="max", created_ms=0)
LETTER = MailText("An owner changes", "lee becomes owner of acme.")


@dataclass
class World:
    """The service, its mailer, and what it says of failures."""

    mailer: FakeMailer = field(default_factory=FakeMailer)
    failures: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def mail_delivery(self) -> MailDelivery:
        return MailDelivery(self.mailer, lambda *failure: self.failures.append(failure))


@pytest.fixture
def world() -> World:
    return World()


async def test_everybody_with_an_address_is_notified_once(world: World) -> None:
    await world.mail_delivery.send_to_accounts([KIM, MAX, LEE, KIM], LETTER)
    expected = [Mail(parse_email(each.email), *LETTER) for each in (KIM, LEE)]
    assert world.mailer.sent == expected
    assert world.failures == []


async def test_a_mail_that_nobody_takes_is_no_failure_of_the_change(world: World) -> None:
    world.mailer.is_down = True
    await world.mail_delivery.send_to_accounts([KIM, LEE], LETTER)
    assert world.failures == [("SMTPServerDisconnected", 2)]


async def test_an_address_that_fails_does_not_delay_others(world: World) -> None:
    class Choosy(FakeMailer):
        async def send(self, mail: Mail) -> None:
            self.is_down = mail.to == KIM.email
            await super().send(mail)

    world.mailer = Choosy()
    await world.mail_delivery.send_to_accounts([KIM, LEE], LETTER)
    assert [mail.to for mail in world.mailer.sent] == [LEE.email]
    assert len(world.failures) == 1


async def test_the_result_of_a_mail_to_one_address_is_returned(world: World) -> None:
    address = parse_email("new@example.org")
    assert await world.mail_delivery.send(address, LETTER)
    world.mailer.is_down = True
    assert not await world.mail_delivery.send(address, LETTER)
    assert [mail.to for mail in world.mailer.sent] == [address]


async def test_an_account_without_an_address_gets_no_mail(world: World) -> None:
    world.mailer.is_down = True
    await world.mail_delivery.send_to_accounts([MAX], LETTER)
    assert world.failures == []


def test_every_call_gives_a_mail_exactly_the_values_of_its_fields() -> None:
    calls: dict[str, set[str]] = {}
    for file in (ROOT / "shared/services").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Name("mail_text"), [name]):
                    given = set[str]()
                case ast.Call(
                    func=ast.Attribute(ast.Attribute(attr="account_mail")), args=[_, name]
                ):
                    given = {"name", "url"}
                case _:
                    continue
            fields = {each.arg for each in node.keywords if each.arg} | given
            if isinstance(name, ast.Constant):
                calls[str(name.value)] = fields
            elif isinstance(name, ast.JoinedStr):  # A mail for each state of a release.
                calls |= {f"release-{state.value}": fields for state in State}
    for name, (subject, text) in MAIL_TEXTS.items():
        used = {field for _, field, _, _ in string.Formatter().parse(subject + text) if field}
        assert used <= calls[name], name
        assert calls[name] - used <= {"url"}, name
    assert calls.keys() == MAIL_TEXTS.keys()
