"""Own releases: an owner holds a release at once, restores it, and erases it while it is young."""

from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.principals import OPERATOR
from shared.domain.release_pullers import ReleasePullers
from shared.domain.release_states import State
from shared.services.packages.release_pullers import ReleasePullerRecorder
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.refusals import raises_refusal
from tests.support.world import URL, World

GREET = Coordinate.parse("acme", "greet", "1.0.0")
REASON = "It holds a password."


async def hold(world: World) -> None:
    own = world.registry.publishing.own_releases
    ann = world.fresh(world.people.ann)
    await own.hold(GREET, REASON, by=ann)


async def erase(world: World) -> None:
    own = world.registry.publishing.own_releases
    ann = world.fresh(world.people.ann)
    await own.erase(GREET, REASON, by=ann)


async def note_pullers(world: World, count: int) -> None:
    """Note pullers as pulls from so many addresses do."""
    for number in range(count):
        pullers: ReleasePullerRecorder = world.registry.packages.release_pullers
        pullers.add(GREET, f"192.0.2.{number}", world.clock.at_ms)
    await world.registry.packages.release_pullers.flush()


async def test_an_owner_holds_a_release_and_restores_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    with pytest.raises(ClientFailure, match="package not found"):
        await world.java().pull("acme/greet:1.0.0")
    await world.registry.publishing.own_releases.restore(GREET, by=world.fresh(world.people.ann))
    await world.java().pull("acme/greet:1.0.0")


async def test_the_page_of_a_release_says_that_its_owner_holds_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    page = await world.get(f"{URL}/packages/acme/greet/1.0.0", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "An owner of this package holds this version" in page.text
    assert "administrator of this registry" not in page.text


async def test_a_version_that_an_owner_holds_stays_taken(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    with pytest.raises(ClientFailure, match=r"package already exists: acme/greet:1\.0\.0"):
        await world.push(bala("acme/greet:1.0.0", summary="Other."))
    with pytest.raises(ClientFailure, match="an owner of acme holds it"):
        await world.push(bala("acme/greet:1.0.0"))


async def test_a_hold_by_an_owner_is_in_the_log_with_its_reason(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    await hold(world)  # A repeat changes nothing.
    answer = await world.get(
        f"{URL}/api/v1/orgs/acme/audit?kind=release.owner-held", by=world.people.ann
    )
    [event] = answer.json()["events"]
    assert (event["subject"], event["details"]["state_reason"]) == (str(GREET), REASON)


async def test_a_mirror_reads_that_an_owner_holds_a_release(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    changes = (await world.get(f"{URL}/index/changes")).json()["changes"]
    assert [each["kind"] for each in changes] == ["published", "withdrawn"]


@pytest.mark.parametrize("state", ["hold", "quarantine"])
async def test_no_owner_restores_what_an_administrator_withheld(world: World, state: str) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    moderation = world.registry.publishing.moderation
    await getattr(moderation, state)(GREET, "A review.", by=OPERATOR)
    own = world.registry.publishing.own_releases
    ann = world.fresh(world.people.ann)
    with raises_refusal("release-withheld-already"):
        await own.restore(GREET, by=ann)
    with raises_refusal("release-withheld-already"):
        await own.erase(GREET, REASON, by=ann)


async def test_an_administrator_restores_what_an_owner_held(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    restored = await world.registry.publishing.moderation.restore(GREET, by=OPERATOR)
    assert restored.state is State.LIVE


async def test_only_owners_who_just_signed_in_hold_a_release(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    own = world.registry.publishing.own_releases
    people = world.people
    old = world.fresh(people.ann)
    with raises_refusal("organization-not-found"):
        await own.hold(GREET, REASON, by=world.fresh(people.bob))
    with raises_refusal("not-permitted"):
        await own.hold(GREET, REASON, by=world.fresh(people.mia))
    world.clock.advance(timedelta(minutes=11))
    with raises_refusal("sign-in-again"):
        await own.hold(GREET, REASON, by=old)


# --- erasing -----------------------------------------------------------------------------------


async def test_an_owner_erases_a_young_release(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await erase(world)
    await erase(world)  # A repeat changes nothing.
    found = await world.stores.metadata.find(GREET)
    assert found.release
    assert found.release.state is State.REMOVED
    with pytest.raises(ClientFailure, match="package already exists"):
        await world.push(bala("acme/greet:1.0.0", summary="Other."))


async def test_a_held_release_is_erased_as_well(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await hold(world)
    await erase(world)
    found = await world.stores.metadata.find(GREET)
    assert found.release
    assert (found.release.state, found.release.state_reason) == (State.REMOVED, REASON)


async def test_no_owner_erases_a_release_after_72_hours(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    world.clock.advance(timedelta(hours=72))
    with raises_refusal("not-erasable", match="published more than 72 hours ago"):
        await erase(world)


async def test_no_owner_erases_what_another_package_depends_on(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(
        bala("other/app:1.0.0", dependencies=["acme/greet:1.0.0"]), by=world.people.bob
    )
    with raises_refusal("not-erasable", match="another package depends on it"):
        await erase(world)


async def test_a_package_that_needs_another_version_prevents_nothing(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    await world.push(
        bala("other/app:1.0.0", dependencies=["acme/greet:1.1.0"]), by=world.people.bob
    )
    await erase(world)


async def test_an_owner_erases_what_ten_addresses_pulled(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await note_pullers(world, 10)
    await erase(world)
    found = await world.stores.metadata.find(GREET)
    assert found.release
    assert found.release.state is State.REMOVED


async def test_no_owner_erases_what_eleven_addresses_pulled(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await note_pullers(world, 10)
    await note_pullers(world, 11)
    with raises_refusal("not-erasable", match="more than 10 accounts, jobs or addresses pulled it"):
        await erase(world)


async def test_an_account_that_pulls_often_counts_once(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    for _ in range(12):
        await world.java(world.people.mia).pull("acme/greet:1.0.0")
        world.clock.advance(timedelta(minutes=11))
    await world.write_pulls()
    found = await world.stores.directory.get(ReleasePullers, release_place(GREET))
    assert found
    assert len(found.pullers) == 1
    await erase(world)


async def test_who_pulled_is_stored_as_hashes_that_expire(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.java(world.people.mia).pull("acme/greet:1.0.0")
    await world.write_pulls()
    found = await world.stores.directory.get(ReleasePullers, release_place(GREET))
    assert found
    assert world.people.mia.account.id not in found.model_dump_json()
    await world.stores.directory.remove_expired(found.ends_ms + 1)
    assert await world.stores.directory.get(ReleasePullers, release_place(GREET)) is None


async def test_an_old_release_stores_nobody_who_pulls_it(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    world.clock.advance(timedelta(hours=72))
    await world.java(world.people.mia).pull("acme/greet:1.0.0")
    await world.write_pulls()
    assert await world.stores.directory.get(ReleasePullers, release_place(GREET)) is None
