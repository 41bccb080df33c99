"""Signing in by a link, and the page that one comes to."""

import re

import httpx
import pytest

from shared.domain.client_settings import client_settings
from shared.domain.identity import OPERATOR
from tests.world import URL, World

ACCOUNT = f"{URL}/account"


async def sign_in(world: World, account_id: str) -> httpx.Response:
    """Follow a new sign-in link once."""
    link = await world.registry.sign_in_links.create(account_id)
    return await world.get(link.reveal())


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """Return the header that a browser sends from then on."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


async def test_a_link_signs_in_and_leads_to_the_account(world: World) -> None:
    answer = await sign_in(world, world.people.ann.account.id)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    page = await world.get(ACCOUNT, headers=cookie_of(answer))
    assert page.status_code == 200
    assert "You are <strong>ann</strong>, signed in." in page.text
    assert "acme: owner" in page.text


async def test_the_page_shows_administrators_what_they_are(world: World) -> None:
    answer = await sign_in(world, world.people.admin.account.id)
    page = await world.get(ACCOUNT, headers=cookie_of(answer))
    assert "an administrator of this registry" in page.text
    assert "you are in none yet" in page.text


async def test_the_page_shows_what_to_do_next_at_the_address_of_the_registry(
    world: World,
) -> None:
    answer = await sign_in(world, world.people.ann.account.id)
    page = await world.get(ACCOUNT, headers={**cookie_of(answer), "Host": "evil.example"})
    assert f"curl -fsS {URL}/login.py | python3 -" in page.text
    assert "bal push --repository=ballroom" in page.text
    assert "evil.example" not in page.text


async def test_a_link_is_good_for_one_use(world: World) -> None:
    link = (await world.registry.sign_in_links.create(world.people.ann.account.id)).reveal()
    assert (await world.get(link)).status_code == 303
    again = await world.get(link)
    assert again.status_code == 401
    assert "used already or is too old" in again.text
    assert "set-cookie" not in again.headers


async def test_who_is_not_signed_in_reads_how_to(world: World) -> None:
    page = await world.get(ACCOUNT)
    assert page.status_code == 401
    assert page.headers["www-authenticate"] == "Bearer"
    assert "Ask the operator" in page.text


async def test_a_token_does_not_sign_a_browser_in(world: World) -> None:
    assert (await world.get(ACCOUNT, by=world.people.ann)).status_code == 401


async def test_a_cookie_does_not_call_the_api(world: World) -> None:
    cookie = cookie_of(await sign_in(world, world.people.ann.account.id))
    assert (await world.get(f"{URL}/api/v1/tokens", headers=cookie)).status_code == 401


async def test_signing_out_takes_the_cookie_back(world: World) -> None:
    answer = await world.send("POST", f"{URL}/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert re.match(r"__Host-ballroom=; max-age=0;", answer.headers["set-cookie"], re.IGNORECASE)


async def test_the_cookie_is_for_this_host_over_https_and_not_for_scripts(world: World) -> None:
    cookie = (await sign_in(world, world.people.ann.account.id)).headers["set-cookie"].lower()
    for attribute in ("secure", "httponly", "samesite=lax", "path=/"):
        assert attribute in cookie
    assert "domain" not in cookie


async def test_names_are_shown_as_text(world: World) -> None:
    # The rules for names let no markup in; the page does not lean on them.
    account = await world.registry.accounts.create("eve", by=OPERATOR)
    stored = account.model_copy(update={"id": "eve0000000", "name": "<script>alert(1)</script>"})
    await world.stores.directory.add(stored)
    page = await world.get(ACCOUNT, headers=cookie_of(await sign_in(world, stored.id)))
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text


@pytest.mark.parametrize("path", ["/account", "/sign-in/link/guess"])
async def test_pages_load_run_and_show_nothing_but_themselves(world: World, path: str) -> None:
    page = await world.get(URL + path)
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def test_a_page_can_be_read_without_seeing_it(world: World) -> None:
    answer = await sign_in(world, world.people.ann.account.id)
    html = (await world.get(ACCOUNT, headers=cookie_of(answer))).text
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>Your account - Ballroom</title>" in html
    assert html.count("<h1>") == html.count("<main ") == 1
    assert re.findall(r"<h(\d)>", html) == ["1", "2", "3", "3", "3", "3", "2"]
    assert all("aria-label" in block for block in re.findall(r"<pre[^>]*>", html))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/dashboard?tab=token", "/account/tokens"),
        ("/dashboard?tab=organizations", "/account/organizations"),
        ("/dashboard", "/account"),
        ("/dashboard?tab=https://evil.example", "/account"),
    ],
)
async def test_the_tabs_that_centrals_documentation_names_lead_to_pages_of_the_account(
    world: World, address: str, place: str
) -> None:
    answer = await world.get(URL + address)
    assert (answer.status_code, answer.headers["location"]) == (303, place)


async def test_the_settings_are_a_download_with_a_place_for_a_token(world: World) -> None:
    answer = await sign_in(world, world.people.ann.account.id)
    download = await world.get(f"{ACCOUNT}/settings.toml", headers=cookie_of(answer))
    assert download.text == client_settings(URL, "ann")
    assert download.headers["content-disposition"] == 'attachment; filename="Settings.toml"'
    assert (await world.get(f"{ACCOUNT}/settings.toml")).status_code == 401
