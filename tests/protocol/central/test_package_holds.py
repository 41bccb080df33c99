"""A package that is held as a whole: new releases wait, and old ones stay."""

import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.refusals import raises_refusal
from tests.support.world import World

pytestmark = pytest.mark.measured

GREET = Package.parse("acme", "greet")
NEW = Coordinate.parse("acme", "greet", "1.1.0")


@pytest.fixture
async def held(world: World) -> World:
    """Return a registry with a package that is held as a whole."""
    await world.push(bala("acme/greet:1.0.0"))
    await world.registry.publishing.package_holds.hold(GREET, "Case 4711.", by=OPERATOR)
    return world


async def test_an_old_release_of_a_held_package_stays(held: World) -> None:
    await held.java().pull("acme/greet:1.0.0")


async def test_a_new_release_of_a_held_package_waits(held: World) -> None:
    with pytest.raises(ClientFailure, match="is stored and held: administrators") as failure:
        await held.push(bala("acme/greet:1.1.0"))
    assert "Case 4711" not in str(failure.value)
    assert await held.java().versions("acme/greet") == ["1.0.0"]


async def test_what_waited_is_published_when_the_hold_ends(held: World) -> None:
    await held.push_held(bala("acme/greet:1.1.0"))
    ended = await held.registry.publishing.package_holds.end(GREET, by=OPERATOR)
    assert [str(each.coordinate) for each in ended.published] == ["acme/greet:1.1.0"]
    assert await held.java().versions("acme/greet") == ["1.1.0", "1.0.0"]
    await held.push(bala("acme/greet:1.2.0"))


async def test_what_was_withheld_meanwhile_stays_so_when_the_hold_ends(held: World) -> None:
    await held.push_held(bala("acme/greet:1.1.0"))
    await held.registry.publishing.moderation.quarantine(NEW, "Malware.", by=OPERATOR)
    ended = await held.registry.publishing.package_holds.end(GREET, by=OPERATOR)
    found = await held.stores.metadata.find(NEW)
    assert found.release
    assert (ended.published, found.release.state) == ((), State.QUARANTINED)


async def test_a_repeat_of_the_end_publishes_what_an_interrupted_one_left(held: World) -> None:
    await held.push_held(bala("acme/greet:1.1.0"))
    head = await held.stores.metadata.head(GREET)
    assert head
    await held.stores.metadata.replace_head(head.model_copy(update={"hold": None}))
    ended = await held.registry.publishing.package_holds.end(GREET, by=OPERATOR)
    assert len(ended.published) == 1


async def test_a_mirrored_package_is_held_by_a_rule(held: World) -> None:
    head = await held.stores.metadata.head(GREET)
    assert head
    await held.stores.metadata.replace_head(head.model_copy(update={"upstream": "central"}))
    with raises_refusal("package-is-mirrored"):
        await held.registry.publishing.package_holds.hold(GREET, "Other.", by=OPERATOR)


async def test_only_administrators_hold_a_package(held: World) -> None:
    ann = held.fresh(held.people.ann)
    with raises_refusal("not-permitted"):
        await held.registry.publishing.package_holds.hold(GREET, "Mine.", by=ann)
