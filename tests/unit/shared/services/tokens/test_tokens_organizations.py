"""Tokens of organizations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import NotPermitted, TokenNotFound
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.members import Membership
from shared.domain.names import OrgName, Package, parse_org
from shared.domain.organizations import Organization
from shared.domain.rights import Action, Grant, Role, Scope
from shared.domain.tokens import Token, TokenUse
from shared.services.tokens.token_lineage import TokenLineage
from shared.services.tokens.tokens import (
    IssuedToken,
    OrganizationTokens,
    TokenRecords,
    TokenRequest,
)
from tests.fakes.readers import known_readers
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import START_MS, FakeClock, FakeRandomness

ACME, GLOBEX = parse_org("acme"), parse_org("globex")
PUSH = frozenset({Scope.READ, Scope.PUSH_VERSION})
ANN, MIA, BOB = (
    Principal(f"{name}0000000", "session", (Grant(),), signed_in_ms=START_MS)
    for name in ("ann", "mia", "bob")
)
DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)


def directory() -> FakeDirectory:
    """Return Ann's organization, in which Mia is maintainer, and Bob's."""
    return FakeDirectory.holding(
        *(Account(id=each.id, name=each.id[:3], created_ms=0) for each in (ANN, MIA, BOB)),
        Organization(id="acme000000", name="Acme", founder=ANN.id, created_ms=0),
        Organization(id="globex0000", name="globex", founder=BOB.id, created_ms=0),
        Membership(org="Acme", account=ANN.id, role=Role.OWNER),
        Membership(org="Acme", account=MIA.id, role=Role.MAINTAINER),
        Membership(org="globex", account=BOB.id, role=Role.OWNER),
    )


@pytest.fixture
def store() -> FakeDirectory:
    return directory()


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(store: FakeDirectory, events: FakeEvents, clock: FakeClock) -> OrganizationTokens:
    records = TokenRecords(
        directory=store,
        record_writer=fake_record_writer(store, events, clock),
        lineage=TokenLineage(store, fake_record_writer(store, events, clock), clock),
        clock=clock,
        randomness=FakeRandomness(),
        environment="test",
    )
    return OrganizationTokens(
        records=records,
        authorization=Authorization(store, clock, known_readers()),
        clock=clock,
        token_days=90,
    )


def wanted(package: str = "*", days: int | None = None) -> TokenRequest:
    return TokenRequest("nightly", Grant(scopes=PUSH, package=package), days)


async def issued(tokens: OrganizationTokens, by: Principal = ANN) -> IssuedToken:
    return await tokens.issue(ACME, wanted(), by=by)


async def listed(tokens: OrganizationTokens, by: Principal = ANN) -> list[Token]:
    return [each.token for each in await tokens.list(ACME, by=by)]


def principal_of(token: Token) -> Principal:
    """Return who sends the token."""
    return Principal(token.owner, token.id, token.grants, role_grants=token.role_grants)


async def test_a_token_belongs_to_the_organization(
    tokens: OrganizationTokens, clock: FakeClock
) -> None:
    token = (await tokens.issue(ACME, wanted("greet*", 7), by=ANN)).token
    assert (token.owner, token.org) == ("acme000000", "Acme")
    assert token.owner == await tokens.owner(ACME, by=ANN)
    assert token.grants == (Grant(scopes=PUSH, org="Acme", package="greet*"),)
    assert token.expires_ms == clock.now_ms() + 7 * DAY_MS
    assert await listed(tokens) == [token]


async def test_it_acts_as_maintainer_there_and_is_nobody_anywhere_else(
    tokens: OrganizationTokens, store: FakeDirectory, clock: FakeClock
) -> None:
    machine = principal_of((await issued(tokens)).token)
    authorization = Authorization(store, clock, known_readers())
    await authorization.require(machine, Action.PUSH_VERSION, Package.parse("acme", "greet"))
    for action, resource in (
        (Action.PUSH_VERSION, Package.parse("globex", "greet")),
        (Action.READ, Package.parse("globex", "greet")),
        (Action.PUSH_NEW, Package.parse("acme", "greet")),
        (Action.MANAGE, ACME),
        (Action.GOVERN, ACME),
        (Action.OPERATE, ACME),
    ):
        with pytest.raises(NotPermitted):
            await authorization.require(machine, action, resource)


async def test_it_works_after_its_creator_left_the_organization(
    tokens: OrganizationTokens, store: FakeDirectory, clock: FakeClock
) -> None:
    token = (await issued(tokens)).token
    for member in store.every(Membership):
        if member.account == ANN.id:
            await store.remove(member)
    greet = Package.parse("acme", "greet")
    await Authorization(store, clock, known_readers()).require(
        principal_of(token), Action.PUSH_VERSION, greet
    )


async def test_it_is_invalid_once_the_organization_is_deleted(
    tokens: OrganizationTokens, store: FakeDirectory, clock: FakeClock
) -> None:
    machine = principal_of((await issued(tokens)).token)
    [acme, _] = store.every(Organization)
    await store.put(acme.model_copy(update={"deleting_ms": clock.now_ms()}))
    for action in (Action.READ, Action.PUSH_NEW, Action.PUSH_VERSION):
        with pytest.raises(NotPermitted, match="was deleted"):
            await Authorization(store, clock, known_readers()).require(machine, action, ACME)


@pytest.mark.parametrize("by", [MIA, BOB, ANONYMOUS], ids=["maintainer", "stranger", "nobody"])
async def test_nobody_but_an_owner_sees_or_changes_tokens_of_an_organization(
    tokens: OrganizationTokens, by: Principal
) -> None:
    token = (await issued(tokens)).token
    for attempt in (
        tokens.issue(ACME, wanted(), by=by),
        tokens.list(ACME, by=by),
        tokens.find(ACME, token.id, by=by),
        tokens.rename(ACME, token.id, "mine", by=by),
        tokens.rotate(ACME, token.id, by=by),
        tokens.revoke(ACME, token.id, by=by),
    ):
        sentence = r"^(You may not (manage|govern) acme|organization not found|An access)"
        with pytest.raises(Exception, match=sentence):
            await attempt
    assert await listed(tokens) == [token]


async def test_an_owner_does_not_reach_the_tokens_of_another_organization(
    tokens: OrganizationTokens,
) -> None:
    token = (await issued(tokens)).token
    for attempt in (
        tokens.find(GLOBEX, token.id, by=BOB),
        tokens.rename(GLOBEX, token.id, "mine", by=BOB),
        tokens.rotate(GLOBEX, token.id, by=BOB),
        tokens.revoke(GLOBEX, token.id, by=BOB),
    ):
        with pytest.raises(TokenNotFound):
            await attempt
    assert await listed(tokens) == [token]


async def test_the_machine_itself_does_not_manage_its_tokens(tokens: OrganizationTokens) -> None:
    machine = principal_of((await issued(tokens)).token)
    with pytest.raises(NotPermitted):
        await tokens.list(ACME, by=machine)
    managing = TokenRequest("nightly", Grant())
    with pytest.raises(InvalidRequest, match="manages nothing"):
        await tokens.issue(ACME, managing, by=ANN)


async def test_it_allows_nothing_that_the_credential_of_its_maker_lacks(
    tokens: OrganizationTokens, clock: FakeClock
) -> None:
    scopes = frozenset({Scope.READ, Scope.MANAGE})
    soon = clock.now_ms() + DAY_MS
    by = Principal(
        ANN.id,
        "weak",
        (Grant(scopes=scopes, org="Acme"),),
        expires_ms=soon,
        signed_in_ms=START_MS,
        addresses=("10.0.0.0/8",),
    )
    with pytest.raises(NotPermitted, match="more than the token that asks"):
        await tokens.issue(ACME, wanted(), by=by)
    reading = TokenRequest("mirror", Grant(scopes=frozenset({Scope.READ})))
    token = (await tokens.issue(ACME, reading, by=by)).token
    assert (token.expires_ms, token.addresses) == (soon, ("10.0.0.0/8",))
    strong = (await issued(tokens)).token
    with pytest.raises(NotPermitted, match="more than the token that asks"):
        await tokens.rotate(ACME, strong.id, by=by)


async def test_it_is_renamed_rotated_and_revoked(
    tokens: OrganizationTokens, events: FakeEvents
) -> None:
    first = await issued(tokens)
    renamed = await tokens.rename(ACME, first.token.id, "weekly", by=ANN)
    assert renamed.token.name == "weekly"
    rotated = await tokens.rotate(ACME, first.token.id, by=ANN)
    assert rotated.text != first.text
    assert (rotated.token.id, rotated.token.org) == (first.token.id, "Acme")
    assert await listed(tokens) == [rotated.token]
    await tokens.revoke(ACME, first.token.id, by=ANN)
    assert await listed(tokens) == []
    assert events.kinds() == [
        "token.issued", "token.renamed", "token.rotated", "token.revoked",
    ]  # fmt: skip
    assert {(event.org, event.account, event.actor) for event in events.feed} == {
        ("acme", "", ANN.id)
    }


async def test_the_operator_issues_for_organizations_that_are_there(
    tokens: OrganizationTokens,
) -> None:
    assert (await issued(tokens, OPERATOR)).token.org == "Acme"
    with pytest.raises(OrganizationNotFound):
        await tokens.issue(OrgName("nowhere"), wanted(), by=OPERATOR)


async def test_an_owner_calls_a_token_stolen(tokens: OrganizationTokens) -> None:
    token = (await issued(tokens)).token
    with pytest.raises(NotPermitted):
        await tokens.revoke_stolen(ACME, token.id, by=MIA)
    assert await tokens.revoke_stolen(ACME, token.id, by=ANN) == []
    assert await listed(tokens) == []


async def test_each_refusal_of_a_token_names_it_and_why(tokens: OrganizationTokens) -> None:
    weak = replace(ANN, grants=(Grant(scopes=frozenset({Scope.MANAGE}), org="Acme"),))
    strong = (await issued(tokens)).token
    for attempt, verb in (
        (tokens.issue(ACME, wanted(), by=weak), "issue"),
        (tokens.rotate(ACME, strong.id, by=weak), "rotate"),
    ):
        with pytest.raises(NotPermitted) as refused:
            await attempt
        assert str(refused.value) == (
            f"You may not {verb} the token nightly: "
            "it would allow more than the token that asks for it."
        )


async def test_an_organization_that_is_not_there_is_named(tokens: OrganizationTokens) -> None:
    nowhere = OrgName("nowhere")
    for attempt in (tokens.list(nowhere, by=OPERATOR), tokens.owner(nowhere, by=OPERATOR)):
        with pytest.raises(OrganizationNotFound) as refused:
            await attempt
        assert str(refused.value) == str(OrganizationNotFound(nowhere))


async def test_a_token_with_the_scope_manage_is_refused_with_the_alternatives(
    tokens: OrganizationTokens,
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await tokens.issue(ACME, TokenRequest("nightly", Grant()), by=ANN)
    assert str(refused.value) == (
        "A token of an organization manages nothing, so that no machine can make itself at home. "
        "Choose among read, push-new, push-version, deprecate."
    )


async def test_a_renamed_token_is_shown_with_its_last_use(
    tokens: OrganizationTokens, store: FakeDirectory
) -> None:
    token = (await issued(tokens)).token
    use = TokenUse(owner=token.owner, token=token.id, used_ms=1)
    await store.put(use)
    renamed = await tokens.rename(ACME, token.id, "weekly", by=ANN)
    assert (renamed.token.name, renamed.use) == ("weekly", use)


async def test_a_token_expires_after_the_days_of_the_setting(
    tokens: OrganizationTokens, clock: FakeClock
) -> None:
    assert (await issued(tokens)).token.expires_ms == clock.now_ms() + 90 * DAY_MS
