"""A push whose release is stored and held fails, and says so to whoever may push there."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.domain.scopes import Role
from shared.services.publishing.publishing import Outcome
from shared.services.publishing.uploads import Upload
from tests.protocol.bal.failures import ClientFailure
from tests.support.archives import bala
from tests.support.port_doubles import Fault, Moment
from tests.support.refusals import raises_refusal
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
NEXT = Coordinate.parse("acme", "next", "1.2.0")
ARCHIVE = bala(str(NEXT))
PAGE = f"{URL}/account/organizations/acme/held"
TOLD = (
    f"acme/next:1.2.0 is stored and held: you published 2 packages in ten minutes. An owner of "
    f"acme publishes it at {PAGE}"
)
TOLD_TO_OTHERS = TOLD.replace("you published", "its publisher published")
LONG = timedelta(days=400)


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that holds the second package of a burst."""
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/first:1.0.0"))
    return world


async def confirm(world: World) -> None:
    await world.registry.publishing.held_releases.confirm(NEXT, by=world.fresh(world.people.ann))


async def state(world: World) -> State | None:
    release = (await world.stores.metadata.find(NEXT)).release
    return release.state if release else None


async def refused(world: World, *, by: str = "ann", archive: bytes = ARCHIVE) -> str:
    with pytest.raises(ClientFailure) as failure:
        await world.push(archive, by=getattr(world.people, by))
    return str(failure.value)


async def test_the_client_fails_with_the_reason_and_the_way_out(world: World) -> None:
    assert await refused(world) == TOLD
    assert await state(world) is State.HELD


async def test_too_many_releases_of_few_packages_say_so(worlds: OpenWorld) -> None:
    world = await worlds(brake_releases=1)
    await world.push(bala("acme/next:1.1.0"))
    assert "held: you published 2 releases in ten minutes." in await refused(world)


async def test_a_maven_client_reads_409_and_the_sentence(world: World) -> None:
    url = f"{MAVEN}/acme/next/1.2.0/next-1.2.0.bala"
    by = world.people.ann
    for _ in range(2):
        answer = await world.send("PUT", url, by=by, content=ARCHIVE)
        assert (answer.status_code, answer.text.strip()) == (409, TOLD)
    await confirm(world)
    assert (await world.send("PUT", url, by=by, content=ARCHIVE)).status_code == 201


async def test_the_same_bytes_are_held_at_any_age_and_whoever_pushes_them(world: World) -> None:
    bob = world.people.bob.account
    await world.registry.organizations.memberships.set_member(
        ACME, bob, Role.MAINTAINER, by=OPERATOR
    )
    await world.push_held(ARCHIVE)
    before = await world.stores.events.since(0, 100)
    for age in (timedelta(0), timedelta(minutes=11), LONG):
        world.clock.advance(age)
        for by in (world.fresh(world.people.ann), Principal(bob.id, "session", (Grant(),))):
            told = TOLD if by.id == world.people.ann.account.id else TOLD_TO_OTHERS
            published = await world.registry.publishing.releases.push(Upload(ARCHIVE), by)
            assert (published.outcome, str(published.refusal)) == (Outcome.HELD, told)
    assert await world.stores.events.since(0, 100) == before


async def test_the_same_bytes_succeed_at_any_age_once_they_are_published(world: World) -> None:
    await world.push_held(ARCHIVE)
    await confirm(world)
    for age in (timedelta(0), timedelta(minutes=11)):
        world.clock.advance(age)
        await world.push(ARCHIVE)
        await world.push(ARCHIVE, by=world.people.admin)
    assert "package already exists" in await refused(world, archive=bala(str(NEXT), summary="No."))


async def test_who_may_not_push_there_learns_nothing(world: World) -> None:
    """A held release, a missing one and other bytes get one answer."""
    before = {by: await refused(world, by=by) for by in ("bob", "mia")}
    await world.push_held(ARCHIVE)
    assert {by: await refused(world, by=by) for by in ("bob", "mia")} == before
    assert not [told for told in before.values() if "held" in told]


@pytest.mark.parametrize("decision", ["hold", "quarantine"])
async def test_what_an_administrator_withheld_is_said_to_be_stored_and_withheld(
    worlds: OpenWorld, decision: str
) -> None:
    world = await worlds()
    await world.push(ARCHIVE)
    await getattr(world.registry.publishing.moderation, decision)(
        NEXT, "Internal reason.", by=OPERATOR
    )
    word = {"hold": "held", "quarantine": "quarantined"}[decision]
    for _ in range(2):
        assert await refused(world, by="admin") == (
            f"acme/next:1.2.0 is stored and {word}: an administrator of this registry withheld it. "
            "Ask the operator."
        )
        world.clock.advance(timedelta(minutes=11))
    releases = world.registry.publishing.releases
    assert (await releases.push(Upload(ARCHIVE), OPERATOR)).outcome is Outcome.WITHHELD
    await world.registry.publishing.moderation.restore(NEXT, by=OPERATOR)
    await world.push(ARCHIVE, by=world.people.admin)
    assert (await releases.push(Upload(ARCHIVE), OPERATOR)).outcome is Outcome.REPEATED


FAULTS = (
    ("metadata", "find"),
    ("documents", "put"),
    ("archives", "put"),
    ("metadata", "add_release"),
    ("metadata", "put_entries"),
    ("directory", "put"),
    ("events", "append_outbox"),
)


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(("port", "method"), FAULTS)
async def test_a_held_push_that_fails_anywhere_is_held_when_the_client_repeats_it(
    worlds: OpenWorld, port: str, method: str, moment: Moment
) -> None:
    """The second package is one of a burst whichever of the two pushes is counted."""
    fault = Fault(method, Busy(), moment, nth=0)

    world = await worlds(wrap=fault.at(port), brake_packages=1)
    await world.push(bala("acme/first:1.0.0"))
    fault.calls = 0
    fault.nth = 1
    await world.push_held(ARCHIVE)
    assert await state(world) is State.HELD
    kinds = [event.kind for _, event in await world.stores.events.since(0, 100)]
    assert kinds.count("release.awaiting-owner") == 1


async def test_a_repeat_finishes_a_confirmation_that_was_cut_off(worlds: OpenWorld) -> None:
    """The record is changed; the lists, the search and the place of the archive are not."""
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/first:1.0.0"))
    await world.push_held(ARCHIVE)
    held = world.registry.publishing.held_releases
    stores = world.stores
    broken = replace(
        held.package_records.derived_data,
        metadata=Fault("put_entries", Busy()).over(stores.metadata),
    )
    cut_off = replace(held, package_records=replace(held.package_records, derived_data=broken))
    with raises_refusal("not-listed-yet"):
        await cut_off.confirm(NEXT, by=world.fresh(world.people.ann))
    await world.push(ARCHIVE)
    assert (await world.java().pull(str(NEXT))).content == ARCHIVE
    assert (await world.java().search("next"))["count"] == 1


async def test_a_repeat_beside_the_publication_is_held_or_published_and_nothing_else(
    world: World,
) -> None:
    await world.push_held(ARCHIVE)
    pushes = [partial(world.push, ARCHIVE) for _ in range(6)]
    acts = (*pushes[:3], partial(confirm, world), *pushes[3:])
    results = await asyncio.gather(*(act() for act in acts), return_exceptions=True)
    assert {str(each) for each in results} <= {"None", TOLD}
    assert results[3] is None
    assert await world.java().versions("acme/next") == ["1.2.0"]
    await world.push(ARCHIVE)
    kinds = [event.kind for _, event in await world.stores.events.since(0, 100)]
    assert kinds.count("release.confirmed") == 1
