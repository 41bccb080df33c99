"""/api/v1/tokens and /api/v1/whoami over HTTP."""

import re
from base64 import b64encode
from datetime import timedelta

import pytest

from tests.world import URL, Person, World, limited

TOKENS = f"{URL}/api/v1/tokens"
WHOAMI = f"{URL}/api/v1/whoami"


async def issue(world: World, person: Person, body: str = '{"name":"ci","scopes":["read"]}') -> str:
    """Return the text of a token that the person makes by the API."""
    answer = await world.send("POST", TOKENS, by=person, content=body.encode())
    assert answer.status_code == 201, answer.text
    return answer.json()["text"]


async def whoami(world: World, authorization: str) -> int:
    """Return the status for a request with this header."""
    return (await world.get(WHOAMI, headers={"Authorization": authorization})).status_code


async def test_a_token_that_was_made_by_the_api_works(world: World) -> None:
    text = await issue(world, world.people.ann)
    answer = await world.get(WHOAMI, headers={"Authorization": f"Bearer {text}"})
    assert answer.json()["name"] == "ann"


async def test_a_new_token_is_shown_once_with_what_it_is_good_for(world: World) -> None:
    body = b'{"name":"ci","scopes":["push-version","read"],"org":"acme","package":"g*","days":7}'
    answer = await world.send("POST", TOKENS, by=world.people.ann, content=body)
    assert answer.status_code == 201
    token = answer.json()["token"]
    assert answer.headers["location"] == f"/api/v1/tokens/{token['id']}"
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
    }
    listed = await world.get(TOKENS, by=world.people.ann)
    assert token in listed.json()["tokens"]
    assert answer.json()["text"] not in listed.text


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


async def test_a_token_is_good_as_the_password_of_basic(world: World) -> None:
    pair = b64encode(f"anything:{world.people.ann.token}".encode()).decode()
    assert await whoami(world, f"Basic {pair}") == 200


async def test_a_revoked_token_is_refused_within_five_seconds(world: World) -> None:
    text = await issue(world, world.people.ann)
    assert await whoami(world, f"Bearer {text}") == 200
    tokens = (await world.get(TOKENS, by=world.people.ann)).json()["tokens"]
    [token_id] = [token["id"] for token in tokens if token["name"] == "ci"]
    answer = await world.send("DELETE", f"{TOKENS}/{token_id}", by=world.people.ann)
    assert (answer.status_code, answer.content) == (204, b"")
    world.clock.advance(timedelta(seconds=5))
    assert await whoami(world, f"Bearer {text}") == 401


async def test_a_token_ends_when_it_says(world: World) -> None:
    text = await issue(world, world.people.ann, '{"name":"ci","scopes":["read"],"days":1}')
    world.clock.advance(timedelta(days=1))
    answer = await world.get(WHOAMI, headers={"Authorization": f"Bearer {text}"})
    assert answer.json()["error"]["code"] == "token-expired"


async def test_the_last_use_is_shown(world: World) -> None:
    text = await issue(world, world.people.ann)
    await whoami(world, f"Bearer {text}")
    await world.registry.authentication.close()
    tokens = (await world.get(TOKENS, by=world.people.ann)).json()["tokens"]
    [used] = [token["lastUsedAt"] for token in tokens if token["name"] == "ci"]
    assert used == "2026-09-21T14:13:20Z"


@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", WHOAMI), ("GET", TOKENS), ("POST", TOKENS), ("DELETE", f"{TOKENS}/x")],
)
async def test_without_a_token_each_operation_asks_for_one(
    world: World, method: str, url: str
) -> None:
    answer = await world.send(method, url, content=b'{"name":"x","scopes":["read"]}')
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "credentials-missing"


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic !", "Digest x", "Bearer"])
async def test_a_bad_token_is_refused_on_public_reads_too(world: World, authorization: str) -> None:
    headers = {"Authorization": authorization}
    for url in (WHOAMI, f"{URL}/2.0/registry/search-packages?q=x"):
        assert (await world.get(url, headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("nonsense", "Send a JSON object"),
        ("[]", "'body' is not right"),
        ("{}", "'name' is not right: Field required. There are: name, scopes, package, days, "),
        ('{"name":"x","scopes":["read"],"owner":"bob"}', "'owner' is not right: Extra inputs"),
        ('{"name":"x","scopes":["write"]}', "'scopes.0' is not right"),
        ('{"name":"x","scopes":[]}', "'scopes' is not right"),
        ('{"name":"x","scopes":["read"],"days":"7"}', "'days' is not right"),
        ('{"name":"x","scopes":["read"],"days":366}', "'days' is not right"),
        ('{"name":"x","scopes":["read"],"org":"a/b"}', "no pattern for the organization"),
        ('{"name":" ","scopes":["read"]}', "A token's name is one line"),
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
