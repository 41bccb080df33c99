"""Writing advisories while somebody else writes the same one."""

from collections.abc import Awaitable

import pytest
from msgspec import structs

from shared.domain.advisories.advisories import AdvisoryState
from shared.domain.advisories.authoring import WrittenAdvisory, WrittenRange
from shared.domain.names import parse_org
from shared.services.advisories.authoring import AdvisoryAuthoring
from tests.support.archives import bala
from tests.support.port_doubles import Moment, OtherWriter
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


async def drafted(world: World) -> str:
    await world.push(bala("acme/greet:1.0.0"))
    by = world.fresh(world.people.ann)
    return (await world.registry.advisories.authoring.draft(ACME, written("Wrong"), by=by)).id


@pytest.mark.parametrize("is_publication_first", [True, False])
async def test_a_correction_and_a_publication_at_the_same_time_are_both_stored(
    world: World, is_publication_first: bool
) -> None:
    def correct(authoring: AdvisoryAuthoring) -> Awaitable[object]:
        return authoring.change(ACME, advisory_id, written("Right"), by=by)

    def publish(authoring: AdvisoryAuthoring) -> Awaitable[object]:
        return authoring.publish(ACME, advisory_id, by=by)

    by = world.fresh(world.people.ann)
    authoring = world.registry.advisories.authoring
    advisory_id = await drafted(world)
    first, second = (publish, correct) if is_publication_first else (correct, publish)
    other = OtherWriter("get", lambda: first(authoring), Moment.AFTER)
    await second(structs.replace(authoring, directory=other.over(authoring.directory)))
    assert other.has_acted
    stored = await authoring.show(ACME, advisory_id, by=by)
    assert (stored.summary, stored.state) == ("Right", AdvisoryState.PUBLISHED)
