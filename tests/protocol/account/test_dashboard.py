"""/account begins with what needs attention: releases, tokens, organizations."""

import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.names import OrgName
from shared.domain.principals import OPERATOR, Principal
from shared.services.publishing.held_releases import HeldReleasePage, HeldReleases
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.sign_in import open_sign_in
from tests.support.world import OpenWorld, World


def beginning(browser: Browser) -> str:
    """Return the page up to the first steps."""
    return browser.text.partition("<main")[2].partition("Get started")[0]


async def test_tokens_that_expire_soon_need_attention(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    assert "Needs attention" not in ann.text
    world.clock.advance(timedelta(days=80))
    ann = await signed_in(world, world.people.ann)
    text = beginning(ann)
    words = " ".join(re.sub("<[^>]+>", "", text).split())
    assert "expires in 10 days" in words
    assert 'href="/account/tokens/rotate?token=' in text


async def test_organizations_that_were_not_searched_are_named_with_links(worlds: OpenWorld) -> None:
    world = await worlds()
    ann = await signed_in(world, world.people.ann)
    assert "not searched" not in ann.text
    for name in ("one", "two", "three"):
        await world.registry.organizations.organizations.create(
            OrgName(name), world.people.ann.account, by=OPERATOR
        )
    await ann.open("/account")
    assert "1 organization of yours was not searched" in ann.text
    assert "Needs attention" not in ann.text  # Nobody could clear it.
    [left] = re.findall(r'href="/account/organizations/(\w+)/held"', ann.text)
    assert (await ann.open(f"/account/organizations/{left}/held")).status_code == 200


async def test_releases_that_wait_for_an_owner_need_attention(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push_held(bala("acme/base:1.0.0"))
    ann = await signed_in(world, world.people.ann)
    assert "1 release of acme waits for an owner." in beginning(ann)
    assert 'href="/account/organizations/acme/held"' in beginning(ann)
    mia = await signed_in(world, world.people.mia)
    assert "waits for an owner" not in beginning(mia)  # She is no owner.


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/dashboard?tab=token", "/account/tokens"),
        ("/dashboard?tab=tokens", "/account/tokens"),
        ("/dashboard?tab=organizations", "/account/organizations"),
        ("/dashboard", "/account"),
        ("/dashboard?tab=https://evil.test", "/account"),
    ],
)
async def test_the_addresses_in_the_documentation_of_ballerina_lead_to_the_account(
    world: World, address: str, page: str
) -> None:
    ann = await signed_in(world, world.people.ann)
    answer = await ann.send("GET", address)
    assert answer.headers["location"] == page


async def test_whoever_is_not_signed_in_signs_in_first_and_then_gets_there(
    worlds: OpenWorld,
) -> None:
    sign_ins = await open_sign_in(worlds)
    page = await sign_ins.browser().choose("/dashboard?tab=token", "oidc")
    assert "Create an access token" in page.text


async def test_an_organization_with_waiting_releases_may_have_more_on_other_pages(
    worlds: OpenWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push_held(bala("acme/base:1.0.0"))
    whole = HeldReleases.page

    async def first_of_several(*args: Any, by: Principal) -> HeldReleasePage:
        return replace(await whole(*args, by=by), next="base")

    monkeypatch.setattr(HeldReleases, "page", first_of_several)
    ann = await signed_in(world, world.people.ann)
    assert "1 release of acme waits for an owner." in beginning(ann)
    assert "1 organization of yours was not searched completely" in beginning(ann)
