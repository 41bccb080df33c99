"""The home page: totals and packages, or the first steps of an operator."""

import re
from collections import Counter

from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Package
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import counted, main_of, opened
from tests.protocol.web.sample_packages import fill
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance, one_machine
from tests.support.world import OpenWorld, World, asking


@one_machine("in the cloud nothing prints a link")
async def test_an_empty_registry_says_what_to_do_first(
    world: World, page: SnapshotAssertion
) -> None:
    assert main_of(await opened(world, "/")) == page


async def test_a_signed_in_account_reads_one_step_less_in_an_empty_registry(
    world: World, page: SnapshotAssertion
) -> None:
    ann = await signed_in(world, world.people.ann)
    assert main_of(await ann.open("/")) == page


async def test_a_full_registry_shows_what_is_used_updated_and_new(
    shelf: World, page: SnapshotAssertion
) -> None:
    await signed_in(shelf, shelf.people.ann)  # Somebody has signed in.
    assert main_of(await opened(shelf, "/")) == page


async def test_the_page_shows_nothing_private_to_anybody(world: World) -> None:
    for name in ("secret", "secretive"):  # A keyword of one package is not shown anyway.
        await world.push(bala(f"acme/{name}:1.0.0", visibility="private", keywords=["hidden"]))
    ann = await signed_in(world, world.people.ann)
    for answer in (await opened(world, "/"), await ann.open("/")):
        assert "secret" not in answer.text
        assert "No packages yet" in answer.text
    for name in ("greet", "hello"):
        await world.push(bala(f"acme/{name}:1.0.0", keywords=["shown"]))
    for answer in (await opened(world, "/"), await ann.open("/")):
        assert "secret" not in answer.text
        assert "keyword=shown" in answer.text
        assert "keyword=hidden" not in answer.text


async def test_releases_are_shown_once_they_were_counted(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/greet:{version}"))
    await world.registry.maintenance.task_runner.run("create-snapshot")
    assert "<dt>releases</dt><dd>2</dd>" in (await opened(world, "/")).text
    assert "<dt>Releases</dt>\n<dd>2</dd>" in (await opened(world, "/about/status")).text


async def test_the_most_used_packages_are_listed_with_their_public_dependents(world: World) -> None:
    await world.push(bala("acme/base:1.0.0"))
    needs = ["acme/base:1.0.0"]
    await world.push(bala("acme/one:1.0.0", dependencies=needs))
    await world.push(bala("acme/two:1.0.0", dependencies=needs, visibility="private"))
    ann = await signed_in(world, world.people.ann)
    for page in ((await opened(world, "/")).text, (await ann.open("/")).text):
        assert page.count('<span class="brief-fact">1 dependent, 0 pulls</span>') == 1
        assert "Most pulled" not in page  # It would be the same list again.


async def test_the_number_of_packages_is_that_of_the_list_it_leads_to(own_shelf: World) -> None:
    words = Package.parse("acme", "words")
    await own_shelf.registry.packages.deprecation.deprecate_package(
        words, "Use greet.", by=OPERATOR
    )
    home = (await opened(own_shelf, "/")).text
    [count] = re.findall(r'<dd><a href="/search">([\d,]+)</a>', home)
    assert counted(await opened(own_shelf, "/search")) == int(count)


async def test_keywords_are_those_of_several_publishers(world: World) -> None:
    for number in "abc":
        await world.push(bala(f"acme/{number}:1.0.0", keywords=["Cost/Freemium", "sql"]))
    assert "/search?keyword=Cost/Freemium" in (await opened(world, "/")).text  # Of one alone.
    await world.push(bala("other/db:1.0.0", keywords=["sql"]), by=world.people.bob)
    page = (await opened(world, "/")).text
    assert "/search?keyword=sql" in page
    assert "Freemium" not in page


async def test_totals_and_keywords_change_with_the_packages(world: World) -> None:
    for number, total in (("one", 1), ("two", 2)):
        await world.push(bala(f"acme/{number}:1.0.0", keywords=["shared"]))
        page = (await opened(world, "/")).text
        assert f'<a href="/search">{total}</a>' in page
        assert ("/search?keyword=shared" in page) is (total > 1)  # Of several packages.


@one_instance("it counts calls of one instance")
async def test_an_anonymous_reader_costs_questions_about_what_the_index_keeps(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    world = await worlds(wrap=port_calls.wrap, host=asking)
    await fill(world)
    await world.registry.maintenance.task_runner.run("rebuild-derived-data")
    port_calls.taken()
    await opened(world, "/")
    counts = Counter({"search.search": 3 + 6, "search.totals": 1, "search.keywords": 1})
    counts["work.peek"] = 1  # How many releases were counted last night.
    assert Counter(port_calls.taken()) == counts
    await opened(world, "/")  # How many releases were counted stays known.
    del counts["work.peek"]
    assert Counter(port_calls.taken()) == counts
