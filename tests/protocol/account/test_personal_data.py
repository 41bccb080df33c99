"""/account/data: export of personal data, and account deletion."""

import json
from datetime import timedelta

import pytest

from shared.auth.identity_providers import VerifiedIdentity
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.identity import AccountExists, NotPermitted, SignInAgain, TokenUnknown
from shared.domain.events import Event
from shared.domain.grants import Grant
from shared.domain.memberships import Membership
from shared.domain.names import parse_org
from shared.domain.ownership import OwnershipRequest
from shared.domain.packages import Head
from shared.domain.principals import OPERATOR, Principal
from shared.domain.scopes import Role
from shared.domain.visibility import Visibility
from shared.services.maintenance.finish_deletions import NAME_FREE_AFTER
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.refusals import raises_refusal
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

PAGE = "/account/data"


@pytest.fixture
async def mia(world: World) -> Browser:
    return await signed_in(world, world.people.mia, PAGE)


async def test_the_download_holds_what_is_stored_and_no_secret(world: World, mia: Browser) -> None:
    answer = await mia.open("/account/data.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="mia.json"'
    assert answer.headers["cache-control"] == "no-store"
    data = answer.json()
    assert (data["name"], data["administrator"]) == ("mia", False)
    assert [(each["org"], each["role"]) for each in data["organizations"]] == [("acme", "member")]
    assert [each["name"] for each in data["tokens"]] == ["test"]
    assert "account.created" in {each["kind"] for each in data["events"]}
    [used] = await world.registry.tokens.records.of(world.people.mia.account.id)
    for secret in (world.people.mia.token, used.token.hash):
        assert secret not in json.dumps(data)


async def test_the_page_names_each_part_of_the_download(mia: Browser) -> None:
    facts = {"id", "name", "email", "administrator", "createdAt"}
    words = {
        "tokens": "access tokens",
        "identities": "sign-in methods",
        "provisioned": "what directories say about you",
        "nameDisputes": "name disputes",
        "ownershipRequests": "requests for the ownership of organizations",
        "follows": "what you follow",
        "pulls": "recorded pulls",
        "events": "security events",
    }
    page = mia.text
    parts = set[str]((await mia.open("/account/data.json")).json()) - facts
    assert [each for each in sorted(parts) if words.get(each, each) not in page] == []


async def test_the_download_holds_requests_for_the_ownership_of_organizations(
    world: World, mia: Browser
) -> None:
    request = OwnershipRequest(
        org="acme",
        account=world.people.mia.account.id,
        reason="Ann left.",
        requested_ms=1_000,
        notice_until_ms=2_000,
    )
    await world.stores.directory.add(request)
    [found] = (await mia.open("/account/data.json")).json()["ownershipRequests"]
    assert (found["org"], found["reason"]) == ("acme", "Ann left.")
    assert found["requestedAt"] == "1970-01-01T00:00:01Z"


async def test_the_download_holds_nothing_of_others(world: World, mia: Browser) -> None:
    bob = world.people.bob.account
    request = OwnershipRequest(
        org="acme", account=bob.id, reason="I am bob.", requested_ms=1_000, notice_until_ms=2_000
    )
    await world.stores.directory.add(request)
    text = (await mia.open("/account/data.json")).text
    assert "bob" not in text
    assert bob.id not in text


@pytest.mark.parametrize("typed", ["", "Mia", "ann"])
async def test_an_account_is_deleted_by_its_name_alone(
    world: World, mia: Browser, typed: str
) -> None:
    answer = await mia.submit("/account/delete", name=typed)
    assert answer.status_code == 400
    assert "type its name, mia" in mia.text
    assert f'value="{typed}"' in mia.text
    assert await world.stores.directory.get(Account, Place(world.people.mia.account.id))


async def test_an_administrator_stays_since_no_registry_starts_without_one(world: World) -> None:
    admin = world.people.admin
    browser = await signed_in(world, admin, PAGE)
    assert "Accounts of administrators cannot be deleted." in browser.text
    assert "/account/delete" not in browser.text


async def test_an_owner_beside_others_may_go_and_the_only_one_of_nobody_else_may_not(
    world: World,
) -> None:
    ann = world.people.ann
    bob = world.people.bob
    memberships = world.registry.organizations.memberships
    await memberships.set_member(
        parse_org("acme"), bob.account, Role.OWNER, by=OPERATOR, reason="It was decided."
    )
    with raises_refusal("last-owner", match="bob is the only owner of other"):
        await world.registry.administration.account_deletion.delete(by=world.fresh(bob))
    await world.registry.administration.account_deletion.delete(by=world.fresh(ann))
    members = await memberships.members(parse_org("acme"), by=OPERATOR)
    assert {each.name: each.membership.role for each in members} == {
        "bob": Role.OWNER,
        "mia": Role.MEMBER,
    }


async def test_a_member_of_a_frozen_organization_loses_nothing_by_a_refused_deletion(
    world: World,
) -> None:
    mia = world.people.mia
    registry = world.registry
    other = parse_org("aaa")
    await registry.organizations.organizations.create(other, world.people.bob.account, by=OPERATOR)
    await registry.organizations.memberships.set_member(
        other, mia.account, Role.MEMBER, by=OPERATOR
    )
    await registry.organizations.freezes.freeze_organization(
        parse_org("acme"), "A case.", by=OPERATOR
    )
    with pytest.raises(NotPermitted, match="froze the organization acme"):
        await registry.administration.account_deletion.delete(by=world.fresh(mia))
    members = await world.stores.directory.list_by_subject(Membership, mia.account.id)
    assert {each.org for each in members} == {"aaa", "acme"}


async def test_a_deleted_account_leaves_its_organizations_and_its_tokens_end(world: World) -> None:
    mia = world.people.mia
    await world.registry.administration.account_deletion.delete(by=world.fresh(mia))
    assert await account_of(world, mia) is None
    members = await world.registry.organizations.memberships.members(parse_org("acme"), by=OPERATOR)
    assert [each.name for each in members] == ["ann"]
    world.clock.advance(timedelta(seconds=5))
    assert (await world.get(f"{URL}/api/v1/whoami", by=mia)).status_code == 401
    [(_, last)] = await world.stores.events.stream(f"account:{mia.account.id}", None, 1)
    assert (last.kind, last.actor) == ("account.deleted", mia.account.id)


async def test_a_credential_made_while_its_account_was_deleted_is_refused(world: World) -> None:
    """The deletion does not see a token or a session that another request makes at its end."""
    mia = world.people.mia
    directory = world.stores.directory
    browser = await signed_in(world, mia)
    account = await account_of(world, mia)
    assert account is not None
    await directory.remove(account)
    world.clock.advance(timedelta(seconds=5))
    for path in ("whoami", "tokens"):
        assert (await world.get(f"{URL}/api/v1/{path}", by=mia)).status_code == 401
    assert (await browser.api("GET", "/api/v1/tokens")).status_code == 401


async def test_the_name_of_a_deleted_account_is_never_issued_again(world: World) -> None:
    await world.registry.administration.account_deletion.delete(by=world.fresh(world.people.mia))
    world.clock.advance(timedelta(days=400))
    for name in ("mia", "MIA"):
        with pytest.raises(AccountExists):
            await world.registry.identity.accounts.create(name, by=OPERATOR)


async def test_releases_of_a_deleted_account_stay(world: World) -> None:
    mia = world.people.mia
    await world.registry.organizations.memberships.set_member(
        parse_org("acme"), mia.account, Role.MAINTAINER, by=OPERATOR
    )
    await world.push(bala("acme/greet:1.0.0"), by=mia)
    await world.registry.administration.account_deletion.delete(by=world.fresh(mia))
    found = await world.get("/packages/acme/greet/1.0.0")
    assert found.status_code == 200


async def test_a_deletion_that_was_cut_off_is_finished_by_a_repeat(world: World) -> None:
    mia = world.people.mia
    by = world.fresh(mia)
    # All but the last step.
    account_deletion = world.registry.administration.account_deletion
    await account_deletion.memberships.remove_member(parse_org("acme"), mia.account, by=by)
    await account_deletion.erasures.retired_names.retire(mia.account.name, mia.account.id)
    await account_deletion.delete(by=by)
    assert await account_of(world, mia) is None
    with pytest.raises(TokenUnknown):
        await account_deletion.delete(by=by)


async def test_the_download_holds_every_event_however_many_there_are(
    world: World, mia: Browser
) -> None:
    account = world.people.mia.account.id
    many = [
        Event(id=f"e{number}", kind="x.y", at_ms=number, actor="", subject="", account=account)
        for number in range(1_100)
    ]
    await world.stores.events.append(many)
    data = (await mia.open("/account/data.json")).json()
    assert len({each["id"] for each in data["events"]}) == len(data["events"])
    assert {f"e{number}" for number in range(1_100)} <= {each["id"] for each in data["events"]}


@pytest.mark.parametrize("later", [timedelta(0), NAME_FREE_AFTER])
async def test_the_owner_of_a_deleted_organization_may_be_deleted(
    world: World, later: timedelta
) -> None:
    mia = world.people.mia
    gone = parse_org("gone")
    await world.registry.organizations.organizations.create(gone, mia.account, by=OPERATOR)
    await world.stores.metadata.claim(
        Head(org="gone", name="greet", visibility=Visibility.PUBLIC, created_ms=0)
    )
    await world.registry.organizations.deletion.delete(gone, by=OPERATOR, reason="It was decided.")
    world.clock.advance(later)
    await world.registry.maintenance.task_runner.run("finish-deletions")
    await world.registry.administration.account_deletion.delete(by=world.fresh(mia))
    assert await account_of(world, mia) is None
    assert await world.stores.directory.list_by_subject(Membership, mia.account.id) == []


async def test_a_refusal_to_delete_an_account_names_it(world: World) -> None:
    admin = world.people.admin
    mia = world.people.mia
    with pytest.raises(NotPermitted) as refused:
        await world.registry.administration.account_deletion.delete(by=world.fresh(admin))
    reason = "it administers this registry, which needs somebody who does"
    assert str(refused.value) == f"You may not delete the account admin: {reason}."
    with pytest.raises(SignInAgain, match=r"^To delete the account mia, sign in again "):
        await world.registry.administration.account_deletion.delete(
            by=Principal(mia.account.id, "session", (Grant(),))
        )
    assert await account_of(world, mia)


async def test_the_log_says_that_a_deleted_account_left_and_lost_its_identities(
    world: World,
) -> None:
    mia = world.people.mia
    gone = parse_org("gone")
    by = world.fresh(mia)
    who = VerifiedIdentity(
        issuer="https://login.test",
        identifier="subject",
        label="mia",
        email="",
        display_name="",
        strong=False,
        authenticated_ms=0,
    )
    await world.registry.administration.account_deletion.identities.link(who, "oidc", by=by)
    [identity] = await world.registry.administration.account_deletion.identities.of(by=by)
    await world.registry.organizations.organizations.create(gone, mia.account, by=OPERATOR)
    await world.registry.organizations.deletion.delete(gone, by=OPERATOR, reason="It was decided.")
    await world.registry.administration.account_deletion.delete(by=by)
    events = await world.stores.events.stream(f"account:{mia.account.id}", None, 50)
    shown = {each.kind: each for _, each in events}
    removed = shown["identity.removed"]
    assert (removed.subject, removed.actor) == (identity.id, mia.account.id)
    left = {each.subject: each for _, each in events if each.kind == "member.removed"}
    assert left["gone"].org == "gone"
    assert left["gone"].details == {"account": mia.account.id, "before": "owner", "after": ""}


async def account_of(world: World, person: Person) -> Account | None:
    return await world.stores.directory.get(Account, Place(person.account.id))
