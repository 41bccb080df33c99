"""Held releases: what owners read about them, and how they decide on one or all of a burst."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors.identity import NotPermitted, SignInAgain
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import NotAwaited, ReleaseHeld, VersionExists
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.identity import OPERATOR, Principal
from shared.domain.members import Membership
from shared.domain.names import Coordinate, parse_org
from shared.domain.packages import Release, State
from shared.domain.rights import Grant, Role
from shared.services.common import Adapters
from shared.services.publishing import held_releases
from shared.services.publishing.held_releases import (
    MAX_HELD_RELEASES,
    PACKAGES_READ,
    HeldBurst,
    HeldReleasePage,
)
from shared.services.publishing.publishing import Upload
from tests.support.archives import bala
from tests.support.port_doubles import Fault, failing
from tests.support.world import OpenWorld, Person, World

ACME = parse_org("acme")
REASON = "reported by a user"


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
    """Publish as Ann, whom the brake stops."""
    ann = Principal(after_burst.people.ann.account.id, "token", (Grant(),))
    with suppress(ReleaseHeld):
        await after_burst.registry.publishing.releases.push(Upload(bala(coordinate, **spec)), ann)
    org, _, rest = coordinate.partition("/")
    found = await after_burst.stores.metadata.find(Coordinate.parse(org, *rest.split(":")))
    assert found.release
    return found.release


async def test_nothing_waits_where_nothing_was_held(after_burst: World) -> None:
    await push(after_burst, "acme/greet:1.0.0")
    review = await waiting(after_burst)
    assert (review.releases, review.next) == ((), "")


async def test_a_held_release_is_compared_with_the_live_one(after_burst: World) -> None:
    await push(after_burst, "acme/greet:1.0.0")
    await push(after_burst, "acme/base:1.0.0")
    await push(after_burst, "acme/greet:1.1.0", platform="java21")
    review = await waiting(after_burst)
    assert shown(review) == ["acme/base:1.0.0", "acme/greet:1.1.0"]
    first, second = (each.comparison for each in review.releases)
    assert first is None
    assert second
    assert (second.version, second.platform, second.has_other_publisher) == ("1.0.0", "any", False)
    assert review.names == {after_burst.people.ann.account.id: "ann"}


async def test_a_page_names_each_publisher_once(after_burst: World) -> None:
    mia = after_burst.people.mia
    maintainer = Membership(org="acme", account=mia.account.id, role=Role.MAINTAINER)
    await after_burst.stores.directory.put(maintainer)
    for person in (after_burst.people.ann, mia):
        first, *held = (bala(f"acme/{person.account.name}{n}:1.0.0") for n in range(3))
        await after_burst.push(first, by=person)
        for archive in held:
            await after_burst.push_held(archive, by=person)
    review = await waiting(after_burst)
    assert len(review.releases) == 4
    ids = [each.principal for each in review.origins]
    assert [review.names[each] for each in ids] == ["ann", "mia"]


async def test_the_token_that_published_it_is_there_to_be_ended(after_burst: World) -> None:
    await after_burst.push(bala("acme/greet:1.0.0"))
    await after_burst.push_held(bala("acme/base:1.0.0"))
    [each] = (review := await waiting(after_burst)).releases
    assert review.tokens[each.release.origin.credential].name == "test"


async def test_a_release_that_the_operator_holds_waits_for_no_owner(after_burst: World) -> None:
    await push(after_burst, "acme/greet:1.0.0")
    held = Coordinate.parse("acme", "greet", "1.0.0")
    await after_burst.registry.publishing.moderation.hold(held, "Looked at.", by=OPERATOR)
    assert shown(await waiting(after_burst)) == []


async def test_owners_alone_read_it(after_burst: World) -> None:
    with pytest.raises(NotPermitted):
        await after_burst.registry.publishing.held_releases.page(
            ACME, by=by(after_burst.people.mia)
        )
    with pytest.raises(OrganizationNotFound):
        await after_burst.registry.publishing.held_releases.page(
            ACME, by=by(after_burst.people.bob)
        )


@pytest.mark.slow
async def test_a_page_looks_through_so_many_packages(after_burst: World) -> None:
    for number in range(PACKAGES_READ + 1):
        await after_burst.push(bala(f"acme/p{number:02}:1.0.0"), by=after_burst.people.admin)
    await push(after_burst, "acme/a:1.0.0")
    await push(after_burst, "acme/z:1.0.0")
    first = await waiting(after_burst)
    assert (shown(first), first.next) == ([], f"p{PACKAGES_READ - 2:02}")
    assert shown(await waiting(after_burst, first.next)) == ["acme/z:1.0.0"]


async def test_a_page_ends_after_so_many_releases(after_burst: World) -> None:
    await push(after_burst, "acme/a:1.0.0")
    for number in range(MAX_HELD_RELEASES + 1):
        await push(after_burst, f"acme/p:1.0.{number}")
    await push(after_burst, "acme/z:1.0.0")
    first = await waiting(after_burst)
    assert (len(first.releases), first.next) == (MAX_HELD_RELEASES, "p")
    assert shown(await waiting(after_burst, first.next)) == ["acme/z:1.0.0"]


async def test_owners_confirm_what_waits_for_them_and_nothing_else(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/live:1.0.0"))
    for name in ("waiting", "held"):
        await world.push_held(bala(f"acme/{name}:1.0.0"))
    held_releases, ann = world.registry.publishing.held_releases, signed_in(world, world.people.ann)
    held, waiting = (Coordinate.parse("acme", name, "1.0.0") for name in ("held", "waiting"))
    await world.registry.publishing.moderation.hold(held, REASON, by=OPERATOR)
    found = await held_releases.all(parse_org("acme"), by=ann)
    assert [release.coordinate for release in found] == [waiting]
    for _ in range(2):  # A repeat finds it as it is.
        assert (await held_releases.confirm(waiting, by=ann)).state is State.LIVE
    with pytest.raises(NotAwaited):
        await held_releases.confirm(held, by=ann)


async def test_nothing_of_another_organization_waits_for_its_owners(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/thing:1.0.0"), by=world.people.bob)
    assert await world.registry.publishing.held_releases.all(parse_org("acme"), by=OPERATOR) == []


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


async def test_all_releases_of_a_burst_are_published_at_once(burst: World) -> None:
    ann = signed_in(burst, burst.people.ann)
    decided = await burst.registry.publishing.held_releases.confirm_all(ACME, HeldBurst(), by=ann)
    assert (len(decided.releases), decided.waiting) == (3, 0)
    assert await states(burst) == every(State.LIVE)
    assert (await kinds(burst)).count("release.confirmed") == 3
    assert (await burst.java().search("acme"))["count"] == 4
    again = await burst.registry.publishing.held_releases.confirm_all(ACME, HeldBurst(), by=ann)
    assert (again.releases, again.waiting) == ((), 0)


async def test_all_releases_of_a_burst_are_refused_at_once_and_their_versions_are_taken(
    burst: World,
) -> None:
    ann = signed_in(burst, burst.people.ann)
    decided = await burst.registry.publishing.held_releases.refuse_all(ACME, HeldBurst(), by=ann)
    assert (len(decided.releases), decided.waiting) == (3, 0)
    assert await states(burst) == every(State.REMOVED)
    assert (await kinds(burst)).count("release.refused") == 3
    for summary in ("", "Other bytes."):
        with pytest.raises(VersionExists):
            await burst.registry.publishing.releases.push(
                Upload(bala("acme/a:1.0.0", **({"summary": summary} if summary else {}))), by=ann
            )
    assert shown(await waiting(burst)) == []


async def test_a_refused_release_was_never_there_for_anybody(burst: World) -> None:
    """It is no withdrawn release, which its page would tell to everybody."""
    ann = signed_in(burst, burst.people.ann)
    before = [
        await burst.get(f"https://registry.test/packages/acme/{path}")
        for path in ("a", "a/1.0.0", "none", "none/1.0.0")
    ]
    await burst.registry.publishing.held_releases.refuse(at("a"), by=ann)
    after = [
        await burst.get(f"https://registry.test/packages/acme/{path}") for path in ("a", "a/1.0.0")
    ]
    assert {each.status_code for each in (*before, *after)} == {404}
    assert not [each for each in after if "withdr" in each.text]
    changes = (await burst.get("https://registry.test/index/changes?limit=500")).json()["changes"]
    assert {each["name"] for each in changes} == {"first"}


async def test_a_refusal_is_repeated_and_never_taken_back(burst: World) -> None:
    held, ann = burst.registry.publishing.held_releases, signed_in(burst, burst.people.ann)
    for _ in range(2):
        assert (await held.refuse(at("a"), by=ann)).state is State.REMOVED
    with pytest.raises(NotAwaited):
        await held.confirm(at("a"), by=ann)
    await held.confirm(at("b"), by=ann)
    with pytest.raises(NotAwaited):
        await held.refuse(at("b"), by=ann)
    assert (await kinds(burst)).count("release.refused") == 1


async def test_a_decision_is_on_one_publisher_and_on_what_was_seen(burst: World) -> None:
    held, ann = burst.registry.publishing.held_releases, signed_in(burst, burst.people.ann)
    seen_ms = burst.clock.now_ms()
    nobody = await held.refuse_all(ACME, HeldBurst("somebody00"), by=ann)
    assert nobody.releases == ()
    burst.clock.advance(timedelta(seconds=1))
    await push(burst, "acme/later:1.0.0")
    decided = await held.confirm_all(ACME, HeldBurst(ann.id, seen_ms), by=ann)
    assert [each.name for each in decided.releases] == [*NAMES]
    assert shown(await waiting(burst)) == ["acme/later:1.0.0"]


async def test_what_an_administrator_withheld_is_no_part_of_a_burst(burst: World) -> None:
    await burst.registry.publishing.moderation.hold(at("b"), REASON, by=OPERATOR)
    ann = signed_in(burst, burst.people.ann)
    decided = await burst.registry.publishing.held_releases.refuse_all(ACME, HeldBurst(), by=ann)
    assert [each.name for each in decided.releases] == ["a", "c"]
    assert (await states(burst))["b"] is State.HELD


async def test_a_decision_takes_an_owner_who_signed_in_recently(burst: World) -> None:
    held, people = burst.registry.publishing.held_releases, burst.people
    for decide in (held.confirm_all, held.refuse_all):
        with pytest.raises(SignInAgain):
            await decide(ACME, HeldBurst(), by=by(people.ann))
        with pytest.raises(NotPermitted):
            await decide(ACME, HeldBurst(), by=signed_in(burst, people.mia))
        with pytest.raises(OrganizationNotFound):
            await decide(ACME, HeldBurst(), by=signed_in(burst, people.bob))
    assert await states(burst) == every(State.HELD)


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

    def broken(stores: Adapters) -> Adapters:
        return replace(stores, metadata=failing(stores.metadata, fault))

    world = await worlds(wrap=broken, brake_packages=1)
    await push(world, "acme/first:1.0.0")
    for name in NAMES:
        await push(world, f"acme/{name}:1.0.0")
    held, ann = world.registry.publishing.held_releases, signed_in(world, world.people.ann)
    fault.calls, fault.nth = 0, 2
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
    held, ann = burst.registry.publishing.held_releases, signed_in(burst, burst.people.ann)
    confirmed, refused = await asyncio.gather(
        held.confirm_all(ACME, HeldBurst(), by=ann), held.refuse_all(ACME, HeldBurst(), by=ann)
    )
    names = [*(each.name for each in confirmed.releases), *(each.name for each in refused.releases)]
    assert sorted(names) == [*NAMES]
    assert State.HELD not in (await states(burst)).values()
    decisions = [kind for kind in await kinds(burst) if kind in DECISIONS]
    assert len(decisions) == len(NAMES)
