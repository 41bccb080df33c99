"""Pages about the registry: its URL, its settings, its API and its status."""

import re
from collections import Counter
from datetime import timedelta

import httpx
import pytest
from syrupy.assertion import SnapshotAssertion

from functions.api.openapi import OPERATIONS
from shared.domain.errors.requests import Busy
from shared.domain.software_version import SOFTWARE_VERSION
from shared.domain.transparency.checkpoints import checkpoint_of
from shared.services.maintenance.rebuild_search_index import RebuildSearchIndex
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from tests.protocol.log.test_log_files import POLICY, WITNESS
from tests.protocol.web.page_reader import main_of, opened
from tests.support.port_doubles import CallRecorder, Fault
from tests.support.published_logs import write_log
from tests.support.storage import one_instance
from tests.support.world import URL, OpenWorld, World, asking

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
    pages = ("", "/api", "/api-changes", "/policies", "/status", "/trust")
    for path in (f"/about{page}" for page in pages):
        text = (await opened(world, path)).text
        links = re.findall(r'href="([/\w]*)#([\w-]+)"', text)
        assert links, path  # At least the one that skips the navigation.
        for address, place in links:
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
    await world.registry.maintenance.task_runner.run("process-outboxes")
    world.clock.advance(timedelta(hours=1))
    text = (await opened(world, "/about/status")).text
    assert ">Delayed<" in text
    assert "process-outboxes" not in text  # Names of tasks are for administrators.


@one_instance("it counts calls of one instance")
async def test_pages_without_current_data_read_no_store(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    world = await worlds(wrap=port_calls.wrap, host=asking)
    await opened(world, "/")  # What is announced is read once in three seconds, for all pages.
    for path in ("/about", "/about/api", "/about/policies", "/robots.txt"):
        port_calls.taken()
        await opened(world, path)
        assert port_calls.taken() == [], path


@one_instance("it counts calls of one instance")
async def test_the_status_asks_the_stores_once_and_for_the_runs_every_ten_seconds(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    world = await worlds(wrap=port_calls.wrap, host=asking)
    await opened(world, "/about/status")
    first = Counter(port_calls.taken())
    assert first["metadata.packages"] == 1
    assert (
        first["work.peek"] == len(world.registry.maintenance.task_runner.tasks) + 1
    )  # By both ids; the census.
    await opened(world, "/about/status")
    again = Counter(port_calls.taken())
    assert (again["metadata.packages"], again["work.peek"]) == (1, 0)


async def test_the_page_about_trust_has_the_facts_of_this_registry(worlds: OpenWorld) -> None:
    world = await worlds(
        security_contact="mailto:security@example.org", abuse_contact="appeals@example.org"
    )
    assert "Not begun" in facts(await opened(world, "/about/trust"))
    await write_log(world)
    text = facts(await opened(world, "/about/trust"))
    checkpoint = checkpoint_of((await world.get(f"{URL}/log/checkpoint")).content)
    assert f"{checkpoint.origin}</a>, {checkpoint.size} events" in text
    assert "Nobody else signs the log." in text
    [key, *_] = (await world.get(f"{URL}/api/v1/keys")).json()["keys"]
    assert key["keyid"] in text
    assert 'href="mailto:security@example.org">security@example.org<' in text
    assert 'href="mailto:appeals@example.org">appeals@example.org<' in text
    assert "None, unless an administrator imports them" in text


async def test_the_page_about_trust_says_what_is_missing(worlds: OpenWorld) -> None:
    world = await worlds(readers="signed_in")
    text = facts(await opened(world, "/about/trust", by=world.people.ann))
    assert text.count("The operator names none.") == 2
    assert "People who signed in" in text


async def test_the_page_about_trust_names_upstreams_and_witnesses(worlds: OpenWorld) -> None:
    world = await worlds(upstream="https://central.example.org/2.0/registry", log_witnesses=POLICY)
    answer = await opened(world, "/about/trust")
    assert "Mirrored from central.example.org" in facts(answer)
    assert WITNESS.partition("+")[0] in facts(answer)
    assert "That mirrored packages are what their authors published." in answer.text
    assert "That two people see one log." not in answer.text


async def test_the_page_about_trust_is_there_while_the_log_is_not(worlds: OpenWorld) -> None:
    world = await worlds(wrap=Fault("read", Busy()).at("log_files"))
    await write_log(world)
    text = facts(await opened(world, "/about/trust"))
    assert "The registry cannot read it at the moment." in text


async def test_every_command_and_link_of_the_page_about_trust_leads_somewhere(
    world: World,
) -> None:
    text = (await opened(world, "/about/trust")).text
    links = set(re.findall(r'<a href="(/[^"#]*)', text)) - {"/.well-known/security.txt"}
    scripts = set(re.findall(rf"{URL}(/\w+\.py)", text))
    assert links
    assert scripts
    for address in links | scripts:
        assert (await world.get(f"{URL}{address}")).status_code == 200, address


def facts(answer: httpx.Response) -> str:
    """Return the part of the page that says how this registry is set up."""
    assert answer.status_code == 200
    return answer.text.partition('id="state"')[2].partition("</section>")[0]


@pytest.mark.parametrize(("two", "verbs"), [(False, "adds and removes"), (True, "removes")])
async def test_pages_about_promises_say_what_administrators_do_to_owners_at_once(
    worlds: OpenWorld, two: bool, verbs: str
) -> None:
    world = await worlds(two_administrators=two)
    trust = (await opened(world, "/about/trust")).text
    assert f"An administrator of this registry {verbs} owners at once" in trust
    assert f"an administrator {verbs} them at once" in (await opened(world, "/about/policies")).text
