"""With BALLROOM_TWO_ADMINISTRATORS, what an administrator cannot take back waits for a second
one."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.grants import Grant
from shared.domain.memberships import Membership
from shared.domain.name_disputes import DisputeOutcome
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.proposals import Proposal, ProposedAct
from shared.domain.release_states import State
from shared.domain.scopes import Role
from shared.services.maintenance.tasks import require_task
from shared.services.publishing.release_selection import ReleaseSelection
from shared.use_cases import moderation
from shared.use_cases.inputs import Nothing
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, Person, World

pytestmark = pytest.mark.measured

GREET = Coordinate.parse("acme", "greet", "1.0.0")
RELEASE = "/api/v1/moderation/releases/acme/greet/1.0.0"
PROPOSALS = "/api/v1/moderation/proposals"
WHY = {"reason": "The court ordered it."}


async def opened(worlds: OpenWorld, **settings: Any) -> World:
    """Return a registry in which two administrators decide: the admin and Bob."""
    world = await worlds(two_administrators=True, **settings)
    await appoint(world, world.people.bob)
    await world.push(bala("acme/greet:1.0.0"))
    return world


async def appoint(world: World, person: Person) -> None:
    await world.registry.administration.administrators.appoint(person.account, by=OPERATOR)


async def with_mail(world: World, person: Person, email: str) -> None:
    stored = await world.stores.directory.get(Account, person.account.place)
    assert stored
    await world.stores.directory.replace(stored.model_copy(update={"email": email}))


async def state(world: World) -> State:
    found = await world.stores.metadata.find(GREET)
    assert found.release
    return found.release.state


async def asked(browser: Browser, act: str = "remove") -> str:
    """Ask for an act on the release as the API does, and return the id of the proposal."""
    answer = await browser.api("POST", f"{RELEASE}/{act}", WHY)
    assert answer.status_code == 200, answer.text
    return answer.json()["proposal"]["id"]


async def kinds(world: World) -> list[str]:
    events = await world.stores.events.since(0, 1_000)
    return [event.kind for _, event in events if event.kind.startswith("proposal.")]


@pytest.mark.parametrize("act", ["remove", "erase"])
async def test_a_removal_waits_for_a_second_administrator(worlds: OpenWorld, act: str) -> None:
    world = await opened(worlds)
    await with_mail(world, world.people.bob, "bob@example.org")
    admin = await signed_in(world, world.people.admin)
    bob = await signed_in(world, world.people.bob)
    proposal = await asked(admin, act)
    assert await state(world) is State.LIVE
    mail = world.mailer.to("bob@example.org")[-1]
    assert mail.subject.startswith("A second administrator is needed: ")
    assert "acme/greet:1.0.0" in mail.subject
    assert "admin asked for this" in mail.text
    own = await admin.api("POST", f"{PROPOSALS}/{proposal}/confirm")
    assert (own.status_code, own.json()["error"]["code"]) == (403, "second-administrator-needed")
    assert await state(world) is State.LIVE
    confirmed = await bob.api("POST", f"{PROPOSALS}/{proposal}/confirm")
    assert confirmed.status_code == 200, confirmed.text
    assert await state(world) is State.REMOVED
    assert await kinds(world) == ["proposal.made", "proposal.confirmed"]
    assert "a second administrator confirmed it" in world.mailer.to("bob@example.org")[-1].subject


async def test_holding_waits_for_nobody(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    admin = await signed_in(world, world.people.admin)
    for act, after in (("hold", State.HELD), ("quarantine", State.QUARANTINED)):
        assert (await admin.api("POST", f"{RELEASE}/{act}", WHY)).status_code == 200
        assert await state(world) is after


async def test_a_second_administrator_sees_what_will_be_done_and_confirms_it_on_the_page(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    admin = await signed_in(world, world.people.admin)
    bob = await signed_in(world, world.people.bob)
    await admin.open("/manage/releases/acme/greet/1.0.0")
    await admin.submit("/manage/releases/acme/greet/1.0.0/remove", name=str(GREET), **WHY)
    page = admin.page
    assert "Nothing has changed yet" in page.text
    assert "/manage/proposals/withdraw" in page.text
    assert "/manage/proposals/confirm" not in page.text
    overview = await bob.open("/manage")
    assert "Waiting for a second administrator: Remove acme/greet:1.0.0 permanently." in (
        overview.text
    )
    shown = await bob.open("/manage/proposals")
    assert "The court ordered it." in shown.text
    assert "a person with two administrator accounts" in shown.text
    await bob.submit("/manage/proposals/confirm")
    assert await state(world) is State.REMOVED


async def test_an_old_sign_in_confirms_nothing(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    proposal = await asked(await signed_in(world, world.people.admin))
    bob = await signed_in(world, world.people.bob)
    world.clock.advance(timedelta(minutes=11))
    answer = await bob.api("POST", f"{PROPOSALS}/{proposal}/confirm")
    assert (answer.status_code, await state(world)) == (403, State.LIVE)


async def test_the_one_who_asked_withdraws_it_and_another_rejects_it(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    admin = await signed_in(world, world.people.admin)
    bob = await signed_in(world, world.people.bob)
    proposal = await asked(admin)
    others = await bob.api("POST", f"{PROPOSALS}/{proposal}/withdraw")
    assert others.json()["error"]["code"] == "proposal-of-another"
    assert (await admin.api("POST", f"{PROPOSALS}/{proposal}/withdraw")).status_code == 200
    rejected = await asked(admin)
    answer = await bob.api("POST", f"{PROPOSALS}/{rejected}/reject", {"reason": "It is fine."})
    assert answer.status_code == 200
    assert await state(world) is State.LIVE
    assert await kinds(world) == [
        "proposal.made",
        "proposal.withdrawn",
        "proposal.made",
        "proposal.rejected",
    ]


async def test_what_was_asked_before_the_setting_was_left_out_can_be_withdrawn(
    world: World,
) -> None:
    """The one who asked still does not confirm it, so the page offers what is possible."""
    admin = world.people.admin
    waiting = Proposal(
        id="0123456789",
        act=ProposedAct.REMOVE,
        about=str(GREET),
        reason=WHY["reason"],
        by=admin.account.id,
        created_ms=world.clock.now_ms(),
        of_person=True,
    )
    await world.stores.directory.add(waiting)
    page = await signed_in(world, admin, "/manage/proposals")
    assert 'action="/manage/proposals/confirm"' not in page.text
    await page.submit("/manage/proposals/withdraw", id=waiting.id)
    assert "withdrawn" in page.text
    assert await kinds(world) == ["proposal.withdrawn"]


async def test_a_proposal_expires_after_a_day(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    await with_mail(world, world.people.admin, "admin@example.org")
    proposal = await asked(await signed_in(world, world.people.admin))
    world.clock.advance(timedelta(days=1))
    by = world.fresh(world.people.bob)
    with raises_refusal("proposal-not-found"):
        await moderation.confirm.rule(world.registry, proposal, Nothing(), by)
    task = require_task(world.registry.maintenance.tasks, "delete-expired-records")
    await task.run()
    await task.run()
    assert await kinds(world) == ["proposal.made", "proposal.expired"]
    assert "it expired after a day" in world.mailer.to("admin@example.org")[-1].subject


async def test_one_person_with_two_accounts_is_refused_where_the_mail_address_says_so(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    await with_mail(world, world.people.admin, "Kim@example.org")
    await with_mail(world, world.people.bob, "kim@example.org")
    proposal = await asked(await signed_in(world, world.people.admin))
    bob = await signed_in(world, world.people.bob)
    answer = await bob.api("POST", f"{PROPOSALS}/{proposal}/confirm")
    assert "so they count as one person" in answer.json()["error"]["message"]


async def test_nobody_confirms_what_a_dismissed_administrator_asked_for(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    proposal = await asked(await signed_in(world, world.people.admin))
    administrators = world.registry.administration.administrators
    await administrators.dismiss(world.people.admin.account, "They left.", by=OPERATOR)
    bob = await signed_in(world, world.people.bob)
    answer = await bob.api("POST", f"{PROPOSALS}/{proposal}/confirm")
    assert answer.json()["error"]["code"] == "second-administrator-needed"


@pytest.mark.parametrize("when", ["now", "later"])
async def test_the_erasure_of_an_account_waits(worlds: OpenWorld, when: str) -> None:
    world = await opened(worlds)
    mia = world.people.mia.account
    admin = await signed_in(world, world.people.admin)
    await admin.open(f"/manage/accounts/{mia.id}")
    await admin.submit(
        f"/manage/accounts/{mia.id}/erase", name="mia", reason="Request 31", when=when
    )
    page = admin.page
    assert f"Erase the account mia ({mia.id})" in page.text
    erasures = world.registry.administration.account_erasures
    assert await erasures.pending(mia.id) is None
    bob = await signed_in(world, world.people.bob)
    await bob.open("/manage/proposals")
    await bob.submit("/manage/proposals/confirm")
    stored = await world.stores.directory.get(Account, mia.place)
    assert (stored is None) == (when == "now")
    assert (await erasures.pending(mia.id) is not None) == (when == "later")


async def test_who_confirms_the_erasure_of_an_account_by_the_api_gets_the_receipt(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    mia = world.people.mia.account
    admin = await signed_in(world, world.people.admin)
    await admin.open(f"/manage/accounts/{mia.id}")
    fields = {"name": "mia", "reason": "Request 31", "when": "now"}
    await admin.submit(f"/manage/accounts/{mia.id}/erase", **fields)
    bob = await signed_in(world, world.people.bob)
    [proposal] = (await bob.api("GET", PROPOSALS)).json()["proposals"]
    answer = await bob.api("POST", f"{PROPOSALS}/{proposal['id']}/confirm")
    assert answer.status_code == 200, answer.text
    assert answer.json()["erasure"] is None
    receipt = answer.json()["receipt"]
    assert receipt["account"] == mia.id
    assert receipt["deleted"]["account with its name and address"] == 1
    assert receipt["overwritten"] is True
    assert isinstance(receipt["withoutOwner"], list)
    assert receipt["erasedAt"].endswith("Z")
    assert await world.stores.directory.get(Account, mia.place) is None


async def test_a_decision_about_a_name_waits(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    disputes = world.registry.administration.name_disputes
    mia = world.people.mia.account
    opened_dispute = await disputes.open("other", "It is our name.", mia, by=OPERATOR)
    dispute = opened_dispute.dispute.id
    world.clock.advance(timedelta(days=8))
    admin = await signed_in(world, world.people.admin)
    path = f"/api/v1/name-disputes/{dispute}/decision"
    answer = await admin.api("POST", path, {"outcome": "granted", **WHY})
    assert (answer.status_code, answer.json()["act"]) == (202, "decide-dispute")
    assert (await disputes.show(dispute, by=OPERATOR)).is_undecided
    bob = await signed_in(world, world.people.bob)
    await bob.open("/account")
    await bob.api("POST", f"{PROPOSALS}/{answer.json()['id']}/confirm")
    assert not (await disputes.show(dispute, by=OPERATOR)).is_undecided


async def test_a_decision_that_was_asked_for_before_an_appeal_does_not_decide_on_it(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    disputes = world.registry.administration.name_disputes
    mia = world.people.mia
    dispute = (await disputes.open("other", "It is ours.", mia.account, by=OPERATOR)).dispute.id
    world.clock.advance(timedelta(days=8))
    admin = await signed_in(world, world.people.admin)
    path = f"/api/v1/name-disputes/{dispute}/decision"
    earlier = (await admin.api("POST", path, {"outcome": "granted", **WHY})).json()["id"]
    await disputes.decide(dispute, DisputeOutcome.DENIED, "It is not.", by=OPERATOR)
    await disputes.appeal(dispute, "You read nothing.", by=world.fresh(mia))
    bob = await signed_in(world, world.people.bob)
    refused = await bob.api("POST", f"{PROPOSALS}/{earlier}/confirm")
    assert refused.json()["error"]["code"] == "dispute-appealed"
    assert (await disputes.show(dispute, by=OPERATOR)).is_undecided


async def test_an_administrator_makes_no_sign_in_link_of_another_one(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    admin = await signed_in(world, world.people.admin)
    for person, code in ((world.people.bob, 403), (world.people.mia, 200)):
        path = f"/manage/accounts/{person.account.id}"
        await admin.open(path)
        await admin.submit(f"{path}/link")
        page = admin.page
        assert page.status_code == code, page.text
        assert ("A second administrator is needed" in page.text) == (code == 403)
        assert ("ballroom signin-link bob" in page.text) == (code == 403)
    bob = await world.stores.directory.get(Account, world.people.bob.account.place)
    assert bob
    assert await world.registry.identity.sign_in_flow.issue_link(bob, by=OPERATOR)


async def test_an_administrator_who_is_no_owner_erases_no_release_as_one(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("POST", "/api/v1/packages/acme/greet/1.0.0/erase", WHY)
    assert answer.json()["error"]["code"] == "second-administrator-needed"
    ann = await signed_in(world, world.people.ann)
    own = await ann.api("POST", "/api/v1/packages/acme/greet/1.0.0/erase", WHY)
    assert own.status_code == 200


async def test_an_administrator_alone_makes_nobody_an_owner_at_once(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    memberships = world.registry.organizations.memberships
    acme = parse_org("acme")
    admin = world.people.admin
    await memberships.set_member(
        acme, admin.account, Role.OWNER, by=world.fresh(admin), reason=WHY["reason"]
    )
    browser = await signed_in(world, admin)
    answer = await browser.api("POST", "/api/v1/packages/acme/greet/1.0.0/erase", WHY)
    assert answer.json()["error"]["code"] == "second-administrator-needed"
    [waiting] = [
        each
        for each in await world.stores.directory.list_by_owner(Membership, "acme")
        if each.account == admin.account.id
    ]
    assert waiting.role_at(world.clock.now_ms()) is not Role.OWNER
    assert waiting.pending
    assert waiting.pending.role is Role.OWNER
    mia = world.people.mia.account
    await memberships.set_member(acme, mia, Role.OWNER, by=OPERATOR, reason=WHY["reason"])
    stored = await world.stores.directory.list_by_owner(Membership, "acme")
    assert mia.id in {e.account for e in stored if e.role_at(world.clock.now_ms()) is Role.OWNER}


async def test_many_releases_are_not_removed_at_once(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    admin = await signed_in(world, world.people.admin)
    await admin.open("/manage/releases/many?of=acme")
    until = str(world.clock.now_ms())
    fields = {"of": "acme", "act": "remove", "name": "remove 1", "until": until, **WHY}
    await admin.submit("/manage/releases/many", **fields)
    page = admin.page
    assert "Another one confirms each removal" in page.text
    assert await state(world) is State.LIVE


async def test_no_face_can_remove_many_releases_without_a_second_administrator(
    worlds: OpenWorld,
) -> None:
    world = await opened(worlds)
    selections = world.registry.publishing.selections
    selection = ReleaseSelection(org="acme")
    now_ms = world.clock.now_ms()
    admin = Principal(world.people.admin.account.id, "session", (Grant(),), signed_in_ms=now_ms)
    with raises_refusal("second-administrator-needed"):
        await selections.decide(selection, State.REMOVED, "The court ordered it.", by=admin)
    with raises_refusal("second-administrator-needed"):
        await selections.decide_all([GREET], State.REMOVED, "The court ordered it.", by=admin)
    assert await state(world) is State.LIVE
    await selections.decide(selection, State.QUARANTINED, "The court ordered it.", by=admin)
    assert await state(world) is State.QUARANTINED
    await selections.decide(selection, State.REMOVED, "The court ordered it.", by=OPERATOR)
    assert await state(world) is State.REMOVED


async def test_a_command_waits_for_nobody_and_is_mailed_to_all(worlds: OpenWorld) -> None:
    world = await opened(worlds)
    await with_mail(world, world.people.bob, "bob@example.org")
    sent = moderation.TakeDown(reason="The court ordered it.")
    await moderation.remove.rule(world.registry, GREET, sent, OPERATOR)
    assert await state(world) is State.REMOVED
    assert world.mailer.to("bob@example.org")[-1].subject == (
        "Done on the machine of the registry: acme/greet:1.0.0 was removed permanently"
    )


async def test_one_administrator_alone_is_a_problem(worlds: OpenWorld) -> None:
    world = await worlds(two_administrators=True)
    second = world.registry.administration.second_administrator
    [problem] = await second.problems()
    assert "only one can sign in" in problem.sentence
    await appoint(world, world.people.bob)
    assert await second.problems() == []


async def test_without_the_setting_nothing_waits(worlds: OpenWorld) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0"))
    admin = await signed_in(world, world.people.admin)
    answer = await admin.api("POST", f"{RELEASE}/remove", WHY)
    assert (answer.json()["proposal"], await state(world)) == (None, State.REMOVED)
