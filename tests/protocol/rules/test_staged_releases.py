"""Staged releases: every push is held until people approve it."""

from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.identity import NotPermitted
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.scopes import Role
from tests.protocol.rules.rule_world import (
    events_of,
    findings,
    refusal_of_push,
    set_registry_rules,
    set_rules,
)
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.documented_packages import documented_bala
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

GREET = "acme/greet:1.0.0"
STAGED_PAGE = "/account/organizations/acme/staged"
STAGED = "/api/v1/packages/acme/greet/1.0.0"


async def make_maintainer(world: World, person: Person) -> None:
    memberships = world.registry.organizations.memberships
    await memberships.set_member(
        parse_org("acme"), person.account, Role.MAINTAINER, by=OPERATOR, reason="Decided."
    )


async def stage(world: World, archive: bytes = b"", **rules: object) -> str:
    """Push a release that is held; return what the client prints."""
    await set_rules(world, staged=True, **rules)
    said = await refusal_of_push(world, archive or bala(GREET))
    assert "is stored and held: " in said
    return said


async def is_served(world: World) -> bool:
    return (await world.get("/packages/acme/greet/1.0.0")).status_code == 200


async def test_a_push_is_held_and_says_who_approves_it_where(world: World) -> None:
    said = await stage(world)
    assert "The rules of acme hold every release until an owner or a maintainer approves" in said
    assert f"{URL}{STAGED_PAGE}" in said
    assert not await is_served(world)
    again = await refusal_of_push(world, bala(GREET))
    assert "is stored and held: " in again


async def test_nobody_outside_finds_it_anywhere(world: World) -> None:
    await stage(world)
    paths = (
        "/packages/acme/greet",
        "/packages/acme/greet/*",
        f"{URL}/index/acme/greet/index.json",
        f"{URL}/packages/acme/greet/1.0.0",
        f"{URL}/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala",
    )
    for path in paths:
        assert (await world.get(path)).status_code == 404, path
    assert "greet" not in (await world.get("/packages/?q=greet")).text
    assert (await world.get(f"{URL}/api/v1/orgs/acme/staged-releases")).status_code == 401


async def test_members_list_and_review_it_and_others_do_not(world: World) -> None:
    await stage(world)
    people = world.people
    listed = await world.get(f"{URL}/api/v1/orgs/acme/staged-releases", by=people.mia)
    [staged] = listed.json()["releases"]
    assert (staged["release"], staged["approvalsNeeded"]) == (GREET, 1)
    assert staged["publishedBy"] == "ann"
    for path in ("/api/v1/orgs/acme/staged-releases", f"{STAGED}/review"):
        assert (await world.get(f"{URL}{path}", by=people.bob)).status_code == 404
    mia = await signed_in(world, people.mia, STAGED_PAGE)
    assert "greet" in mia.text
    await mia.open(f"{STAGED_PAGE}/greet/1.0.0")
    assert "First version of this package" in mia.text
    assert "Approve" not in mia.text.replace("Approvals", "").replace("An approval", "")


async def test_a_member_downloads_it_by_a_link_that_ends(world: World) -> None:
    archive = bala(GREET)
    await stage(world, archive)
    mia = await signed_in(world, world.people.mia, f"{STAGED_PAGE}/greet/1.0.0")
    await mia.submit(f"{STAGED_PAGE}/greet/1.0.0/link")
    link = mia.text.partition('<a href="')[2]
    while not link.startswith(f"{URL}/archives/review/"):
        link = link.partition('<a href="')[2]
    link = link.partition('"')[0]
    answer = await world.get(link)
    assert (answer.status_code, answer.content) == (200, archive)
    assert (await world.get(link.replace("signature=", "signature=A"))).status_code == 404
    assert (await world.get(link.replace("/review/", "/private/"))).status_code == 404
    world.clock.advance(timedelta(minutes=10))
    assert (await world.get(link)).status_code == 404
    review = await world.get(f"{URL}{STAGED}/review", by=world.people.mia)
    again = review.json()["archive"]
    assert (await world.get(again)).status_code == 200
    await (await signed_in(world, world.people.ann)).api("POST", f"{STAGED}/review/approve", {})
    assert (await world.get(again)).status_code == 404


async def test_one_that_was_quarantined_while_it_waited_can_be_approved_afterwards(
    world: World,
) -> None:
    await stage(world)
    moderation = world.registry.publishing.moderation
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    await moderation.quarantine(coordinate, "A case.", by=OPERATOR)
    await moderation.restore(coordinate, by=OPERATOR)
    changes = (await world.get(f"{URL}/index/changes")).json()["changes"]
    assert [each["kind"] for each in changes if each["name"] == "greet"] == []
    await (await signed_in(world, world.people.ann)).api("POST", f"{STAGED}/review/approve", {})
    assert await is_served(world)
    await moderation.remove(coordinate, "A case.", by=OPERATOR)
    changes = (await world.get(f"{URL}/index/changes")).json()["changes"]
    assert [each["kind"] for each in changes] == ["published", "withdrawn"]
    history = await world.get(f"{URL}/api/v1/packages/acme/greet/history")
    assert history.status_code == 200


async def test_an_owner_approves_it_on_its_page(world: World) -> None:
    await stage(world)
    page = f"{STAGED_PAGE}/greet/1.0.0"
    ann = await signed_in(world, world.people.ann, page)
    await ann.submit(f"{page}/approve")
    assert ann.text.count("Release approved and published.") == 1
    assert await is_served(world)
    [event] = await events_of(world, "release.confirmed")
    assert event.actor == world.people.ann.account.id
    assert "Nothing waits for a review" in ann.text


async def test_the_page_of_a_release_that_was_decided_meanwhile_is_the_list(world: World) -> None:
    await make_maintainer(world, world.people.mia)
    await stage(world, approvals=2)
    page = f"{STAGED_PAGE}/greet/1.0.0"
    ann = await signed_in(world, world.people.ann, page)
    await ann.submit(f"{page}/approve")
    assert ann.text.count("It is published once it has all its approvals.") == 1
    await ann.open(page)
    assert "You approved it. It waits for others." in ann.text
    assert f'action="{page}/approve"' not in ann.text
    mia = await signed_in(world, world.people.mia, page)
    await mia.submit(f"{page}/approve")
    assert "Release approved and published." in mia.text
    for answer, status in (
        (await ann.submit(f"{page}/refuse", reason="Too late."), 409),
        (await ann.open(page), 404),  # The browser goes back.
    ):
        assert answer.status_code == status
        assert f"{GREET} does not wait for a review." in answer.text
        assert "Nothing waits for a review" in answer.text


async def test_two_approvals_are_of_two_people(world: World) -> None:
    await make_maintainer(world, world.people.mia)
    said = await stage(world, approvals=2)
    assert "two owners or maintainers approve it" in said
    ann = await signed_in(world, world.people.ann)
    for _ in range(2):
        answer = await ann.api("POST", f"{STAGED}/review/approve", {})
        assert (answer.status_code, answer.json()["state"]) == (200, "held")
        assert len(answer.json()["approvedBy"]) == 1
    assert not await is_served(world)
    await set_rules(world, approvals=1, staged=False)  # What waits needs what it was pushed with.
    await ann.api("POST", f"{STAGED}/review/approve", {})
    assert not await is_served(world)
    mia = await signed_in(world, world.people.mia)
    answer = await mia.api("POST", f"{STAGED}/review/approve", {})
    assert answer.json()["state"] == "live"
    assert await is_served(world)
    assert [each.actor for each in await events_of(world, "release.approved")] == [
        world.people.ann.account.id
    ]


@pytest.mark.parametrize("how", ["removed", "demoted", "locked"])
async def test_an_approval_ends_with_the_role_or_the_account_that_gave_it(
    world: World, how: str
) -> None:
    mia = world.people.mia
    await make_maintainer(world, mia)
    await stage(world, approvals=2)
    await (await signed_in(world, mia)).api("POST", f"{STAGED}/review/approve", {})
    members = world.registry.organizations.memberships
    acme = parse_org("acme")
    if how == "removed":
        await members.remove_member(acme, mia.account, by=OPERATOR, reason="She left.")
    elif how == "demoted":
        await members.set_member(acme, mia.account, Role.MEMBER, by=OPERATOR, reason="Decided.")
    else:
        accounts = world.registry.administration.accounts
        await accounts.lock(mia.account, "Somebody else has her session.", by=OPERATOR)
    ann = await signed_in(world, world.people.ann)
    answer = await ann.api("POST", f"{STAGED}/review/approve", {})
    assert (answer.json()["state"], answer.json()["approvedBy"]) == (
        "held",
        [world.people.ann.account.id],
    )
    assert not await is_served(world)


async def test_no_token_approves_and_no_member_and_no_operator(world: World) -> None:
    await stage(world)
    people = world.people
    by_token = await world.send("POST", f"{URL}{STAGED}/review/approve", by=people.ann, json={})
    assert by_token.status_code == 403
    for person, status in ((people.mia, 403), (people.bob, 404)):
        answer = await (await signed_in(world, person)).api("POST", f"{STAGED}/review/approve", {})
        assert answer.status_code == status
    staged = world.registry.publishing.staged_releases
    with pytest.raises(NotPermitted, match="the operator approves nothing"):
        await staged.approve(Coordinate.parse("acme", "greet", "1.0.0"), by=OPERATOR)
    assert not await is_served(world)


async def test_an_administrator_does_not_publish_it_by_restoring_it(world: World) -> None:
    await stage(world)
    moderation = world.registry.publishing.moderation
    at = Coordinate.parse("acme", "greet", "1.0.0")
    admin = await signed_in(world, world.people.admin)
    path = "/api/v1/moderation/releases/acme/greet/1.0.0"
    answer = await admin.api("POST", f"{path}/restore", {})
    assert answer.status_code == 409
    assert "waits for a review" in answer.text
    await moderation.quarantine(at, "It looks odd.", by=OPERATOR)
    restored = await moderation.restore(at, by=OPERATOR)
    assert restored.is_held_for_review
    assert not await is_served(world)


async def test_a_refused_release_is_never_published(world: World) -> None:
    await stage(world)
    page = f"{STAGED_PAGE}/greet/1.0.0"
    ann = await signed_in(world, world.people.ann, page)
    await ann.submit(f"{page}/refuse", reason="")
    assert "Enter a reason" in ann.text
    assert (await ann.submit(f"{page}/refuse", reason="x" * 501)).status_code == 400
    await ann.submit(f"{page}/refuse", reason="Nobody of us pushed it.")
    assert "Release refused." in ann.text
    stored = await world.stores.metadata.find(Coordinate.parse("acme", "greet", "1.0.0"))
    assert stored.release
    assert (stored.release.state, stored.release.refused) == (State.REMOVED, True)
    answer = await (await signed_in(world, world.people.ann)).api(
        "POST", f"{STAGED}/review/approve", {}
    )
    assert answer.status_code == 409
    assert not await is_served(world)


async def test_the_review_compares_files_and_the_api(world: World) -> None:
    await world.push(documented_bala("acme/greet:1.0.0"))
    await world.document()
    await set_rules(world, staged=True)
    await refusal_of_push(world, documented_bala("acme/greet:1.1.0"))
    await world.document()
    review = await world.get(f"{URL}/api/v1/packages/acme/greet/1.1.0/review", by=world.people.mia)
    assert review.status_code == 200, review.text
    shown = review.json()
    assert shown["comparedWith"] == "1.0.0"
    assert shown["apiProblem"] == ""
    assert "package.json" in [each["path"] for each in shown["files"]]
    ann = await signed_in(world, world.people.ann, f"{STAGED_PAGE}/greet/1.1.0")
    assert "package.json" in ann.text


async def test_owners_and_maintainers_are_told_once_by_mail(world: World) -> None:
    for person in (world.people.ann, world.people.mia):
        email = f"{person.account.name}@example.org"
        account = person.account.model_copy(update={"email": email})
        await world.stores.directory.replace(account)
    await make_maintainer(world, world.people.mia)
    await stage(world)
    await refusal_of_push(world, bala("acme/other:1.0.0"))
    for name in ("ann", "mia"):
        [mail] = [each for each in world.mailer.to(f"{name}@example.org") if "wait" in each.subject]
        assert mail.subject == f"{GREET} waits for a review"
        assert f"{URL}{STAGED_PAGE}\n" in mail.text


async def test_a_locked_maintainer_hears_of_no_release_that_waits(world: World) -> None:
    mia = world.people.mia
    account = mia.account.model_copy(update={"email": "mia@example.org"})
    await world.stores.directory.replace(account)
    await make_maintainer(world, mia)
    await world.registry.administration.accounts.lock(account, "They left.", by=OPERATOR)
    await stage(world)
    mails = world.mailer.to("mia@example.org")
    assert [each.subject for each in mails if "wait" in each.subject] == []


async def test_the_publisher_is_told_the_decision_once(world: World) -> None:
    """A member who published, and is told by an owner; an owner who decides alone is not."""
    people = world.people
    for person in (people.ann, people.mia):
        email = f"{person.account.name}@example.org"
        account = person.account.model_copy(update={"email": email})
        await world.stores.directory.replace(account)
    await make_maintainer(world, people.mia)
    await set_rules(world, staged=True)
    for archive in (bala(GREET), bala("acme/second:1.0.0")):
        await refusal_of_push(world, archive, by=people.mia)
    ann = await signed_in(world, people.ann)
    refusal = {"reason": "It lacks a readme."}
    refused = "/api/v1/packages/acme/second/1.0.0/review/refuse"
    for _ in range(2):
        assert (await ann.api("POST", f"{STAGED}/review/approve", {})).status_code == 200
        assert (await ann.api("POST", refused, refusal)).status_code == 200
    decisions = ("is approved", "is refused")
    told = {
        each.subject: each.text
        for each in world.mailer.to("mia@example.org")
        if each.subject.endswith(decisions)
    }
    assert list(told) == [f"{GREET} is approved", "acme/second:1.0.0 is refused"]
    assert "is approved. It is published.\n" in told[f"{GREET} is approved"]
    assert "It lacks a readme." in told["acme/second:1.0.0 is refused"]
    assert not [e for e in world.mailer.to("ann@example.org") if e.subject.endswith(decisions)]


async def test_the_registry_holds_every_release_too(world: World) -> None:
    await set_registry_rules(world, staged=True)
    said = await refusal_of_push(world, bala(GREET))
    assert "The rules of the registry hold every release" in said


async def test_a_dry_run_says_that_a_push_is_held(world: World) -> None:
    await set_rules(world, staged=True)
    found = (await findings(world, bala(GREET)))["staged-release"]
    assert found["severity"] == "warning"
    assert "The rules of acme hold every release" in found["message"]
    await world.push(bala("other/tool:1.0.0"), by=world.people.bob)
