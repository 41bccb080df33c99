"""A package that another one replaces: who sets it, and where readers who may see it are told."""

import json
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.to_thread import run_sync

from shared.domain.coordinates import Package
from shared.domain.visibility import Visibility
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mcp_agent import tool_call
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

GREET = "acme/greet"
HELLO = "other/hello"
MANAGE = "/account/organizations/acme/packages/greet"
LOCKED = '[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    await world.push(bala(f"{GREET}:1.0.0"))
    await world.push(bala(f"{HELLO}:1.0.0"), by=world.people.bob)


async def put(
    world: World,
    successor: str | None,
    *,
    by: Person | None = None,
    package: str = GREET,
    **more: str,
) -> httpx.Response:
    path = f"{URL}/api/v1/packages/{package}/successor"
    body = {"successor": successor, **more}
    return await world.send("PUT", path, by=by or world.people.ann, json=body)


async def set_successor(world: World, successor: str = HELLO, package: str = GREET) -> None:
    by = world.people.ann if package.startswith("acme/") else world.people.bob
    answer = await put(world, successor, by=by, package=package)
    assert answer.status_code == 200, answer.text


async def run(world: World, *arguments: str) -> str:
    terminal = Terminal(world.registry.settings.data)
    return await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))


async def hide_hello(world: World) -> None:
    fresh = world.fresh(world.people.bob)
    change = world.registry.packages.visibility.change
    await change(Package.parse("other", "hello"), Visibility.PRIVATE, by=fresh)


async def told(world: World, by: Person | None = None) -> dict[str, object]:
    """Return the successor that each face names to a reader; empty where it names none."""

    async def tool(name: str, **arguments: Any) -> Any:
        call = json.dumps(tool_call(name, **arguments)).encode()
        answer = await world.send("POST", f"{URL}/mcp", by=by, content=call)
        return answer.json()["result"]["structuredContent"]

    metadata = (await world.get(f"/packages/{GREET}/1.0.0", by=by)).json()
    [line] = (await world.get(f"{URL}/index/{GREET}/index.json", by=by)).text.splitlines()
    api = await world.get(f"{URL}/api/v1/packages/{GREET}/successor", by=by)
    page = await world.get(f"{URL}/packages/{GREET}", by=by)
    [row] = (await tool("check", dependencies=LOCKED))["packages"]
    return {
        "metadata": metadata.get("successor", ""),
        "index": json.loads(line).get("successor", ""),
        "api": api.json()["successor"] or "",
        "page": HELLO if HELLO in page.text else "",
        "get_package": (await tool("get_package", package=GREET))["successor"],
        "check": row["successor"],
    }


async def test_every_face_names_the_successor(world: World) -> None:
    assert set((await told(world)).values()) == {""}
    await set_successor(world)
    assert set((await told(world)).values()) == {HELLO}
    assert "Moved to" in (await world.get(f"{URL}/packages/{GREET}")).text
    await put(world, None)
    assert set((await told(world)).values()) == {""}


async def test_a_successor_is_named_only_to_those_who_may_see_it(world: World) -> None:
    await set_successor(world)
    await hide_hello(world)
    for reader in (None, world.people.mia):
        assert set((await told(world, reader)).values()) == {""}
    bob = await told(world, world.people.bob)
    # Everybody reads the same index file of a public package.
    assert bob == {**dict.fromkeys(bob, HELLO), "index": ""}
    assert set((await told(world)).values()) == {""}, "an answer for Bob was repeated"


@one_machine("its commands find a data folder")
async def test_a_successor_is_named_to_nobody_once_it_is_withdrawn(world: World) -> None:
    await set_successor(world)
    await run(world, "package", "quarantine", f"{HELLO}:1.0.0", "--reason", "test")
    assert set((await told(world)).values()) == {""}


async def test_old_versions_are_pulled_as_before(world: World) -> None:
    await set_successor(world)
    pulled = await world.java().pull(f"{GREET}:1.0.0")
    assert pulled
    await world.push(bala(f"{GREET}:1.0.1"))


async def test_the_message_of_a_deprecation_stays(world: World) -> None:
    await world.java(world.people.ann).deprecate(f"{GREET}:*", "Use something newer.")
    await set_successor(world)
    metadata = (await world.get(f"/packages/{GREET}/1.0.0")).json()
    assert metadata["deprecateMessage"] == "Use something newer."
    page = (await world.get(f"{URL}/packages/{GREET}")).text
    assert "Use something newer." in page
    assert f'Use <a href="/packages/{HELLO}">' in page


async def test_web_addresses_in_a_message_are_links_and_the_rest_is_text(world: World) -> None:
    message = "See https://example.org/move?a=1&b=<i>, or javascript:alert(1)."
    await world.java(world.people.ann).deprecate(f"{GREET}:*", message)
    page = (await world.get(f"{URL}/packages/{GREET}")).text
    address = "https://example.org/move?a=1&amp;b="
    rel = 'rel="nofollow ugc noopener noreferrer"'
    assert f'See <a href="{address}" {rel}>{address}</a>&lt;i&gt;, or javascript:' in page


async def test_programs_read_the_successor_in_markdown(world: World) -> None:
    await set_successor(world)
    page = await world.get(f"{URL}/packages/{GREET}", headers={"Accept": "text/markdown"})
    assert f"> Moved to {HELLO}" in page.text


async def test_a_deprecation_can_name_the_successor(world: World) -> None:
    ann = await signed_in(world, world.people.ann, MANAGE)
    await ann.post(f"{MANAGE}/deprecate", message="Gone.", successor=HELLO)
    assert "Package deprecated" in ann.text
    assert f"{HELLO}</a> replaces this package" in ann.text


async def test_an_owner_deprecates_and_names_the_successor_on_the_page(world: World) -> None:
    ann = await signed_in(world, world.people.ann, MANAGE)
    await ann.submit(f"{MANAGE}/deprecate", message="Gone.")
    assert "Package deprecated" in ann.text
    await ann.submit(f"{MANAGE}/successor", successor=HELLO)
    assert f"{HELLO}</a> replaces this package" in ann.text
    await ann.submit(f"{MANAGE}/successor", successor="")
    assert "Successor changed" in ann.text
    assert set((await told(world)).values()) == {""}


@pytest.mark.parametrize(
    ("successor", "status", "code"),
    [
        ("other/missing", 404, "successor-not-found"),
        ("missing", 400, "invalid-name"),
        ("acme/greet", 409, "successor-circular"),
        ("Acme/Greet", 409, "successor-circular"),
    ],
)
async def test_a_successor_that_cannot_replace_a_package_is_refused(
    world: World, successor: str, status: int, code: str
) -> None:
    answer = await put(world, successor)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    ann = await signed_in(world, world.people.ann, MANAGE)
    page = await ann.submit(f"{MANAGE}/successor", successor=successor)
    assert page.status_code == status
    assert 'id="successor-error"' in page.text
    assert f'value="{successor}"' in page.text


async def test_a_successor_that_its_setter_may_not_see_is_like_a_missing_one(world: World) -> None:
    await hide_hello(world)
    hidden = await put(world, HELLO)
    missing = await put(world, "other/never")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace(HELLO, "X") == missing.text.replace("other/never", "X")


async def test_two_packages_do_not_replace_each_other(world: World) -> None:
    await set_successor(world)
    answer = await put(world, GREET, by=world.people.bob, package=HELLO)
    assert answer.json()["error"]["code"] == "successor-circular"


async def test_others_than_owners_set_no_successor(world: World) -> None:
    assert (await put(world, HELLO, by=world.people.mia)).status_code == 403
    assert (await put(world, HELLO, by=world.people.bob)).status_code == 404


async def test_an_administrator_gives_a_reason_that_the_owners_read(world: World) -> None:
    admin = world.people.admin
    refused = await put(world, HELLO, by=admin)
    assert refused.json()["error"]["code"] == "reason-missing"
    assert (await put(world, HELLO, by=admin, reason="A dispute.")).status_code == 200
    log = await world.get(f"{URL}/api/v1/orgs/acme/audit?kind=package.", by=world.people.ann)
    [event] = log.json()["events"]
    assert event["kind"] == "package.successor-changed"
    assert event["details"]["successor"] == HELLO
    assert event["details"]["reason"] == "A dispute."


@one_machine("its commands find a data folder")
async def test_the_operator_sets_and_removes_a_successor_by_command(world: World) -> None:
    printed = await run(world, "package", "successor", GREET, HELLO, "--reason", "A dispute.")
    assert printed == f"{HELLO} replaces {GREET}.\n"
    assert set((await told(world)).values()) == {HELLO}
    await run(world, "package", "remove-successor", GREET, "--reason", "Settled.")
    assert set((await told(world)).values()) == {""}
