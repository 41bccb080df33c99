"""Names that nobody may found."""

from shared.domain.principals import OPERATOR
from shared.domain.reserved_names import MAX_RESERVED_NAMES, ReservedName
from tests.support.refusals import raises_refusal
from tests.support.world import World


async def test_there_are_no_more_patterns_than_the_creation_of_an_organization_reads(
    world: World,
) -> None:
    for number in range(MAX_RESERVED_NAMES):
        pattern = f"p{number}"
        name = ReservedName(pattern=pattern, reason="", by="", since_ms=0)
        await world.stores.directory.put(name)
    with raises_refusal("reserved-names-full"):
        await world.registry.organizations.reserved_names.add("one_more", "Theirs.", by=OPERATOR)
