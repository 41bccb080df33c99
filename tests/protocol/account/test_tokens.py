"""/account/tokens: issue, show once, rotate and revoke access tokens."""

import html
import re
import tomllib
from datetime import timedelta

import httpx
import pytest

from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, World

PAGE = "/account/tokens"


def text_of(browser: Browser) -> str:
    """Return the token that a page shows."""
    [text] = set(re.findall(r'value="(blr_[^"]+)"', browser.text))
    return text


async def names(world: World, text: str) -> httpx.Response:
    """Ask the API with a token."""
    headers = {"Authorization": f"Bearer {text}"}
    return await world.get(f"{URL}/api/v1/whoami", headers=headers)


async def test_the_page_of_older_clients_leads_to_a_token_for_publishing(
    world: World, ann: Browser
) -> None:
    page = (await world.get(f"{URL}/cli-token?redirect=http://localhost:9295")).text
    assert f'href="{PAGE}?for=push"' in page
    assert "9295" not in page.partition("<main")[2]
    await ann.open(f"{PAGE}?for=push")
    checked = re.findall(r'name="scope" value="([\w-]+)"[^>]* checked', ann.text)
    assert checked == ["read", "push-version", "push-new"]
    await ann.open(PAGE)
    assert re.findall(r'name="scope" value="([\w-]+)"[^>]* checked', ann.text) == ["read"]


async def test_a_new_token_is_shown_once_and_works(world: World, ann: Browser) -> None:
    answer = await ann.submit(PAGE, name="nightly build", scope=["read", "push-version"], days="30")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    text = text_of(ann)
    assert (await names(world, text)).json()["name"] == "ann"
    await ann.open(PAGE)
    assert "nightly build" in ann.text
    assert text not in ann.text


async def test_the_page_of_a_new_token_has_settings_with_it(ann: Browser) -> None:
    await ann.submit(PAGE, name="laptop", scope="read")
    shown = html.unescape(re.findall(r'id="token-settings">(.*?)</code>', ann.text, re.DOTALL)[0])
    [entry] = tomllib.loads(shown)["repository"]["maven"]
    assert entry["accesstoken"] == text_of(ann)
    assert f"curl -fsS {URL}/login.py | python3 - --token" in ann.text


async def test_a_token_allows_what_was_chosen_and_no_more(world: World, ann: Browser) -> None:
    fields = {"org": "acme", "package": "http*", "days": "7", "addresses": "127.0.0.0/8, ::1"}
    await ann.submit(PAGE, name="x", scope=["push-version", "read"], **fields)
    who = (await names(world, text_of(ann))).json()
    [grant] = who["grants"]
    assert sorted(grant.pop("scopes")) == ["push-version", "read"]
    assert grant == {"org": "acme", "package": "http*"}
    world.clock.advance(timedelta(minutes=1))
    await ann.open(PAGE)
    for shown in ("acme/http*", "IP addresses: 127.0.0.0/8", "push-version", "soon"):
        assert shown in ann.text


async def use(ann: Browser, name: str) -> None:
    """Use a new token, and open the page once that is written."""
    await ann.submit(PAGE, name=name, scope="read")
    headers = {"Authorization": f"Bearer {text_of(ann)}", "User-Agent": "bal/2201.13"}
    await ann.world.get(f"{URL}/api/v1/whoami", headers=headers)
    await ann.world.registry.identity.authentication.close()
    await ann.open(PAGE)


async def test_the_list_shows_when_and_from_where_a_token_was_used(ann: Browser) -> None:
    await use(ann, "used")
    row = re.findall(r"<tr>.*?</tr>", ann.text, re.DOTALL)[1]
    assert "used" in row
    assert "bal/2201.13" in row
    assert "never" not in row


@pytest.mark.parametrize(
    ("action", "effect"),
    [
        ("rotate", "until you replace the secret with the new one"),
        ("revoke", "This cannot be undone."),
    ],
)
async def test_each_action_asks_first_and_says_what_stops_working(
    ann: Browser, action: str, effect: str
) -> None:
    await use(ann, "nightly")
    [link] = re.findall(
        rf'href="({PAGE}/{action}\?token=\w+)"[^>]*>[^<]*<[^>]*> the token nightly', ann.text
    )
    assert (await ann.open(link)).status_code == 200
    for text in (effect, "nightly", "stops working", "bal/2201.13", "127.0.0.1"):
        assert text in ann.text
    await ann.open(PAGE)
    assert "nightly" in ann.text  # Nothing has happened yet.


async def test_a_revoked_token_is_refused_and_not_listed(world: World, ann: Browser) -> None:
    await ann.submit(PAGE, name="to be ended", scope="read")
    text = text_of(ann)
    await ann.open(PAGE)
    [token_id] = re.findall(r"to be ended<span[^>]*>(\w+),", ann.text)
    await ann.open(f"{PAGE}/revoke?token={token_id}")
    answer = await ann.submit(f"{PAGE}/revoke")
    assert answer.headers["location"] == f"{PAGE}?done=account_token_revoke"
    assert "Access token revoked." in ann.text
    assert "to be ended" not in ann.text
    world.clock.advance(timedelta(seconds=5))
    assert (await names(world, text)).status_code == 401


async def test_a_token_is_renamed_and_works_on(world: World, ann: Browser) -> None:
    await ann.submit(PAGE, name="laptop", scope="read")
    text = text_of(ann)
    await ann.open(PAGE)
    [link] = re.findall(
        rf'href="({PAGE}/rename\?token=\w+)"[^>]*>[^<]*<[^>]*> the token laptop', ann.text
    )
    await ann.open(link)
    assert 'value="laptop"' in ann.text
    answer = await ann.submit(f"{PAGE}/rename", token=link.partition("=")[2], name="old laptop")
    assert answer.headers["location"] == f"{PAGE}?done=account_token_rename"
    assert "Access token renamed." in ann.text
    assert "old laptop<span" in ann.text
    assert (await names(world, text)).status_code == 200


async def test_a_name_that_is_refused_stays_in_the_form(ann: Browser) -> None:
    await ann.submit(PAGE, name="laptop", scope="read")
    await ann.open(PAGE)
    [link] = re.findall(
        rf'href="({PAGE}/rename\?token=\w+)"[^>]*>[^<]*<[^>]*> the token laptop', ann.text
    )
    await ann.open(link)
    answer = await ann.submit(f"{PAGE}/rename", token=link.partition("=")[2], name="x" * 81)
    assert answer.status_code == 400
    assert "one line of 1 to 80 characters" in ann.text
    assert f'value="{"x" * 81}"' in ann.text


async def test_a_token_that_has_ended_says_so(world: World, ann: Browser) -> None:
    await ann.submit(PAGE, name="short", scope="read", days="1")
    world.clock.advance(timedelta(days=1))
    fresh = await signed_in(world, world.people.ann, PAGE)
    assert '<span class="badge bad">Expired</span>' in fresh.text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "", "scope": "read"}, "A token's name is one line"),
        ({"name": "kept"}, "A token needs a scope"),
        ({"name": "kept", "scope": "root"}, "'root' is no scope"),
        ({"name": "kept", "scope": "read", "days": "9999"}, "A token can expire in 1 to 365 days"),
        ({"name": "kept", "scope": "read", "days": "-1"}, "Enter a number of days"),
        ({"name": "kept", "scope": "read", "org": "a b"}, "is not a pattern for the organization"),
        ({"name": "kept", "scope": "read", "addresses": "here"}, "'here'"),
    ],
)
async def test_a_refusal_is_shown_next_to_the_form_with_the_typed_text(
    ann: Browser, fields: dict[str, str], sentence: str
) -> None:
    answer = await ann.post(PAGE, **fields)
    assert answer.status_code == 400
    assert sentence in ann.text
    form = ann.text[ann.text.index("Create an access token") :]
    assert 'role="alert"' in form
    for name, value in fields.items():
        if name != "scope":
            assert f'name="{name}" type="text" value="{value}"' in form
    chosen = re.findall(r'value="([\w-]+)" checked', form)
    assert chosen == ([fields["scope"]] if fields.get("scope") == "read" else [])


async def test_a_token_gets_a_new_text_and_the_old_one_ends(world: World, ann: Browser) -> None:
    [used] = await world.registry.tokens.records.of(world.people.ann.account.id)
    await ann.open(f"{PAGE}/rotate?token={used.token.id}")
    await ann.submit(f"{PAGE}/rotate")
    [text] = set(re.findall(r'class="code" type="text" readonly value="(\w+)"', ann.text))
    assert (await names(world, text)).status_code == 200
    assert (await names(world, world.people.ann.token)).status_code == 401


async def test_a_use_of_an_earlier_secret_is_said_to_be_one(world: World, ann: Browser) -> None:
    assert (await names(world, world.people.ann.token)).status_code == 200
    await ann.open(PAGE)
    assert "before its secret was rotated" not in ann.text
    world.clock.advance(timedelta(minutes=1))
    [used] = await world.registry.tokens.records.of(world.people.ann.account.id)
    await ann.open(f"{PAGE}/rotate?token={used.token.id}")
    await ann.submit(f"{PAGE}/rotate")
    await ann.open(PAGE)
    assert "1 minute ago, before its secret was rotated" in re.sub("<[^>]+>", "", ann.text)
