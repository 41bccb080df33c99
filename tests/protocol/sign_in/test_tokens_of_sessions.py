"""Tokens made by people who are signed in with a browser, and what a sign-in has to be for that."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.browsers import Browser, signed_in
from tests.support.world import World

TOKENS = "/api/v1/tokens"
READING = {"name": "laptop", "scopes": ["read"]}
MANAGING = {"name": "admin", "scopes": ["read", "manage"]}


@pytest.fixture
async def browser(world: World) -> Browser:
    """Return a browser in which Ann has just signed in."""
    return await signed_in(world, world.people.ann)


async def made(browser: Browser, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return a token that the person makes, with its text."""
    answer = await browser.api("POST", TOKENS, wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_ten_minutes_later_it_takes_another_sign_in(world: World, browser: Browser) -> None:
    token = (await made(browser, MANAGING))["token"]
    world.clock.advance(timedelta(minutes=10, seconds=1))
    for method, path, body in (
        ("POST", TOKENS, MANAGING),
        ("POST", f"{TOKENS}/{token['id']}/rotate", None),
    ):
        answer = await browser.api(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
    await made(browser, READING)
    again = await signed_in(world, world.people.ann)
    await made(again, MANAGING)


async def test_a_token_of_a_session_lasts_as_long_as_it_says_and_not_as_the_session(
    browser: Browser,
) -> None:
    token = (await made(browser, {**READING, "days": 365}))["token"]
    assert token["expiresAt"] == "2027-09-21T14:13:20Z"
