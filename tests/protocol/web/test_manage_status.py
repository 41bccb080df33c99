"""Status, maintenance tasks and rate limits for administrators."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from azure.functions.timer import TimerRequest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from functions.faces import build_app
from functions.manage.status import IN_THE_CLOUD, ON_ONE_MACHINE
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.domain.status import DiskSpace
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.hosting.triggers import functions_of
from shared.services.adapters import Adapters
from shared.services.maintenance.tasks import TASK_LEASE, TaskRuns
from tests.protocol.test_page_goldens import SIDE_NAVIGATION
from tests.protocol.web.page_reader import main_of
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import CallRecorder, Fault
from tests.support.storage import one_instance
from tests.support.world import OpenWorld, World, asking

GiB = 1024**3
HALF_EMPTY = DiskSpace(100 * GiB, 50 * GiB)
ALMOST_FULL = DiskSpace(40 * GiB, GiB // 2)


def on_a_disk(space: DiskSpace) -> Callable[[Adapters], Adapters]:
    """Have the stores lie on a disk that never changes, and the tasks be those of one machine."""
    return lambda stores: replace(
        stores, disk_space=lambda: space, feed=None, links=None, edge=None
    )


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    return await worlds(wrap=on_a_disk(HALF_EMPTY))


async def all_done(world: World) -> None:
    """Have every task done its work a moment ago."""
    runs = TaskRuns(world.stores.work, world.clock)
    for task in world.registry.maintenance.task_runner.tasks.values():
        await runs.save(task, world.clock.now_ms(), TaskReport())


def main(browser: Browser) -> str:
    """Return what is particular to the page, alike in every world, without the other pages."""
    text = SIDE_NAVIGATION.sub("", main_of(browser.page))
    return text.replace(IN_THE_CLOUD, ON_ONE_MACHINE)


async def test_all_is_well(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    withheld = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.publishing.moderation.quarantine(withheld, "reported", by=OPERATOR)
    await world.registry.maintenance.task_runner.run("create-snapshot")
    await all_done(world)
    world.clock.advance(timedelta(minutes=3))
    await admin.open("/manage")
    assert main(admin) == page


async def test_nothing_has_run_yet(admin: Browser, page: SnapshotAssertion) -> None:
    await admin.open("/manage")
    assert main(admin) == page


async def test_a_problem_is_shown_with_what_to_do(
    worlds: OpenWorld, page: SnapshotAssertion
) -> None:
    world = await worlds(wrap=on_a_disk(ALMOST_FULL))
    await all_done(world)
    tasks = world.registry.maintenance.tasks
    runs = TaskRuns(world.stores.work, world.clock)
    now_ms = world.clock.now_ms()
    found = ("acme/greet:1.0.0: its archive is missing.", "acme/greet:1.1.0: \u202eno digest.")
    await runs.save(tasks["audit-archives"], now_ms, TaskReport(5, 0, found))
    await runs.save(tasks["delete-orphaned-archives"], now_ms, None)
    admin = await signed_in(world, world.people.admin)
    world.clock.advance(timedelta(minutes=30))
    await admin.open("/manage")
    assert main(admin) == page


async def test_changes_that_wait_too_long_are_reported(worlds: OpenWorld) -> None:
    fault = Fault("append_outbox", Busy())

    world = await worlds(wrap=fault.at("events"))
    fault.calls = 0
    await world.registry.identity.accounts.create("kim", by=OPERATOR)  # Its event is not published.
    world.clock.advance(timedelta(minutes=11))
    fault.nth = 1_000
    admin = await signed_in(world, world.people.admin, "/manage")
    assert "Some changes are not listed yet." in admin.text
    assert "<dd>1 change</dd>" in admin.text


async def test_stores_that_do_not_answer_are_reported_and_the_page_is_shown(
    worlds: OpenWorld,
) -> None:
    fault = Fault("records_with_outbox", Busy())

    world = await worlds(wrap=fault.at("metadata"))
    admin = await signed_in(world, world.people.admin)
    answer = await admin.open("/manage")
    assert answer.status_code == 200
    assert "The stores do not respond." in admin.text


async def test_the_tasks(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    await all_done(world)
    tasks = world.registry.maintenance.tasks
    runs = TaskRuns(world.stores.work, world.clock)
    now_ms = world.clock.now_ms()
    found = (
        "acme/<b>greet</b>:1.0.0: its archive is missing.",
        "acme/greet:1.1.0: \u202eno digest.",
    )
    await runs.save(tasks["audit-archives"], now_ms, TaskReport(5_000, 0, found, unfinished=True))
    await runs.save(tasks["delete-orphaned-archives"], now_ms, None)
    world.clock.advance(timedelta(minutes=5))
    await admin.open("/manage/tasks")
    assert main(admin) == page


async def test_a_task_that_was_asked_for_runs_with_the_next_timer(
    world: World, admin: Browser
) -> None:
    await all_done(world)
    await admin.open("/manage/tasks")
    answer = await admin.submit("/manage/tasks/run", task="repair-derived-data")
    assert answer.status_code == 303
    assert "It starts within a minute" in admin.text
    assert "Within a minute" in row_of(admin, "repair-derived-data")
    assert "Run now" not in row_of(admin, "repair-derived-data")
    await timer(world)
    await admin.open("/manage/tasks")
    assert "Succeeded" in row_of(admin, "repair-derived-data")
    assert "Run now" in row_of(admin, "repair-derived-data")
    await admin.open("/account/security")
    assert "Maintenance task requested" in admin.text


async def test_a_task_that_was_asked_for_waits_for_a_run_elsewhere(
    world: World, admin: Browser
) -> None:
    await all_done(world)
    now_ms = world.clock.now_ms()
    assert await world.stores.work.lease(
        "upkeep:repair-derived-data", "another", now_ms, now_ms + TASK_LEASE // MS
    )
    await admin.open("/manage/tasks")
    await admin.submit("/manage/tasks/run", task="repair-derived-data")
    await timer(world)
    await admin.open("/manage/tasks")
    assert "Within a minute" in row_of(admin, "repair-derived-data")
    world.clock.advance(timedelta(minutes=11))
    await timer(world)
    await admin.open("/manage/tasks")
    assert "Succeeded" in row_of(admin, "repair-derived-data")


async def test_a_task_that_is_not_there_is_refused(admin: Browser) -> None:
    await admin.open("/manage/tasks")
    answer = await admin.post("/manage/tasks/run", task="<script>")
    assert answer.status_code == 400
    assert "This registry has no task of that name." in admin.text


@one_instance("it counts calls of one instance")
async def test_the_pages_cost_a_bounded_number_of_calls(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    world = await worlds(wrap=port_calls.wrap, host=asking)
    admin = await signed_in(world, world.people.admin)
    tasks = len(world.registry.maintenance.task_runner.tasks)
    assert await calls_of(admin, "/manage", port_calls) == {
        "directory.get": 1,  # Whether they administer the registry.
        # Locks that wait, organizations without an owner, and tokens of directories.
        "directory.read_all": 3,
        "work.peek": tasks + 1,  # The run of each task, and the last counts.
        "metadata.records_with_outbox": 1,
        "directory.outboxes": 1,
    }
    assert await calls_of(admin, "/manage/tasks", port_calls) == {
        "directory.get": 1,
        "work.peek": tasks + 1,  # The run of each task, and whether anything was asked for.
    }


def row_of(browser: Browser, task: str) -> str:
    [row] = re.findall(rf'<tr id="task-{task}">.*?</tr>', browser.text, re.DOTALL)
    return row


async def timer(world: World) -> None:
    """Fire the timer."""
    [found] = functions_of(build_app(world.registry)).timers
    await found.call(TimerRequest(past_due=False))


async def calls_of(browser: Browser, path: str, port_calls: CallRecorder) -> Counter[str]:
    """Return the calls of a page, without those that every page of theirs costs."""
    await browser.open("/account/settings.toml")
    port_calls.taken()
    await browser.open("/account/settings.toml")
    always = Counter(port_calls.taken())
    assert (await browser.open(path)).status_code == 200
    return Counter(port_calls.taken()) - always


async def test_the_next_run_of_a_task_that_is_due_is_not_in_the_past(world: World) -> None:
    await all_done(world)
    admin = await signed_in(world, world.people.admin)
    await admin.open("/manage/tasks")
    world.clock.advance(timedelta(minutes=5, seconds=10))
    page = await admin.open("/manage/tasks")
    next_runs = re.findall(r'<td data-label="Next run"><div>(.*?)</div>', page.text, re.DOTALL)
    assert any("in a moment" in each for each in next_runs)
    assert not [each for each in next_runs if "just now" in each]
