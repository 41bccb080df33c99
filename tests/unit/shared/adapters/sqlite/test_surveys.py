"""What a process reads of packages whose entries it keeps."""

import asyncio

import pytest
from anyio.lowlevel import checkpoint

from shared.adapters.embedded import EmbeddedStores
from shared.adapters.sqlite.surveys import ROWS_PER_STEP, SqliteSurveys
from shared.domain.coordinates import Package
from shared.domain.versions import Version
from tests.contract.sample_records import GREET, entry, release


@pytest.fixture
def surveys(stores: EmbeddedStores) -> SqliteSurveys:
    """Return a process's surveys, with nothing in memory."""
    return SqliteSurveys(stores.database)


async def pushed(stores: EmbeddedStores, *versions: str, to: Package = GREET) -> None:
    """Add entries of these versions."""
    await stores.metadata.put_entries(to, [entry(version) for version in versions])


async def versions_of(surveys: SqliteSurveys) -> list[Version]:
    """Return the versions of acme/greet."""
    (survey,) = await surveys.read([GREET])
    return [each.parsed for each in survey.entries] if survey else []


async def steps_of(stores: EmbeddedStores, surveys: SqliteSurveys, *packages: Package) -> int:
    """Count the steps of SQLite's virtual machine that a survey takes on the event loop."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    stores.database.read(lambda reader: reader.set_progress_handler(count, 1))
    await surveys.read(packages)
    stores.database.read(lambda reader: reader.set_progress_handler(None, 1))
    return steps


async def test_two_who_read_a_long_history_at_once_both_find_it(
    stores: EmbeddedStores, surveys: SqliteSurveys
) -> None:
    await pushed(stores, *(f"1.{minor}.0" for minor in range(2 * ROWS_PER_STEP)))
    found = await asyncio.gather(*(versions_of(surveys) for _ in range(3)))
    assert [len(each) for each in found] == [2 * ROWS_PER_STEP] * 3


async def test_a_survey_in_memory_costs_the_same_whatever_the_history(
    stores: EmbeddedStores, surveys: SqliteSurveys
) -> None:
    await pushed(stores, "1.0.0")
    await surveys.read([GREET])
    short = await steps_of(stores, surveys, GREET)
    await pushed(stores, *(f"2.{number}.0" for number in range(500)))
    await surveys.read([GREET])
    assert await steps_of(stores, surveys, GREET) == short


async def test_a_survey_reads_what_changed_whatever_the_history(
    stores: EmbeddedStores, surveys: SqliteSurveys
) -> None:
    await surveys.read([GREET])
    await pushed(stores, "1.0.0")
    short = await steps_of(stores, surveys, GREET)
    await pushed(stores, *(f"2.{number}.0" for number in range(500)))
    await surveys.read([GREET])
    await pushed(stores, "3.0.0")
    assert await steps_of(stores, surveys, GREET) <= short + 5


async def test_an_entry_that_was_put_again_is_not_read_again(
    stores: EmbeddedStores, surveys: SqliteSurveys
) -> None:
    await pushed(stores, "1.0.0", "2.0.0")
    await surveys.read([GREET])
    nothing_new = await steps_of(stores, surveys, GREET)
    await pushed(stores, "1.0.0", "2.0.0")
    assert await steps_of(stores, surveys, GREET) == nothing_new


async def test_a_package_larger_than_the_cache_is_surveyed_completely(
    stores: EmbeddedStores,
) -> None:
    surveys = SqliteSurveys(stores.database, capacity_bytes=10)
    await pushed(stores, *(f"1.{number}.0" for number in range(100)))
    for _ in range(2):
        (survey,) = await surveys.read([GREET])
        assert survey is not None
        assert len(survey.entries) == 100


async def test_surveys_of_a_growing_package_are_always_complete(stores: EmbeddedStores) -> None:
    surveys = [SqliteSurveys(stores.database) for _ in range(3)]

    async def grow() -> None:
        for number in range(60):
            await pushed(stores, *(f"{number}.{minor}.0" for minor in range(number % 7 + 1)))

    async def look(each: SqliteSurveys) -> None:
        seen = 0
        while seen < 60:
            versions = await versions_of(each)
            assert versions == sorted(versions, key=lambda each: each.precedence, reverse=True)
            assert len({version.major for version in versions}) >= seen
            seen = len({version.major for version in versions})
            await checkpoint()

    await asyncio.gather(grow(), *(look(each) for each in surveys))
    counts = {len(await versions_of(each)) for each in surveys}
    assert counts == {sum(number % 7 + 1 for number in range(60))}


async def test_nothing_of_a_hidden_package_but_its_head_is_decoded(
    stores: EmbeddedStores, surveys: SqliteSurveys
) -> None:
    """Else the time of an answer tells that the package exists, and how much there is of it."""

    async def check(_requested: object) -> tuple[str, ...]:
        return ()

    first = GREET.at(Version.parse("1.0.0"))
    await stores.metadata.add_release(release())
    await pushed(stores, "1.0.0")
    for table in ("releases", "entries"):
        damage = f"UPDATE {table} SET body = 'not JSON'"  # noqa: S608 - the names are above.
        await stores.database.write(lambda writer, damage=damage: writer.execute(damage))
    with pytest.raises(ValueError, match="JSON"):
        await stores.metadata.find(first)
    with pytest.raises(ValueError, match="JSON"):
        await surveys.read([GREET])
    assert (await stores.metadata.find(first, check=check)).head is None
    assert await surveys.read([GREET], check) == [None]
