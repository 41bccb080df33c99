"""Which advisories match, who sees one, and who writes one."""

import asyncio
import zipfile
from datetime import timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from msgspec.structs import replace

from shared.domain.advisories.advisories import Advisory, AdvisoryState
from shared.domain.coordinates import Package
from shared.domain.errors.base import Conflict, Invalid, NotFound
from shared.domain.errors.identity import NotPermitted
from shared.domain.grants import Grant
from shared.domain.principals import ANONYMOUS, OPERATOR, Principal
from shared.domain.visibility import Visibility
from shared.services.advisories.advisories import Advisories
from tests.support.advisories import advisory, affected, asked
from tests.support.archives import bala
from tests.support.world import Person, World

GREET = affected("acme/greet", "introduced 0", "fixed 1.2.0")


def service(world: World) -> Advisories:
    return world.registry.advisories.advisories


def by(person: Person) -> Principal:
    return Principal(person.account.id, "token", (Grant(),))


async def found(world: World, version: str, principal: Principal = ANONYMOUS) -> list[str]:
    [matching] = await service(world).findings([asked("acme/greet", version)], principal)
    return [each.id for each in matching]


async def stored(world: World, *versions: object, **fields: object) -> Advisory:
    new = advisory(*versions, org="acme", **fields)  # pyright: ignore[reportArgumentType]
    return await service(world).store(new, world.fresh(world.people.ann))


async def test_a_published_advisory_matches_the_versions_before_its_fix(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    first = await stored(world, GREET)
    assert first.id == "x_BLR-2026-1"
    assert await found(world, "1.1.9") == ["x_BLR-2026-1"]
    assert await found(world, "1.2.0") == []
    assert await found(world, "") == ["x_BLR-2026-1"]
    assert (await stored(world, GREET)).id == "x_BLR-2026-2"
    assert await found(world, "1.1.9") == ["x_BLR-2026-1", "x_BLR-2026-2"]


async def test_only_owners_and_administrators_see_a_draft(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    draft = await stored(world, GREET, state=AdvisoryState.DRAFT)
    people = world.people
    assert await found(world, "1.0.0", by(people.ann)) == []
    assert (await service(world).find(draft.id, by(people.ann))).published_ms is None
    assert await service(world).find(draft.id, by(people.admin)) == draft
    for each in (ANONYMOUS, by(people.mia), by(people.bob)):
        with pytest.raises(NotFound, match="There is no advisory 'x_BLR-2026-1' here"):
            await service(world).find(draft.id, each)
    published = replace(draft, state=AdvisoryState.PUBLISHED)
    await service(world).store(published, world.fresh(people.ann))
    assert await found(world, "1.0.0") == [draft.id]


async def test_an_advisory_about_a_private_package_is_there_for_its_readers(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    written = await stored(world, GREET)
    await world.registry.packages.visibility.change(
        Package.from_text("acme/greet"), Visibility.PRIVATE, by=world.fresh(world.people.ann)
    )
    assert await found(world, "1.0.0", by(world.people.mia)) == [written.id]
    for each in (ANONYMOUS, by(world.people.bob)):
        assert await found(world, "1.0.0", each) == []
        with pytest.raises(NotFound):
            await service(world).find(written.id, each)
    assert await service(world).public() == []


async def test_a_withdrawn_advisory_matches_nothing_and_is_still_shown(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    written = await stored(world, GREET)
    for _ in range(2):
        await service(world).withdraw(written.id, world.fresh(world.people.ann))
    assert await found(world, "1.0.0") == []
    withdrawn = await service(world).find(written.id, ANONYMOUS)
    assert (withdrawn.state, withdrawn.withdrawn_ms) == (
        AdvisoryState.WITHDRAWN,
        world.clock.now_ms(),
    )


async def test_a_change_that_a_withdrawal_overtook_publishes_nothing_again(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    ann = world.fresh(world.people.ann)
    read = await stored(world, GREET)
    await service(world).withdraw(read.id, ann)
    with pytest.raises(Conflict, match="was withdrawn, and stays so"):
        await service(world).store(replace(read, summary="Greets nobody"), ann)
    assert await found(world, "1.0.0") == []


async def test_other_requests_have_their_turn_while_many_versions_are_compared(
    world: World,
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    ranges = [(f"introduced {at}.0.0", f"fixed {at}.5.0") for at in range(10)]
    events = [each for pair in ranges for each in pair]
    for _ in range(20):
        await stored(world, affected("acme/greet", *events))
    queries = [asked("acme/greet", f"1.1.{patch}") for patch in range(1_000)]
    comparing = asyncio.create_task(service(world).matches(queries, ANONYMOUS))
    turns = 0
    while not comparing.done():
        await asyncio.sleep(0)
        turns += 1
    assert len((await comparing)[999]) == 20
    assert turns >= len(queries) / 10


async def test_other_requests_have_their_turn_while_an_export_is_packed(world: World) -> None:
    details = "".join(sha256(str(each).encode()).hexdigest() for each in range(1_400))
    netty = affected("io.netty:netty-common", "introduced 0", ecosystem="Maven")
    for _ in range(40):
        await service(world).store(advisory(netty, details=details), OPERATOR)
    await service(world).public()
    packing = asyncio.create_task(world.registry.advisories.exporting.public_zip())
    turns = 0
    while not packing.done():
        await asyncio.sleep(0)
        turns += 1
    assert zipfile.is_zipfile(BytesIO(await packing))
    assert turns > 10


async def test_owners_write_only_about_their_own_packages(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    with pytest.raises(Invalid, match="acme writes advisories about its own packages"):
        await stored(world, affected("other/greet", "introduced 0"))
    with pytest.raises(NotPermitted):
        await service(world).store(advisory(GREET, org="acme"), by(world.people.mia))
    with pytest.raises(NotFound):
        await service(world).store(advisory(GREET, org="acme"), by(world.people.bob))
    with pytest.raises(NotPermitted):
        await service(world).store(advisory(GREET), by(world.people.ann))
    anywhere = advisory(GREET, affected("a:b", "introduced 0", ecosystem="Maven"))
    assert (await service(world).store(anywhere, OPERATOR)).org == ""


async def test_a_change_keeps_the_time_of_publication(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    written = await stored(world, GREET)
    world.clock.advance(timedelta(hours=1))
    again = await service(world).store(written, world.fresh(world.people.ann))
    assert again == written
    changed = replace(written, summary="Greets everybody")
    stored_again = await service(world).store(changed, world.fresh(world.people.ann))
    assert stored_again.published_ms == written.published_ms
    assert (await service(world).find(written.id, ANONYMOUS)).summary == "Greets everybody"
