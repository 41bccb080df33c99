"""Snapshots of the pages of an organization: full, empty, refused and hostile."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate, parse_org
from tests.protocol.account.organization.test_publishers import GREET
from tests.protocol.test_page_goldens import page, shown
from tests.support.archives import bala
from tests.support.page_client import PageClient
from tests.support.trusted_publishing import SETTINGS
from tests.support.world import OpenWorld, World

__all__ = ["page"]  # The fixture is that of all goldens.

ORG = "/account/organizations/acme"
ACME = parse_org("acme")
HOSTILE = '<script>alert("x")</script> \u202eevil'

PLACES = re.compile(r'<nav class="places".*?</nav>\n', re.DOTALL)

# What is new each time on these pages, besides what is on all.
CHANGING = {
    "CREDENTIAL": re.compile(r"(?<=</strong>, )\w{10}|(?<=With</dt><dd>)\w{10}(?=</dd>)"),
    "NEW": re.compile(r'(?<=name="publisher" value=")\w{10}|(?<=, )\w{10}(?=" type|">Rem)'),
    "ACCOUNT": re.compile(r"(?<=Account</dt><dd dir=\"auto\">)\w{10}"),
}


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that takes jobs, and holds the fourth package of a burst."""
    return await worlds(brake_packages=3, **SETTINGS)


@pytest.fixture
async def ann(world: World) -> PageClient:
    return await PageClient.of(world, world.people.ann)


def reported(browser: PageClient) -> str:
    """Return what is particular to a page, without what is new each time, and without the places
    of the account, which are in the goldens of those."""
    text = PLACES.sub("", shown(browser))
    for name, pattern in CHANGING.items():
        text = pattern.sub(name, text)
    return text


async def furnish(world: World) -> None:
    """Publish packages of all kinds, of which the last one is held."""
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.push(bala("acme/words:1.0.0", summary=HOSTILE))
    fast = bala("acme/greet:1.2.0", platform="java21", dependencies=["acme/words:1.0.0"])
    await world.push_held(bala("acme/base:1.0.0", summary=HOSTILE))
    await world.push_held(fast)
    deprecation = world.registry.packages.deprecation
    await deprecation.deprecate(Coordinate.parse("acme", "greet", "1.0.0"), HOSTILE, by=OPERATOR)
    await deprecation.deprecate_package(
        Coordinate.parse("acme", "words", "1.0.0").package, "Use others.", by=OPERATOR
    )


# --- packages ----------------------------------------------------------------------------------


async def test_packages(world: World, ann: PageClient, page: SnapshotAssertion) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/packages")
    assert reported(ann) == page


async def test_packages_to_a_member(world: World, page: SnapshotAssertion) -> None:
    await furnish(world)
    mia = await PageClient.of(world, world.people.mia)
    await mia.open(f"{ORG}/packages")
    assert reported(mia) == page


async def test_no_packages(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/packages")
    assert reported(ann) == page


async def test_a_package(world: World, ann: PageClient, page: SnapshotAssertion) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/packages/greet")
    assert reported(ann) == page


async def test_a_package_that_is_private(
    world: World, ann: PageClient, page: SnapshotAssertion
) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/packages/secret")
    assert reported(ann) == page


async def test_a_package_that_is_deprecated(
    world: World, ann: PageClient, page: SnapshotAssertion
) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/packages/greet")
    await ann.send(f"{ORG}/packages/greet/deprecate", message=HOSTILE)
    assert reported(ann) == page


async def test_a_package_whose_change_is_refused(
    world: World, ann: PageClient, page: SnapshotAssertion
) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/packages/greet")
    form = {"version": "1.1.0", "message": HOSTILE * 20}
    await ann.send(f"{ORG}/packages/greet/versions/deprecate", **form)
    assert reported(ann) == page


# --- what waits --------------------------------------------------------------------------------


async def test_held_releases(world: World, ann: PageClient, page: SnapshotAssertion) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/held")
    assert reported(ann) == page


async def test_no_held_releases(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/held")
    assert reported(ann) == page


async def test_a_held_release_that_is_not_there(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/held")
    await ann.send(f"{ORG}/held/confirm", name="base", version="1.0.0")
    assert reported(ann) == page


# --- tokens and publishers ---------------------------------------------------------------------


async def test_tokens(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/tokens")
    form = {"name": HOSTILE.replace("\u202e", ""), "package": "http*", "addresses": "192.0.2.0/24"}
    await ann.send(f"{ORG}/tokens", scope=["push-version", "deprecate"], days="30", **form)
    await ann.open(f"{ORG}/tokens")
    assert reported(ann) == page


async def test_no_tokens(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/tokens")
    assert reported(ann) == page


async def test_a_token_that_is_made_for_long(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/tokens")
    await ann.send(f"{ORG}/tokens", name="robot", scope=["read"], days="365")
    assert reported(ann) == page


async def test_a_token_that_is_refused(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/tokens")
    await ann.send(f"{ORG}/tokens", name='<b>"bold"', scope=["push-new"], package="a b", days="x")
    assert reported(ann) == page


async def test_publishers(world: World, ann: PageClient, page: SnapshotAssertion) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await ann.open(f"{ORG}/publishers")
    await ann.send(f"{ORG}/publishers/add", **{**GREET, "repository": HOSTILE[:20]})
    await ann.send(f"{ORG}/publishers/add", **{**GREET, "package": "planned"})
    assert reported(ann) == page


async def test_no_publishers(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/publishers?provider=gitlab")
    assert reported(ann) == page


async def test_a_publisher_that_is_refused(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/publishers")
    await ann.send(f"{ORG}/publishers/add", **{**GREET, "environment": "", "refs": '"><b>'})
    assert reported(ann) == page


# --- the log and the settings ------------------------------------------------------------------


async def test_a_log(world: World, ann: PageClient, page: SnapshotAssertion) -> None:
    await furnish(world)
    await ann.open(f"{ORG}/log")
    assert reported(ann) == page


async def test_a_log_without_anything(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/log?actor=%3Cb%3E&kind=token.")
    assert reported(ann) == page


async def test_a_log_that_is_refused(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/log?since=%22%3E%3Cb%3E")
    assert reported(ann) == page


async def test_settings(ann: PageClient, page: SnapshotAssertion) -> None:
    await ann.open(f"{ORG}/settings")
    await ann.send(f"{ORG}/describe", display_name="Acme <Corp>", description="Makes & sells.")
    assert reported(ann) == page


async def test_a_page_for_owners_to_a_member(world: World, page: SnapshotAssertion) -> None:
    mia = await PageClient.of(world, world.people.mia)
    await mia.open(f"{ORG}/tokens")
    assert reported(mia) == page
