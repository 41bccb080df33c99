"""The API by tokens that are limited, and by the cookie of a browser."""

import pytest

from shared.domain.sessions import SECRET_ROTATION
from tests.support.browsers import signed_in
from tests.support.world import URL, World, limited

pytestmark = pytest.mark.measured


@pytest.mark.parametrize("limit", [{"package": "greet"}, {"org": "acme"}])
async def test_a_token_that_is_limited_manages_nothing_of_the_whole_account(
    world: World, limit: dict[str, str]
) -> None:
    laptop = await signed_in(world, world.people.ann)
    by = await limited(world, world.people.ann, "manage", **limit)
    [token, *_] = (await laptop.api("GET", "/api/v1/tokens")).json()["tokens"]
    for method, path in (
        ("GET", "/api/v1/account/events"),
        ("GET", "/api/v1/tokens"),
        ("GET", f"/api/v1/tokens/{token['id']}"),
        ("DELETE", f"/api/v1/tokens/{token['id']}"),
        ("POST", f"/api/v1/tokens/{token['id']}/rotate"),
    ):
        answer = await world.send(method, f"{URL}{path}", by=by)
        assert answer.status_code == 403, path
        assert "limited to some organizations or packages" in answer.json()["error"]["message"]


# --- the cookie calls the API ------------------------------------------------------------------


async def test_a_cookie_next_to_an_authorization_header_is_ignored(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    headers = {"Authorization": f"Bearer {world.people.bob.token}"}
    answer = await browser.send("GET", "/api/v1/whoami", headers)
    assert answer.json()["name"] == "bob"
    headers = {"Authorization": "Bearer nonsense"}
    assert (await browser.send("GET", "/api/v1/whoami", headers)).status_code == 401


async def test_a_call_of_the_api_renews_the_cookie_too(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    before = browser.session
    world.clock.advance(SECRET_ROTATION)
    await browser.api("GET", "/api/v1/whoami")
    assert browser.session != before
    assert (await browser.open("/account")).status_code == 200


async def test_a_cookie_does_not_publish(world: World) -> None:
    browser = await signed_in(world, world.people.ann)
    answer = await browser.send("POST", "/2.0/registry/packages", content=b"")
    assert answer.status_code == 401
