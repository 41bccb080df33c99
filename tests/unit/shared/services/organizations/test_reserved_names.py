"""Names that nobody may found."""

import pytest

from shared.domain.principals import OPERATOR
from shared.domain.reserved_names import MAX_RESERVED_NAMES, ReservedName
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, KIM, AdministrationServices

WHY = "Theirs."


@pytest.fixture
async def world() -> AdministrationServices:
    """Return a registry with the organization Acme, whose setting keeps `wso2*` back."""
    world = AdministrationServices.with_names()
    world.reserved_patterns = ("wso2*",)
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    world.clear_calls()
    return world


async def test_there_are_no_more_patterns_than_the_creation_of_an_organization_reads(
    world: AdministrationServices,
) -> None:
    for number in range(MAX_RESERVED_NAMES):
        pattern = f"p{number}"
        await world.directory.put(ReservedName(pattern=pattern, reason="", by="", since_ms=0))
    with raises_refusal("reserved-names-full"):
        await world.reserved_names.add("one_more", WHY, by=OPERATOR)
