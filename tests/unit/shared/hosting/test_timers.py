"""A timer is fired by hand from this machine, and from nowhere else."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.functions.timer import TimerRequest

from shared.hosting.requests import Receive, Scope, Send
from shared.hosting.routing import StartRefused
from shared.hosting.timers import AdminEndpoint, Timers
from shared.hosting.triggers import TimerFunction
from tests.fakes.system import FakeClock
from tests.support.logs import capture_logs
from tests.unit.shared.hosting.asgi import Exchange, ask, scope


@dataclass
class Bell:
    """A timer that tells when it ran."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def ring(self, _request: TimerRequest) -> None:
        self.rung.set()


async def elsewhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def admin(bell: Bell, folder: Path) -> AdminEndpoint:
    function = TimerFunction("upkeep_sweep", "0 0 3 * * *", bell.ring)
    return AdminEndpoint(elsewhere, Timers([function], folder, FakeClock()))


async def post(
    app: AdminEndpoint,
    target: str = "/admin/functions/upkeep_sweep",
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    client: str = "127.0.0.1",
) -> Exchange:
    sent = {"Content-Length": str(len(body)), **(headers or {})}
    return await ask(app, scope("POST", target, sent, client=client), body)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1"])
async def test_a_timer_is_fired_from_this_machine(tmp_path: Path, client: str) -> None:
    bell = Bell()
    answer = await post(admin(bell, tmp_path), client=client)
    assert (answer.status, answer.body) == (202, b"")
    async with asyncio.timeout(30):
        await bell.rung.wait()


async def test_nobody_else_fires_it(tmp_path: Path) -> None:
    app = admin(Bell(), tmp_path)
    assert (await post(app, client="192.0.2.1")).status == 401
    for relayed in ("X-Forwarded-For", "Forwarded", "Origin"):
        assert (await post(app, headers={relayed: "somebody"})).status == 401


async def test_an_unknown_timer_is_not_found(tmp_path: Path) -> None:
    assert (await post(admin(Bell(), tmp_path), "/admin/functions/other")).status == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"x" * 70_000])
async def test_a_body_that_is_no_object_is_refused(tmp_path: Path, body: bytes) -> None:
    assert (await post(admin(Bell(), tmp_path), body=body)).status == 400


async def test_every_other_request_goes_to_the_application(tmp_path: Path) -> None:
    app = admin(Bell(), tmp_path)
    assert (await post(app, "/search")).status == 418
    assert (await ask(app, scope("GET", "/admin/functions/upkeep_sweep"))).status == 418


async def test_a_client_that_leaves_before_its_body_fires_nothing(tmp_path: Path) -> None:
    bell = Bell()
    request = scope("POST", "/admin/functions/upkeep_sweep", {"Content-Length": "2"})
    exchange = Exchange([], [])
    await admin(bell, tmp_path)(request, exchange.receive, exchange.send)
    assert not exchange.sent
    assert not bell.rung.is_set()


HOURLY = "0 0 * * * *"
FIRST = datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


@dataclass
class Sleeper:
    """Lets the time pass that somebody sleeps, until the test has seen enough."""

    clock: FakeClock
    until: datetime

    async def sleep(self, seconds: float) -> None:
        if datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC) >= self.until:
            await asyncio.Event().wait()
        self.clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)


@dataclass
class Runs:
    """A timer that notes when it ran."""

    clock: FakeClock
    at: list[str] = field(default_factory=list[str])
    past_due: list[bool] = field(default_factory=list[bool])

    async def __call__(self, request: TimerRequest) -> None:
        now = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC)
        self.at.append(f"{now:%H:%M:%S}")
        self.past_due.append(request.past_due)


def clock_at(when: datetime) -> FakeClock:
    return FakeClock(round(when.timestamp() * 1000))


def timers(
    runs: Runs, folder: Path, until: datetime, schedule: str = HOURLY, **more: bool
) -> Timers:
    function = TimerFunction("Upkeep", schedule, runs, **more)
    return Timers([function], folder, runs.clock, Sleeper(runs.clock, until).sleep)


@asynccontextmanager
async def running(coroutine: Awaitable[object]) -> AsyncGenerator[asyncio.Task[object]]:
    async def run() -> object:
        return await coroutine

    task = asyncio.create_task(run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


async def test_a_timer_runs_whenever_it_is_due(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))
    async with running(timers(runs, tmp_path, FIRST + timedelta(hours=3)).run()):
        await eventually(lambda: len(runs.at) == 3)
    assert runs.at == ["08:00:00", "09:00:00", "10:00:00"]
    assert runs.past_due == [False] * 3


async def test_a_missed_run_is_made_up_for_once(tmp_path: Path) -> None:
    before = Runs(clock_at(FIRST))
    async with running(timers(before, tmp_path, FIRST + timedelta(hours=1)).run()):
        await eventually(lambda: len(before.at) == 1)
    next_morning = FIRST + timedelta(days=1)
    runs = Runs(clock_at(next_morning))
    async with running(timers(runs, tmp_path, next_morning + timedelta(hours=1)).run()):
        await eventually(lambda: len(runs.at) == 2)
    assert runs.at == ["07:30:00", "08:00:00"]
    assert runs.past_due == [True, False]


async def test_a_first_start_makes_up_for_nothing(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))
    async with running(timers(runs, tmp_path, FIRST + timedelta(hours=1)).run()):
        await eventually(lambda: len(runs.at) == 1)
    assert runs.at == ["08:00:00"]


async def test_a_timer_may_run_at_the_start_as_well(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))
    until = FIRST + timedelta(hours=1)
    async with running(timers(runs, tmp_path, until, run_on_startup=True).run()):
        await eventually(lambda: len(runs.at) == 2)
    assert runs.at == ["07:30:00", "08:00:00"]


async def test_only_the_owner_runs_timers_and_another_process_takes_over(tmp_path: Path) -> None:
    first, second = Runs(clock_at(FIRST)), Runs(clock_at(FIRST))
    owning = timers(first, tmp_path, FIRST + timedelta(hours=2))
    waiting = timers(second, tmp_path, FIRST + timedelta(days=365))
    async with running(owning.run()) as owner:
        await eventually(lambda: len(first.at) == 1)
        async with running(waiting.run()):
            await eventually(lambda: len(first.at) == 2)
            assert not second.at
            owner.cancel()
            await eventually(lambda: bool(second.at))


async def test_a_failure_is_one_event_and_the_timer_goes_on(tmp_path: Path) -> None:
    runs = Runs(clock_at(FIRST))

    async def failing(request: TimerRequest) -> None:
        await runs(request)
        raise LookupError

    function = TimerFunction("Upkeep", HOURLY, failing)
    until = Sleeper(runs.clock, FIRST + timedelta(hours=2))
    with capture_logs() as events:
        async with running(Timers([function], tmp_path, runs.clock, until.sleep).run()):
            await eventually(lambda: len(runs.at) == 2)
    assert [(event["event"], event["function"]) for event in events] == [
        ("function.failed", "Upkeep")
    ] * 2


async def test_a_timer_fired_by_hand_waits_for_the_run_under_way(tmp_path: Path) -> None:
    inside, most, release = 0, 0, asyncio.Event()

    async def slow(_request: TimerRequest) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await release.wait()
        inside -= 1

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    one, other = (
        Timers([TimerFunction("Upkeep", HOURLY, slow)], tmp_path, clock_at(FIRST), at_once)
        for _ in range(2)
    )
    async with asyncio.TaskGroup() as group:
        for each in (one, other, one):
            group.create_task(each.fire("upkeep"))
        await eventually(lambda: inside == 1)
        release.set()
    assert (inside, most) == (0, 1)


def test_timers_are_known_without_case(tmp_path: Path) -> None:
    known = timers(Runs(clock_at(FIRST)), tmp_path, FIRST)
    assert known.knows("UPKEEP")
    assert not known.knows("other")


@pytest.mark.parametrize("schedule", ["*/5 * * * *", "0 0 25 * * *", "00:05:00", "%SCHEDULE%", ""])
def test_an_invalid_schedule_is_refused_at_the_start(schedule: str, tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="is not six fields, seconds first"):
        timers(Runs(clock_at(FIRST)), tmp_path, FIRST, schedule)
