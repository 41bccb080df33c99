"""Webhooks: who may see and change them, and the delivery of events to their receivers.

A request is repeated after a crash between the answer and its record, with the same `webhook-id`,
by which receivers recognize it.
"""

from base64 import b64encode
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from urllib.parse import urlsplit

import standardwebhooks
from msgspec import Struct

from shared.auth.authorization import Administration, Authorization
from shared.auth.tokens import random_text
from shared.domain.errors.base import InvalidRequest, NotFound, about_field, redact_tokens
from shared.domain.errors.identity import NotPermitted
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change, with_reason
from shared.domain.records import Event, Place
from shared.domain.rights import AccessContext
from shared.domain.scopes import Action
from shared.domain.times import MS
from shared.domain.webhooks import (
    MAX_ANSWER,
    MAX_WAITING,
    Delivery,
    DeliveryLog,
    Topic,
    Webhook,
    parse_receiver,
    webhook_owner,
)
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventStore
from shared.ports.http_client import (
    AnswerTooLarge,
    AnswerUnusable,
    CertificateUntrusted,
    HttpClient,
    ProxyFailed,
    ServerUnreachable,
    Unanswered,
)
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale
from shared.services.identity.mail import DecisionMail
from shared.services.records import (
    EntityChange,
    RecordWriter,
    last_event_number,
    retried_when_added,
)
from shared.services.tokens.makers import Maker, Makers

MAX_WEBHOOKS = 10  # Of an organization, and of the registry.

_ID_LENGTH = 10  # Base62, like the ids of tokens.
_SECRET_BYTES = 32  # Standard Webhooks takes 24 to 64.
_OF_REGISTRY = "the webhooks of the registry"


class Webhooks(Struct, frozen=True):
    """Manages the webhooks of an organization for its owners, and those of the registry, which have
    no organization, for administrators. Changes take a recent sign-in."""

    authorization: Authorization
    administration: Administration
    directory: DirectoryStore
    events: EventStore
    record_writer: RecordWriter
    makers: Makers
    decision_mail: DecisionMail
    clock: Clock
    randomness: Randomness
    inside_hosts: frozenset[str]

    async def of(self, org: OrgName | None, *, by: Principal) -> list[Webhook]:
        """Return the webhooks of an owner, the oldest first."""
        await self._require_reading(org, by)
        return await self._all(org)

    async def makers_of(self, webhooks: Iterable[Webhook]) -> Mapping[str, Maker]:
        """Return the makers of webhooks of one owner, by `Webhook.by`; callers check rights."""
        found = list(webhooks)
        return await self.makers.of(found[0].org if found else "", [each.by for each in found])

    async def show(
        self, org: OrgName | None, webhook_id: str, *, by: Principal
    ) -> tuple[Webhook, Sequence[Delivery]]:
        """Return a webhook and its last deliveries, newest first; raise `webhook-not-found`."""
        webhook, log = await self.show_log(org, webhook_id, by=by)
        return webhook, log.deliveries[::-1] if log else ()

    async def show_log(
        self, org: OrgName | None, webhook_id: str, *, by: Principal
    ) -> tuple[Webhook, DeliveryLog | None]:
        """Return a webhook and how far its deliveries are; raise `webhook-not-found`."""
        await self._require_reading(org, by)
        webhook = await self._get(org, webhook_id)
        return webhook, await self.directory.get(DeliveryLog, webhook.place)

    async def add(
        self, org: OrgName | None, url: str, topics: Sequence[Topic], *, by: Principal
    ) -> Webhook:
        """Add a webhook, which gets the events from now on; raise `InvalidRequest`."""
        await self._require(org, Action.GOVERN, by)
        if not topics:
            choices = ", ".join(each.value for each in Topic)
            message = f"Choose the events that the webhook delivers: {choices}."
            with about_field("events"):
                raise InvalidRequest(message)
        return await self._add(org, parse_receiver(url, self.inside_hosts), topics, by)

    @retried_when_added
    async def _add(
        self, org: OrgName | None, url: str, topics: Sequence[Topic], by: Principal
    ) -> Webhook:
        async def require_room() -> None:
            if len(await self._all(org)) >= MAX_WEBHOOKS:
                reason = f"there are {MAX_WEBHOOKS} webhooks; remove one first"
                raise NotPermitted("add", "another webhook", reason)

        access = await self._require(org, Action.GOVERN, by)
        name = access.require_organization(org).name if access and org else ""
        webhook = Webhook(
            id=random_text(self.randomness, _ID_LENGTH),
            org=name,
            url=url,
            topics=tuple(each for each in Topic if each in topics),
            secret=self._new_secret(),
            created_ms=self.clock.now_ms(),
            by=by.id,
        )
        number = await last_event_number(self.events)
        log = DeliveryLog(org=name, webhook=webhook.id, number=number)
        change = webhook_change("added", webhook, by)
        return await self.record_writer.add_checked(
            webhook, log, check=require_room, change=change, by=by
        )

    @retried_when_stale
    async def rotate(
        self, org: OrgName | None, webhook_id: str, *, by: Principal, reason: str = ""
    ) -> Webhook:
        """Give the webhook another secret; for a day requests are signed with both. Who rotates is
        its maker from then on.

        Administrators who do not own its organization say a `reason`.
        """
        access = await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        what = f"the secret of the webhook {webhook.id}"
        said = reason_for_change(by, access, reason, f"rotating {what}") if access else ""
        changes = {"secret": self._new_secret(), "old_secret": webhook.secret}
        rotated = webhook.model_copy(
            update={**changes, "rotated_ms": self.clock.now_ms(), "by": by.id}
        )
        change = webhook_change("rotated", webhook, by, **with_reason(said))
        stored = await self.record_writer.replace(rotated, change=change, by=by)
        if access:
            await self.decision_mail.send_if_from_outside(by, access, f"{what} is rotated", said)
        return stored

    @retried_when_stale
    async def confirm(self, org: OrgName | None, webhook_id: str, *, by: Principal) -> Webhook:
        """Make `by` the maker of a webhook, which delivers while `by` is an owner, or an
        administrator where it is of the registry; a repeat changes nothing."""
        await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        return await confirm_webhook(self.record_writer, webhook, by, by=by)

    @retried_when_stale
    async def remove(
        self, org: OrgName | None, webhook_id: str, *, by: Principal, reason: str = ""
    ) -> None:
        """Remove the webhook and its deliveries; what its receiver has not got is not sent.

        Administrators who do not own its organization say a `reason`.
        """
        access = await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        what = f"the webhook {webhook.id} to {urlsplit(webhook.url).netloc}"
        said = reason_for_change(by, access, reason, f"removing {what}") if access else ""
        change = webhook_change("removed", webhook, by, **with_reason(said))
        await self.record_writer.remove(webhook, change=change, by=by)
        await self._remove_log(webhook.place)
        if access:
            await self.decision_mail.send_if_from_outside(by, access, f"{what} is removed", said)

    @retried_when_stale
    async def replay(
        self, org: OrgName | None, webhook_id: str, number: str, *, by: Principal
    ) -> Delivery:
        """Let one of the last deliveries be sent again within a minute, with the same id."""
        await self._require(org, Action.MANAGE, by)
        webhook = await self._get(org, webhook_id)
        log = await self.directory.get(DeliveryLog, webhook.place)
        is_number = number.isascii() and number.isdecimal() and len(number) < 16  # noqa: PLR2004 - below 2**53.
        found = log.deliveries if log and is_number else ()
        delivery = next((each for each in found if each.number == int(number)), None)
        if log is None or delivery is None:
            raise NotFound(
                "delivery-not-found",
                f"delivery not found: {number}. Only the last deliveries of a webhook are kept.",
            )
        again = {"attempts": 0, "due_ms": self.clock.now_ms(), "replays": delivery.replays + 1}
        replayed = delivery.model_copy(update=again)
        kept = tuple(replayed if each is delivery else each for each in log.deliveries)
        change = webhook_change("replayed", webhook, by, delivery=number)
        changed = log.model_copy(update={"deliveries": kept})
        await self.record_writer.replace(changed, change=change, by=by)
        return replayed

    async def _require_reading(self, org: OrgName | None, by: Principal) -> None:
        if org is None:
            await self.administration.require(by, "see", _OF_REGISTRY)
        else:
            await self.authorization.require_reading(by, Action.MANAGE, org)

    async def _require(
        self, org: OrgName | None, action: Action, by: Principal
    ) -> AccessContext | None:
        """Return the access to the organization, or None for the registry; raise unless `by` may do
        this."""
        if org is not None:
            access = await self.authorization.require_within(by, action, org)
            access.require_organization(org)
            return access
        if action is Action.GOVERN:
            await self.administration.require_fresh(by, "change", _OF_REGISTRY)
        else:
            await self.administration.require(by, "see", _OF_REGISTRY)
        return None

    async def _all(self, org: OrgName | None) -> list[Webhook]:
        found = await self.directory.list_by_owner(Webhook, webhook_owner(org or ""))
        return sorted(found, key=lambda each: each.created_ms)

    async def _get(self, org: OrgName | None, webhook_id: str) -> Webhook:
        is_id = webhook_id.isascii() and webhook_id.isalnum()
        place = Place(webhook_owner(org or ""), webhook_id)
        webhook = await self.directory.get(Webhook, place) if is_id else None
        if webhook is None:
            raise NotFound(
                "webhook-not-found",
                f"webhook not found: {webhook_id}. List the webhooks to see their ids.",
            )
        return webhook

    @retried_when_stale
    async def _remove_log(self, place: Place) -> None:
        log = await self.directory.get(DeliveryLog, place)
        if log is not None:
            await self.directory.remove(log)

    def _new_secret(self) -> str:
        return f"whsec_{b64encode(self.randomness.token_bytes(_SECRET_BYTES)).decode()}"


async def confirm_webhook(
    writer: RecordWriter, webhook: Webhook, maker: Principal, *, by: Principal
) -> Webhook:
    """Store the maker of a webhook; raise `Stale`. Callers check rights."""
    if webhook.by == maker.id:
        return webhook
    confirmed = webhook.model_copy(update={"by": maker.id})
    return await writer.replace(confirmed, change=webhook_change("confirmed", webhook, by), by=by)


def webhook_change(what: str, webhook: Webhook, by: Principal, **more: str) -> EntityChange:
    """Return the event `webhook.<what>`."""
    # The address may have a secret in its path.
    host = urlsplit(webhook.url).netloc
    topics = " ".join(each.value for each in webhook.topics)
    details = {"webhook": webhook.id, "host": host, "events": topics, **more}
    account = "" if webhook.org else by.id  # The log of the administrator has it.
    return EntityChange(
        f"webhook.{what}", webhook.id, org=webhook.org, account=account, details=details
    )


# --- Delivery ------------------------------------------------------------------------------------

EVENTS_READ_AT_ONCE = 200  # For a webhook in a run.
TIME_OF_A_WEBHOOK = timedelta(seconds=10)  # In a run; after that the others have their turn.
WEBHOOKS_AT_ONCE = 16  # An answer takes up to 1 MiB of memory and five seconds.
SMALLEST_SHARE = 2  # Of these, for an organization.
MAKER_KNOWN_FOR = timedelta(seconds=3)  # A stopped maker's webhook sends nothing after five.
PAUSE = timedelta(minutes=5)  # Of a receiver that does not answer, for all that waits for it.


class WebhookDelivery(Struct, frozen=True):
    """Sends events to the receivers of webhooks, and stores what these answered."""

    directory: DirectoryStore
    events: EventStore
    makers: Makers
    http: HttpClient
    clock: Clock
    count_attempt: Callable[[Mapping[str, str]], None]  # By its result.
    # Called with the id of the webhook, the host and the reason, for the operator.
    unanswered: Callable[[str, str, str], None]

    async def deliver(self, webhook: Webhook) -> list[Delivery]:
        """Send what is due, in the order of the feed, and return what was tried.

        New events come from the feed while few enough wait, so none is left out. After an attempt
        without an answer nothing else is tried: a receiver that hangs takes five seconds of a run.
        While the webhook stops with its maker nothing is sent: events wait in the feed, in their
        order, until somebody confirms it.
        """
        log = await self.directory.get(DeliveryLog, webhook.place)
        if log is None:
            return []  # The webhook was removed meanwhile.
        if await self._is_paused(webhook, log):
            return []
        now_ms = self.clock.now_ms()
        number = log.number
        room = MAX_WAITING - sum(each.due_ms is not None for each in log.deliveries)
        events = dict[int, Event]()
        new = list[Delivery]()
        for each, event in await self.events.since(log.number, EVENTS_READ_AT_ONCE):
            if webhook.wants(event):
                if len(new) >= room:
                    break
                events[each] = event
                new.append(
                    Delivery(number=each, event=event.kind, subject=event.subject, due_ms=now_ms)
                )
            number = each
        due = [each for each in (*log.deliveries, *new) if each.is_due(now_ms)]
        tried = [each async for each in self._try(webhook, due, events)]
        changed = {each.number: each for each in (*new, *tried)}
        if tried and tried[-1].status is None:
            later = {"due_ms": now_ms + PAUSE // MS}
            changed |= {each.number: each.model_copy(update=later) for each in due[len(tried) :]}
        if changed or number - log.number == EVENTS_READ_AT_ONCE:
            await self._store(webhook.place, number, [*changed.values()])
        return tried

    async def _try(
        self, webhook: Webhook, due: Sequence[Delivery], events: Mapping[int, Event]
    ) -> AsyncIterator[Delivery]:
        """Yield deliveries after an attempt, until the time of the webhook is over, its receiver
        does not answer, or its maker stops."""
        now_ms = self.clock.now_ms()
        known_ms = self.clock.monotonic_ms()
        for each in due:
            if self.clock.monotonic_ms() - known_ms >= MAKER_KNOWN_FOR // MS:
                if await self.makers.stop(webhook.org, webhook.by):
                    return
                known_ms = self.clock.monotonic_ms()
            event = events.get(each.number)
            if event is None:
                [(_, event)] = await self.events.since(each.number - 1, 1)
            tried = await self._send(webhook, each, event)
            self.count_attempt({"result": tried.attempt.value})
            yield tried
            is_over = self.clock.now_ms() - now_ms >= TIME_OF_A_WEBHOOK // MS
            if is_over or tried.status is None:
                return

    async def _is_paused(self, webhook: Webhook, log: DeliveryLog) -> bool:
        """Check whether the webhook stops with its maker, and store since when, for its page."""
        is_paused = await self.makers.stop(webhook.org, webhook.by) is not None
        if is_paused != (log.paused_ms is not None):
            await self._store_pause(webhook.place, self.clock.now_ms() if is_paused else None)
        return is_paused

    @retried_when_stale
    async def _store_pause(self, place: Place, paused_ms: int | None) -> None:
        log = await self.directory.get(DeliveryLog, place)
        if log is not None:
            await self.directory.replace(log.model_copy(update={"paused_ms": paused_ms}))

    async def _send(self, webhook: Webhook, delivery: Delivery, event: Event) -> Delivery:
        body = webhook.body(delivery.number, event)
        now_ms = self.clock.now_ms()
        name = f"evt_{delivery.number}"
        at = datetime.fromtimestamp(now_ms // 1_000, UTC)
        signers = map(standardwebhooks.Webhook, webhook.secrets(now_ms))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Ballroom",
            "webhook-id": name,
            "webhook-timestamp": str(now_ms // 1_000),
            "webhook-signature": " ".join(each.sign(name, at, body) for each in signers),
        }
        try:
            answer = await self.http.post(webhook.url, headers, body.encode())
        except AnswerTooLarge:
            reason = "The answer was larger than 1 MiB."
        except Unanswered as failure:
            self.unanswered(webhook.id, urlsplit(webhook.url).netloc, str(failure))
            reason = reason_for_owners(failure)
        else:
            text = redact_tokens(answer.body[: 4 * MAX_ANSWER].decode(errors="replace"))
            return delivery.tried(answer.status, text, now_ms)
        return delivery.tried(None, reason, now_ms)

    @retried_when_stale
    async def _store(self, place: Place, number: int, changed: Sequence[Delivery]) -> None:
        log = await self.directory.get(DeliveryLog, place)
        if log is not None:
            await self.directory.replace(log.with_deliveries(number, changed))


class WebhookTurns:
    """Which webhook is served next: organizations take turns, and each has a share of those that
    are served at once, so that its slow receivers hold no other organization back."""

    def __init__(self, webhooks: Iterable[Webhook], first: Sequence[Place]) -> None:
        """Begin with the webhooks at the places `first`, in this order."""
        ranks = {place: rank for rank, place in enumerate(first)}
        # By owner, whose order is that of the turns.
        self._waiting = dict[str, deque[Webhook]]()
        for each in sorted(webhooks, key=lambda each: ranks.get(each.place, len(ranks))):
            self._waiting.setdefault(each.place.owner, deque()).append(each)
        self._share = max(SMALLEST_SHARE, WEBHOOKS_AT_ONCE // max(1, len(self._waiting)))
        self._running = Counter[str]()

    def begin(self) -> Webhook | None:
        """Return the webhook to serve now; None while all that wait have to."""
        if self._running.total() >= WEBHOOKS_AT_ONCE:
            return None
        owner = next((each for each in self._waiting if self._running[each] < self._share), None)
        if owner is None:
            return None
        queue = self._waiting.pop(owner)
        webhook = queue.popleft()
        if queue:
            self._waiting[owner] = queue  # The next turn of this owner is after all others.
        self._running[owner] += 1
        return webhook

    def end(self, webhook: Webhook) -> None:
        """Note that a webhook was served, so that another one of its owner may begin."""
        self._running[webhook.place.owner] -= 1

    @property
    def left(self) -> list[Place]:
        """The places of those that wait, in the order of their turns."""
        rounds = zip_longest(*self._waiting.values())
        return [each.place for turn in rounds for each in turn if each is not None]


def reason_for_owners(failure: Unanswered) -> str:
    """Return why there was no answer, for owners, who learn no names of the network inside."""
    match failure:
        case CertificateUntrusted() | ProxyFailed(is_name_public=True):
            return f"No connection. The receiver {failure.trouble}. Ask the operator."
        case ServerUnreachable() | AnswerUnusable():
            # One sentence, also for a name that is private, or known to the proxy alone.
            return (
                "No connection. A receiver has a public address and answers by https. If this "
                "registry calls others through a proxy, the proxy lets it through."
            )
        case _:
            return "There was no complete answer within five seconds."
