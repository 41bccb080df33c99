"""Moderation by the API: what a token with the scope moderate does, and what it only proposes."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.refusals import raises_refusal
from tests.support.world import URL, Person, World, limited

pytestmark = pytest.mark.measured

API = f"{URL}/api/v1/moderation"
GREET = Coordinate.parse("acme", "greet", "1.0.0")
RELEASE = f"{API}/releases/acme/greet/1.0.0"
DAY_MS = 86_400_000


async def scanner(world: World, **patterns: str) -> Person:
    """Return the administrator with a token that moderates alone."""
    return await limited(world, world.people.admin, "moderate", **patterns)


async def post(world: World, url: str, by: Person, **body: Any) -> httpx.Response:
    return await world.send("POST", url, by=by, json=body)


async def state(world: World) -> State:
    found = await world.stores.metadata.find(GREET)
    assert found.release
    return found.release.state


async def published(world: World, *versions: str) -> Person:
    """Publish versions, and return a scanner."""
    for version in versions or ("1.0.0",):
        await world.push(bala(f"acme/greet:{version}"))
    return await scanner(world)


# --- releases ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "after"), [("hold", State.HELD), ("quarantine", State.QUARANTINED)]
)
async def test_a_token_withholds_a_release_and_restores_it(
    world: World, act: str, after: State
) -> None:
    token = await published(world)
    answer = await post(world, f"{RELEASE}/{act}", token, reason="Looks like malware.")
    assert (answer.status_code, answer.json()["state"]) == (200, after.value)
    assert await state(world) is after
    shown = await world.get(RELEASE, by=token)
    assert shown.json()["reason"] == "Looks like malware."
    await post(world, f"{RELEASE}/restore", token)
    assert await state(world) is State.LIVE


async def test_a_token_only_proposes_to_remove_a_release(world: World) -> None:
    token = await published(world)
    body = {"reason": "Malware.", "publicReason": "malware"}
    answer = await post(world, f"{RELEASE}/remove", token, **body)
    again = await post(world, f"{RELEASE}/remove", token, **body)
    proposal = answer.json()["proposal"]
    assert (answer.status_code, answer.json()["release"]) == (200, None)
    assert (proposal["act"], proposal["about"]) == ("remove", "acme/greet:1.0.0")
    assert again.json()["proposal"]["id"] == proposal["id"]
    assert await state(world) is State.LIVE
    refused = await post(world, f"{API}/proposals/{proposal['id']}/confirm", token)
    assert refused.status_code == 403
    assert await state(world) is State.LIVE


async def test_an_administrator_confirms_a_proposal(world: World) -> None:
    token = await published(world)
    answer = await post(world, f"{RELEASE}/remove", token, reason="Malware.")
    proposals = world.registry.publishing.proposals
    admin = world.fresh(world.people.admin)
    await proposals.confirm(answer.json()["proposal"]["id"], by=admin)
    assert await state(world) is State.REMOVED
    assert await proposals.all(by=admin) == []
    with raises_refusal("proposal-not-found"):
        await proposals.confirm(answer.json()["proposal"]["id"], by=admin)


async def test_an_administrator_rejects_a_proposal(world: World) -> None:
    token = await published(world)
    answer = await post(world, f"{RELEASE}/remove", token, reason="Malware.")
    proposals = world.registry.publishing.proposals
    admin = world.fresh(world.people.admin)
    await proposals.reject(answer.json()["proposal"]["id"], "A mistake.", by=admin)
    assert await state(world) is State.LIVE
    assert await proposals.all(by=admin) == []


async def test_a_token_only_proposes_to_erase_a_release(world: World) -> None:
    token = await published(world)
    body = {"reason": "Malware.", "publicReason": "malware"}
    answer = await post(world, f"{RELEASE}/erase", token, **body)
    proposal = answer.json()["proposal"]
    assert (answer.status_code, answer.json()["erasure"]) == (200, None)
    assert (proposal["act"], proposal["about"]) == ("erase", "acme/greet:1.0.0")
    refused = await post(world, f"{API}/proposals/{proposal['id']}/confirm", token)
    assert refused.status_code == 403
    assert await state(world) is State.LIVE


async def test_a_person_confirms_that_a_release_is_erased_and_reads_what_is_left(
    world: World,
) -> None:
    token = await published(world)
    proposed = await post(world, f"{RELEASE}/erase", token, reason="Malware.")
    proposal = proposed.json()["proposal"]["id"]
    browser = await signed_in(world, world.people.admin)
    answer = await browser.api("POST", f"/api/v1/moderation/proposals/{proposal}/confirm")
    erasure = answer.json()["erasure"]
    assert (answer.status_code, erasure["release"]["state"]) == (200, "removed")
    assert any(each.startswith("its archive of ") for each in erasure["deleted"])
    assert (erasure["left"], erasure["copiesUntil"]) == ([], None)
    release = (await world.stores.metadata.find(GREET)).release
    assert release
    assert await world.stores.archives.stat(release.archive) is None
    again = await post(world, f"{RELEASE}/erase", token, reason="Malware.")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "erased-already")


async def test_a_removed_release_can_be_erased_as_well(world: World) -> None:
    token = await published(world)
    await world.registry.publishing.moderation.remove(GREET, "Malware.", by=OPERATOR)
    answer = await post(world, f"{RELEASE}/erase", token, reason="Malware.")
    assert answer.json()["proposal"]["act"] == "erase"


async def test_an_administrator_with_a_session_erases_at_once(world: World) -> None:
    await published(world)
    browser = await signed_in(world, world.people.admin)
    path = RELEASE.removeprefix(URL)
    answer = await browser.api("POST", f"{path}/erase", {"reason": "Order 12/26."})
    assert (answer.status_code, answer.json()["proposal"]) == (200, None)
    release = (await world.stores.metadata.find(GREET)).release
    assert release
    assert release.erased


@pytest.mark.parametrize("act", ["hold", "quarantine", "remove"])
async def test_a_decision_without_a_reason_is_refused(world: World, act: str) -> None:
    """Owners and later administrators read why."""
    token = await published(world)
    answer = await post(world, f"{RELEASE}/{act}", token, reason="  ")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "reason-missing")


async def test_many_releases_are_listed_and_quarantined_with_one_reason(world: World) -> None:
    token = await published(world, "1.0.0", "1.1.0")
    await world.push(bala("other/app:1.0.0"), by=world.people.bob)
    wanted = {"account": "ann", "reason": "A stolen laptop."}
    listed = await post(world, f"{API}/quarantine", token, dryRun=True, **wanted)
    assert await state(world) is State.LIVE
    done = await post(world, f"{API}/quarantine", token, **wanted)
    versions = [each["version"] for each in done.json()["releases"]]
    assert sorted(versions) == ["1.0.0", "1.1.0"]
    assert len(listed.json()["releases"]) == 2
    assert await state(world) is State.QUARANTINED
    await world.java().pull("other/app:1.0.0")


async def test_a_selection_of_nothing_is_refused(world: World) -> None:
    token = await published(world)
    answer = await post(world, f"{API}/quarantine", token, reason="All.")
    assert (answer.status_code, "Say which releases" in answer.text) == (400, True)


async def test_a_token_for_one_organization_moderates_that_alone(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/app:1.0.0"), by=world.people.bob)
    token = await scanner(world, org="other")
    refused = await post(world, f"{RELEASE}/hold", token, reason="x")
    assert refused.status_code == 403
    done = await post(world, f"{API}/releases/other/app/1.0.0/hold", token, reason="x")
    assert done.status_code == 200
    refused = await post(world, f"{API}/accounts/ann/lock", token, reason="x")
    assert refused.status_code == 403


async def test_a_token_holds_a_package_and_ends_that(world: World) -> None:
    token = await published(world)
    held = await post(world, f"{API}/packages/acme/greet/hold", token, reason="Case 4711.")
    await world.push_held(bala("acme/greet:1.1.0"))
    ended = await post(world, f"{API}/packages/acme/greet/restore", token)
    assert held.json()["heldBecause"] == "Case 4711."
    assert ended.json()["published"] == ["acme/greet:1.1.0"]


# --- accounts ----------------------------------------------------------------------------------


async def test_a_token_locks_and_unlocks_an_account(world: World) -> None:
    token = await scanner(world)
    locked = await post(world, f"{API}/accounts/ann/lock", token, reason="A leak.")
    assert locked.json() == {"id": world.people.ann.account.id, "name": "ann", "locked": True}
    unlocked = await post(world, f"{API}/accounts/ann/unlock", token)
    assert unlocked.json()["locked"] is False


@pytest.mark.parametrize("act", ["lock", "unlock", "revoke-tokens"])
async def test_a_token_does_nothing_to_an_administrator(world: World, act: str) -> None:
    body = {} if act == "unlock" else {"reason": "x"}
    answer = await post(world, f"{API}/accounts/admin/{act}", await scanner(world), **body)
    assert (answer.status_code, "an administrator" in answer.text) == (403, True)


async def test_a_token_lists_what_an_account_made(world: World) -> None:
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=None)
    owner = OfOrganization(GREET.package.org)
    ann = world.fresh(world.people.ann)
    issued = await world.registry.tokens.access_tokens.issue(owner, wanted, by=ann)
    answer = await world.get(f"{API}/accounts/ann", by=await scanner(world))
    made = [(each["kind"], each["org"], each["name"]) for each in answer.json()["made"]]
    assert made == [("token", "", "test"), ("token", "acme", "ci")]
    assert issued.token.id in [each["id"] for each in answer.json()["made"]]


async def test_a_token_and_an_administrator_read_the_same_of_what_an_account_made(
    world: World,
) -> None:
    ann = world.people.ann
    admin = world.people.admin
    browser = await signed_in(world, ann)
    orgs = "/api/v1/orgs/acme"
    invited = {"role": "member", "email": "sam@example.org"}
    assert (await browser.api("POST", f"{orgs}/invitations", invited)).status_code == 201
    publisher = {
        "package": "greet",
        "provider": "github",
        "ids": {"repository_id": "1", "repository_owner_id": "2"},
        "workflow": "release.yml",
        "refs": ["refs/heads/main"],
    }
    assert (await browser.api("POST", f"{orgs}/publishers", publisher)).status_code == 201
    listed = (await world.get(f"{API}/accounts/ann", by=await scanner(world))).json()["made"]
    own, *made = listed
    assert (own["kind"], own["org"]) == ("token", "")
    kinds = [(each["kind"], each["name"]) for each in made]
    assert kinds == [("publisher", "acme/greet"), ("invitation", "s…@example.org")]
    statement = f"/api/v1/accounts/{ann.account.id}/statement"
    stated = await (await signed_in(world, admin)).api("GET", statement)
    assert stated.json()["made"] == made


async def test_a_token_revokes_the_tokens_of_an_account(world: World) -> None:
    url = f"{API}/accounts/ann/revoke-tokens"
    token = await scanner(world)
    answer = await post(world, url, token, reason="A leak.")
    assert answer.json()["revoked"] == 1


# --- names -------------------------------------------------------------------------------------


async def test_a_token_only_proposes_what_becomes_of_names(world: World) -> None:
    token = await scanner(world)
    body = {"pattern": "evil*", "reason": "Impersonation."}
    reserved = await post(world, f"{API}/names/reserve", token, **body)
    moved = await post(world, f"{API}/names/acme/move", token, to="central", reason="Squatting.")
    assert (reserved.status_code, moved.status_code) == (202, 202)
    proposals = world.registry.publishing.proposals
    admin = world.fresh(world.people.admin)
    names = world.registry.organizations.reserved_names
    assert (await names.all(by=admin)).stored == ()
    await proposals.confirm(reserved.json()["id"], by=admin)
    assert [each.pattern for each, _ in (await names.all(by=admin)).stored] == ["evil*"]
    with raises_refusal("name-not-movable"):
        await proposals.confirm(moved.json()["id"], by=admin)


# --- the scope ---------------------------------------------------------------------------------


async def issue(world: World, person: Person, by: Principal, days: int | None = None) -> int:
    """Issue a token with the scope moderate, and return for how many days it is valid."""
    wanted = TokenRequest.parse("scanner", ["moderate"], org="*", package="*", days=days)
    tokens = world.registry.tokens.access_tokens
    issued = await tokens.issue(person.account.id, wanted, by=by)
    assert issued.token.expires_ms
    return (issued.token.expires_ms - world.clock.at_ms) // DAY_MS


async def test_administrators_issue_tokens_that_moderate_for_ninety_days(world: World) -> None:
    admin = world.people.admin
    assert await issue(world, admin, world.fresh(admin)) <= 90
    assert await issue(world, admin, world.fresh(admin), days=90) == 90
    with pytest.raises(Refusal, match="good for 1 to 90 days, not 91"):
        await issue(world, admin, world.fresh(admin), days=91)
    wanted = TokenRequest.parse("scanner", ["moderate"], org="*", package="*", days=None)
    with pytest.raises(Refusal, match="good for 90 days at most"):
        await world.registry.tokens.access_tokens.issue_unlimited(
            admin.account.id, wanted, by=OPERATOR
        )


async def test_only_an_administrator_who_signed_in_recently_issues_a_moderation_token(
    world: World,
) -> None:
    ann = world.people.ann
    admin = world.people.admin
    with raises_refusal("not-permitted"):
        await issue(world, ann, world.fresh(ann))
    with raises_refusal("not-permitted"):
        await issue(world, ann, OPERATOR)
    answer = await world.send(
        "POST", f"{URL}/api/v1/tokens", by=admin, json={"name": "x", "scopes": ["moderate"]}
    )
    assert answer.status_code == 403
    stale = world.fresh(admin)
    world.clock.advance(timedelta(minutes=11))
    with raises_refusal("sign-in-again"):
        await issue(world, admin, stale)


async def test_an_organization_has_no_token_that_moderates(world: World) -> None:
    wanted = TokenRequest.parse("x", ["moderate"], org="acme", package="*", days=None)
    with raises_refusal("invalid-request"):
        await world.registry.tokens.access_tokens.issue(
            OfOrganization(GREET.package.org), wanted, by=world.fresh(world.people.admin)
        )


async def test_a_token_that_moderates_does_nothing_else(world: World) -> None:
    token = await published(world)
    for path in ("/api/v1/account/events", "/api/v1/tokens", "/api/v1/orgs/acme/members"):
        assert (await world.get(f"{URL}{path}", by=token)).status_code == 403
    answer = await world.upload(multipart("x.bala", bala("acme/greet:1.1.0")), by=token)
    assert answer.status_code == 400
    assert "the token lacks the scopes push-new and push-version" in answer.text


async def test_a_token_of_somebody_who_is_no_administrator_any_more_moderates_nothing(
    world: World,
) -> None:
    token = await published(world)
    second = await world.registry.identity.accounts.create_administrator("eve", by=OPERATOR)
    assert second.administrator
    await world.registry.administration.administrators.dismiss(
        world.people.admin.account, "A test.", by=OPERATOR
    )
    answer = await post(world, f"{RELEASE}/hold", token, reason="x")
    assert answer.status_code == 403


async def test_a_token_that_manages_does_not_moderate(world: World) -> None:
    await published(world)
    answer = await post(world, f"{RELEASE}/hold", world.people.admin, reason="x")
    assert (answer.status_code, "lacks the scope moderate" in answer.text) == (403, True)
