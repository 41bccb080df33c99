"""Mail that could not be sent is queued, and sent again."""

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.mail import MailText
from shared.domain.queued_mail import QUEUED_FOR, RETRY_AFTER, Audience, QueuedMail, Recipients
from shared.domain.times import MS
from shared.services.identity.mail_recipients import recipient_accounts
from shared.services.mail_delivery import MailDelivery
from tests.fakes.mail import FakeMailer
from tests.fakes.services import fake_mail_delivery
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault, OtherWriter

MAIL = MailText("A decision", "It was decided.")
ADMINISTRATORS = Recipients(audience=Audience.ADMINISTRATORS)
ANN = Account(id="ann0000000", name="ann", email="ann@example.org", created_ms=1)


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def store() -> FakeDirectory:
    people = [
        ANN.model_copy(update={"administrator": True}),
        Account(
            id="bob0000000",
            name="bob",
            email="bob@example.org",
            created_ms=1,
            administrator=True,
        ),
    ]
    return FakeDirectory.holding(*people)


@pytest.fixture
def undelivered() -> list[tuple[str, int]]:
    return []


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def delivery(
    mailer: FakeMailer,
    store: FakeDirectory,
    clock: FakeClock,
    undelivered: list[tuple[str, int]],
) -> MailDelivery:
    return fake_mail_delivery(mailer, store, clock, lambda *failure: undelivered.append(failure))


async def run(delivery: MailDelivery, clock: FakeClock, after: timedelta = RETRY_AFTER) -> None:
    """Run the task after some time."""
    clock.advance(after)
    await delivery.send_queued(clock.now_ms() + timedelta(minutes=1) // MS)


def over(delivery: MailDelivery, directory: FakeDirectory) -> MailDelivery:
    """Return what reads and queues in another directory."""
    return replace(
        delivery,
        mail_queue=replace(delivery.mail_queue, directory=directory),
        read_recipients=partial(recipient_accounts, directory, delivery.clock),
    )


def recipients(mailer: FakeMailer) -> list[str]:
    return [each.to for each in mailer.sent]


async def test_mail_that_is_sent_is_not_queued(
    delivery: MailDelivery, mailer: FakeMailer, store: FakeDirectory
) -> None:
    await delivery.send_to(ADMINISTRATORS, MAIL)
    assert recipients(mailer) == ["ann@example.org", "bob@example.org"]
    assert store.every(QueuedMail) == []


async def test_only_those_for_whom_the_mail_server_refused_it_are_sent_it_again(
    delivery: MailDelivery,
    mailer: FakeMailer,
    store: FakeDirectory,
    clock: FakeClock,
    undelivered: list[tuple[str, int]],
) -> None:
    mailer.refused = {"bob@example.org"}
    await delivery.send_to(ADMINISTRATORS, MAIL)
    assert recipients(mailer) == ["ann@example.org"]
    assert undelivered == [("SMTPServerDisconnected", 1)]
    await run(delivery, clock, RETRY_AFTER - timedelta(milliseconds=1))
    assert len(undelivered) == 1
    mailer.refused = set()
    await run(delivery, clock, timedelta(milliseconds=1))
    assert recipients(mailer) == ["ann@example.org", "bob@example.org"]
    assert mailer.sent[1].subject == MAIL.subject
    assert mailer.sent[1].text == MAIL.text
    assert store.every(QueuedMail) == []


async def test_refused_mail_is_sent_less_and_less_often_for_a_week(
    delivery: MailDelivery,
    mailer: FakeMailer,
    store: FakeDirectory,
    clock: FakeClock,
    undelivered: list[tuple[str, int]],
) -> None:
    mailer.is_down = True
    await delivery.send_to(ADMINISTRATORS, MAIL)
    minutes = 0
    while store.every(QueuedMail):
        await run(delivery, clock, timedelta(minutes=5))
        minutes += 5
    assert QUEUED_FOR <= timedelta(minutes=minutes) <= QUEUED_FOR + timedelta(hours=12)
    assert 10 < len(undelivered) < 30


async def test_mail_whose_recipients_cannot_be_read_is_sent_to_them_later(
    delivery: MailDelivery,
    mailer: FakeMailer,
    store: FakeDirectory,
    clock: FakeClock,
    undelivered: list[tuple[str, int]],
) -> None:
    directory = Fault("list_by_subject", Busy()).over(store)
    await over(delivery, directory).send_to(ADMINISTRATORS, MAIL)
    assert mailer.sent == []
    assert undelivered == [("busy", 1)]
    await run(delivery, clock)
    assert recipients(mailer) == ["ann@example.org", "bob@example.org"]
    assert store.every(QueuedMail) == []


async def test_mail_that_can_neither_be_sent_nor_queued_fails_the_request(
    delivery: MailDelivery, mailer: FakeMailer, store: FakeDirectory
) -> None:
    mailer.is_down = True
    directory = Fault("add", Busy()).over(store)
    with pytest.raises(Busy):
        await over(delivery, directory).send_to(ADMINISTRATORS, MAIL)


async def test_an_account_that_is_gone_gets_no_queued_mail(
    delivery: MailDelivery, mailer: FakeMailer, store: FakeDirectory, clock: FakeClock
) -> None:
    mailer.is_down = True
    await delivery.send_to(Recipients(audience=Audience.ACCOUNTS, accounts=(ANN.id,)), MAIL)
    await store.remove(store.every(Account)[0])
    mailer.is_down = False
    await run(delivery, clock)
    assert mailer.sent == []
    assert store.every(QueuedMail) == []


async def test_a_run_ends_when_its_time_is_over(
    delivery: MailDelivery, mailer: FakeMailer, clock: FakeClock
) -> None:
    mailer.is_down = True
    await delivery.send_to(ADMINISTRATORS, MAIL)
    mailer.is_down = False
    clock.advance(RETRY_AFTER)
    report = await delivery.send_queued(clock.now_ms())
    assert report.unfinished
    assert mailer.sent == []


async def test_mail_whose_week_is_over_is_deleted_and_not_sent(
    delivery: MailDelivery, mailer: FakeMailer, store: FakeDirectory, clock: FakeClock
) -> None:
    # No process ran, or a backup was restored.
    mailer.is_down = True
    await delivery.send_to(ADMINISTRATORS, MAIL)
    mailer.is_down = False
    await run(delivery, clock, QUEUED_FOR)
    assert mailer.sent == []
    assert store.every(QueuedMail) == []


@pytest.mark.parametrize("refused", [False, True])
async def test_mail_that_another_process_ends_meanwhile_stops_no_other(
    delivery: MailDelivery,
    mailer: FakeMailer,
    store: FakeDirectory,
    clock: FakeClock,
    *,
    refused: bool,
) -> None:
    mailer.is_down = True
    await delivery.send_to(ADMINISTRATORS, MAIL)
    await delivery.send_to(ADMINISTRATORS, MailText("Another decision", "It was decided."))
    first = store.every(QueuedMail)[0]
    mailer.is_down = refused
    other = OtherWriter("get", lambda: store.remove(first))
    await run(over(delivery, other.over(store)), clock)
    assert other.has_acted
    left = [each.id for each in store.every(QueuedMail)]
    assert first.id not in left
    assert len(left) == int(refused)
    if not refused:
        assert {each.subject for each in mailer.sent} == {"A decision", "Another decision"}


async def test_mail_that_was_queued_before_the_clock_was_set_back_is_sent(
    delivery: MailDelivery, mailer: FakeMailer, store: FakeDirectory, clock: FakeClock
) -> None:
    mailer.is_down = True
    await delivery.send_to(ADMINISTRATORS, MAIL)
    clock.step(-timedelta(days=300))
    await run(delivery, clock)
    [queued] = store.every(QueuedMail)
    assert queued.ends_ms == clock.now_ms() + QUEUED_FOR // MS
    mailer.is_down = False
    await run(delivery, clock)
    assert recipients(mailer) == ["ann@example.org", "bob@example.org"]
    assert store.every(QueuedMail) == []
