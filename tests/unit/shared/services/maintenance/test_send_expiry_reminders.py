"""Owners of tokens are reminded before the tokens expire."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.memberships import Membership, PendingRole
from shared.domain.scopes import Role
from shared.domain.tokens import Token
from shared.services.maintenance.send_expiry_reminders import SendExpiryReminders
from shared.services.record_batches import RECORDS_AT_ONCE
from shared.services.tokens.token_mail import TokenMail
from tests.fakes.mail import FakeMailer
from tests.fakes.services import fake_mail_delivery
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import START_MS, FakeClock
from tests.support.port_doubles import Fault

KIM_ID = "kim0000000"
ANN_ID = "ann0000000"
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


class Scene:
    """The task over doubles, with kim and with ann, who owns acme."""

    def __init__(self) -> None:
        self.directory = FakeDirectory.holding(
            Account(id=KIM_ID, name="kim", email="kim@example.org", created_ms=0),
            Account(id=ANN_ID, name="ann", email="ann@example.org", created_ms=0),
            Membership(org="acme", account=ANN_ID, role=Role.OWNER),
            Membership(org="acme", account=KIM_ID, role=Role.MAINTAINER),
        )
        self.clock = FakeClock()
        self.mailer = FakeMailer()
        delivery = fake_mail_delivery(self.mailer, self.directory, self.clock)
        token_mail = TokenMail(self.directory, delivery, self.clock, "https://registry.test")
        self.task = SendExpiryReminders(self.directory, token_mail, self.clock)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def days_of_mail(scene: Scene) -> list[int]:
    """Let a hundred days go by, look every six hours, and return on which days mail was sent."""
    days: list[int] = []
    for _ in range(400):
        before = len(scene.mailer.sent)
        await scene.task.run()
        days += [(scene.clock.now_ms() - START_MS) // (DAY // MS)] * (
            len(scene.mailer.sent) - before
        )
        scene.clock.advance(timedelta(hours=6))
    return days


async def test_mail_is_sent_seven_days_and_one_day_before_the_end(scene: Scene) -> None:
    await scene.directory.put(token(90 * DAY))
    assert await days_of_mail(scene) == [83, 89]
    assert {mail.to for mail in scene.mailer.sent} == {"kim@example.org"}
    assert scene.mailer.sent[0].subject == "The token laptop expires on 20 December 2026"
    assert "https://registry.test/account/tokens\n" in scene.mailer.sent[0].text


async def test_a_token_for_a_short_time_is_no_news(scene: Scene) -> None:
    await scene.directory.put(token(timedelta(minutes=15), hash="b" * 64))
    await scene.directory.put(token(DAY, hash="c" * 64))
    assert await days_of_mail(scene) == []
    assert await scene.task.directory.list_by_owner(Token, KIM_ID)


async def test_the_owners_of_an_organization_are_reminded_of_its_token(scene: Scene) -> None:
    await scene.directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    await days_of_mail(scene)
    assert [mail.to for mail in scene.mailer.sent] == ["ann@example.org"] * 2
    assert "https://registry.test/account/organizations/acme/tokens\n" in scene.mailer.sent[0].text


async def test_an_owner_whose_time_is_over_gets_no_mail(scene: Scene) -> None:
    ends = PendingRole(role=None, at_ms=scene.clock.now_ms(), by="operator")
    await scene.directory.put(Membership(org="acme", account=KIM_ID, role=Role.OWNER, pending=ends))
    await scene.directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    scene.clock.advance(84 * DAY)
    await scene.task.run()
    assert [mail.to for mail in scene.mailer.sent] == ["ann@example.org"]


async def test_a_rotated_token_is_spoken_of_again(scene: Scene) -> None:
    await scene.directory.put(token(90 * DAY))
    scene.clock.advance(84 * DAY)
    await scene.task.run()
    [old] = scene.directory.every(Token)
    await scene.directory.remove(old)
    again = {
        "created_ms": scene.clock.now_ms(),
        "expires_ms": scene.clock.now_ms() + 90 * DAY // MS,
    }
    await scene.directory.put(token(90 * DAY, hash="b" * 64, **again))
    scene.clock.advance(84 * DAY)
    await scene.task.run()
    assert len(scene.mailer.sent) == 2


async def test_everybody_is_reminded_however_many_tokens_expire_together(scene: Scene) -> None:
    for number in range(2 * RECORDS_AT_ONCE + 1):
        await scene.directory.put(token(90 * DAY + number // 150 * MS, hash=f"{number:064}"))
    scene.clock.advance(89 * DAY + timedelta(hours=1))
    report = await scene.task.run()
    assert report.seen >= report.changed == len(scene.mailer.sent) == 2 * RECORDS_AT_ONCE + 1
    assert (await scene.task.run()).changed == 0


async def test_a_mail_server_that_is_down_loses_no_reminder(scene: Scene) -> None:
    await scene.directory.put(token(90 * DAY))
    scene.clock.advance(84 * DAY)
    scene.mailer.is_down = True
    for _ in range(2):
        assert (await scene.task.run()).changed == 0
    scene.mailer.is_down = False
    assert [(await scene.task.run()).changed for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("broken", ["claim", "put"])
async def test_a_store_that_fails_loses_no_reminder(scene: Scene, broken: str) -> None:
    await scene.directory.put(token(90 * DAY))
    scene.clock.advance(84 * DAY)
    token_mail = scene.task.token_mail
    delivery = token_mail.mail_delivery
    work = Fault(broken, Busy()).over(delivery.work)
    with pytest.raises(Busy):
        await replace(
            scene.task, token_mail=replace(token_mail, mail_delivery=replace(delivery, work=work))
        ).run()
    scene.clock.advance(timedelta(hours=1))
    await scene.task.run()
    assert len(scene.mailer.sent) == (1 if broken == "claim" else 2)  # At worst it is repeated.
    scene.clock.advance(timedelta(hours=1))
    assert (await scene.task.run()).changed == 0


async def test_only_owners_whose_mail_was_refused_are_tried_again(scene: Scene) -> None:
    await scene.directory.put(Membership(org="acme", account=KIM_ID, role=Role.OWNER))
    await scene.directory.put(token(90 * DAY, owner="acme000000", org="acme"))
    scene.clock.advance(84 * DAY)
    scene.mailer.refused = {"ann@example.org"}
    await scene.task.run()
    scene.mailer.refused = set()
    await scene.task.run()
    assert sorted(mail.to for mail in scene.mailer.sent) == ["ann@example.org", "kim@example.org"]
