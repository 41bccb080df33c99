"""Webhooks: which events they deliver, in which form, and when a delivery is tried again."""

import json
import re
from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import Enum
from typing import ClassVar, Self
from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.change_feed import change_kind
from shared.domain.client_addresses import is_loopback
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.events import Event, without_internal_reason
from shared.domain.outbound_addresses import DEFAULT_PORTS, can_be_called
from shared.domain.records import Record
from shared.domain.times import MS, utc_text


class Topic(Enum):
    """What a webhook can be about."""

    RELEASE = "release"
    DEPRECATION = "deprecation"
    WITHDRAWAL = "withdrawal"
    DEPENDENCY = "dependency"
    ADVISORY = "advisory"
    MEMBER = "member"
    TOKEN = "token"  # noqa: S105 - no secret.
    AUDIT = "audit"  # Every event, with the address and the credential of who caused it.


_TOPICS = {  # By what changed, or by the first word of the kind of an event.
    "published": Topic.RELEASE,
    **dict.fromkeys(("deprecated", "undeprecated"), Topic.DEPRECATION),
    **dict.fromkeys(("withdrawn", "restored"), Topic.WITHDRAWAL),
    **dict.fromkeys(("member", "owner", "invitation"), Topic.MEMBER),
    "dependency": Topic.DEPENDENCY,
    "advisory": Topic.ADVISORY,
    "token": Topic.TOKEN,
}
_TOPICS_OF_KINDS = {"package.successor-changed": Topic.DEPRECATION}


MAX_URL_LENGTH = 1_000
_RECEIVER = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:[/?][!\"$-~]*)?"
)


_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")


class ReceiverHosts(Struct, frozen=True):
    """The hosts to which webhooks may deliver, as `host` or `host:port`; `*` is every host, and
    `*.example.org` each below that one."""

    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the hosts of a list with commas, or raise `ValueError`."""
        names = [each.strip().lower() for each in text.split(",") if each.strip()]
        for each in names:
            if each != "*" and not _HOST.fullmatch(each):
                reason = (
                    f"it has {each[:80]!r}, which is not a host, such as hooks.example.org, "
                    "*.example.org or hooks.example.org:8443"
                )
                raise ValueError(reason)
        return cls(frozenset(names))

    def allows(self, url: str) -> bool:
        """Check whether the receiver at an address may get deliveries."""
        parts = urlsplit(url)
        host = (parts.hostname or "").removesuffix(".")
        labels = host.split(".")
        above = ("*." + ".".join(labels[each:]) for each in range(1, len(labels)))
        port = f":{parts.port or DEFAULT_PORTS[parts.scheme]}"
        hosts = (host, *above)
        return any(each in self.names for each in ("*", *hosts, *(name + port for name in hosts)))

    def require(self, url: str) -> None:
        """Raise `InvalidRequest` unless the receiver at an address may get deliveries."""
        if not self.allows(url):
            message = (
                f"The operator of this registry allows no webhooks to {urlsplit(url).netloc}. Use "
                "another receiver, or ask the operator to add the host to BALLROOM_WEBHOOK_HOSTS."
            )
            with about_field("url"):
                raise InvalidRequest(message)


def parse_receiver(url: str, inside: Collection[str]) -> str:
    """Return the address of a receiver, or raise `InvalidRequest`, also for one that can never be
    called; `inside` is as `can_be_called` says.

    Whether it may be called is checked with each request, because names resolve anew.
    """
    found = _RECEIVER.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if not found or not (found["scheme"] == "https" or is_loopback(found["host"])):
        message = (
            "The address of a receiver is an https URL without a user name, a password and a "
            "fragment, such as https://hooks.example.org/ballroom."
        )
        with about_field("url"):
            raise InvalidRequest(message)
    if not can_be_called(url, inside):
        message = (
            f"The registry can never call {found['host']}: a receiver has a public address, and "
            "answers by https on a port from 1 to 65535. Use its public name, or ask the operator "
            "to add the host to BALLROOM_INSIDE_HOSTS."
        )
        with about_field("url"):
            raise InvalidRequest(message)
    return url


_REGISTRY = "@registry"  # No organization has such a name.
OLD_SECRET_VALID_FOR = timedelta(days=1)  # Receivers change theirs meanwhile.


def webhook_owner(org: str) -> str:
    """Return the owner of the webhooks of an organization; empty is the registry."""
    return org.lower() or _REGISTRY


class EncryptedSecret(Record):
    """A secret that a key of `WebhookKeys` encrypted."""

    key: str  # The id of the key.
    text: str  # Nonce and ciphertext, in Base64.


class Webhook(Entity):
    """An address that gets the events of an organization, or of the registry, on some topics.

    It has no secret after it came from a snapshot, and delivers nothing until it gets one.
    """

    kind: ClassVar[str] = "webhook"

    id: str
    org: str  # Empty: of the registry.
    url: str
    topics: tuple[Topic, ...]
    encrypted: EncryptedSecret | None = None
    old_encrypted: EncryptedSecret | None = None
    # The secret in clear that an earlier version stored, until the upgrade encrypts it.
    secret: str = ""
    old_secret: str = ""  # The same for the old secret.
    rotated_ms: int = 0
    created_ms: int
    by: str  # Who made, confirmed or last rotated it.

    @property
    def place(self) -> Place:
        return Place(webhook_owner(self.org), self.id)

    def wants(self, event: Event) -> bool:
        """Check whether the event is one of its organization, and on one of its topics."""
        if self.org and event.org != self.org.lower():
            return False
        change = change_kind(event)
        word = change.value if change else event.kind.partition(".")[0]
        topic = _TOPICS_OF_KINDS.get(event.kind) or _TOPICS.get(word)
        return Topic.AUDIT in self.topics or topic in self.topics

    def signs_with_old(self, now_ms: int) -> bool:
        """Check whether requests are signed with the secret before this one as well: for a day
        after a rotation."""
        return now_ms < self.rotated_ms + OLD_SECRET_VALID_FOR // MS

    @property
    def has_clear_secret(self) -> bool:
        return bool(self.secret or self.old_secret)

    def without_secrets(self) -> Self:
        """Return the webhook as snapshots have it."""
        none = {"encrypted": None, "old_encrypted": None, "secret": "", "old_secret": ""}
        return self.model_copy(update=none)

    def body(self, number: int, event: Event) -> str:
        """Return the body of a request: `type`, `timestamp` and `data`, as Standard Webhooks says.

        Only for the audit log it has who caused the event from where and with what. The reason of a
        withdrawal is the public one, whatever the topics.
        """
        left_out = {"schema_version", "at_ms"}
        if Topic.AUDIT not in self.topics:
            left_out |= {"credential", "address"}
        data = {"number": number, **event.model_dump(exclude=left_out)}
        data["details"] = without_internal_reason(event)
        sent = {"type": event.kind, "timestamp": utc_text(event.at_ms), "data": data}
        return json.dumps(sent, ensure_ascii=False, separators=(",", ":"))


class RevealedWebhook(Struct, frozen=True):
    """A webhook with its new secret, which is shown once."""

    webhook: Webhook
    secret: str


class WrappedKey(Record):
    """A key that encrypts secrets of webhooks, itself encrypted with keys of the registry."""

    id: str
    made_ms: int
    for_all: bool = False  # Whether it was made to give every webhook a new secret.
    # The key in the form of `EncryptedSecret.text`, by the id of the key of the registry.
    wrapped: dict[str, str]


class WebhookKeys(Entity):
    """The keys that encrypt secrets of webhooks, newest first: the first one encrypts.

    A rotation of the registry's key encrypts these keys anew, and no secret.
    """

    kind: ClassVar[str] = "webhook-keys"

    keys: tuple[WrappedKey, ...]

    @property
    def place(self) -> Place:
        return PLACE_OF_WEBHOOK_KEYS


PLACE_OF_WEBHOOK_KEYS = Place(_REGISTRY)


# After each attempt that fails; together nearly three days, after which a delivery is given up.
BACK_OFF = tuple(timedelta(minutes=n) for n in (1, 5, 30, 120, 300, 600, 840, 1_200, 1_200))
DELIVERIES_KEPT = 100  # Deliveries kept for one webhook.
# Kept deliveries that may wait. Other events wait in the feed, so that an outage does not displace
# earlier answers.
MAX_WAITING = 50
MAX_ANSWER = 300  # Characters that are kept of an answer.


class DeliveryState(Enum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class AttemptResult(Enum):
    """What became of one attempt, as metrics name it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Delivery(Record):
    """An event for a receiver, and its last answer."""

    number: int  # The number of the event.
    event: str  # Its kind.
    subject: str
    attempts: int = 0
    due_ms: int | None  # None: it was delivered, or given up.
    tried_ms: int | None = None
    status: int | None = None  # None without an answer.
    answer: str = ""  # How its body begins, or why there is none.
    replays: int = 0

    def is_due(self, now_ms: int) -> bool:
        """Check whether it is sent now. A time that is later than any wait is from before the clock
        was set back, and counts as over."""
        if self.due_ms is None:
            return False
        return not now_ms < self.due_ms <= now_ms + BACK_OFF[-1] // MS

    @property
    def state(self) -> DeliveryState:
        if self.due_ms is not None:
            return DeliveryState.WAITING
        return DeliveryState.DELIVERED if _is_success(self.status) else DeliveryState.FAILED

    @property
    def attempt(self) -> AttemptResult:
        """The outcome of the last attempt to deliver the event, in words."""
        if self.status is None:
            return AttemptResult.UNANSWERED
        return AttemptResult.ACCEPTED if _is_success(self.status) else AttemptResult.REFUSED

    def tried(self, status: int | None, answer: str, now_ms: int) -> Self:
        """Return the delivery after an attempt: done, due again, or given up."""
        due_ms = None
        if not _is_success(status) and self.attempts < len(BACK_OFF):
            due_ms = now_ms + BACK_OFF[self.attempts] // MS
        text = "".join(c if c.isprintable() else " " for c in answer[:MAX_ANSWER])
        changes = {"attempts": self.attempts + 1, "due_ms": due_ms, "tried_ms": now_ms}
        return self.model_copy(update={**changes, "status": status, "answer": text})


def _is_success(status: int | None) -> bool:
    return status is not None and status // 100 == 2  # noqa: PLR2004 - every 2xx.


class DeliveryLog(Entity):
    """How far in the feed a webhook is, and its last deliveries, oldest first."""

    kind: ClassVar[str] = "webhook-deliveries"

    org: str
    webhook: str
    number: int  # The number of the last event that was read.
    deliveries: tuple[Delivery, ...] = ()
    # Since when it sends nothing, because its maker is stopped or it has no usable secret.
    paused_ms: int | None = None

    @property
    def place(self) -> Place:
        return Place(webhook_owner(self.org), self.webhook)

    def with_deliveries(self, number: int, changed: Iterable[Delivery]) -> Self:
        """Return the log with deliveries as they are after their attempts; one that was replayed
        meanwhile stays due. Above the limit, the oldest of those that do not wait are left out."""
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
