"""Slow receivers of one organization hold back no other one."""

import asyncio
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from math import ceil
from typing import cast

import pytest

from shared.auth.signing_keys import KeyRing
from shared.domain.errors.requests import Busy
from shared.domain.webhooks import Delivery, Topic, Webhook
from shared.services.maintenance.deliver_webhooks import WEBHOOKS_LEFT_KEPT, DeliverWebhooks
from shared.services.organizations.webhook_delivery import (
    SMALLEST_SHARE,
    WEBHOOKS_AT_ONCE,
    WebhookDelivery,
    WebhookTurns,
)
from shared.services.organizations.webhook_secrets import WebhookSecrets
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness

MINUTE = timedelta(minutes=1)


def webhook(org: str, number: int = 0) -> Webhook:
    return Webhook(
        id=f"{number:03}",
        org=org,
        url="https://hooks.test/",
        topics=(Topic.AUDIT,),
        secret="",
        created_ms=0,
        by="",
    )


def webhooks(orgs: int, each: int, name: str = "slow") -> list[Webhook]:
    return [webhook(f"{name}{n:03}", number) for n in range(orgs) for number in range(each)]


@dataclass
class Receivers:
    """A `WebhookDelivery` whose receivers take as long as the names of their organizations say; the
    clock goes on when all of them wait."""

    clock: FakeClock
    seconds: dict[str, float]
    served: list[tuple[str, str, float]] = field(default_factory=list[tuple[str, str, float]])
    most: dict[str, int] = field(default_factory=dict[str, int])
    running: list[str] = field(default_factory=list[str])
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(
        default_factory=list[tuple[int, int, asyncio.Future[None]]]
    )
    numbers: Iterator[int] = field(default_factory=count)

    async def deliver(self, hook: Webhook) -> list[Delivery]:
        org = hook.org
        self.running.append(org)
        self.most[org] = max(self.most.get(org, 0), self.running.count(org))
        self.most["all"] = max(self.most.get("all", 0), len(self.running))
        seconds = self.seconds.get(org.rstrip("0123456789"), 0)
        await self._pass(int(seconds * 1_000))
        self.running.remove(org)
        self.served.append((org, hook.id, self.clock.now_ms() / 1_000))
        if org == "broken":
            raise Busy
        return []

    async def _pass(self, ms: int) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self.waiting, (self.clock.now_ms() + ms, next(self.numbers), future))
        await future

    async def drive(self, run: asyncio.Task[object]) -> None:
        """Let the time pass until the run has ended."""
        while not run.done():
            for _ in range(5):  # All that can begin does.
                await asyncio.sleep(0)
            if self.waiting:
                at_ms, _, future = heapq.heappop(self.waiting)
                self.clock.advance(timedelta(milliseconds=max(0, at_ms - self.clock.now_ms())))
                future.set_result(None)


class Scene:
    """The task over doubles."""

    def __init__(self, hooks: list[Webhook], **seconds: float) -> None:
        self.clock = FakeClock()
        self.directory = FakeDirectory.holding(*hooks)
        self.receivers = Receivers(self.clock, seconds)
        delivery = cast("WebhookDelivery", self.receivers)
        keys = KeyRing.of_setting("k" * 32)
        secrets = WebhookSecrets(self.directory, keys, self.clock, FakeRandomness())
        self.task = DeliverWebhooks(self.directory, FakeWork(), delivery, secrets, self.clock)

    async def run(self) -> float:
        """Run the task, and return how many seconds it took."""
        began_ms = self.clock.now_ms()
        run = asyncio.create_task(self.task.run())
        await self.receivers.drive(cast("asyncio.Task[object]", run))
        self.problems = (await run).problems
        return (self.clock.now_ms() - began_ms) / 1_000

    def waited(self, org: str, since_ms: int) -> list[float]:
        """Return how many seconds after a time each webhook of the organization was served."""
        return [at - since_ms / 1_000 for each, _, at in self.receivers.served if each == org]


@pytest.mark.parametrize("slow", [1, 5, 7])
async def test_a_webhook_is_served_at_once_whatever_those_before_it_take(slow: int) -> None:
    scene = Scene([*webhooks(slow, 10), webhook("zebra")], slow=10)
    began_ms = scene.clock.now_ms()
    await scene.run()
    assert scene.waited("zebra", began_ms) == [0]


async def test_each_organization_has_its_turn_in_each_run_with_fifty_that_are_slow() -> None:
    scene = Scene([*webhooks(50, 10), *webhooks(1, 10, "zebra")], slow=10)
    began_ms = scene.clock.now_ms()
    assert await scene.run() <= MINUTE.total_seconds()
    assert scene.waited("zebra000", began_ms)[0] <= 40
    assert len({org for org, _, _ in scene.receivers.served}) == 51


async def test_a_run_begins_where_the_last_one_ended() -> None:
    hooks = webhooks(60, 10)
    scene = Scene(hooks, slow=10)
    rounds = 0
    while len(scene.receivers.served) < len(hooks):
        assert await scene.run() <= MINUTE.total_seconds()
        rounds += 1
    served = [(org, number) for org, number, _ in scene.receivers.served]
    assert len(set(served[: len(hooks)])) == len(hooks)
    assert rounds == ceil(len(hooks) / (4 * WEBHOOKS_AT_ONCE))


async def test_what_is_left_may_be_removed_or_added_meanwhile() -> None:
    scene = Scene(webhooks(40, 2), slow=10)
    await scene.run()
    done = {(org, number) for org, number, _ in scene.receivers.served}
    for each in scene.directory.every(Webhook):
        if (each.org, each.id) not in done:
            await scene.directory.remove(each)
    await scene.directory.add(webhook("zebra"))
    began_ms = scene.clock.now_ms()
    await scene.run()
    assert scene.waited("zebra", began_ms)


async def test_no_organization_has_more_than_its_share_at_once() -> None:
    scene = Scene([*webhooks(1, 40, "busy"), *webhooks(7, 10)], busy=1, slow=1)
    await scene.run()
    assert scene.receivers.most["busy000"] == SMALLEST_SHARE
    assert scene.receivers.most["all"] == WEBHOOKS_AT_ONCE
    alone = Scene(webhooks(1, 40, "busy"), busy=1)
    assert await alone.run() == 3  # Sixteen at once.


async def test_a_delivery_that_fails_is_a_problem_and_ends_no_other_one() -> None:
    scene = Scene([webhook("broken"), webhook("zebra")])
    await scene.run()
    assert len(scene.problems) == 1
    assert len(scene.receivers.served) == 2


def test_no_more_places_are_kept_than_fit_into_a_record() -> None:
    turns = WebhookTurns(webhooks(200, 10), ())
    places = turns.left
    assert len(places) == 2_000 > WEBHOOKS_LEFT_KEPT
    assert [each.owner for each in places[:3]] == ["slow000", "slow001", "slow002"]
    again = WebhookTurns(webhooks(200, 10), places[150:WEBHOOKS_LEFT_KEPT])
    begun = again.begin()
    assert begun
    assert begun.place == places[150]
