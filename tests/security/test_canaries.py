"""GhostAction 2025: whoever reads a machine tries the tokens that lie there.

A canary is a token that opens nothing and that the operator leaves where a thief would look: who
tries it is told nothing, and the operator is told at once.
"""

import httpx
import pytest

from shared.auth.tokens import AccessToken
from shared.domain.identity import OPERATOR
from shared.domain.tokens import TokenUse
from shared.services.tokens.token_requests import TokenRequest
from tests.fakes.system import FakeRandomness
from tests.support.logs import capture_logs
from tests.support.world import URL, OpenWorld, Person, World

WHOAMI = f"{URL}/api/v1/whoami"
THIEF = {"X-Forwarded-For": "203.0.113.66", "User-Agent": "curl/8.5.0"}


@pytest.fixture
async def trapped(worlds: OpenWorld) -> World:
    """Return a registry behind a proxy."""
    return await worlds(trusted_proxies="127.0.0.1")


async def planted(world: World) -> Person:
    """Return a canary that looks like a token of Ann."""
    ann = world.people.ann.account
    wanted = TokenRequest.parse("backup", ["read"], org="*", package="*", days=None)
    issued = await world.registry.tokens.access_tokens.issue_canary(ann.id, wanted, by=OPERATOR)
    return Person(ann, issued.text.reveal())


def unknown(canary: Person) -> Person:
    """Return a token of the same form that was never made."""
    owner = canary.account.id
    text = AccessToken.mint("local", owner, FakeRandomness("never made")).text.reveal()
    return Person(canary.account, text)


def shown(answer: httpx.Response) -> tuple[int, bytes, list[str]]:
    """Return what a thief sees, but for what differs each time."""
    return answer.status_code, answer.content, sorted(set(answer.headers) - {"date"})


@pytest.mark.parametrize("path", [WHOAMI, "/packages?q=x", "/packages/acme/none/1.0.0"])
async def test_a_canary_is_refused_as_a_token_that_was_never_made(
    trapped: World, path: str
) -> None:
    canary = await planted(trapped)
    tried = await trapped.get(path, by=canary, headers=THIEF)
    assert tried.status_code == 401
    assert shown(tried) == shown(await trapped.get(path, by=unknown(canary), headers=THIEF))


async def test_a_request_with_a_canary_token_is_in_the_event_feed_and_in_the_log(
    trapped: World,
) -> None:
    canary = await planted(trapped)
    with capture_logs() as lines:
        await trapped.get(WHOAMI, by=canary, headers=THIEF)
    await trapped.registry.identity.authentication.close()
    [line] = [line for line in lines if line["event"] == "token.canary_tried"]
    assert (line["address"], line["agent"]) == ("203.0.113.66", "curl/8.5.0")
    stream = await trapped.stores.events.stream(f"account:{canary.account.id}", None, 1)
    [(_, event)] = stream
    assert (event.kind, event.address) == ("token.canary-tried", "203.0.113.66")
    assert event.details == {"name": "backup", "agent": "curl/8.5.0"}
    for said in (repr(line), event.model_dump_json()):
        assert canary.token[20:] not in said


async def test_a_request_with_a_canary_token_leaves_no_trace_that_a_thief_could_see(
    trapped: World,
) -> None:
    canary = await planted(trapped)
    await trapped.get(WHOAMI, by=canary, headers=THIEF)
    await trapped.registry.identity.authentication.close()
    assert await trapped.stores.directory.list_by_owner(TokenUse, canary.account.id) == []
    listed = await trapped.get(f"{URL}/api/v1/tokens", by=trapped.people.ann)
    assert len(listed.json()["tokens"]) == 1
    assert "backup" not in listed.text
    assert "canary" not in listed.text


async def test_nobody_plants_canaries_by_the_api(world: World) -> None:
    body = b'{"name":"x","scopes":["read"],"canary":true}'
    for by in (world.people.ann, world.people.admin):
        answer = await world.send("POST", f"{URL}/api/v1/tokens", by=by, content=body)
        assert answer.status_code == 400
