"""Owners of tokens are reminded before the tokens expire."""

import dataclasses
from datetime import timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.domain.access import Membership, PendingRole
from shared.domain.accounts import Account, Token
from shared.domain.errors.requests import Busy
from shared.domain.principals import Grant, Role
from shared.ports import WorkStore
from shared.services.identity.mail import MailDelivery, TokenMail
from shared.services.maintenance.record_tasks import SendExpiryReminders
from shared.services.records import RECORDS_AT_ONCE
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import START_MS, FakeClock

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
def task(directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer) -> SendExpiryReminders:
    mail_delivery = MailDelivery(mailer, failed=lambda _reason, _count: None)
    token_mail = TokenMail(directory, FakeWork(), mail_delivery, clock, "https://registry.test")
    return SendExpiryReminders(directory, token_mail, clock)


async def days_of_mail(
    task: SendExpiryReminders, clock: FakeClock, mailer: FakeMailer
) -> list[int]:
    """Let a hundred days go by, look every six hours, and return on which days mail was sent."""
    days: list[int] = []
    for _ in range(400):
        before = len(mailer.sent)
        await task.run()
        days += [(clock.now_ms() - START_MS) // (DAY // MS)] * (len(mailer.sent) - before)
        clock.advance(timedelta(hours=6))
    return days


async def test_mail_is_sent_seven_days_and_one_day_before_the_end(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY))
    assert await days_of_mail(task, clock, mailer) == [83, 89]
    assert {mail.to for mail in mailer.sent} == {"kim@example.org"}
    assert mailer.sent[0].subject == "The token laptop expires on 20 December 2026"
    assert "https://registry.test/account/tokens\n" in mailer.sent[0].text


async def test_a_token_for_a_short_time_is_no_news(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(timedelta(minutes=15), hash="b" * 64))
    await directory.put(token(DAY, hash="c" * 64))
    assert await days_of_mail(task, clock, mailer) == []
    assert await task.directory.list_by_owner(Token, KIM_ID)


async def test_the_owners_of_an_organization_are_reminded_of_its_token(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    await days_of_mail(task, clock, mailer)
    assert [mail.to for mail in mailer.sent] == ["ann@example.org"] * 2
    assert "https://registry.test/account/organizations/acme/tokens\n" in mailer.sent[0].text


async def test_an_owner_whose_time_is_over_gets_no_mail(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    ends = PendingRole(role=None, at_ms=clock.now_ms(), by="operator")
    await directory.put(Membership(org="acme", account=KIM_ID, role=Role.OWNER, pending=ends))
    await directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    clock.advance(84 * DAY)
    await task.run()
    assert [mail.to for mail in mailer.sent] == ["ann@example.org"]


async def test_a_rotated_token_is_spoken_of_again(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY))
    clock.advance(84 * DAY)
    await task.run()
    [old] = directory.every(Token)
    await directory.remove(old)
    again = {"created_ms": clock.now_ms(), "expires_ms": clock.now_ms() + 90 * DAY // MS}
    await directory.put(token(90 * DAY, hash="b" * 64, **again))
    clock.advance(84 * DAY)
    await task.run()
    assert len(mailer.sent) == 2


async def test_everybody_is_reminded_however_many_tokens_expire_together(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    for number in range(2 * RECORDS_AT_ONCE + 1):
        await directory.put(token(90 * DAY + number // 150 * MS, hash=f"{number:064}"))
    clock.advance(89 * DAY + timedelta(hours=1))
    report = await task.run()
    assert report.changed == len(mailer.sent) == 2 * RECORDS_AT_ONCE + 1
    assert (await task.run()).changed == 0


async def test_a_mail_server_that_is_down_loses_no_reminder(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(token(90 * DAY))
    clock.advance(84 * DAY)
    mailer.is_down = True
    for _ in range(2):
        assert (await task.run()).changed == 0
    mailer.is_down = False
    assert [(await task.run()).changed for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("broken", ["claim", "put"])
async def test_a_store_that_fails_loses_no_reminder(
    task: SendExpiryReminders,
    directory: FakeDirectory,
    clock: FakeClock,
    mailer: FakeMailer,
    broken: str,
) -> None:
    await directory.put(token(90 * DAY))
    clock.advance(84 * DAY)
    failing = failing_once(task.token_mail.work, broken)
    with pytest.raises(Busy):
        await dataclasses.replace(task, token_mail=replace(task.token_mail, work=failing)).run()
    clock.advance(timedelta(hours=1))
    await task.run()
    assert len(mailer.sent) == (1 if broken == "claim" else 2)  # At worst it is repeated.
    clock.advance(timedelta(hours=1))
    assert (await task.run()).changed == 0


async def test_only_owners_whose_mail_was_refused_are_tried_again(
    task: SendExpiryReminders, directory: FakeDirectory, clock: FakeClock, mailer: FakeMailer
) -> None:
    await directory.put(Membership(org="acme", account=KIM_ID, role=Role.OWNER))
    await directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    clock.advance(84 * DAY)
    mailer.refused = {"ann@example.org"}
    await task.run()
    mailer.refused = set()
    await task.run()
    assert sorted(mail.to for mail in mailer.sent) == ["ann@example.org", "kim@example.org"]


def failing_once(work: WorkStore, method: str) -> WorkStore:
    """Return the store; the first call of the method fails after it did nothing."""

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return fail if name == method else getattr(work, name)

    async def fail(*_given: object, **_named: object) -> None:
        raise Busy

    return cast("WorkStore", Failing())
