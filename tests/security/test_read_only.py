"""While the registry is read-only nobody changes anything, by whichever route, and all read on.

What changes something is every route that takes another method than those of reading, but for
what is named here; a new one is refused from its first day, or fails.
"""

import html
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from shared.domain.entities import Place
from shared.domain.names import parse_org
from shared.domain.notices import NoticeBoard
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.snapshots import ENTITIES
from shared.domain.tokens import TokenUse
from shared.services.organizations.invitations import InvitationRequest
from tests.security.access_table import ASKS_BY_POST, DECLARED, PAGES, Cell, State
from tests.security.personas import PERSONAS
from tests.security.test_authorization_matrix import Prepared, prepared
from tests.support.browsers import FORM, Browser, signed_in
from tests.support.stored_state import stored
from tests.support.world import World

pytestmark = pytest.mark.measured

__all__ = ["prepared"]  # The fixture is the matrix's.

INTERNAL = 500
READING = {"GET", "HEAD", "OPTIONS"}
# Sessions begin and end, so that administrators come in; and they let changes be made again.
GOES_ON = {"sign_in_link_used", "sign_in_out", "manage_read_only_on", "manage_read_only_off"}
# Directories alone ask these, and no administrator: tests/protocol/scim/test_okta_provisioning.py.
OF_DIRECTORIES = {name for name in DECLARED if name.startswith("scim_")}
CHANGING = sorted(
    name
    for name, each in DECLARED.items()
    if each.method not in READING and name not in ASKS_BY_POST | GOES_ON | OF_DIRECTORIES
)
OTHERS = sorted(set(DECLARED) - set(CHANGING) - GOES_ON)

REASON = "moving <house> until 22:00"
SENTENCE = (
    f"This registry is in read-only mode: {REASON}. Packages can still be searched and pulled. "
    "Try again later."
)
ADMINISTRATOR = next(each for each in PERSONAS if each.name == "administrator signed in")


async def turn_read_only(world: World) -> None:
    await world.registry.limits.notices.enter_read_only_mode(REASON, by=OPERATOR)


async def ask(
    world: World, prepared: Prepared, browser: Browser, name: str, offered: str = ""
) -> httpx.Response:
    """Send the request of a route as an administrator: pages by a browser, others by themselves."""
    declared = DECLARED[name]
    request = declared.request(Cell(ADMINISTRATOR, State.PUBLIC, 1), prepared.accounts)
    if name not in PAGES:
        request.headers.update(prepared.header(ADMINISTRATOR))
        return await world.http.send(request)
    path = request.url.raw_path.decode()
    fields = {"csrf": browser.csrf}
    if name == "account_invitation_answer":
        fields |= {"code": offered, "decision": "accept"}
    body = urlencode(fields).encode()
    return await browser.send(declared.method, path, headers=FORM, content=body)


async def invitation(world: World) -> str:
    """Return the code of an invitation, which only the operator sends meanwhile."""
    offer = InvitationRequest.parse(Role.MEMBER, None, "admin")
    invited = await world.registry.organizations.invitations.invite(
        parse_org("acme"), offer, by=OPERATOR
    )
    assert invited.link
    return invited.link.reveal().partition("#")[2]


async def everything(world: World) -> dict[str, Any]:
    """Return all records of a registry but the bulletin, and when tokens were used last."""
    kinds = [kind for kind in ENTITIES if kind not in (NoticeBoard, TokenUse)]
    entities = {
        kind.kind: [
            each.model_dump(mode="json")
            for each in await world.stores.directory.list_all(kind, Place(""), 10_000)
        ]
        for kind in kinds
    }
    return {**await stored(world.stores), **entities}


async def test_every_change_is_refused_and_changes_nothing(
    prepared: Prepared, scratch: Path
) -> None:
    wrong: list[str] = []
    async with prepared.world(scratch / "data") as world:
        admin = await signed_in(world, world.people.admin)
        await turn_read_only(world)
        offered = await invitation(world)
        before = await everything(world)
        for name in CHANGING:
            answer = await ask(world, prepared, admin, name, offered)
            shown = (answer.status_code, answer.headers.get("retry-after"))
            if shown != (503, "300") or SENTENCE not in html.unescape(answer.text):
                wrong.append(f"{name}: {shown} {answer.text}")
        assert await everything(world) == before
    assert not wrong, "\n".join(wrong)


async def test_requests_that_change_nothing_answer_as_without_read_only_mode(
    prepared: Prepared, scratch: Path
) -> None:
    wrong: list[str] = []
    async with prepared.world(scratch / "data") as world:
        admin = await signed_in(world, world.people.admin)
        before = {name: await ask(world, prepared, admin, name) for name in OTHERS}
        await turn_read_only(world)
        for name, usual in before.items():
            answer = await ask(world, prepared, admin, name)
            if answer.status_code != usual.status_code or answer.status_code >= INTERNAL:
                wrong.append(f"{name}: {usual.status_code}, then {answer.status_code}")
    assert not wrong, "\n".join(wrong)
