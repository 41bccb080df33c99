"""The audited writer and read-only mode over fakes."""

from collections.abc import Callable
from functools import partial

from shared.auth.identity_providers import VerifiedIdentity
from shared.domain.errors.base import Refusal
from shared.domain.principals import Principal
from shared.domain.tasks import TaskReport
from shared.services.audited_writes import AuditedWriter
from shared.services.event_appender import EventAppender
from shared.services.identity.accounts import RetiredNames
from shared.services.identity.mail_recipients import recipient_accounts
from shared.services.limits.notices import NoticeCache, ReadOnlyMode
from shared.services.mail_delivery import MailDelivery
from shared.services.mail_queue import MailQueue
from shared.services.revocation_list import RetiredNameList
from tests.fakes.mail import FakeMailer
from tests.fakes.stores import FakeDirectory, FakeEvents, FakeRevocations, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness


def ignore(refusal: Refusal) -> None:
    """Ignore a refusal."""


def fake_audited_writer(
    directory: FakeDirectory,
    events: FakeEvents | None = None,
    clock: FakeClock | None = None,
    *,
    randomness: FakeRandomness | None = None,
    on_delay: Callable[[Refusal], None] = ignore,
) -> AuditedWriter:
    """Return an audited writer over the directory and the events."""
    events = events or FakeEvents()
    events.clear_outbox = directory.clear_outbox
    return AuditedWriter(
        directory=directory,
        event_appender=EventAppender(events, FakeRevocations(), start_log=None),
        clock=clock or FakeClock(),
        randomness=randomness or FakeRandomness("recording"),
        on_delay=on_delay,
    )


def fake_retired_names(
    directory: FakeDirectory, randomness: FakeRandomness | None = None
) -> RetiredNames:
    """Return the former names of the directory."""
    listed = RetiredNameList(FakeEvents(), FakeRevocations(), FakeClock())
    return RetiredNames(directory, listed, randomness or FakeRandomness())


def changes_allowed() -> ReadOnlyMode:
    """Return a registry's read-only mode that is off."""
    return ReadOnlyMode(NoticeCache(FakeDirectory(), FakeClock()))


class NoGroups:
    """Groups that give no rights."""

    async def signed_in(self, verified: VerifiedIdentity) -> None:
        """Do nothing."""

    async def review(self, account_id: str) -> int:
        return 0

    async def renew(self, account_id: str) -> bool:
        return True


class EverybodyEnabled:
    """People whose identity providers say nothing without a sign-in."""

    async def require_enabled(self, by: Principal, verb: str, what: str) -> None:
        """Do nothing."""

    async def review_everybody(self) -> TaskReport:
        return TaskReport()


def fake_mail_delivery(
    mailer: FakeMailer,
    directory: FakeDirectory,
    clock: FakeClock,
    on_failure: Callable[[str, int], None] = lambda _reason, _count: None,
) -> MailDelivery:
    """Return what sends mail by a double, and queues in the directory what it refuses."""
    mail_queue = MailQueue(directory, clock, FakeRandomness())
    read_recipients = partial(recipient_accounts, directory, clock)
    return MailDelivery(mailer, FakeWork(), clock, on_failure, mail_queue, read_recipients)
