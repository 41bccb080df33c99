"""Names that nobody may found."""

from datetime import timedelta

import pytest

from shared.domain.accounts import AccountName
from shared.domain.identity import OPERATOR
from shared.domain.reserved_names import MAX_RESERVED_NAMES, ReservedName
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, ADA, KIM, AdministrationServices

WHY = "Theirs."


@pytest.fixture
async def world() -> AdministrationServices:
    """Return a registry with the organization Acme, whose setting keeps `wso2*` back."""
    world = AdministrationServices.with_names()
    world.reserved_patterns = ("wso2*",)
    await world.organizations.create(ACME, KIM, by=OPERATOR)
    world.clear_calls()
    return world


async def test_reserved_names_are_listed_with_who_reserved_them_and_why(
    world: AdministrationServices,
) -> None:
    for pattern, by in (("b*", world.ada), ("A?", OPERATOR)):
        await world.reserved_names.add(pattern, WHY, by=by)
    kept = await world.reserved_names.all(by=world.ada)
    assert (kept.built_in, kept.configured) == (("ballerina*",), ("wso2*",))
    listed = [(each.pattern, each.reason, by) for each, by in kept.stored]
    assert listed == [("A?", WHY, "operator"), ("b*", WHY, "ada")]


async def test_a_pattern_takes_a_reason_and_is_there_once(world: AdministrationServices) -> None:
    with raises_refusal("reason-missing"):
        await world.reserved_names.add("a*", "", by=OPERATOR)
    await world.reserved_names.add("a*", WHY, by=OPERATOR)
    with raises_refusal("reserved-already"):
        await world.reserved_names.add("A*", WHY, by=OPERATOR)


async def test_a_name_that_is_not_reserved_cannot_be_released(
    world: AdministrationServices,
) -> None:
    for pattern in ("a*", "wso2*", "ballerina*"):
        with raises_refusal("reserved-name-not-found"):
            await world.reserved_names.remove(pattern, by=OPERATOR)


async def test_there_are_no_more_patterns_than_the_creation_of_an_organization_reads(
    world: AdministrationServices,
) -> None:
    for number in range(MAX_RESERVED_NAMES):
        pattern = f"p{number}"
        await world.directory.put(ReservedName(pattern=pattern, reason="", by="", since_ms=0))
    with raises_refusal("reserved-names-full"):
        await world.reserved_names.add("one_more", WHY, by=OPERATOR)


async def why(world: AdministrationServices, name: str) -> tuple[tuple[str, ...], str]:
    """Return why a name is not free."""
    freedom = await world.reserved_names.look_up(name, by=world.ada)
    assert freedom.is_free is (not freedom.organization)
    return freedom.organization, freedom.account


async def test_a_taken_name_is_reported_as_such(world: AdministrationServices) -> None:
    await world.organization_deletion.delete(ACME, by=world.ada)
    claim = next(each for each in world.directory.every(AccountName) if each.name == "eve")
    await world.directory.replace(claim.model_copy(update={"is_retired": True}))
    world.clock.advance(timedelta(days=1))
    organization, account = await why(world, "acme"), await why(world, "eve")
    assert organization[0] == (
        "the organization Acme was deleted; its name is free a day later, unless it had a package",
    )
    assert account[1].endswith("was deleted, and its name is never given again")


async def test_the_events_of_a_pattern_have_it_and_its_reason(
    world: AdministrationServices,
) -> None:
    reserved = await world.reserved_names.add("init*", WHY, by=world.ada)
    await world.reserved_names.remove(" init* ", by=world.ada)
    events = [each for each in world.events.feed if each.kind.startswith("name.")]
    assert [(e.kind, e.subject, e.org, e.actor, e.details) for e in events] == [
        ("name.reserved", reserved.id, "", ADA.id, {"pattern": "init*", "reason": WHY}),
        ("name.released", reserved.id, "", ADA.id, {"pattern": "init*", "reason": WHY}),
    ]
    assert (reserved.by, reserved.since_ms) == (ADA.id, world.clock.now_ms())
