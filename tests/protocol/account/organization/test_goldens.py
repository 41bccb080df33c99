"""Snapshots of the pages of an organization: full, empty, refused and hostile."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from tests.protocol.account.organization.test_publishers import GREET
from tests.protocol.test_page_goldens import SIDE_NAVIGATION, shown
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.trusted_publishing import SETTINGS
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.each_row

ORG = "/account/organizations/acme"
ACME = parse_org("acme")
HOSTILE = '<script>alert("x")</script> \u202eevil'

# What is new each time on these pages, besides what is on all.
CHANGING = {
    "CREDENTIAL": re.compile(r"(?<=</strong>, )\w{10}|(?<=With</dt><dd>)\w{10}(?=</dd>)"),
    "NEW": re.compile(r'(?<=name="publisher" value=")\w{10}|(?<=, )\w{10}(?=" type|">Rem)'),
    "DIGEST": re.compile(r"\b[0-9a-f]{64}(?=  (?:outdated|publish)\.py)"),
    "ACCOUNT": re.compile(r"(?<=Account</dt><dd dir=\"auto\">)\w{10}"),
}


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that takes jobs, and holds the fourth package of a burst."""
    return await worlds(brake_packages=3, **SETTINGS)


def reported(browser: Browser) -> str:
    """Return what is particular to a page, without what is new each time, and without the places
    of the account, which are in the goldens of those."""
    text = SIDE_NAVIGATION.sub("", shown(browser))
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


EMPTY = False
FULL = True
LONG = {"name": "robot", "scope": ["read"], "days": "365"}
REFUSED = {"name": '<b>"bold"', "scope": ["push-new"], "package": "a b", "days": "x"}
BASE = {"name": "base", "version": "1.0.0"}
TOO_LONG = {"version": "1.1.0", "message": HOSTILE * 20}
# Who looks, whether there is something, the page, a form of it, and what is sent.
PAGES: dict[str, tuple[str, bool, str, str, dict[str, Any]]] = {
    "packages": ("ann", FULL, "/packages", "", {}),
    "packages_to_a_member": ("mia", FULL, "/packages", "", {}),
    "no_packages": ("ann", EMPTY, "/packages", "", {}),
    "package": ("ann", FULL, "/packages/greet", "", {}),
    "package_that_is_private": ("ann", FULL, "/packages/secret", "", {}),
    "package_that_is_deprecated": (
        "ann",
        FULL,
        "/packages/greet",
        "/packages/greet/deprecate",
        {"message": HOSTILE},
    ),
    "package_whose_change_is_refused": (
        "ann",
        FULL,
        "/packages/greet",
        "/packages/greet/versions/deprecate",
        TOO_LONG,
    ),
    "held_releases": ("ann", FULL, "/held", "", {}),
    "no_held_releases": ("ann", EMPTY, "/held", "", {}),
    "held_release_that_is_not_there": ("ann", EMPTY, "/held", "/held/confirm", BASE),
    "no_tokens": ("ann", EMPTY, "/tokens", "", {}),
    "token_that_is_made_for_long": ("ann", EMPTY, "/tokens", "/tokens", LONG),
    "token_that_is_refused": ("ann", EMPTY, "/tokens", "/tokens", REFUSED),
    "no_publishers": ("ann", EMPTY, "/publishers?provider=gitlab", "", {}),
    "publisher_of_azure_devops": ("ann", EMPTY, "/publishers?provider=azure-devops", "", {}),
    "publisher_that_is_refused": (
        "ann",
        EMPTY,
        "/publishers",
        "/publishers/add",
        {**GREET, "environment": "", "refs": '"><b>', "tag_version": ""},
    ),
    "log": ("ann", FULL, "/log", "", {}),
    "log_without_anything": ("ann", EMPTY, "/log?actor=%3Cb%3E&kind=token.", "", {}),
    "log_that_is_refused": ("ann", EMPTY, "/log?since=%22%3E%3Cb%3E", "", {}),
    "settings": (
        "ann",
        EMPTY,
        "/settings",
        "/describe",
        {"display_name": "Acme <Corp>", "description": "Makes & sells."},
    ),
    "page_for_owners_to_a_member": ("mia", EMPTY, "/tokens", "", {}),
}

# Their page no longer has the form, as if it was open while somebody else decided.
NOT_OFFERED = {"held_release_that_is_not_there"}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page(world: World, page: SnapshotAssertion, name: str) -> None:
    who, is_full, path, form, sent = PAGES[name]
    if is_full:
        await furnish(world)
    browser = await signed_in(world, getattr(world.people, who), ORG + path)
    if form:
        send = browser.post if name in NOT_OFFERED else browser.submit
        await send(ORG + form, **sent)
    assert reported(browser) == page


async def test_tokens(world: World, page: SnapshotAssertion) -> None:
    ann = await signed_in(world, world.people.ann, f"{ORG}/tokens")
    form = {"name": HOSTILE.replace("\u202e", ""), "package": "http*", "addresses": "192.0.2.0/24"}
    await ann.submit(f"{ORG}/tokens", scope=["push-version", "deprecate"], days="30", **form)
    await ann.open(f"{ORG}/tokens")
    assert reported(ann) == page


async def test_publishers(world: World, page: SnapshotAssertion) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    ann = await signed_in(world, world.people.ann, f"{ORG}/publishers")
    await ann.submit(
        f"{ORG}/publishers/add", **{**GREET, "repository": HOSTILE[:20], "tag_version": ""}
    )
    await ann.submit(f"{ORG}/publishers/add", **{**GREET, "package": "planned"})
    assert reported(ann) == page
