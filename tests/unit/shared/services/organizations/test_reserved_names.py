"""Names that nobody may found."""

from datetime import timedelta

import pytest

from shared.domain.accounts import AccountName
from shared.domain.errors.identity import CredentialsMissing, NotPermitted, SignInAgain
from shared.domain.errors.organizations import (
    NameKeptBack,
    PatternUnreadable,
    ReasonMissing,
    ReservedAlready,
    ReservedNameNotFound,
    ReservedNamesFull,
)
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.reserved_names import MAX_RESERVED_NAMES, ReservedName
from shared.services.organizations.organizations import OrganizationProfile
from shared.services.organizations.reserved_names import MAX_MATCHES_SHOWN, MAX_NAMES_COMPARED
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


async def test_a_name_cannot_be_used_from_the_moment_it_is_reserved(
    world: AdministrationServices,
) -> None:
    await world.organizations.create(OrgName("initech"), KIM, by=world.signed_in(KIM))
    await world.reserved_names.add("init*", WHY, by=world.ada)
    for name in ("initrode", "INITRODE", "lnitrode"):
        with pytest.raises(NameKeptBack):
            await world.organizations.create(OrgName(name), KIM, by=world.signed_in(KIM))
    await world.reserved_names.remove("INIT*", by=world.ada)
    await world.organizations.create(OrgName("initrode"), KIM, by=world.signed_in(KIM))
    assert [each for each in world.events.kinds() if each.startswith("name.")] == [
        "name.reserved",
        "name.released",
    ]


async def test_nobody_calls_themselves_so_either(world: AdministrationServices) -> None:
    await world.reserved_names.add("init*", WHY, by=world.ada)
    profile = OrganizationProfile(display_name="Initech")
    with pytest.raises(NameKeptBack):
        await world.organizations.change(ACME, profile, by=world.signed_in(KIM))


async def test_reserved_names_are_listed_with_who_reserved_them_and_why(
    world: AdministrationServices,
) -> None:
    for pattern, by in (("b*", world.ada), ("A?", OPERATOR)):
        await world.reserved_names.add(pattern, WHY, by=by)
    kept = await world.reserved_names.all(by=world.ada)
    assert (kept.built_in, kept.configured) == (("ballerina*",), ("wso2*",))
    listed = [(each.pattern, each.reason, by) for each, by in kept.stored]
    assert listed == [("A?", WHY, "operator"), ("b*", WHY, "ada")]


@pytest.mark.parametrize("pattern", ["", "*", "?_*", "a b", "a/b", "[a]", "a" * 201])
async def test_a_pattern_that_matches_no_name_or_every_one_is_refused(
    world: AdministrationServices, pattern: str
) -> None:
    with pytest.raises(PatternUnreadable):
        await world.reserved_names.add(pattern, WHY, by=OPERATOR)


async def test_a_pattern_takes_a_reason_and_is_there_once(world: AdministrationServices) -> None:
    with pytest.raises(ReasonMissing):
        await world.reserved_names.add("a*", "", by=OPERATOR)
    await world.reserved_names.add("a*", WHY, by=OPERATOR)
    with pytest.raises(ReservedAlready):
        await world.reserved_names.add("A*", WHY, by=OPERATOR)


async def test_a_name_that_is_not_reserved_cannot_be_released(
    world: AdministrationServices,
) -> None:
    for pattern in ("a*", "wso2*", "ballerina*"):
        with pytest.raises(ReservedNameNotFound):
            await world.reserved_names.remove(pattern, by=OPERATOR)


async def test_there_are_no_more_patterns_than_the_creation_of_an_organization_reads(
    world: AdministrationServices,
) -> None:
    for number in range(MAX_RESERVED_NAMES):
        pattern = f"p{number}"
        await world.directory.put(ReservedName(pattern=pattern, reason="", by="", since_ms=0))
    with pytest.raises(ReservedNamesFull):
        await world.reserved_names.add("one_more", WHY, by=OPERATOR)


async def test_a_pattern_shows_what_is_there_already(world: AdministrationServices) -> None:
    matches = await world.reserved_names.matching(" ac?e ", by=OPERATOR)
    assert (matches.pattern, matches.names, matches.is_more) == ("ac?e", ("Acme",), False)
    assert (matches.compared, matches.is_complete) == (1, True)
    assert (await world.reserved_names.matching("b*", by=OPERATOR)).names == ()


async def test_a_pattern_that_matches_many_shows_some(world: AdministrationServices) -> None:
    for number in range(MAX_MATCHES_SHOWN):
        await world.organizations.create(OrgName(f"acme_{number}"), KIM, by=OPERATOR)
    matches = await world.reserved_names.matching("acme*", by=OPERATOR)
    assert (len(matches.names), matches.is_more) == (MAX_MATCHES_SHOWN, True)


async def test_not_every_organization_is_compared(world: AdministrationServices) -> None:
    for number in range(MAX_NAMES_COMPARED):
        organization = Organization(name=f"z{number}", founder=KIM.id, created_ms=0)
        await world.directory.put(organization)
    world.clear_calls()
    matches = await world.reserved_names.matching("z*", by=OPERATOR)
    assert (matches.compared, matches.is_complete) == (MAX_NAMES_COMPARED, False)
    assert world.directory.calls == ["list_all"]


async def why(world: AdministrationServices, name: str) -> tuple[tuple[str, ...], str]:
    """Return why a name is not free."""
    freedom = await world.reserved_names.look_up(name, by=world.ada)
    assert freedom.is_free is (not freedom.organization)
    return freedom.organization, freedom.account


async def test_an_unused_name_is_available(world: AdministrationServices) -> None:
    assert await why(world, "zoo") == ((), "")


async def test_an_invalid_name_is_refused_with_the_rule(world: AdministrationServices) -> None:
    assert "is not a valid organization name" in (await why(world, "a b"))[0][0]


async def test_a_name_that_is_taken_says_by_whom(world: AdministrationServices) -> None:
    assert (await why(world, "ACME"))[0] == ("the organization Acme has it",)
    assert (await why(world, "acrne"))[0] == ("it looks like the organization Acme",)
    assert (await why(world, "KIM"))[1] == "the account kim has it"


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


async def test_a_name_whose_account_was_never_created_is_reported_as_taken(
    world: AdministrationServices,
) -> None:
    await world.directory.add(AccountName(name="half", account="nobody", created_ms=0))
    assert (await why(world, "half"))[1].startswith("the account half was deleted")


async def test_a_reserved_name_is_reported_with_its_pattern(world: AdministrationServices) -> None:
    await world.reserved_names.add("init*", WHY, by=world.ada)
    assert "ballerina* (built in)" in (await why(world, "ballerinax"))[0][0]
    assert "wso2 (built in)" in (await why(world, "vvso2"))[0][0]
    [of_setting] = (await why(world, "vvso2labs"))[0]
    assert "wso2* (of the setting BALLROOM_RESERVED_NAMES)" in of_setting
    assert f"kept back by administrators: {WHY}" in (await why(world, "Initech"))[0][0]


async def test_it_takes_an_administrator_and_a_fresh_sign_in_to_change(
    world: AdministrationServices,
) -> None:
    for by, refusal in ((ANONYMOUS, CredentialsMissing), (world.signed_in(KIM), NotPermitted)):
        for attempt in (
            world.reserved_names.all(by=by),
            world.reserved_names.matching("a*", by=by),
            world.reserved_names.look_up("a", by=by),
            world.reserved_names.add("a*", WHY, by=by),
            world.reserved_names.remove("a*", by=by),
        ):
            with pytest.raises(refusal):
                await attempt
    token = world.token_of(ADA)
    for attempt in (
        world.reserved_names.add("a*", WHY, by=token),
        world.reserved_names.remove("a*", by=token),
    ):
        with pytest.raises(SignInAgain):
            await attempt
    assert world.directory.every(ReservedName) == []


async def test_a_refusal_says_what_was_to_be_done(world: AdministrationServices) -> None:
    by = world.signed_in(KIM)
    for attempt, verb in (
        (world.reserved_names.all(by=by), "list"),
        (world.reserved_names.matching("a*", by=by), "list"),
        (world.reserved_names.add("a*", WHY, by=by), "change"),
        (world.reserved_names.remove("a*", by=by), "change"),
    ):
        with pytest.raises(NotPermitted) as refused:
            await attempt
        assert str(refused.value).startswith(
            f"You may not {verb} the names that nobody may found: "
        )


async def test_a_refused_look_up_of_names_says_why(world: AdministrationServices) -> None:
    with pytest.raises(NotPermitted) as refused:
        await world.reserved_names.look_up("zoo", by=world.signed_in(KIM))
    assert str(refused.value).startswith("You may not look up names: ")


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


async def test_a_refusal_of_a_pattern_names_it(world: AdministrationServices) -> None:
    with pytest.raises(ReasonMissing) as missing:
        await world.reserved_names.add("a*", " ", by=OPERATOR)
    assert "the pattern a*" in str(missing.value)
    with pytest.raises(ReservedNameNotFound) as absent:
        await world.reserved_names.remove("a*", by=OPERATOR)
    assert str(absent.value) == str(ReservedNameNotFound("a*"))
    await world.reserved_names.add("a*", WHY, by=OPERATOR)
    with pytest.raises(ReservedAlready) as again:
        await world.reserved_names.add("a*", WHY, by=OPERATOR)
    assert str(again.value) == str(ReservedAlready("a*"))


async def test_every_organization_is_compared_from_the_first_on(
    world: AdministrationServices,
) -> None:
    await world.organizations.create(OrgName("0first"), KIM, by=OPERATOR)
    matches = await world.reserved_names.matching("*first", by=OPERATOR)
    assert (matches.names, matches.compared) == (("0first",), 2)
