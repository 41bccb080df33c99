"""What waits for an owner, and in which organization."""

from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from tests.balas import bala
from tests.world import World


async def test_nothing_of_another_organization_waits_for_its_owners(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/thing:1.0.0"), by=world.people.bob)
    moderation = world.registry.moderation
    assert list(await moderation.awaiting(parse_org("acme"), by=OPERATOR)) == []
