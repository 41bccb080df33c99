"""What the ports promise of several processes, and of one that is killed."""

from collections import Counter
from collections.abc import AsyncGenerator, Generator
from itertools import chain
from pathlib import Path

import pytest

from shared.domain.archives.names import Digest
from shared.domain.packages import Release, ReleaseEntry
from tests.contract.processes import processes, together
from tests.contract.sample_records import GREET, head, release
from tests.contract.stores import STORES, Stores, opened_by_processes
from tests.contract.worker_process import publish
from tests.fakes.system import FakeClock

pytestmark = pytest.mark.slow

PROCESSES = 4


@pytest.fixture(params=sorted(STORES))
def stores_name(request: pytest.FixtureRequest) -> str:
    """Return the name by which other processes open the same stores."""
    return request.param


@pytest.fixture(autouse=True)
def shared_place(stores_name: str, tmp_path: Path) -> Generator[None]:
    """Let processes meet in the place: files do by themselves, a double has to be served."""
    if stores_name != "cloud":
        yield
        return
    with opened_by_processes(tmp_path, FakeClock()):
        yield


@pytest.fixture
async def stores(stores_name: str, tmp_path: Path) -> AsyncGenerator[Stores]:
    """Return stores with the package acme/greet."""
    async with STORES[stores_name](tmp_path, FakeClock()) as opened:
        await opened.metadata.claim(head())
        yield opened


async def test_each_version_is_added_by_exactly_one_process(
    stores: Stores, stores_name: str, tmp_path: Path
) -> None:
    added = together(PROCESSES, "add", stores_name, tmp_path)
    assert Counter(chain(*added)) == Counter(f"{number}.0.0" for number in range(50))
    stored = {each.version: each.summary for each in await stores.metadata.releases(GREET)}
    assert stored == {version: str(me) for me, each in enumerate(added) for version in each}


async def test_entries_of_all_processes_arrive_and_the_highest_revision_stays(
    stores: Stores, stores_name: str, tmp_path: Path
) -> None:
    revisions = together(PROCESSES, "entries", stores_name, tmp_path)
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    assert len(survey.entries) == 40 * PROCESSES + 1
    assert survey.entries[-1].revision == max(chain(*revisions))


async def test_events_of_all_processes_are_numbered_without_gaps(
    stores: Stores, stores_name: str, tmp_path: Path
) -> None:
    together(PROCESSES, "events", stores_name, tmp_path)
    feed = await stores.events.since(0, 1_000)
    assert [number for number, _ in feed] == list(range(1, 40 * PROCESSES + 2))
    assert len({event.id for _, event in feed}) == len(feed)


@pytest.mark.parametrize("task", ["lease", "take"])
async def test_exactly_one_process_gets_an_item_that_is_for_one(
    stores: Stores, stores_name: str, tmp_path: Path, task: str
) -> None:
    for number in range(40):
        await stores.work.put("code", str(number), "value", expires_ms=10)
    got = together(PROCESSES, task, stores_name, tmp_path)
    assert Counter(chain(*got)) == Counter(range(40))


async def found(stores: Stores, version: str) -> Release:
    """Return a release that was committed."""
    stored = (await stores.metadata.find(release(f"acme/greet:{version}").coordinate)).release
    assert stored is not None
    return stored


@pytest.mark.parametrize("steps", [1, 7, 30])
async def test_commits_of_a_killed_process_are_stored_and_the_rest_can_be_repeated(
    stores_name: str, tmp_path: Path, steps: int
) -> None:
    with processes(2, "push", stores_name, tmp_path) as pushing:
        for each in pushing:
            each.go()
        committed = [each.step() for _ in range(steps) for each in pushing]
        committed += list(chain(*(each.kill() for each in pushing)))
    async with STORES[stores_name](tmp_path, FakeClock()) as stores:
        for version in committed:
            stored = await found(stores, version)
            assert Digest.of(await stores.archives.read(stored.archive)) == stored.content
        await settle(stores)
        assert await survey_of(stores) == await derived(stores)
        await publish(stores, "9.0.0", b"the next push")
        assert len(await stores.events.since(0, 10_000)) == len(await survey_of(stores))


async def settle(stores: Stores) -> None:
    """Do again what a push that was killed did not come to do."""
    for each in await stores.metadata.releases(GREET):
        assert await stores.archives.stat(each.archive) is not None
        await stores.metadata.put_entries(GREET, [ReleaseEntry.of(each)])
        await stores.events.publish(each)
    assert await stores.metadata.unpublished_events(10) == []


async def survey_of(stores: Stores) -> dict[str, ReleaseEntry]:
    """Return the entries as they are stored, by version."""
    (survey,) = await stores.metadata.survey([GREET])
    assert survey is not None
    return {each.version: each for each in survey.entries}


async def derived(stores: Stores) -> dict[str, ReleaseEntry]:
    """Return the entries as they follow from the releases, by version."""
    return {each.version: ReleaseEntry.of(each) for each in await stores.metadata.releases(GREET)}
