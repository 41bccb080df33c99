"""Mails to owners about held releases, and reminders of tokens that expire soon."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.mail import Mail, MailText, parse_email
from shared.domain.members import Membership, PendingRole
from shared.domain.packages import Origin, Release
from shared.domain.rights import Grant, Role
from shared.domain.tokens import Token
from shared.ports import DirectoryStore
from shared.services.burst_detection import BURST_WINDOW
from shared.services.mail import MailDelivery, ReleaseMail, TokenMail
from shared.services.upkeep import UPKEEP_BATCH, TaskReport
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import START_MS, FakeClock
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
        "If you published them, sign in and confirm each held release. If not, revoke that "
        "credential immediately, and tell the operator of the registry.\n\n"
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
    await world.mail_delivery.send_to_accounts([KIM, MAX, LEE, KIM], *LETTER)
    expected = [Mail(parse_email(each.email), *LETTER) for each in (KIM, LEE)]
    assert world.mailer.sent == expected
    assert world.failures == []


async def test_a_mail_that_nobody_takes_is_no_failure_of_the_change(world: World) -> None:
    world.mailer.is_down = True
    await world.mail_delivery.send_to_accounts([KIM, LEE], *LETTER)
    assert world.failures == [("SMTPServerDisconnected", 2)]


async def test_an_address_that_fails_does_not_delay_others(world: World) -> None:
    class Choosy(FakeMailer):
        async def send(self, mail: Mail) -> None:
            self.is_down = mail.to == KIM.email
            await super().send(mail)

    world.mailer = Choosy()
    await world.mail_delivery.send_to_accounts([KIM, LEE], *LETTER)
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
    await world.mail_delivery.send_to_accounts([MAX], *LETTER)
    assert world.failures == []


KIM_ID, ANN_ID = "kim0000000", "ann0000000"
DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)


def token(lifetime: timedelta, **fields: object) -> Token:
    """Return a token that was made at the start for so long."""
    made = Token(
        id="first",
        hash="a" * 64,
        owner=KIM_ID,
        name="laptop",
        grants=(Grant(),),
        created_ms=START_MS,
        expires_ms=START_MS + lifetime // MS,
    )
    return made.model_copy(update=fields)


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory.holding(
        Account(id=KIM_ID, name="kim", email="kim@example.org", created_ms=0),
        Account(id=ANN_ID, name="ann", email="ann@example.org", created_ms=0),
        Membership(org="acme", account=ANN_ID, role=Role.OWNER),
        Membership(org="acme", account=KIM_ID, role=Role.MAINTAINER),
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def token_mail(directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer) -> TokenMail:
    mail_delivery = MailDelivery(mailer, failed=lambda _reason, _count: None)
    return TokenMail(directory, FakeWork(), mail_delivery, clock, "https://registry.test")


async def days_of_mail(token_mail: TokenMail, clock: FakeClock, mailer: FakeMailer) -> list[int]:
    """Let a hundred days go by, look every six hours, and return on which days mail was sent."""
    days: list[int] = []
    for _ in range(400):
        before = len(mailer.sent)
        await token_mail.send_expiry_reminders()
        days += [(clock.now_ms() - START_MS) // (DAY // MS)] * (len(mailer.sent) - before)
        clock.advance(timedelta(hours=6))
    return days


async def test_mail_is_sent_seven_days_and_one_day_before_the_end(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY))
    assert await days_of_mail(token_mail, clock, mailer) == [83, 89]
    assert {mail.to for mail in mailer.sent} == {"kim@example.org"}
    assert mailer.sent[0].subject == "The token laptop expires on 20 December 2026"
    assert "https://registry.test/account/tokens\n" in mailer.sent[0].text


@pytest.mark.parametrize("lead", [7 * DAY, DAY])
async def test_mail_is_sent_to_the_millisecond_and_not_before(
    token_mail: TokenMail,
    directory: FakeDirectory,
    clock: FakeClock,
    mailer: FakeMailer,
    lead: timedelta,
) -> None:
    await directory.put(token(90 * DAY, created_ms=0))
    clock.advance(90 * DAY - 7 * DAY - MS)
    assert (await token_mail.send_expiry_reminders()).changed == 0
    clock.advance(MS if lead > DAY else 6 * DAY + MS)
    assert (await token_mail.send_expiry_reminders()).changed == len(mailer.sent) == 1


async def test_a_token_for_a_short_time_is_no_news(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(timedelta(minutes=15), hash="b" * 64))
    await directory.put(token(DAY, hash="c" * 64))
    assert await days_of_mail(token_mail, clock, mailer) == []
    assert await token_mail.directory.list_by_owner(Token, KIM_ID)


async def test_a_token_for_a_few_days_is_spoken_of_once(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(5 * DAY))
    assert await days_of_mail(token_mail, clock, mailer) == [4]


async def test_tokens_that_never_end_and_canaries_are_not_spoken_of(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY, canary=True))
    await directory.put(token(90 * DAY, hash="b" * 64, expires_ms=None))
    assert await days_of_mail(token_mail, clock, mailer) == []


async def test_the_owners_of_an_organization_are_reminded_of_its_token(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    await days_of_mail(token_mail, clock, mailer)
    assert [mail.to for mail in mailer.sent] == ["ann@example.org"] * 2
    assert "https://registry.test/account/organizations/acme/tokens\n" in mailer.sent[0].text


async def test_an_owner_whose_time_is_over_gets_no_mail(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    ends = PendingRole(role=None, at_ms=clock.now_ms(), by="operator")
    await directory.put(Membership(org="acme", account=KIM_ID, role=Role.OWNER, pending=ends))
    await directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    clock.advance(84 * DAY)
    await token_mail.send_expiry_reminders()
    assert [mail.to for mail in mailer.sent] == ["ann@example.org"]


async def test_reminders_are_reported_with_the_tokens_that_expire_soon(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock
) -> None:
    for number in range(3):
        await directory.put(token(90 * DAY, hash=f"{number:064}"))
    clock.advance(84 * DAY)
    assert await token_mail.send_expiry_reminders() == TaskReport("remind", 3, 3)
    assert await token_mail.send_expiry_reminders() == TaskReport("remind", 3, 0)


async def test_a_rotated_token_is_spoken_of_again(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY))
    clock.advance(84 * DAY)
    await token_mail.send_expiry_reminders()
    [old] = directory.every(Token)
    await directory.remove(old)
    again = {"created_ms": clock.now_ms(), "expires_ms": clock.now_ms() + 90 * DAY // MS}
    await directory.put(token(90 * DAY, hash="b" * 64, **again))
    clock.advance(84 * DAY)
    await token_mail.send_expiry_reminders()
    assert len(mailer.sent) == 2


async def test_everybody_is_reminded_however_many_tokens_expire_together(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    for number in range(2 * UPKEEP_BATCH + 1):
        await directory.put(token(90 * DAY + number // 150 * MS, hash=f"{number:064}"))
    clock.advance(89 * DAY + timedelta(hours=1))
    report = await token_mail.send_expiry_reminders()
    assert report.changed == len(mailer.sent) == 2 * UPKEEP_BATCH + 1
    assert (await token_mail.send_expiry_reminders()).changed == 0
