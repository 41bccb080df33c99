"""Held releases: what owners read about them, and how they decide on one or all of a burst."""

import asyncio

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.packages import NotAwaited
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.services.publishing import held_releases
from shared.services.publishing.held_releases import (
    HeldBurst,
    HeldReleasePage,
)
from shared.services.publishing.uploads import Upload
from shared.services.publishing.waiting_packages import MAX_WAITING_RELEASES, PACKAGES_SURVEYED
from tests.support.archives import bala
from tests.support.port_doubles import Fault
from tests.support.world import OpenWorld, Person, World

ACME = parse_org("acme")


@pytest.fixture
async def after_burst(worlds: OpenWorld) -> World:
    """Return a registry that holds the second package of a burst already."""
    return await worlds(brake_packages=1)


def signed_in(world: World, person: Person) -> Principal:
    now_ms = world.clock.now_ms()
    return Principal(person.account.id, "session", (Grant(),), signed_in_ms=now_ms)


def by(person: Person) -> Principal:
    return Principal(person.account.id, "session", (Grant(),))


async def waiting(after_burst: World, after: str = "") -> HeldReleasePage:
    return await after_burst.registry.publishing.held_releases.page(
        ACME, after, by=by(after_burst.people.ann)
    )


def shown(review: HeldReleasePage) -> list[str]:
    return [str(each.release.coordinate) for each in review.releases]


async def push(after_burst: World, coordinate: str, **spec: object) -> Release:
    """Publish as Ann, whose burst is held."""
    ann = Principal(after_burst.people.ann.account.id, "token", (Grant(),))
    archive = Upload(bala(coordinate, **spec))
    return (await after_burst.registry.publishing.releases.push(archive, ann)).release


@pytest.mark.slow
async def test_a_page_looks_through_so_many_packages(after_burst: World) -> None:
    for number in range(PACKAGES_SURVEYED + 1):
        await after_burst.push(bala(f"acme/p{number:02}:1.0.0"), by=after_burst.people.admin)
    await push(after_burst, "acme/a:1.0.0")
    await push(after_burst, "acme/z:1.0.0")
    first = await waiting(after_burst)
    assert (shown(first), first.next) == ([], f"p{PACKAGES_SURVEYED - 2:02}")
    assert shown(await waiting(after_burst, first.next)) == ["acme/z:1.0.0"]


async def test_a_page_ends_after_so_many_releases(after_burst: World) -> None:
    await push(after_burst, "acme/a:1.0.0")
    for number in range(MAX_WAITING_RELEASES + 1):
        await push(after_burst, f"acme/p:1.0.{number}")
    await push(after_burst, "acme/z:1.0.0")
    first = await waiting(after_burst)
    assert (len(first.releases), first.next) == (MAX_WAITING_RELEASES, "p")
    assert shown(await waiting(after_burst, first.next)) == ["acme/z:1.0.0"]


# --- decisions on all of a burst -----------------------------------------------------------------


NAMES = ("a", "b", "c")
DECISIONS = ("release.confirmed", "release.refused")


@pytest.fixture
async def burst(after_burst: World) -> World:
    """Return a registry that holds three releases of Ann."""
    await push(after_burst, "acme/first:1.0.0")
    for name in NAMES:
        await push(after_burst, f"acme/{name}:1.0.0")
    return after_burst


async def states(world: World) -> dict[str, State]:
    found = [await world.stores.metadata.find(at(name)) for name in NAMES]
    return {each.release.name: each.release.state for each in found if each.release}


def at(name: str) -> Coordinate:
    return Coordinate.parse("acme", name, "1.0.0")


def every(state: State) -> dict[str, State]:
    return dict.fromkeys(NAMES, state)


async def kinds(world: World) -> list[str]:
    events = await world.stores.events.stream("org:acme", None, 100)
    return [event.kind for _, event in events]


async def test_a_refusal_is_repeated_and_never_taken_back(burst: World) -> None:
    held = burst.registry.publishing.held_releases
    ann = signed_in(burst, burst.people.ann)
    for _ in range(2):
        assert (await held.refuse(at("a"), by=ann)).state is State.REMOVED
    with pytest.raises(NotAwaited):
        await held.confirm(at("a"), by=ann)
    await held.confirm(at("b"), by=ann)
    with pytest.raises(NotAwaited):
        await held.refuse(at("b"), by=ann)
    assert (await kinds(burst)).count("release.refused") == 1


async def test_one_request_decides_on_so_many_and_says_how_many_wait(
    burst: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_releases, "MAX_DECIDED_AT_ONCE", 2)
    ann = signed_in(burst, burst.people.ann)
    for expected in ((2, 1), (1, 0)):
        decided = await burst.registry.publishing.held_releases.confirm_all(
            ACME, HeldBurst(), by=ann
        )
        assert (len(decided.releases), decided.waiting) == expected


async def test_a_decision_that_is_cut_off_is_finished_by_a_repeat(worlds: OpenWorld) -> None:
    fault = Fault("replace_release", Busy(), nth=0)
    world = await worlds(wrap=fault.at("metadata"), brake_packages=1)
    await push(world, "acme/first:1.0.0")
    for name in NAMES:
        await push(world, f"acme/{name}:1.0.0")
    held = world.registry.publishing.held_releases
    ann = signed_in(world, world.people.ann)
    fault.calls = 0
    fault.nth = 2
    with pytest.raises((Busy, NotListedYet)):
        await held.refuse_all(ACME, HeldBurst(), by=ann)
    assert sorted(each.value for each in (await states(world)).values()) == [
        "held",
        "removed",
        "removed",
    ]
    await held.refuse_all(ACME, HeldBurst(), by=ann)
    assert await states(world) == every(State.REMOVED)
    assert (await kinds(world)).count("release.refused") == 3


async def test_of_two_owners_who_decide_at_the_same_moment_one_is_heard_on_each_release(
    burst: World,
) -> None:
    held = burst.registry.publishing.held_releases
    ann = signed_in(burst, burst.people.ann)
    confirmed, refused = await asyncio.gather(
        held.confirm_all(ACME, HeldBurst(), by=ann), held.refuse_all(ACME, HeldBurst(), by=ann)
    )
    names = [*(each.name for each in confirmed.releases), *(each.name for each in refused.releases)]
    assert sorted(names) == [*NAMES]
    assert State.HELD not in (await states(burst)).values()
    decisions = [kind for kind in await kinds(burst) if kind in DECISIONS]
    assert len(decisions) == len(NAMES)
