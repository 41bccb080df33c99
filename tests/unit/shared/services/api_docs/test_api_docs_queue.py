"""The queue: readers first, and again once it can be done."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count
from typing import cast

import pytest

from shared.confined.jobs import ConfinedUnavailable
from shared.domain.api_docs.records import GENERATOR_VERSION, ApiDocsRecord, DocsState
from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from shared.domain.packages import FoundRelease, Release
from shared.domain.tasks import TaskReport
from shared.ports.metadata import MetadataStore
from shared.services.api_docs.api_docs_generation import ApiDocsGeneration
from shared.services.api_docs.api_docs_queue import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LONGEST_WAIT,
    PUSHES_END_AFTER,
    QUEUE_LENGTH,
    ApiDocsQueue,
)
from tests.contract.sample_records import coordinate, release
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.world import World

GREET = coordinate("acme/greet:1.0.0")
PUSHES_END_S = PUSHES_END_AFTER.total_seconds()


class Generation:
    """Notes what it is asked to document, and when; fails as often as it is told for a release."""

    def __init__(
        self, monotonic: Callable[[], float], failures: Mapping[str, list[Exception]] | None = None
    ) -> None:
        self.asked = list[str]()
        self.times = list[float]()
        self._monotonic = monotonic
        self._failures = failures or {}

    async def update(self, release: Release) -> None:
        """Note the release."""
        self.asked.append(str(release.coordinate))
        self.times.append(self._monotonic())
        if left := self._failures.get(str(release.coordinate)):
            raise left.pop()

    async def make(self, release: Release) -> None:
        """Note the release, and that it is made whatever is there."""
        await self.update(release)
        self.asked[-1] += " again"


class Packages:
    """Packages with any release but those that are gone."""

    def __init__(self, *gone: str) -> None:
        self._gone = gone

    async def find(self, wanted: Coordinate) -> FoundRelease:
        """Return a release of this name."""
        is_gone = str(wanted) in self._gone
        return FoundRelease(None, None if is_gone else release(str(wanted)))


class Pauses:
    """Notes how long it would have slept, in seconds, on a clock that only this moves."""

    def __init__(self) -> None:
        self.seconds = list[float]()
        self.now = 0.0
        self.meanwhile: Callable[[], object] = int

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the others work."""
        self.seconds.append(seconds)
        self.now += seconds
        self.meanwhile()
        await asyncio.sleep(0)


class Queue:
    """A queue over doubles."""

    def __init__(self, failures: Mapping[str, list[Exception]] | None = None, *gone: str) -> None:
        self.pauses = Pauses()
        self.generation = Generation(self.pauses.monotonic, failures)
        self.failed = list[tuple[str, str]]()
        self.queue = ApiDocsQueue(
            cast("ApiDocsGeneration", self.generation),
            cast("MetadataStore", Packages(*gone)),
            on_failure=lambda at, reason: self.failed.append((str(at), reason)),
            sleep=self.pauses.sleep,
            monotonic=self.pauses.monotonic,
        )

    def add(self, *texts: str) -> None:
        for each in texts:
            self.queue.add(coordinate(each))

    async def drained(self) -> list[str]:
        """Return what is documented, in its order."""
        await self.queue.drain()
        return self.generation.asked

    async def worked(self, *texts: str) -> list[str]:
        """Add releases and let the queue document them by itself."""
        self.queue.enable()
        self.add(*texts)
        while (task := self.queue._working) is not None:
            await task
        return self.generation.asked


async def test_the_queue_says_how_many_releases_it_documented() -> None:
    doubles = Queue()
    doubles.add("acme/a:1.0.0", "acme/b:1.0.0")
    assert await doubles.queue.drain() == 2


OTHERS = [coordinate("other/b:1.0.0"), coordinate("other/c:1.0.0")]


async def test_a_release_is_made_again_once_in_a_process_for_the_same_others() -> None:
    doubles = Queue({"acme/a:1.0.0": [ConfinedUnavailable()]})
    for others in (OTHERS, OTHERS[::-1]):
        doubles.queue.renew(coordinate("acme/a:1.0.0"), others)
    assert await doubles.drained() == ["acme/a:1.0.0"]
    assert (await doubles.drained())[1:] == ["acme/a:1.0.0 again"]
    doubles.queue.renew(coordinate("acme/a:1.0.0"), OTHERS)
    doubles.queue.want(coordinate("acme/a:1.0.0"))
    assert (await doubles.drained())[2:] == ["acme/a:1.0.0"]
    doubles.queue.renew(coordinate("acme/a:1.0.0"), OTHERS[:1])
    assert (await doubles.drained())[3:] == ["acme/a:1.0.0 again"]


async def test_a_release_that_does_not_fit_into_the_queue_is_not_made_again() -> None:
    doubles = Queue()
    for number in range(QUEUE_LENGTH):
        doubles.queue.want(coordinate(f"acme/b:1.{number}.0"))
    doubles.queue.renew(coordinate("acme/a:1.0.0"), OTHERS)
    assert len(await doubles.drained()) == QUEUE_LENGTH
    doubles.queue.want(coordinate("acme/a:1.0.0"))
    assert (await doubles.drained())[-1] == "acme/a:1.0.0"


async def test_a_full_queue_leaves_the_rest_to_the_task() -> None:
    doubles = Queue()
    for number in range(QUEUE_LENGTH + 1):
        doubles.add(f"acme/a:1.{number}.0")
        doubles.queue.want(coordinate(f"acme/b:1.{number}.0"))
    asked = await doubles.drained()
    assert len(asked) == 2 * QUEUE_LENGTH
    assert f"acme/a:1.{QUEUE_LENGTH}.0" not in asked
    assert f"acme/b:1.{QUEUE_LENGTH}.0" not in asked


async def test_a_release_is_repeated_with_longer_and_longer_pauses() -> None:
    times = 9
    doubles = Queue({"acme/a:1.0.0": [ConfinedUnavailable()] * times})
    assert await doubles.worked("acme/a:1.0.0") == ["acme/a:1.0.0"] * (times + 1)
    first = FIRST_PAUSE.total_seconds()
    longest = LONGEST_PAUSE.total_seconds()
    pauses = [min(first * 2**n, longest) for n in range(times)]
    assert doubles.pauses.seconds == [PUSHES_END_S, *pauses]
    assert doubles.failed == []


async def test_pauses_are_short_again_once_something_was_documented() -> None:
    failures = {"acme/a:1.0.0": 1, "acme/b:1.0.0": 2}
    doubles = Queue({name: [ConfinedUnavailable()] * times for name, times in failures.items()})
    asked = await doubles.worked("acme/a:1.0.0", "acme/b:1.0.0")
    assert asked == [f"acme/{each}:1.0.0" for each in "ababb"]
    first = FIRST_PAUSE.total_seconds()
    assert doubles.pauses.seconds == [PUSHES_END_S, first, 2 * first, first]


async def test_documentation_begins_when_no_push_follows() -> None:
    doubles = Queue()
    more = ["acme/c:1.0.0", "acme/b:1.0.0"]

    def push_again() -> None:
        assert doubles.generation.asked == []
        if more:
            doubles.pauses.now -= PUSHES_END_S / 2  # The push came in half of the time.
            doubles.add(more.pop())
            doubles.pauses.now += PUSHES_END_S / 2

    doubles.pauses.meanwhile = push_again
    assert await doubles.worked("acme/a:1.0.0") == [f"acme/{each}:1.0.0" for each in "abc"]
    assert doubles.pauses.seconds == pytest.approx([PUSHES_END_S] + 2 * [PUSHES_END_S / 2])


async def test_while_pushes_go_on_a_release_waits_no_longer_than_two_seconds() -> None:
    doubles = Queue()
    numbers = count(1)

    def push_again() -> None:
        if not doubles.generation.asked:
            doubles.add(f"acme/a:1.{next(numbers)}.0")

    doubles.pauses.meanwhile = push_again
    await doubles.worked("acme/a:1.0.0")
    waited = next(numbers) * PUSHES_END_S
    assert waited == pytest.approx(LONGEST_WAIT.total_seconds(), abs=2 * PUSHES_END_S)


async def test_what_a_reader_asks_for_waits_for_no_push() -> None:
    doubles = Queue()
    doubles.queue.want(coordinate("acme/b:1.0.0"))
    asked = await doubles.worked("acme/a:1.0.0")
    assert asked == ["acme/b:1.0.0", "acme/a:1.0.0"]
    assert doubles.generation.times == [0.0, PUSHES_END_S]


HOUR = timedelta(hours=1)


async def test_a_reader_ends_the_wait_for_pushes_and_waits_for_no_release_that_was_pushed() -> None:
    generation = Generation(time.monotonic)
    queue = ApiDocsQueue(
        cast("ApiDocsGeneration", generation),
        cast("MetadataStore", Packages()),
        on_failure=lambda *_: None,
        sleep=lambda _seconds: asyncio.sleep(HOUR.total_seconds()),  # Until somebody ends it.
    )
    queue.enable()
    queue.add(coordinate("acme/a:1.0.0"))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await queue.wait_for(coordinate("acme/b:1.0.0"), HOUR)
    assert generation.asked == ["acme/b:1.0.0"]
    await queue.close()


async def test_two_readers_of_a_release_wait_until_it_is_documented_after_all_failures() -> None:
    doubles = Queue({"acme/a:1.0.0": [ConfinedUnavailable() for _ in range(3)]})
    doubles.queue.enable()
    wanted = coordinate("acme/a:1.0.0")
    async with asyncio.timeout(1):
        await asyncio.gather(*(doubles.queue.wait_for(wanted, HOUR) for _ in range(2)))
    assert doubles.generation.asked == 4 * ["acme/a:1.0.0"]


async def test_a_reader_waits_for_no_queue_that_is_not_open() -> None:
    doubles = Queue()
    wanted = coordinate("acme/a:1.0.0")
    async with asyncio.timeout(1):
        await doubles.queue.wait_for(wanted, HOUR)
        doubles.queue.enable()
        waiting = asyncio.create_task(doubles.queue.wait_for(wanted, HOUR))
        await asyncio.sleep(0)  # The reader waits, and nothing is at work yet.
        await doubles.queue.close()
        await waiting
        await doubles.queue.wait_for(wanted, HOUR)
    assert doubles.generation.asked == []


async def test_a_reader_waits_no_longer_than_it_has_patience() -> None:
    doubles = Queue({"acme/a:1.0.0": [ConfinedUnavailable() for _ in range(100)]})
    doubles.queue.enable()
    async with asyncio.timeout(1):
        await doubles.queue.wait_for(coordinate("acme/a:1.0.0"), timedelta())
    await doubles.queue.close()


async def test_a_release_that_is_renewed_while_it_is_made_is_made_once_more() -> None:
    doubles = Queue()
    renewed = coordinate("acme/a:1.0.0")
    others = iter([OTHERS[:1]])
    update = doubles.generation.update

    async def update_and_renew(release: Release) -> None:
        await update(release)
        for changed in others:
            doubles.queue.renew(renewed, changed)

    doubles.generation.update = update_and_renew
    doubles.queue.renew(renewed, OTHERS)
    assert await doubles.drained() == 2 * ["acme/a:1.0.0 again"]


async def test_a_release_that_fails_each_time_does_not_hold_up_the_others() -> None:
    doubles = Queue({"acme/a:1.0.0": [ConfinedUnavailable() for _ in range(3)]})
    doubles.add("acme/a:1.0.0")
    await doubles.drained()
    doubles.add("other/b:1.0.0")
    doubles.queue.want(coordinate("acme/a:1.0.0"))  # A reader asks for it again.
    assert await doubles.drained() == ["acme/a:1.0.0", "other/b:1.0.0", "acme/a:1.0.0"]


async def test_draining_stops_where_the_confined_process_is_not_there() -> None:
    doubles = Queue({"acme/a:1.0.0": [ConfinedUnavailable()]})
    doubles.add("acme/a:1.0.0", "acme/b:1.0.0")
    assert await doubles.drained() == ["acme/a:1.0.0"]
    assert (await doubles.drained())[1:] == ["acme/b:1.0.0", "acme/a:1.0.0"]


@pytest.mark.parametrize("error", [Busy(), OSError("no space left")])
async def test_a_failure_is_told_and_the_others_are_documented(error: Exception) -> None:
    doubles = Queue({"acme/a:1.0.0": [error]})
    asked = await doubles.worked("acme/a:1.0.0", "acme/b:1.0.0")
    assert asked == ["acme/a:1.0.0", "acme/b:1.0.0"]
    assert doubles.failed == [("acme/a:1.0.0", str(error))]


async def test_a_queue_that_is_closed_at_work_leaves_the_rest() -> None:
    doubles = Queue()
    doubles.queue.enable()
    doubles.add("acme/a:1.0.0")
    await doubles.queue.close()
    await doubles.queue.close()
    assert doubles.generation.asked == []


# --- The task


async def run(world: World) -> TaskReport:
    report = await world.registry.maintenance.task_runner.run("generate-api-docs")
    assert report
    return report


async def test_documentation_of_an_older_generator_is_made_again(world: World) -> None:
    await world.push(documented_bala())
    found = (await world.stores.metadata.find(GREET)).release
    assert found
    old = ApiDocsRecord(state=DocsState.FAILED, generator=GENERATOR_VERSION - 1, reason="old")
    await world.stores.documents.put_api_docs(found.archive_digest, old)
    await run(world)
    record = await world.stores.documents.api_docs_record(found.archive_digest)
    assert record
    assert record.generator == GENERATOR_VERSION


async def test_an_event_of_a_release_that_is_gone_is_passed_over(world: World) -> None:
    gone = Event(
        id="e", kind="release.published", at_ms=0, actor="", subject="acme/gone:1.0.0", org="acme"
    )
    await world.stores.events.append([gone])
    assert (await run(world)).seen == 0


async def test_the_oldest_version_is_documented_first(world: World) -> None:
    versions = ("1.1.0", "1.0.0", "1.10.0")
    for version in versions:
        await world.push(bala(f"acme/greet:{version}"))
    made = await world.registry.api_docs.backfill.document_missing()
    assert [each.release.version for each in made] == ["1.0.0", "1.1.0", "1.10.0"]
    assert await world.registry.api_docs.backfill.document_missing() == []
    again = await world.registry.api_docs.backfill.document(GREET.package)
    assert [each.release.version for each in again] == ["1.0.0", "1.1.0", "1.10.0"]
