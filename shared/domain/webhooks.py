"""Webhooks: which events they deliver, in which form, and when a delivery is tried again."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self
from urllib.parse import urlsplit

from shared.domain.client_addresses import is_loopback
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.events import ChangeKind, package_change
from shared.domain.names import OrgName
from shared.domain.records import Entity, Event, Place, Record
from shared.domain.times import MS, utc_text


class Topic(Enum):
    """What a webhook can be about."""

    RELEASE = "release"
    DEPRECATION = "deprecation"
    WITHDRAWAL = "withdrawal"
    MEMBER = "member"
    TOKEN = "token"  # noqa: S105 - no secret.
    AUDIT = "audit"  # Every event, with the address and the credential of who caused it.


_TOPICS = {
    ChangeKind.PUBLISHED: Topic.RELEASE,
    ChangeKind.DEPRECATED: Topic.DEPRECATION,
    ChangeKind.UNDEPRECATED: Topic.DEPRECATION,
    ChangeKind.WITHDRAWN: Topic.WITHDRAWAL,
    ChangeKind.RESTORED: Topic.WITHDRAWAL,
}
_TOPIC_BY_PREFIX = {
    "member": Topic.MEMBER,
    "owner": Topic.MEMBER,
    "invitation": Topic.MEMBER,
    "token": Topic.TOKEN,
}


def topic_of(event: Event) -> Topic | None:
    """Return the topic of an event; None for one that is delivered as `AUDIT` alone."""
    change = package_change(0, event)
    if change:
        return _TOPICS[change.change]
    return _TOPIC_BY_PREFIX.get(event.kind.partition(".")[0])


MAX_URL_LENGTH = 1_000


def parse_receiver(url: str) -> str:
    """Return the address of a receiver, or raise `InvalidRequest`.

    Whether it may be called is checked with each request, because names resolve anew.
    """
    try:
        parts = urlsplit(url)
        is_local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        is_valid = (parts.scheme == "https" or is_local) and bool(parts.hostname)
        has_more = parts.username is not None or parts.password is not None or bool(parts.fragment)
        is_valid = is_valid and not has_more and (parts.port is None or parts.port > 0)
    except ValueError:
        is_valid = False
    if not is_valid or len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable():
        message = (
            "The address of a receiver is an https URL without a user name, a password and a "
            "fragment, such as https://hooks.example.org/ballroom."
        )
        with about_field("url"):
            raise InvalidRequest(message)
    return url


_REGISTRY = "@registry"  # No organization has such a name.
OLD_SECRET_VALID_FOR = timedelta(days=1)  # Receivers change theirs meanwhile.


def webhook_owner(org: OrgName | None) -> str:
    """Return the owner of the webhooks of an organization, or of the registry."""
    return org.lower() if org else _REGISTRY


class Webhook(Entity):
    """An address that gets the events of an organization, or of the registry, on some topics."""

    kind: ClassVar[str] = "webhook"

    id: str
    org: str  # Empty: of the registry.
    url: str
    topics: tuple[Topic, ...]
    secret: str
    old_secret: str = ""
    rotated_ms: int = 0
    created_ms: int
    by: str

    @property
    def place(self) -> Place:
        return Place(webhook_owner(OrgName(self.org) if self.org else None), self.id)

    def wants(self, event: Event) -> bool:
        """Check whether the event is one of its organization, and on one of its topics."""
        if self.org and event.org != self.org.lower():
            return False
        return Topic.AUDIT in self.topics or topic_of(event) in self.topics

    def secrets(self, now_ms: int) -> tuple[str, ...]:
        """Return the secrets to sign with: for a day after a rotation also the one before."""
        is_old_valid = now_ms < self.rotated_ms + OLD_SECRET_VALID_FOR // MS
        return (
            (self.secret, self.old_secret) if self.old_secret and is_old_valid else (self.secret,)
        )

    def rotated(self, secret: str, now_ms: int) -> Self:
        changes = {"secret": secret, "old_secret": self.secret, "rotated_ms": now_ms}
        return self.model_copy(update=changes)

    def body(self, number: int, event: Event) -> str:
        """Return the body of a request: `type`, `timestamp` and `data`, as Standard Webhooks says.

        Only for the audit log it has who caused the event from where and with what.
        """
        leave_out = set[str]() if Topic.AUDIT in self.topics else {"credential", "address"}
        data = {
            "number": number,
            "id": event.id,
            "kind": event.kind,
            "org": event.org,
            "actor": event.actor,
            "account": event.account,
            "subject": event.subject,
            "credential": event.credential,
            "address": event.address,
            "details": event.details,
        }
        kept = {name: value for name, value in data.items() if name not in leave_out}
        sent = {"type": event.kind, "timestamp": utc_text(event.at_ms), "data": kept}
        return json.dumps(sent, ensure_ascii=False, separators=(",", ":"))


# After each attempt that fails; together nearly three days, after which a delivery is given up.
BACK_OFF = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=20),
)
DELIVERIES_KEPT = 100  # Of a webhook.
MAX_WAITING = 50  # Of these: others wait in the feed, so that an outage hides no earlier answers.
MAX_ANSWER = 300  # Characters that are kept of an answer.


class DeliveryState(Enum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(Record):
    """An event for a receiver, and its last answer."""

    number: int  # Of the event.
    event: str  # Its kind.
    subject: str
    attempts: int = 0
    due_ms: int | None  # None: it was delivered, or given up.
    tried_ms: int | None = None
    status: int | None = None  # None without an answer.
    answer: str = ""  # How its body begins, or why there is none.
    replays: int = 0

    @property
    def state(self) -> DeliveryState:
        if self.due_ms is not None:
            return DeliveryState.WAITING
        return DeliveryState.DELIVERED if _is_success(self.status) else DeliveryState.FAILED

    def tried(self, status: int | None, answer: str, now_ms: int) -> Self:
        """Return the delivery after an attempt: done, due again, or given up."""
        due_ms = None
        if not _is_success(status) and self.attempts < len(BACK_OFF):
            due_ms = now_ms + BACK_OFF[self.attempts] // MS
        text = "".join(c if c.isprintable() else " " for c in answer[:MAX_ANSWER])
        changes = {"attempts": self.attempts + 1, "due_ms": due_ms, "tried_ms": now_ms}
        return self.model_copy(update={**changes, "status": status, "answer": text})

    def replayed(self, now_ms: int) -> Self:
        """Return the delivery due at once, with three days before it is given up."""
        return self.model_copy(
            update={"attempts": 0, "due_ms": now_ms, "replays": self.replays + 1}
        )


def _is_success(status: int | None) -> bool:
    return status is not None and status // 100 == 2  # noqa: PLR2004 - every 2xx.


class DeliveryLog(Entity):
    """How far in the feed a webhook is, and its last deliveries, oldest first."""

    kind: ClassVar[str] = "webhook-deliveries"

    org: str
    webhook: str
    number: int  # Of the last event that was looked at.
    deliveries: tuple[Delivery, ...] = ()

    @property
    def place(self) -> Place:
        return Place(webhook_owner(OrgName(self.org) if self.org else None), self.webhook)

    @property
    def room(self) -> int:
        """How many more deliveries may wait."""
        return MAX_WAITING - sum(each.due_ms is not None for each in self.deliveries)

    def find(self, number: int) -> Delivery | None:
        return next((each for each in self.deliveries if each.number == number), None)

    def with_deliveries(self, number: int, changed: Iterable[Delivery]) -> Self:
        """Return the log with deliveries as they are after their attempts; one that was replayed
        meanwhile stays due. Of those that do not wait, the oldest are left out above the limit."""
        known = {each.number: each for each in self.deliveries}
        for each in changed:
            stored = known.get(each.number)
            if stored is None or stored.replays == each.replays:
                known[each.number] = each
        surplus = len(known) - DELIVERIES_KEPT
        for each in sorted(known.values(), key=lambda each: each.number):
            if surplus > 0 and each.due_ms is None:
                del known[each.number]
                surplus -= 1
        deliveries = tuple(known[each] for each in sorted(known))
        return self.model_copy(
            update={"number": max(number, self.number), "deliveries": deliveries}
        )


def details_of(webhook: Webhook) -> Mapping[str, str]:
    """Return what the audit log says of a webhook; its address may have a secret in the path."""
    host = urlsplit(webhook.url).netloc
    topics = " ".join(each.value for each in webhook.topics)
    return {"webhook": webhook.id, "host": host, "events": topics}
