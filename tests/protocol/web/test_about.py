"""Pages about the registry: its URL, its settings, its API and its status."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from functions.api.openapi import OPERATIONS
from shared.domain.errors.requests import Busy
from shared.domain.status import SOFTWARE_VERSION
from shared.services.maintenance.rebuild_search_index import RebuildSearchIndex
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from tests.protocol.web.page_reader import main_of, opened
from tests.support.port_doubles import Fault, Journal
from tests.support.storage import one_instance
from tests.support.world import OpenWorld, World, asking

# Rows of tasks that one machine has no need of.
_TITLES = "|".join(each.title for each in (UpdateSearchIndex, RebuildSearchIndex))
IN_THE_CLOUD = re.compile(rf'<tr>\n<th scope="row">(?:{_TITLES})</th>.*?</tr>\n', re.DOTALL)


@pytest.mark.parametrize("place", ["", "/policies", "/status"], ids=["use", "policies", "status"])
async def test_a_page_about_the_registry(world: World, place: str, page: SnapshotAssertion) -> None:
    main = main_of(await opened(world, f"/about{place}"))
    assert (
        IN_THE_CLOUD.sub("", main).replace(f"Ballroom {SOFTWARE_VERSION}.", "Ballroom VERSION.")
        == page
    )


async def test_every_operation_of_the_api_is_described(world: World) -> None:
    text = (await opened(world, "/about/api")).text
    described = re.findall(r'<span class="method [\w-]+">(\w+)</span> <code>/([^<]+)</code>', text)
    assert sorted(described) == sorted((each.methods[0], each.route) for each in OPERATIONS)


async def test_links_inside_the_pages_lead_to_a_place(world: World) -> None:
    for path in ("/about", "/about/api", "/about/api-changes", "/about/policies", "/about/status"):
        text = (await opened(world, path)).text
        for address, place in re.findall(r'href="([/\w]*)#([\w-]+)"', text):
            there = text if not address else (await opened(world, address)).text
            assert f'id="{place}"' in there, (path, address, place)


async def test_the_policies_are_those_of_the_settings(worlds: OpenWorld) -> None:
    world = await worlds(
        max_archive_bytes=3 * 1024**2,
        reserved_names="wso2*",
        founding="administrators",
        limit_push="",
        security_contact="mailto:security@example.org",
    )
    text = (await opened(world, "/about/policies")).text
    assert "3.0 MiB" in text
    assert "wso2*" in text
    assert "Only administrators can create organizations" in text
    assert '<td data-label="Limit">Not limited</td>' in text
    assert "/.well-known/security.txt" in text


async def test_the_status_says_when_the_stores_do_not_answer(worlds: OpenWorld) -> None:
    world = await worlds(wrap=Fault("packages", Busy()).at("metadata"))
    answer = await opened(world, "/about/status")
    assert answer.status_code == 200
    assert "Major outage." in answer.text


async def test_the_status_shows_runs_and_those_that_are_overdue(world: World) -> None:
    assert "All systems operational." in (await opened(world, "/about/status")).text
    await world.registry.maintenance.upkeep.run("process-outboxes")
    world.clock.advance(timedelta(hours=1))
    text = (await opened(world, "/about/status")).text
    assert ">Delayed<" in text
    assert "process-outboxes" not in text  # Names of tasks are for administrators.


@one_instance("it counts calls of one instance")
async def test_pages_without_current_data_read_no_store(
    worlds: OpenWorld, journal: Journal
) -> None:
    world = await worlds(wrap=journal.wrap, host=asking)
    await opened(world, "/")  # What is announced is read once in three seconds, for all pages.
    for path in ("/about", "/about/api", "/about/policies", "/robots.txt"):
        journal.taken()
        await opened(world, path)
        assert journal.taken() == [], path


@one_instance("it counts calls of one instance")
async def test_the_status_asks_the_stores_once_and_for_the_runs_every_ten_seconds(
    worlds: OpenWorld, journal: Journal
) -> None:
    world = await worlds(wrap=journal.wrap, host=asking)
    await opened(world, "/about/status")
    first = Counter(journal.taken())
    assert first["metadata.packages"] == 1
    assert (
        first["work.peek"] == len(world.registry.maintenance.upkeep.tasks) + 1
    )  # By both ids; the census.
    await opened(world, "/about/status")
    again = Counter(journal.taken())
    assert (again["metadata.packages"], again["work.peek"]) == (1, 0)
