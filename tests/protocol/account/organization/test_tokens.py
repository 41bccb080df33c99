"""/account/organizations/{org}/tokens: access tokens of an organization."""

import re

import pytest

from tests.support.archives import bala
from tests.support.browsers import Browser
from tests.support.world import URL, Person

pytestmark = pytest.mark.measured

PAGE = "/account/organizations/acme/tokens"
TOKEN = re.compile(r"blr_local_\w+")


async def test_a_machine_gets_a_token_that_is_shown_once(ann: Browser) -> None:
    await ann.submit(PAGE, name="nightly build", scope=["push-new", "push-version"], days="30")
    assert ann.page
    assert ann.page.status_code == 200
    [token] = set(TOKEN.findall(ann.text))
    world = ann.world
    await world.push(bala("acme/greet:1.0.0"), by=Person(world.people.ann.account, token))
    await ann.open(PAGE)
    assert token not in ann.text
    assert "nightly build" in ann.text
    assert "acme/*" in ann.text


async def test_a_token_is_revoked(ann: Browser) -> None:
    await ann.submit(PAGE, name="robot", scope=["read"])
    await ann.open(PAGE)
    [token_id] = set(re.findall(r'revoke\?token=(\w+)"', ann.text))
    await ann.open(f"{PAGE}/revoke?token={token_id}")
    await ann.submit(f"{PAGE}/revoke")
    assert "Access token revoked" in ann.text
    assert "No access tokens" in ann.text
    answer = await ann.post(f"{PAGE}/revoke", token=token_id)
    assert answer.status_code == 404
    assert "token not found" in ann.text


async def test_a_token_is_renamed(ann: Browser) -> None:
    await ann.submit(PAGE, name="robot", scope=["read"])
    await ann.open(PAGE)
    [token_id] = set(re.findall(r'rename\?token=(\w+)"', ann.text))
    await ann.open(f"{PAGE}/rename?token={token_id}")
    await ann.submit(f"{PAGE}/rename", name="nightly build")
    assert "Access token renamed" in ann.text
    assert "nightly build" in ann.text


async def test_a_token_gets_a_new_text_and_the_old_one_ends(ann: Browser) -> None:
    await ann.submit(PAGE, name="robot", scope=["push-new"], days="30")
    [old] = set(TOKEN.findall(ann.text))
    await ann.open(PAGE)
    [token_id] = set(re.findall(r'revoke\?token=(\w+)"', ann.text))
    await ann.open(f"{PAGE}/rotate?token={token_id}")
    await ann.submit(f"{PAGE}/rotate")
    [new] = set(TOKEN.findall(ann.text))
    assert new != old
    who = {"Authorization": f"Bearer {old}"}
    assert (await ann.world.get(f"{URL}/api/v1/whoami", headers=who)).status_code == 401
    answer = await ann.post(f"{PAGE}/rotate", token="0000000000")
    assert answer.status_code == 404
    assert "token not found" in ann.text
