"""Writing advisories while somebody else writes the same one."""

from typing import Any

from msgspec import structs

from shared.domain.advisories.advisories import AdvisoryState
from shared.domain.advisories.authoring import WrittenAdvisory, WrittenRange
from shared.domain.names import parse_org
from shared.services.advisories.authoring import AdvisoryAuthoring
from tests.support.archives import bala
from tests.support.port_doubles import Proceed, intercepted
from tests.support.world import World

ACME = parse_org("acme")


def written(summary: str) -> WrittenAdvisory:
    return WrittenAdvisory(
        package="acme/greet",
        summary=summary,
        details="",
        severity="",
        ranges=(WrittenRange("1.0.0"),),
        aliases=(),
        references=(),
        credits=(),
        is_malware=False,
    )


def authoring_of(world: World) -> AdvisoryAuthoring:
    return world.registry.advisories.authoring


async def drafted(world: World) -> str:
    await world.push(bala("acme/greet:1.0.0"))
    by = world.fresh(world.people.ann)
    return (await authoring_of(world).draft(ACME, written("Wrong"), by=by)).id


async def test_a_correction_that_is_saved_while_a_draft_is_published_is_published(
    world: World,
) -> None:
    by = world.fresh(world.people.ann)
    authoring = authoring_of(world)
    advisory_id = await drafted(world)

    async def corrected(_: str, proceed: Proceed) -> Any:
        read = await proceed()
        await authoring.change(ACME, advisory_id, written("Right"), by=by)
        return read

    directory = intercepted(world.stores.directory, corrected, {"get"})
    await structs.replace(authoring, directory=directory).publish(ACME, advisory_id, by=by)
    stored = await authoring.show(ACME, advisory_id, by=by)
    assert (stored.summary, stored.state) == ("Right", AdvisoryState.PUBLISHED)


async def test_a_draft_that_is_published_while_a_correction_is_saved_is_corrected(
    world: World,
) -> None:
    by = world.fresh(world.people.ann)
    authoring = authoring_of(world)
    advisory_id = await drafted(world)

    async def published(_: str, proceed: Proceed) -> Any:
        read = await proceed()
        await authoring.publish(ACME, advisory_id, by=by)
        return read

    directory = intercepted(world.stores.directory, published, {"get"})
    interrupted = structs.replace(authoring, directory=directory)
    await interrupted.change(ACME, advisory_id, written("Right"), by=by)
    stored = await authoring.show(ACME, advisory_id, by=by)
    assert (stored.summary, stored.state) == ("Right", AdvisoryState.PUBLISHED)
