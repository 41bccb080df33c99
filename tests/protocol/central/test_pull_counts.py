"""Pulls are counted once a caller, version and ten minutes."""

from datetime import timedelta

import pytest

from functions.html.public_pages import PAGE_CACHE_TIME
from shared.services.packages.pull_counter import FLUSH_AFTER
from tests.protocol.bal.java import JavaBal
from tests.support.archives import bala
from tests.support.storage import one_instance, one_machine
from tests.support.world import URL, World

HTML = {"Accept": "text/html"}

GREET = "acme/greet:1.0.0"


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    """Publish a package to pull."""
    await world.push(bala(GREET))


async def pulls(world: World) -> int:
    """Return the count that clients see, after what runs every few minutes has run."""
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")
    return (await world.java().metadata(GREET))["pullCount"]


@one_instance("each counts a caller once")
async def test_four_pulls_of_an_old_client_count_one(world: World, anyone: JavaBal) -> None:
    await anyone.pull_for_every_platform(GREET)
    assert len(anyone.wire.exchanges) == 8
    assert await pulls(world) == 1


@pytest.mark.parametrize(("telemetry", "counted"), [("true", 0), ("false", 1), ("", 1)])
async def test_a_client_without_telemetry_is_not_counted(
    world: World, telemetry: str, counted: int
) -> None:
    await world.java(telemetry=telemetry).pull(GREET)
    assert await pulls(world) == counted


@one_machine("in the cloud a roll-up adds pulls to the packages")
async def test_a_pull_is_on_the_page_of_its_package_within_a_minute(
    world: World, anyone: JavaBal
) -> None:
    page = f"{URL}/packages/acme/greet"
    statistics = await world.get(f"{page}/1.0.0/statistics", headers=HTML)
    assert "0 pulls in the last 90 days" in statistics.text
    assert "shown here within a minute" in statistics.text
    await anyone.pull(GREET)
    assert timedelta(minutes=1) >= FLUSH_AFTER + PAGE_CACHE_TIME
    await world.write_pulls()  # As `FLUSH_AFTER` does, and no task runs.
    statistics = await world.get(f"{page}/1.0.0/statistics", headers=HTML)
    assert "1 pull in the last 90 days" in statistics.text
    assert "count once in ten minutes" in statistics.text


@one_instance("each counts a caller once")
async def test_one_caller_with_both_clients_counts_one(world: World) -> None:
    await world.java(world.people.ann).pull(GREET)
    await world.go(world.people.ann).pull(GREET)
    assert await pulls(world) == 1


async def test_reading_about_a_package_counts_nothing(world: World, anyone: JavaBal) -> None:
    await anyone.metadata(GREET)
    await anyone.versions("acme/greet")
    await anyone.search("greet")
    assert await pulls(world) == 0


async def test_pulls_of_another_version_and_after_ten_minutes_count_again(world: World) -> None:
    await world.push(bala("acme/greet:1.1.0"))
    await world.java().pull(GREET)
    for _ in range(2):  # To count twice adds nothing.
        assert await pulls(world) == 1
    await world.java().pull("acme/greet:1.1.0")
    assert await pulls(world) == 2
    world.clock.advance(timedelta(minutes=10))
    await world.java().pull(GREET)
    assert await pulls(world) == 3
