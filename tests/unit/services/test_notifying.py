"""Letters that follow a change, and never stand in its way."""

from dataclasses import dataclass, field

import pytest

from shared.domain.accounts import Account
from shared.domain.mails import Letter, Mail, parse_email
from shared.services.notifying import Notifying
from tests.fakes.mailer import FakeMailer

KIM = Account(id="kim0000000", name="kim", created_ms=0, email="kim@example.org")
LEE = Account(id="lee0000000", name="lee", created_ms=0, email="lee@example.org")
MAX = Account(id="max0000000", name="max", created_ms=0)
LETTER = Letter("An owner changes", "lee becomes owner of acme.")


@dataclass
class World:
    """The service, its mailer, and what it says of failures."""

    mailer: FakeMailer = field(default_factory=FakeMailer)
    failures: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    @property
    def notifying(self) -> Notifying:
        return Notifying(self.mailer, lambda *failure: self.failures.append(failure))


@pytest.fixture
def world() -> World:
    return World()


async def test_everybody_with_an_address_is_told_once(world: World) -> None:
    await world.notifying.tell([KIM, MAX, LEE, KIM], *LETTER)
    expected = [Mail(parse_email(each.email), *LETTER) for each in (KIM, LEE)]
    assert world.mailer.sent == expected
    assert world.failures == []


async def test_a_mail_that_nobody_takes_is_no_failure_of_the_change(world: World) -> None:
    world.mailer.is_down = True
    await world.notifying.tell([KIM, LEE], *LETTER)
    assert world.failures == [("SMTPServerDisconnected", 2)]


async def test_one_address_that_fails_keeps_no_other_one_waiting(world: World) -> None:
    class Choosy(FakeMailer):
        async def send(self, mail: Mail) -> None:
            self.is_down = mail.to == KIM.email
            await super().send(mail)

    world.mailer = Choosy()
    await world.notifying.tell([KIM, LEE], *LETTER)
    assert [mail.to for mail in world.mailer.sent] == [LEE.email]
    assert len(world.failures) == 1


async def test_whoever_writes_to_an_address_learns_whether_it_was_taken(world: World) -> None:
    address = parse_email("new@example.org")
    assert await world.notifying.write(address, LETTER)
    world.mailer.is_down = True
    assert not await world.notifying.write(address, LETTER)
    assert [mail.to for mail in world.mailer.sent] == [address]


async def test_to_nobody_nothing_is_said(world: World) -> None:
    world.mailer.is_down = True
    await world.notifying.tell([MAX], *LETTER)
    assert world.failures == []
