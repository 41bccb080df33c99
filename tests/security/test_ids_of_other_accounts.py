"""PyPI's audit 2026 (TOB-11), OWASP API1: an id of somebody else's in a path of one's own.

Whatever takes an id answers the id of another tenant's thing as it answers one that nothing has: in
the same words, at the same cost, and nothing is changed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.domain.advisories.advisories import AdvisoryState
from shared.domain.principals import OPERATOR
from shared.domain.tokens import Token
from tests.security.access_table import DECLARED, NOBODYS, PUBLISHER, TOKEN, WEBHOOK, Cell, State
from tests.security.personas import PERSONAS, Persona
from tests.security.test_authorization_matrix import Prepared, prepared
from tests.support.advisories import advisory, affected
from tests.support.port_doubles import CallRecorder
from tests.support.stored_state import stored
from tests.support.world import URL, World

__all__ = ["prepared"]  # The fixture is the matrix's.

# The ids of accounts are no secret: whoever shares an organization sees them. A dispute belongs to
# two parties and administrators (tests/protocol/test_name_disputes.py), a proposal to the registry,
# and the page of an advisory to everybody.
_OF_NO_TENANT = ("api_members_", "api_moderation_", "api_scim_", "scim_", "web_advisory")
TAKING_IDS = sorted(
    name
    for name, each in DECLARED.items()
    if NOBODYS in each.path and not name.startswith(_OF_NO_TENANT) and "_dispute" not in name
)
BOB, ANN, ADMIN = [
    next(each for each in PERSONAS if each.name == name)
    for name in ("owner elsewhere signed in", "owner signed in", "administrator signed in")
]

# What Bob makes in his organization, and where its id is in the answer.
MADE: Mapping[str, tuple[str, Mapping[str, object], tuple[str, ...]]] = {
    "api_org_tokens": ("orgs/other/tokens", TOKEN, ("token", "id")),
    "api_publishers": ("orgs/other/publishers", PUBLISHER, ("id",)),
    "api_org_webhooks": ("orgs/other/webhooks", WEBHOOK, ("id",)),
    "api_webhooks": ("orgs/other/webhooks", WEBHOOK, ("id",)),
    "account_organization_webhook": ("orgs/other/webhooks", WEBHOOK, ("id",)),
    "api_invitations": (
        "orgs/other/invitations",
        {"role": "member", "email": "kim@example.org"},
        ("invitation", "id"),
    ),
    "token": ("tokens", TOKEN, ("token", "id")),
    "account_token": ("tokens", TOKEN, ("token", "id")),
    "manage_account": ("tokens", TOKEN, ("token", "id")),
    "account_organization_token": ("orgs/other/tokens", TOKEN, ("token", "id")),
}


@dataclass(frozen=True)
class Asked:
    """What came of a request, and which calls it made."""

    status: int
    body: str
    calls: tuple[str, ...]


async def foreign_id(world: World, prepared: Prepared, function: str) -> str:
    """Let Bob make something of the kind that the Function is about, and return its id."""
    if "advisor" in function:
        theirs = affected("other/theirs", "introduced 0")
        draft = advisory(theirs, org="other", state=AdvisoryState.DRAFT)
        return (await world.registry.advisories.advisories.store(draft, OPERATOR)).id
    kind = next(kind for kind in MADE if function.startswith(f"{kind}_"))
    path, body, place = MADE[kind]
    made = httpx.Request(
        "POST", f"{URL}/api/v1/{path}", headers=prepared.header(BOB), content=json.dumps(body)
    )
    answer = await world.http.send(made)
    assert answer.status_code in {200, 201}, answer.text
    found = answer.json()
    for key in place:
        found = found[key]
    return str(found)


@pytest.mark.parametrize("persona", [ANN, ADMIN], ids=str)
@pytest.mark.parametrize("function", TAKING_IDS)
async def test_an_id_of_another_tenant_is_refused_like_an_unknown_one(
    prepared: Prepared, scratch: Path, function: str, persona: Persona
) -> None:
    port_calls = CallRecorder()
    async with prepared.world(scratch / "data", wrap=port_calls.wrap) as world:
        theirs = await foreign_id(world, prepared, function)
        # What is remembered for a moment, such as who asks, is read before what is compared.
        # Twice: the first request may find a change that others made before the index was read.
        for _ in range(2):
            await ask(world, port_calls, asking(prepared, function, persona, NOBODYS), NOBODYS)
        before = await everything(world)
        asked = [
            await ask(world, port_calls, asking(prepared, function, persona, id_), id_)
            for id_ in (theirs, NOBODYS)
        ]
        assert asked[0] == asked[1]
        assert 400 <= asked[0].status < 500
        assert await everything(world) == before


def asking(prepared: Prepared, function: str, persona: Persona, id_: str) -> httpx.Request:
    request = DECLARED[function].request(Cell(persona, State.PUBLIC, 1), prepared.accounts)
    url = str(request.url).replace(NOBODYS, id_)
    headers = prepared.header(persona)
    return httpx.Request(request.method, url, headers=headers, content=request.content)


async def ask(world: World, port_calls: CallRecorder, request: httpx.Request, id_: str) -> Asked:
    """Send the request, and return what came of it, without the id."""
    port_calls.taken()
    answer = await world.http.send(request)
    return Asked(answer.status_code, answer.text.replace(id_, "ID"), tuple(port_calls.taken()))


async def everything(world: World) -> object:
    """Return all that a foreign hand could change."""
    tokens = await world.stores.directory.list_by_owner(Token, world.people.bob.account.id)
    return await stored(world.stores), tokens
