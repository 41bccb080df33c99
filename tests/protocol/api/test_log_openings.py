"""GET /api/v1/log/openings/{index}: who may read what a commitment of the log commits to."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.transparency.log_states import LogState, Segment
from shared.domain.visibility import Visibility
from tests.support.archives import bala
from tests.support.port_doubles import CallRecorder
from tests.support.published_logs import ORIGIN
from tests.support.storage import one_instance
from tests.support.world import URL, OpenWorld, Person, World, limited

pytestmark = pytest.mark.measured

SECRET = Package.from_text("acme/secret")
ACME = parse_org("acme")


async def get(world: World, index: object, *, by: Person | None = None) -> httpx.Response:
    return await world.get(f"{URL}/api/v1/log/openings/{index}", by=by)


async def last(world: World) -> int:
    """Return the index of the last entry of the log."""
    [(number, _)] = await world.stores.events.newest(None, 1)
    return number - 1


async def opened(world: World, index: int, *, by: Person | None = None) -> dict[str, Any]:
    """Return the leaf of an opening that is that of the entry."""
    answer = await get(world, index, by=by)
    assert answer.status_code == 200, answer.text
    opening = answer.json()
    salt = base64.b64decode(opening["salt"])
    assert len(salt) == 32
    digest = hashlib.sha256(salt + opening["leaf"].encode()).digest()
    [entry] = await world.stores.events.leaves(index, 1)
    assert json.loads(entry)["commitment"] == base64.b64encode(digest).decode()
    assert opening["index"] == json.loads(opening["leaf"])["index"] == index
    return json.loads(opening["leaf"])


async def readers(world: World, index: int) -> list[str]:
    """Return who of the people may read an opening; all others get the same answer as of none."""
    people = world.people
    everybody = {"ann": people.ann, "mia": people.mia, "bob": people.bob, "admin": people.admin}
    found = list[str]()
    missing = (await get(world, 10_000)).text
    for name, person in {**everybody, "nobody": None}.items():
        answer = await get(world, index, by=person)
        if answer.status_code == 200:
            found.append(name)
        else:
            assert answer.status_code == 404
            assert answer.text == missing.replace("10000", str(index))
    return found


async def test_who_may_read_a_package_opens_what_is_told_of_it(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    index = await last(world)
    leaf = await opened(world, index, by=world.people.mia)
    assert (leaf["kind"], leaf["package"]) == ("release.published", "acme/secret")
    assert await readers(world, index) == ["ann", "mia", "admin"]
    words = await limited(world, world.people.ann, "read", org="acme", package="words")
    assert (await get(world, index, by=words)).status_code == 404


async def test_in_a_log_that_was_mended_an_opening_is_that_of_its_entry(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    number = await last(world) + 1
    mended = (Segment(1, 0), Segment(number, number + 6))  # Seven events were lost.
    await world.stores.directory.add(LogState(origin=ORIGIN, segments=mended))
    entry = (await get(world, number + 6, by=world.people.mia)).json()
    assert entry["index"] == number + 6
    leaf = json.loads(entry["leaf"])
    assert (leaf["index"], leaf["version"]) == (number - 1, "1.0.0")
    for lost in range(number - 1, number + 6):
        assert await readers(world, lost) == []


async def test_everybody_opens_the_entry_of_a_package_while_it_is_public(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    index = await last(world)
    change = world.registry.packages.visibility.change
    await change(SECRET, Visibility.PUBLIC, by=world.fresh(world.people.ann))
    assert (await opened(world, index))["version"] == "1.0.0"
    assert await readers(world, index) == ["ann", "mia", "bob", "admin", "nobody"]
    await change(SECRET, Visibility.PRIVATE, by=world.fresh(world.people.ann))
    assert await readers(world, index) == ["ann", "mia", "admin"]


async def test_owners_and_administrators_open_other_changes_of_an_organization(
    world: World,
) -> None:
    set_member = world.registry.organizations.memberships.set_member
    await set_member(ACME, world.people.mia.account, Role.MAINTAINER, by=OPERATOR)
    index = await last(world)
    leaf = await opened(world, index, by=world.people.ann)
    account = world.people.mia.account.id
    assert (leaf["kind"], leaf["organization"], leaf["account"]) == ("member.set", "acme", account)
    assert await readers(world, index) == ["ann", "mia", "admin"]  # Mia is who it is about.


async def test_an_account_opens_what_is_about_it(world: World) -> None:
    sign_in = world.registry.identity.accounts
    await sign_in.rename(world.people.bob.account, "bobby", by=OPERATOR)
    index = await last(world)
    assert await readers(world, index) == ["bob", "admin"]
    leaf = await opened(world, index, by=world.people.bob)
    assert leaf["kind"] == "account.renamed"
    assert "bob" not in json.dumps(leaf).replace(world.people.bob.account.id, "")


async def test_a_held_release_is_opened_by_owners_alone_in_a_public_package(
    worlds: OpenWorld,
) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/first:1.0.0"))
    await world.push_held(bala("acme/next:1.0.0"))
    held = await last(world)
    assert await readers(world, held) == ["ann", "admin"]
    refused = Coordinate.parse("acme", "next", "1.0.0")
    ann = world.fresh(world.people.ann)
    await world.registry.publishing.held_releases.refuse(refused, by=ann, reason="Not mine.")
    for index in (held, await last(world)):
        assert await readers(world, index) == ["ann", "admin"]


@one_instance("it counts calls of one instance")
async def test_the_calls_of_the_stores_do_not_tell_what_a_commitment_hides(
    worlds: OpenWorld, store_calls: CallRecorder
) -> None:
    world = await worlds(wrap=store_calls.wrap)
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    release = await last(world)
    set_member = world.registry.organizations.memberships.set_member
    await set_member(ACME, world.people.mia.account, Role.MAINTAINER, by=OPERATOR)
    member = await last(world)
    await world.registry.identity.accounts.create("kim", by=OPERATOR)
    account = await last(world)
    await get(world, account, by=world.people.bob)  # The token is read and remembered.
    for by in (None, world.people.bob):
        costs = list[dict[str, int]]()
        for index in (release, member, account):
            store_calls.forget()
            assert (await get(world, index, by=by)).status_code == 404
            costs.append(store_calls.counts())
        assert costs[0] == costs[1] == costs[2]


async def test_a_readable_entry_has_no_opening(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    assert await readers(world, await last(world)) == []


@pytest.mark.parametrize("text", ["x", "-1", "1.0", "٣", "1" * 16])
async def test_what_is_no_index_is_refused(world: World, text: str) -> None:
    answer = await get(world, text)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("An index of the log is a number such as")
