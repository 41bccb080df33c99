"""Reminding people of tokens that end soon."""

from datetime import timedelta

import pytest

from shared.domain.accounts import Account
from shared.domain.members import Membership
from shared.domain.rights import Grant, Role
from shared.domain.tokens import Token
from shared.services.mail import MailDelivery, TokenMail
from shared.services.upkeep import UPKEEP_BATCH
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import START_MS, FakeClock

KIM, ANN = "kim0000000", "ann0000000"
DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)


def token(lifetime: timedelta, **fields: object) -> Token:
    """Return a token that was made at the start for so long."""
    made = Token(
        id="first",
        hash="a" * 64,
        owner=KIM,
        name="laptop",
        grants=(Grant(),),
        created_ms=START_MS,
        expires_ms=START_MS + lifetime // MS,
    )
    return made.model_copy(update=fields)


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory.holding(
        Account(id=KIM, name="kim", email="kim@example.org", created_ms=0),
        Account(id=ANN, name="ann", email="ann@example.org", created_ms=0),
        Membership(org="acme", account=ANN, role=Role.OWNER),
        Membership(org="acme", account=KIM, role=Role.MAINTAINER),
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def token_mail(directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer) -> TokenMail:
    notifying = MailDelivery(mailer, failed=lambda _reason, _count: None)
    return TokenMail(directory, FakeWork(), notifying, clock, "https://registry.test")


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
    assert mailer.sent[0].subject == "The token laptop ends on 20 December 2026"
    assert "https://registry.test/account/tokens\n" in mailer.sent[0].text


async def test_a_token_for_a_short_time_is_no_news(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(timedelta(minutes=15), hash="b" * 64))
    await directory.put(token(DAY, hash="c" * 64))
    assert await days_of_mail(token_mail, clock, mailer) == []
    assert await token_mail.directory.of(Token, KIM)


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


async def test_of_a_token_of_an_organization_its_owners_are_told(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    await days_of_mail(token_mail, clock, mailer)
    assert [mail.to for mail in mailer.sent] == ["ann@example.org"] * 2
    assert "https://registry.test/account/organizations/acme/tokens\n" in mailer.sent[0].text


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


async def test_everybody_is_told_however_many_end_together(
    token_mail: TokenMail, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    for number in range(2 * UPKEEP_BATCH + 1):
        await directory.put(token(90 * DAY + number // 150 * MS, hash=f"{number:064}"))
    clock.advance(89 * DAY + timedelta(hours=1))
    report = await token_mail.send_expiry_reminders()
    assert report.changed == len(mailer.sent) == 2 * UPKEEP_BATCH + 1
    assert (await token_mail.send_expiry_reminders()).changed == 0
