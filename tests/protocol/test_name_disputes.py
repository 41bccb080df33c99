"""Name disputes: both parties, notice, decision and appeal, by API, page and command."""

from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.to_thread import run_sync

from shared.domain.errors.requests import Busy
from shared.domain.name_disputes import APPEAL_PERIOD, NOTICE_PERIOD, DisputeOutcome
from shared.domain.principals import OPERATOR
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder, Fault, with_fault
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

DISPUTES = f"{URL}/api/v1/name-disputes"
CLAIM = {"name": "acme", "statement": "Acme is our trademark, no. 4711."}


async def send(
    world: World, method: str, path: str = "", by: Person | None = None, **sent: str
) -> httpx.Response:
    url = f"{DISPUTES}{path and '/'}{path}"
    return await world.send(method, url, by=by, json=sent or None)


async def opened(world: World, by: Person | None = None, **claim: str) -> str:
    """Open a dispute as Bob, or as somebody else; return its id."""
    answer = await send(world, "POST", by=by or world.people.bob, **{**CLAIM, **claim})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def shown(world: World, dispute: str, by: Person | None = None) -> dict[str, Any]:
    answer = await send(world, "GET", dispute, by or world.people.bob)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def decide(world: World, dispute: str, outcome: str = "granted", by: Any = None) -> None:
    service = world.registry.administration.name_disputes
    await service.decide(dispute, DisputeOutcome(outcome), "For a reason.", by=by or OPERATOR)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


async def give_addresses(world: World) -> None:
    for name, person in vars(world.people).items():
        known = person.account.model_copy(update={"email": f"{name}@example.org"})
        await world.stores.directory.replace(known)


async def test_a_dispute_has_both_parties_evidence_a_notice_a_decision_and_an_appeal(
    world: World,
) -> None:
    bob = world.people.bob
    ann = world.people.ann
    dispute = await opened(world)
    answered = await send(world, "POST", f"{dispute}/statements", ann, text="We had it first.\nSo?")
    assert answered.status_code == 200
    world.clock.step(NOTICE_PERIOD)
    assert (await shown(world, dispute))["state"] == "open"
    await decide(world, dispute)
    assert (await shown(world, dispute))["state"] == "decided"
    appealed = await send(world, "POST", f"{dispute}/appeal", ann, reason="It is older.")
    assert appealed.status_code == 200
    await decide(world, dispute, "denied")
    found = await shown(world, dispute, ann)
    assert found["state"] == "final"
    assert [each["by"] for each in found["statements"]] == ["bob", "ann"]
    assert (found["name"], found["claimant"]) == ("acme", "bob")
    assert (found["decision"]["outcome"], found["decision"]["by"]) == ("granted", "The operator")
    assert (found["appeal"]["by"], found["appeal"]["reason"]) == ("ann", "It is older.")
    assert found["decisionOnAppeal"]["outcome"] == "denied"
    listed = (await send(world, "GET", by=bob)).json()["disputes"]
    assert [(each["id"], each["state"]) for each in listed] == [(dispute, "final")]


async def test_nothing_is_decided_before_the_notice_ends(world: World) -> None:
    dispute = await opened(world)
    world.clock.step(NOTICE_PERIOD - timedelta(seconds=1))
    admin = world.people.admin
    answer = await send(
        world, "POST", f"{dispute}/decision", admin, outcome="granted", reason="So."
    )
    assert answer.status_code == 403, "a token is not enough"
    with pytest.raises(Exception, match="can state their case on acme until"):
        await decide(world, dispute, by=world.fresh(admin))


async def test_a_dispute_exists_for_its_parties_and_administrators_alone(world: World) -> None:
    people = world.people
    dispute = await opened(world)
    for person in (people.bob, people.ann, people.admin):
        await shown(world, dispute, person)
    hidden = await send(world, "GET", dispute, people.mia)
    missing = await send(world, "GET", "acme-0000000000", people.mia)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text.replace("acme-0000000000", dispute)
    assert (await send(world, "GET", dispute)).status_code == 401
    assert (await send(world, "GET", by=people.mia)).json()["disputes"] == []
    assert (await send(world, "GET", "?all=true", people.mia)).status_code == 403
    page = await signed_in(world, people.mia, f"/account/disputes/{dispute}")
    assert page.page.status_code == 404


async def test_an_outsider_learns_nothing_by_the_calls_of_the_stores(worlds: OpenWorld) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap)
    dispute = await opened(world)
    await send(world, "GET", "acme-0000000000", world.people.mia)
    asked = list[tuple[str, ...]]()
    for each in (dispute, "acme-0000000000", "nothing"):
        port_calls.taken()
        answer = await send(world, "GET", each, world.people.mia)
        assert answer.status_code == 404
        asked.append(tuple(port_calls.taken()))
    assert len(set(asked)) == 1


async def test_the_other_party_learns_no_address_by_the_log(world: World) -> None:
    dispute = await opened(world)
    await send(world, "POST", f"{dispute}/statements", world.people.ann, text="No.")
    for path, by in (("orgs/acme/audit", world.people.ann), ("account/events", world.people.bob)):
        log = (await world.get(f"{URL}/api/v1/{path}", by=by)).json()["events"]
        found = [each for each in log if each["kind"].startswith("dispute.")]
        assert [each["kind"] for each in found] == ["dispute.stated", "dispute.opened"]
        assert {(each["address"], each["credential"]) for each in found} == {("", "")}


async def test_both_parties_and_administrators_get_mail(world: World) -> None:
    await give_addresses(world)
    dispute = await opened(world)
    await send(world, "POST", f"{dispute}/statements", world.people.ann, text="No.")
    world.clock.step(NOTICE_PERIOD)
    await decide(world, dispute)
    await send(world, "POST", f"{dispute}/appeal", world.people.ann, reason="Older.")
    await send(world, "POST", f"{dispute}/withdrawal", world.people.bob)
    subjects = {each.subject for each in world.mailer.sent}
    assert {each.to for each in world.mailer.sent} == {
        "admin@example.org",
        "ann@example.org",
        "bob@example.org",
    }
    assert subjects == {
        "acme: bob claims the name",
        "acme: a statement in the name dispute",
        "acme: the name dispute was decided",
        "acme: an appeal in the name dispute",
        "acme: the claim to the name was withdrawn",
    }
    assert all(f"{URL}/account/disputes/{dispute}" in each.text for each in world.mailer.sent)


@pytest.mark.parametrize("nth", range(1, 4))
async def test_a_repeat_sends_the_mail_that_an_outage_kept_back(
    worlds: OpenWorld, nth: int
) -> None:
    async def repeated(*request: Any, **sent: str) -> None:
        """Send a request during which a list of members cannot be read, and twice again."""
        await with_fault(fault, nth, partial(send, world, *request, **sent))
        for _ in range(2):
            answer = await send(world, *request, **sent)
            assert answer.status_code < 300, answer.text

    fault = Fault("list_by_owner", Busy(), nth=0)
    world = await worlds(wrap=fault.at("directory"))
    await give_addresses(world)
    await repeated("POST", "", world.people.bob, **CLAIM)
    dispute = await opened(world)
    await repeated("POST", f"{dispute}/statements", world.people.ann, text="No.")
    world.clock.step(NOTICE_PERIOD)
    await with_fault(fault, nth, partial(decide, world, dispute))
    await decide(world, dispute)
    await repeated("POST", f"{dispute}/appeal", world.people.ann, reason="Older.")
    await repeated("POST", f"{dispute}/withdrawal", world.people.bob)
    assert [each.subject for each in world.mailer.to("ann@example.org")] == [
        "acme: bob claims the name",
        "acme: a statement in the name dispute",
        "acme: the name dispute was decided",
        "acme: an appeal in the name dispute",
        "acme: the claim to the name was withdrawn",
    ]


async def test_opening_a_dispute_again_returns_the_one_that_is_open(world: World) -> None:
    first = await opened(world)
    assert await opened(world, name="Acme") == first
    await send(world, "POST", f"{first}/withdrawal", world.people.bob)
    assert await opened(world) != first


@pytest.mark.parametrize(
    ("claim", "status", "refusal"),
    [
        ({"name": "nobody"}, 404, "organization-not-found"),
        ({"name": "acme/nothing"}, 404, "package-not-found"),
        ({"name": "other"}, 409, "dispute-own-name"),
        ({"name": "a b"}, 400, "invalid-name"),
        ({"statement": "  "}, 400, "invalid-request"),
        ({"claimant": "mia"}, 403, "not-permitted"),
        ({"claimant": "zoe"}, 404, "account-not-found"),
    ],
)
async def test_a_claim_that_makes_no_sense_is_refused(
    world: World, claim: dict[str, str], status: int, refusal: str
) -> None:
    answer = await send(world, "POST", by=world.people.bob, **{**CLAIM, **claim})
    assert (answer.status_code, code(answer)) == (status, refusal)


async def test_the_name_of_a_package_that_the_claimant_may_not_see_is_like_a_missing_one(
    world: World,
) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    hidden = await send(world, "POST", by=world.people.bob, **{**CLAIM, "name": "acme/secret"})
    missing = await send(world, "POST", by=world.people.bob, **{**CLAIM, "name": "acme/nowhere"})
    assert hidden.text.replace("secret", "nowhere") == missing.text
    await world.push(bala("acme/greet:1.0.0"))
    assert (await shown(world, await opened(world, name="acme/greet")))["name"] == "acme/greet"


async def test_a_claimant_has_five_disputes_that_are_open_or_of_the_last_week(world: World) -> None:
    for number in range(6):
        await world.push(bala(f"acme/p{number}:1.0.0"))
    for number in range(5):
        await opened(world, name=f"acme/p{number}")
    [latest, *_] = (await send(world, "GET", by=world.people.bob)).json()["disputes"]
    await send(world, "POST", f"{latest['id']}/withdrawal", world.people.bob)
    answer = await send(world, "POST", by=world.people.bob, **{**CLAIM, "name": "acme/p5"})
    assert (answer.status_code, code(answer)) == (409, "disputes-full")
    world.clock.step(NOTICE_PERIOD)
    await opened(world, name="acme/p5")


async def test_an_appeal_has_its_time(world: World) -> None:
    dispute = await opened(world)
    early = await send(world, "POST", f"{dispute}/appeal", world.people.ann, reason="No.")
    assert code(early) == "not-appealable"
    world.clock.step(NOTICE_PERIOD)
    await decide(world, dispute)
    world.clock.step(APPEAL_PERIOD)
    late = await send(world, "POST", f"{dispute}/appeal", world.people.ann, reason="No.")
    assert code(late) == "not-appealable"
    assert (await shown(world, dispute))["state"] == "final"
    said = await send(world, "POST", f"{dispute}/statements", world.people.ann, text="No.")
    assert code(said) == "dispute-closed"


async def test_an_appeal_is_decided_by_another_administrator(world: World) -> None:
    dispute = await opened(world)
    world.clock.step(NOTICE_PERIOD)
    await decide(world, dispute, by=world.fresh(world.people.admin))
    await send(world, "POST", f"{dispute}/appeal", world.people.bob, reason="No.")
    other = await world.registry.identity.accounts.create_administrator("root2", by=OPERATOR)
    with pytest.raises(Exception, match="another administrator decides"):
        await decide(world, dispute, "denied", by=world.fresh(world.people.admin))
    await decide(world, dispute, "denied", by=world.fresh(Person(other, "")))
    assert (await shown(world, dispute))["decisionOnAppeal"]["by"] == "root2"


async def test_a_dispute_is_opened_answered_and_decided_on_pages(world: World) -> None:
    bob = await signed_in(world, world.people.bob, "/account/disputes")
    await bob.submit("/account/disputes", **CLAIM)
    assert "Dispute opened." in bob.text
    [dispute] = (await send(world, "GET", by=world.people.bob)).json()["disputes"]
    path = f"/account/disputes/{dispute['id']}"
    ann = await signed_in(world, world.people.ann, path)
    assert CLAIM["statement"] in ann.text
    await ann.submit(f"{path}/statements", statement="We had it first.")
    assert "Statement added." in ann.text
    world.clock.step(NOTICE_PERIOD)
    manage = f"/manage/names/disputes/{dispute['id']}"
    admin = await signed_in(world, world.people.admin, "/manage/names/disputes")
    assert manage in admin.text
    await admin.open(manage)
    await admin.submit(f"{manage}/decision", outcome="granted", reason="It is registered.")
    assert "Dispute decided." in admin.text
    assert "Carry the decision out" in admin.text
    ann = await signed_in(world, world.people.ann, path)  # Her session ended meanwhile.
    await ann.submit(f"{path}/appeal", reason="It is older.")
    assert "Appeal sent." in ann.text
    bob = await signed_in(world, world.people.bob, path)
    await bob.submit(f"{path}/withdraw")
    assert "Claim withdrawn." in bob.text


async def test_an_administrator_opens_a_dispute_for_who_wrote_a_letter(world: World) -> None:
    admin = await signed_in(world, world.people.admin, "/manage/names/disputes")
    await admin.submit("/manage/names/disputes", claimant="nobody", **CLAIM)
    assert "account not found" in admin.text
    await admin.submit("/manage/names/disputes", claimant="bob", **CLAIM)
    assert "Dispute opened." in admin.text
    assert "Notice period" in admin.text


@one_machine("its commands find a data folder")
async def test_the_operator_opens_lists_and_shows_a_dispute(world: World) -> None:
    terminal = Terminal(world.registry.settings.data)
    run = partial(terminal.run, BALLROOM_URL=URL)
    statement = ("--statement", "Acme is our trademark.")
    await run_sync(partial(run, "dispute", "open", "acme", "--claimant", "bob", *statement))
    assert "notice" in await run_sync(partial(run, "dispute", "list"))
    await run_sync(partial(run, "dispute", "state", "acme", "A letter came."))
    found = await run_sync(partial(run, "dispute", "show", "acme"))
    assert "Acme is our trademark." in found
    assert "A letter came." in found
    failing = partial(terminal.fail, "dispute", "decide", "acme", BALLROOM_URL=URL)
    options = ("--outcome", "granted", "--reason", "So.")
    assert "Decide after that." in await run_sync(partial(failing, *options))
    unnamed = partial(terminal.fail, "dispute", "open", "acme", *statement, BALLROOM_URL=URL)
    assert "Name the claimant" in await run_sync(unnamed)
