"""Task `deliver-webhooks`, every minute: sends new events to webhooks, and repeats what their
receivers did not accept."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import cast

from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.domain.webhooks import Delivery, DeliveryState, Webhook
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.maintenance.tasks import CHECKPOINT_KEPT_FOR, Task
from shared.services.organizations.webhook_delivery import WebhookDelivery, WebhookTurns
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.record_batches import all_entities

SCHEDULE = "45 * * * * *"

# After this time a run starts no further webhook, so that it ends before the next run.
DELIVERY_TIME = timedelta(seconds=40)
# Webhooks that were not served before a run ended; the next run begins with them.
WEBHOOKS_LEFT_KEPT = 1_000
_TURNS_KIND = "webhook-turns"


class DeliverWebhooks(Task, frozen=True):
    id = "deliver-webhooks"
    title = "Deliver webhooks"
    sentence = "Sends new events to webhooks, and repeats what their receivers did not accept."
    schedule = SCHEDULE

    directory: DirectoryStore
    work: WorkStore
    delivery: WebhookDelivery
    secrets: WebhookSecrets
    clock: Clock

    async def run(self) -> TaskReport:
        """Serve each webhook, beginning where the last run ended; a receiver that fails is a
        problem only for its owners."""
        webhooks = await all_entities(self.directory, Webhook)
        if not webhooks:
            return TaskReport(0, 0)
        if await self.secrets.encrypt_clear(webhooks):
            webhooks = await all_entities(self.directory, Webhook)
        with suppress(Stale):  # Another instance does it, or this one in a minute.
            await self.secrets.renew_keys(webhooks)
        first = await self._left()
        turns = WebhookTurns(webhooks, first)
        outcomes = await self._serve(turns)
        if first or turns.left:
            await self._keep(turns.left)
        problems = [str(each) for each in outcomes if isinstance(each, Refusal)]
        tried = [each for found in outcomes if isinstance(found, list) for each in found]
        delivered = sum(each.state is DeliveryState.DELIVERED for each in tried)
        return TaskReport(len(tried), delivered, tuple(problems))

    async def _serve(self, turns: WebhookTurns) -> list[list[Delivery] | Refusal]:
        """Serve webhooks until all had their turn or the time is over."""
        until_ms = self.clock.now_ms() + DELIVERY_TIME // MS
        running = dict[asyncio.Task[list[Delivery] | Refusal], Webhook]()
        outcomes = list[list[Delivery] | Refusal]()
        try:
            while True:
                while self.clock.now_ms() < until_ms and (webhook := turns.begin()):
                    running[asyncio.create_task(self._deliver(webhook))] = webhook
                if not running:
                    return outcomes
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for each in ended:
                    turns.end(running.pop(each))
                    outcomes.append(each.result())
        finally:
            for each in running:
                each.cancel()

    async def _left(self) -> list[Place]:
        stored = await self.work.peek(_TURNS_KIND, self.id, self.clock.now_ms())
        return [Place(*each) for each in cast("list[list[str]]", json.loads(stored or "[]"))]

    async def _keep(self, left: Sequence[Place]) -> None:
        ends_ms = self.clock.now_ms() + CHECKPOINT_KEPT_FOR // MS
        value = json.dumps(left[:WEBHOOKS_LEFT_KEPT])
        await self.work.put(_TURNS_KIND, self.id, value, ends_ms)

    async def _deliver(self, webhook: Webhook) -> list[Delivery] | Refusal:
        try:
            return await self.delivery.deliver(webhook)
        except Refusal as refusal:
            return refusal
