"""Withdrawn dependencies are marked with their reason where people look at dependencies."""

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.protocol.web.page_reader import Elements, opened
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mcp_agent import Agent
from tests.support.world import Person, World

BASE = "acme/base:1.0.1"
SHOP = "/packages/other/shop"
MALWARE = PublicReason(why=WithdrawalReason.MALWARE, note="It mines <coins>.")
TITLE = "Depends on withdrawn releases."
REASON = "Malware. It contains code that harms those who use it. It mines <coins>."


@pytest.fixture
async def built(world: World) -> World:
    """Return a registry with a package that was built with a release that is withdrawn now."""
    for version in ("1.0.0", "1.0.1", "1.0.2"):
        await world.push(bala(f"acme/base:{version}"))
    bob = world.people.bob
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"other/shop:{version}", dependencies=[BASE]), by=bob)
    await withdraw(world, BASE)
    return world


async def withdraw(world: World, text: str) -> None:
    moderation = world.registry.publishing.moderation
    await moderation.remove(Coordinate.from_text(text), "A reason of ours.", MALWARE, by=OPERATOR)


async def words(world: World, path: str, person: Person | None = None) -> str:
    if person is None:
        return " ".join(Elements.of(await opened(world, path)).words.split())
    browser = await signed_in(world, person, path)
    return browser.text


@pytest.mark.parametrize("tab", ["", "/1.1.0", "/dependencies", "/1.1.0/changes", "/versions"])
async def test_each_page_of_a_package_marks_its_withdrawn_dependencies(
    built: World, tab: str
) -> None:
    shown = await words(built, SHOP + tab)
    assert f"{TITLE} " in shown
    assert f"{BASE} {REASON}" in shown
    assert "A reason of ours" not in shown


async def test_the_page_of_dependencies_says_why_in_the_row(built: World) -> None:
    assert "acme/base 1.0.1 Withdrawn Malware" in await words(built, f"{SHOP}/dependencies")


async def test_a_dependency_without_any_version_left_is_marked(built: World) -> None:
    for version in ("1.0.0", "1.0.2"):
        await withdraw(built, f"acme/base:{version}")
    assert "acme/base 1.0.1 Withdrawn Malware" in await words(built, f"{SHOP}/dependencies")


async def test_dependents_of_a_withdrawn_version_are_marked(built: World) -> None:
    shown = await words(built, "/packages/acme/base/dependents")
    assert "other/shop" in shown
    assert "1.0.1 Withdrawn Malware" in shown


async def test_the_markdown_of_a_page_says_it(built: World) -> None:
    answer = await built.get(f"http://ballroom.test{SHOP}", headers={"accept": "text/markdown"})
    assert f"> Depends on {BASE}, which was withdrawn. Malware." in answer.text


async def test_agents_get_the_reason_of_a_withdrawn_dependency(built: World) -> None:
    locked = '[[package]]\norg = "acme"\nname = "base"\nversion = "1.0.1"\n'
    agent = Agent(built)
    [row] = (await agent.use("check", dependencies=locked)).structured["packages"]
    told = {"state": "withdrawn", "withdrawalReason": "malware", "permanent": True}
    assert {name: row[name] for name in told} == told


async def test_a_dependency_that_somebody_may_not_see_is_not_marked(built: World) -> None:
    ann = built.fresh(built.people.ann)
    package = Coordinate.from_text(BASE).package
    await built.registry.packages.visibility.change(package, Visibility.PRIVATE, by=ann)
    for tab in ("", "/dependencies"):
        assert "ithdrawn" not in await words(built, SHOP + tab)
    assert TITLE in await words(built, SHOP, built.people.ann)
