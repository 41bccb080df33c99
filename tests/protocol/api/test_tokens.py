"""/api/v1/tokens and /api/v1/whoami over HTTP."""

import re
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from tests.support.world import URL, OpenWorld, Person, World, limited

pytestmark = pytest.mark.measured

TOKENS = f"{URL}/api/v1/tokens"
WHOAMI = f"{URL}/api/v1/whoami"


async def whoami(world: World, authorization: str) -> int:
    """Return the status for a request with this header."""
    return (await world.get(WHOAMI, headers={"Authorization": authorization})).status_code


async def test_a_new_token_is_shown_once_with_what_it_allows(world: World) -> None:
    body = b'{"name":"ci","scopes":["push-version","read"],"org":"acme","package":"g*","days":7}'
    answer = await world.send("POST", TOKENS, by=world.people.ann, content=body)
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"blr_local_[0-9A-Za-z]{48}", answer.json()["text"])
    assert token == {
        "id": token["id"],
        "name": "ci",
        "grants": [{"scopes": ["read", "push-version"], "org": "acme", "package": "g*"}],
        "addresses": [],
        "createdAt": "2026-09-21T14:13:20Z",
        "expiresAt": "2026-09-28T14:13:20Z",
        "lastUsedAt": None,
        "lastUsedFrom": None,
        "lastUsedBy": None,
        "madeBy": None,
        "stopped": None,
    }
    listed = await world.get(TOKENS, by=world.people.ann)
    assert token in listed.json()["tokens"]
    shown = await world.get(f"{TOKENS}/{answer.json()['token']['id']}", by=world.people.ann)
    assert shown.json() == token
    assert answer.json()["text"] not in listed.text + shown.text


async def test_whoami_shows_the_account_its_organizations_and_the_grants(world: World) -> None:
    mia = await limited(world, world.people.mia, "read", org="acme")
    answer = await world.get(WHOAMI, by=mia)
    assert answer.json() == {
        "id": mia.account.id,
        "name": "mia",
        "administrator": False,
        "grants": [{"scopes": ["read"], "org": "acme", "package": "*"}],
        "expiresAt": "2026-12-20T14:13:20Z",
        "organizations": [{"org": "acme", "role": "member"}],
    }


async def test_a_token_is_accepted_as_the_password_of_basic(world: World) -> None:
    pair = b64encode(f"anything:{world.people.ann.token}".encode()).decode()
    assert await whoami(world, f"Basic {pair}") == 200


async def test_a_revoked_token_is_refused_within_five_seconds(world: World) -> None:
    text = (await made(world, world.people.ann, '{"name":"ci","scopes":["read"]}'))["text"]
    assert await whoami(world, f"Bearer {text}") == 200
    tokens = (await world.get(TOKENS, by=world.people.ann)).json()["tokens"]
    [token_id] = [token["id"] for token in tokens if token["name"] == "ci"]
    answer = await world.send("DELETE", f"{TOKENS}/{token_id}", by=world.people.ann)
    assert (answer.status_code, answer.content) == (204, b"")
    world.clock.advance(timedelta(seconds=5))
    assert await whoami(world, f"Bearer {text}") == 401


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("nonsense", "Send a JSON object"),
        ("[]", "Invalid field 'body'"),
        ("{}", "Invalid field 'name': Field required. Known fields: name, scopes, package, days, "),
        ('{"name":"x","scopes":["read"],"owner":"bob"}', "Invalid field 'owner': Extra inputs"),
        ('{"name":"x","scopes":["write"]}', "Invalid field 'scopes.0'"),
        ('{"name":"x","scopes":[]}', "Invalid field 'scopes'"),
        ('{"name":"x","scopes":["read"],"days":"7"}', "Invalid field 'days'"),
        ('{"name":"x","scopes":["read"],"days":366}', "Invalid field 'days'"),
        ('{"name":"x","scopes":["read"],"org":"a/b"}', "not a pattern for the organization"),
        ('{"name":" ","scopes":["read"]}', "A token's name is one line"),
        (
            '{"name":"x","scopes":["read"],"addresses":["203.0.113.9/24"]}',
            "is not a range of addresses. Write one address",
        ),
    ],
)
async def test_a_request_that_cannot_be_read_is_answered_with_what_is_wrong(
    world: World, body: str, sentence: str
) -> None:
    answer = await world.send("POST", TOKENS, by=world.people.ann, content=body.encode())
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]["message"]


async def test_a_token_makes_no_stronger_one(world: World) -> None:
    weak = await limited(world, world.people.ann, "manage", "read", org="acme")
    for body in (
        b'{"name":"x","scopes":["read"]}',
        b'{"name":"x","scopes":["push-new"],"org":"acme"}',
    ):
        answer = await world.send("POST", TOKENS, by=weak, content=body)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "not-permitted"


# --- showing, renaming and rotating ------------------------------------------------------------


async def made(world: World, person: Person, body: str) -> dict[str, Any]:
    """Return a token that the person makes by the API, as it was shown."""
    answer = await world.send("POST", TOKENS, by=person, content=body.encode())
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_token_is_renamed(world: World) -> None:
    token = (await made(world, world.people.ann, '{"name":"ci","scopes":["read"]}'))["token"]
    where = f"{TOKENS}/{token['id']}"
    answer = await world.send("PATCH", where, by=world.people.ann, content=b'{"name":"nightly"}')
    assert answer.json() == {**token, "name": "nightly"}
    for body in (b'{"name":""}', b"{}", b'{"name":"x","days":9}', b'{"name":"a\\nb"}'):
        refused = await world.send("PATCH", where, by=world.people.ann, content=body)
        assert refused.status_code == 400
    missing = await world.send(
        "PATCH", f"{TOKENS}/0000000000", by=world.people.ann, content=b'{"name":"x"}'
    )
    assert missing.status_code == 404


async def test_a_rename_is_in_the_log_once(world: World) -> None:
    ann = world.people.ann
    token = (await made(world, ann, '{"name":"ci","scopes":["read"]}'))["token"]
    for _ in range(2):
        body = b'{"name":"nightly"}'
        await world.send("PATCH", f"{TOKENS}/{token['id']}", by=ann, content=body)
    log = (await world.get(f"{URL}/api/v1/account/events", by=ann)).json()["events"]
    renames = [each["details"] for each in log if each["kind"] == "token.renamed"]
    assert renames == [{"before": "ci", "after": "nightly"}]


async def test_a_rotated_token_has_a_new_text_and_the_old_one_ends(world: World) -> None:
    old = await made(world, world.people.ann, '{"name":"ci","scopes":["read"]}')
    assert await whoami(world, f"Bearer {old['text']}") == 200
    where = f"{TOKENS}/{old['token']['id']}/rotate"
    answer = await world.send("POST", where, by=world.people.ann)
    assert answer.status_code == 200
    new = answer.json()
    assert new["token"] == old["token"]
    assert new["text"] != old["text"]
    assert await whoami(world, f"Bearer {new['text']}") == 200
    world.clock.advance(timedelta(seconds=5))
    assert await whoami(world, f"Bearer {old['text']}") == 401


# --- where a token may be used -----------------------------------------------------------------


async def test_a_token_is_accepted_from_its_addresses_only(worlds: OpenWorld) -> None:
    world = await worlds(trusted_proxies="127.0.0.1")
    body = '{"name":"ci","scopes":["read"],"addresses":["203.0.113.0/24","2001:DB8::/32"]}'
    new = await made(world, world.people.ann, body)
    assert new["token"]["addresses"] == ["203.0.113.0/24", "2001:db8::/32"]
    bearer = {"Authorization": f"Bearer {new['text']}"}
    for address, status in (
        ("203.0.113.9", 200),
        ("2001:db8::1", 200),
        ("::ffff:203.0.113.9", 200),
        ("198.51.100.1", 403),
        ("203.0.113.9, 198.51.100.1", 403),
    ):
        headers = bearer | {"X-Forwarded-For": address}
        assert (await world.get(WHOAMI, headers=headers)).status_code == status, address
    refused = await world.get(WHOAMI, headers=bearer | {"X-Forwarded-For": "198.51.100.1"})
    assert refused.json()["error"]["code"] == "address-not-allowed"
    assert "from 198.51.100.1" in refused.json()["error"]["message"]


async def test_the_last_use_says_from_which_address_and_by_which_client(worlds: OpenWorld) -> None:
    world = await worlds(trusted_proxies="127.0.0.1")
    new = await made(world, world.people.ann, '{"name":"ci","scopes":["read"]}')
    headers = {
        "Authorization": f"Bearer {new['text']}",
        "X-Forwarded-For": "203.0.113.9",
        "User-Agent": "ballerina/2201.13.4 (linux-64)",
    }
    await world.get(WHOAMI, headers=headers)
    await world.registry.identity.authentication.close()
    shown = (await world.get(f"{TOKENS}/{new['token']['id']}", by=world.people.ann)).json()
    assert shown["lastUsedAt"] == "2026-09-21T14:13:20Z"
    assert (shown["lastUsedFrom"], shown["lastUsedBy"]) == ("203.0.113.9", headers["User-Agent"])


async def test_a_body_with_a_token_in_it_is_not_stored(world: World) -> None:
    body = f'{{"name":"{world.people.bob.token}","scopes":["read"]}}'.encode()
    answer = await world.send("POST", TOKENS, by=world.people.ann, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "token-misplaced")
    assert world.people.bob.token not in answer.text
