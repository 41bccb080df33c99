"""Own releases by the API: an owner erases a release, and nothing that is stored of it waits."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.packages import Release, Texts
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.ports.deleted_copies import CopyLeft
from shared.services.adapters import Adapters
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

GREET = Coordinate.parse("acme", "greet", "1.0.0")
PATH = "/api/v1/packages/acme/greet/1.0.0/erase"
REASON = "It holds a password."
UNTIL_MS = 1_795_000_000_000


async def erase(world: World, person: Person | None = None) -> httpx.Response:
    browser = await signed_in(world, person or world.people.ann)
    return await browser.api("POST", PATH, {"reason": REASON})


async def stored(world: World) -> Release:
    release = (await world.stores.metadata.find(GREET)).release
    assert release
    return release


async def test_an_owner_erases_the_bytes_of_a_release_at_once(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0", readme="The password is letmein."))
    await world.push(bala("acme/greet:1.1.0"))
    release = await stored(world)
    answer = await erase(world)
    erasure = answer.json()
    assert (answer.status_code, erasure["release"]["state"]) == (200, "removed")
    assert (erasure["left"], erasure["copiesUntil"]) == ([], None)
    assert "its rows in the search" in erasure["deleted"]
    assert any("until you delete them" in each for each in erasure["kept"])
    assert await world.stores.archives.stat(release.archive) is None
    assert await world.stores.documents.texts(release.archive_digest) == Texts()
    assert (await stored(world)).erased
    found = (await world.get(f"{URL}/2.0/registry/search-packages?q=letmein")).json()
    assert found["packages"] == []
    await world.java().pull("acme/greet:1.1.0")


async def test_the_log_names_the_owner_who_erased_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await erase(world)
    answer = await world.get(
        f"{URL}/api/v1/orgs/acme/audit?kind=release.erased", by=world.people.ann
    )
    [event] = answer.json()["events"]
    assert event["actor"] == world.people.ann.account.id


async def test_an_erasure_that_failed_half_way_is_finished_by_a_repeat(worlds: OpenWorld) -> None:
    silent = Unavailable("store-unavailable", "The store does not answer. Try again.")
    world = await worlds(wrap=Fault("delete", silent).at("archives"))
    await world.push(bala("acme/greet:1.0.0"))
    release = await stored(world)
    assert (await erase(world)).status_code == 503
    assert (await stored(world)).state is State.REMOVED
    world.clock.advance(timedelta(hours=80))  # Also when the release is no longer young.
    answer = await erase(world)
    assert (answer.status_code, answer.json()["left"]) == (200, [])
    assert await world.stores.archives.stat(release.archive) is None


class _Copies:
    """A store that keeps copies, which the app may not delete."""

    kept_for = timedelta(days=30)

    async def erase(self, *_names: object) -> list[CopyLeft]:
        return [CopyLeft("archives/x", UNTIL_MS)]


async def test_the_answer_says_until_when_copies_stay(worlds: OpenWorld) -> None:
    def wrap(stores: Adapters) -> Adapters:
        copies: Any = _Copies()
        return replace(stores, copies=copies)

    world = await worlds(wrap=wrap)
    await world.push(bala("acme/greet:1.0.0"))
    erasure = (await erase(world)).json()
    [left] = erasure["left"]
    assert left.startswith("1 versions and deleted copies of its blobs, until 18 November 2026")
    assert erasure["copiesUntil"].startswith("2026-11-18T")
    noted = (await stored(world)).erased
    assert noted
    assert noted.copies_until_ms == UNTIL_MS


async def test_no_owner_erases_what_an_administrator_removed(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    moderation = world.registry.publishing.moderation
    removed = await moderation.remove(GREET, "Malware.", by=OPERATOR)
    answer = await erase(world)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "release-withheld-already")
    assert await world.stores.archives.stat(removed.archive)


async def test_an_owner_erases_what_was_removed_at_their_request(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    wanted = PublicReason(why=WithdrawalReason.OWNER_REQUEST)
    moderation = world.registry.publishing.moderation
    removed = await moderation.remove(GREET, "They asked.", wanted, by=OPERATOR)
    assert (await erase(world)).status_code == 200
    assert await world.stores.archives.stat(removed.archive) is None


async def test_only_owners_erase(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    assert (await erase(world, world.people.mia)).status_code == 403
    assert (await erase(world, world.people.bob)).status_code == 404
    token = await world.send("POST", f"{URL}{PATH}", by=world.people.ann, json={"reason": REASON})
    assert token.status_code == 403
    assert (await stored(world)).state is State.LIVE
