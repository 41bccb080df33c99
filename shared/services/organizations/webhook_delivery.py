"""The delivery of events to the receivers of webhooks: requests, repeats, and whose turn it is.

A request is repeated after a crash between the answer and its record, with the same `webhook-id`,
by which receivers recognize it.
"""

from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from urllib.parse import urlsplit

import standardwebhooks
from msgspec import Struct

from shared.domain.entities import Place
from shared.domain.events import Event
from shared.domain.times import MS
from shared.domain.token_redaction import redact_tokens
from shared.domain.webhooks import (
    MAX_ANSWER,
    MAX_WAITING,
    Delivery,
    DeliveryLog,
    ReceiverHosts,
    Webhook,
)
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.http_client import (
    AnswerTooLarge,
    AnswerUnusable,
    CertificateUntrusted,
    HttpClient,
    ProxyFailed,
    ServerUnreachable,
    Unanswered,
)
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.tokens.makers import Makers

EVENTS_OF_A_RUN = 200  # Events that a run reads for one webhook.
# The time of one webhook in a run; after it the other webhooks are served.
TIME_OF_A_WEBHOOK = timedelta(seconds=10)
WEBHOOKS_AT_ONCE = 16  # An answer takes up to 1 MiB of memory and five seconds.
SMALLEST_SHARE = 2  # At least this many webhooks of an organization may be served at once.
MAKER_KNOWN_FOR = timedelta(seconds=3)  # A stopped maker's webhook sends nothing after five.
_NOT_ALLOWED = (
    "The operator allows no webhooks to this host. Ask the operator to add it to "
    "BALLROOM_WEBHOOK_HOSTS, or remove the webhook."
)
PAUSE = timedelta(minutes=5)  # If a receiver does not answer, all its deliveries wait this long.


class WebhookDelivery(Struct, frozen=True):
    """Sends events to the receivers of webhooks, and stores what these answered."""

    directory: DirectoryStore
    events: EventReader
    makers: Makers
    secrets: WebhookSecrets
    http: HttpClient
    receiver_hosts: ReceiverHosts
    clock: Clock
    count_attempt: Callable[[Mapping[str, str]], None]  # By its result.
    # Called with the id of the webhook, the host and the reason, for the operator.
    on_unanswered: Callable[[str, str, str], None]

    async def deliver(self, webhook: Webhook) -> list[Delivery]:
        """Send what is due, in the order of the feed, and return what was tried.

        New events come from the feed while few enough wait, so none is left out. After an attempt
        without an answer nothing else is tried: a receiver that hangs takes five seconds of a run.
        While the webhook stops with its maker nothing is sent: events wait in the feed, in their
        order, until somebody confirms it. So they do while it needs a new secret.
        """
        log = await self.directory.get(DeliveryLog, webhook.place)
        if log is None:
            return []  # The webhook was removed meanwhile.
        secrets = await self.secrets.of(webhook)
        if await self._is_paused(webhook, log, secrets):
            return []
        now_ms = self.clock.now_ms()
        number = log.number
        room = MAX_WAITING - sum(each.due_ms is not None for each in log.deliveries)
        events = dict[int, Event]()
        new = list[Delivery]()
        for each, event in await self.events.since(log.number, EVENTS_OF_A_RUN):
            if webhook.wants(event):
                if len(new) >= room:
                    break
                events[each] = event
                new.append(
                    Delivery(number=each, event=event.kind, subject=event.subject, due_ms=now_ms)
                )
            number = each
        due = [each for each in (*log.deliveries, *new) if each.is_due(now_ms)]
        tried = [each async for each in self._try(webhook, secrets, due, events)]
        changed = {each.number: each for each in (*new, *tried)}
        if tried and tried[-1].status is None:
            later = {"due_ms": now_ms + PAUSE // MS}
            changed |= {each.number: each.model_copy(update=later) for each in due[len(tried) :]}
        if changed or number - log.number == EVENTS_OF_A_RUN:
            await self._store(webhook.place, number, [*changed.values()])
        return tried

    async def _try(
        self,
        webhook: Webhook,
        secrets: Sequence[str],
        due: Sequence[Delivery],
        events: Mapping[int, Event],
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
            tried = await self._send(webhook, secrets, each, event)
            self.count_attempt({"result": tried.attempt.value})
            yield tried
            is_over = self.clock.now_ms() - now_ms >= TIME_OF_A_WEBHOOK // MS
            if is_over or tried.status is None:
                return

    async def _is_paused(self, webhook: Webhook, log: DeliveryLog, secrets: Sequence[str]) -> bool:
        """Check whether the webhook has no secret or stops with its maker, and store since when,
        for its page."""
        is_paused = not secrets or await self.makers.stop(webhook.org, webhook.by) is not None
        if is_paused != (log.paused_ms is not None):
            await self._store_pause(webhook.place, self.clock.now_ms() if is_paused else None)
        return is_paused

    @retried_when_stale
    async def _store_pause(self, place: Place, paused_ms: int | None) -> None:
        log = await self.directory.get(DeliveryLog, place)
        if log is not None:
            await self.directory.replace(log.model_copy(update={"paused_ms": paused_ms}))

    async def _send(
        self, webhook: Webhook, secrets: Sequence[str], delivery: Delivery, event: Event
    ) -> Delivery:
        now_ms = self.clock.now_ms()
        if not self.receiver_hosts.allows(webhook.url):  # The setting changed since it was added.
            return delivery.tried(None, _NOT_ALLOWED, now_ms)
        body = webhook.body(delivery.number, event)
        name = f"evt_{delivery.number}"
        at = datetime.fromtimestamp(now_ms // 1_000, UTC)
        signers = map(standardwebhooks.Webhook, secrets)
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
            self.on_unanswered(webhook.id, urlsplit(webhook.url).netloc, str(failure))
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
        # By owner, in the order of their turns.
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
            # The same sentence for a name that is private, or that only the proxy knows.
            return (
                "No connection. A receiver has a public address and answers by https. If this "
                "registry calls others through a proxy, the proxy lets it through."
            )
        case _:
            return "There was no complete answer within five seconds."
