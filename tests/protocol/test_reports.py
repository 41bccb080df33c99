"""Reports about releases: reporters, owners and administrators, by API, page and command."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any, get_args

import httpx
import pytest
from anyio.to_thread import run_sync

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Unavailable
from shared.domain.mail import Mail
from shared.domain.principals import OPERATOR
from shared.domain.reports import (
    REPORT_REASONS,
    REPORTS_KEPT_FOR,
    Report,
    ReportState,
    report_id,
    report_owner,
)
from shared.services.publishing.report_mail import REPORTED_MAILS_AN_HOUR
from shared.services.publishing.reports import Verdict
from shared.use_cases.reports import NewReport
from tests.fakes.mail import FakeMailer
from tests.fakes.system import FakeClock
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder, PortOutage
from tests.support.reporters import GREET, SAW, is_pulled, new_reporters, publish, report, reporter
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

PACKAGES = f"{URL}/api/v1/packages"
QUEUE = f"{URL}/api/v1/moderation/reports"
OF_GREET = f"{PACKAGES}/acme/greet/1.0.0/reports"
SAID = {"why": "malware", "text": SAW}


async def send(world: World, by: Person | None, url: str = OF_GREET, **sent: Any) -> httpx.Response:
    return await world.send("POST", url, by=by, json={**SAID, **sent})


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


async def decide(
    world: World,
    state: str,
    at: Coordinate = GREET,
    *,
    reason: str = "We looked at it.",
    ids: tuple[str, ...] = (),
) -> None:
    verdict = Verdict(ReportState(state), reason, ids=ids)
    await world.registry.publishing.reports.decide(at, verdict, by=OPERATOR)


async def own(world: World, by: Person) -> list[dict[str, Any]]:
    answer = await world.get(f"{URL}/api/v1/reports", by=by)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["reports"])


async def give_address(world: World, person: Person, email: str) -> None:
    known = person.account.model_copy(update={"email": email})
    await world.stores.directory.replace(known)


async def test_a_report_is_made_decided_and_its_reporter_sees_what_became_of_it(
    world: World,
) -> None:
    await publish(world)
    made = await send(world, world.people.bob)
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "waiting"
    [listed] = (await world.get(QUEUE, by=world.people.admin)).json()["releases"]
    assert (listed["release"], listed["why"], listed["waiting"]) == (
        "acme/greet:1.0.0",
        "malware",
        1,
    )
    shown = (await world.get(f"{QUEUE}/acme/greet/1.0.0", by=world.people.admin)).json()
    [seen] = shown["reports"]
    assert (seen["reporter"], seen["text"]) == ("bob", SAW)
    assert await is_pulled(world)
    await decide(world, "confirmed", reason="It sends the environment to a server.")
    assert not await is_pulled(world)
    [mine] = await own(world, world.people.bob)
    assert (mine["state"], mine["note"]) == ("confirmed", ""), "the reason is for the owners"
    assert (await world.get(QUEUE, by=world.people.admin)).json() == {"releases": [], "count": 0}


@pytest.mark.parametrize("outcome", ["dismissed", "false"])
async def test_a_release_with_reports_that_are_not_confirmed_stays(
    world: World, outcome: str
) -> None:
    await publish(world)
    await send(world, world.people.bob)
    await decide(world, outcome)
    assert await is_pulled(world)
    [mine] = await own(world, world.people.bob)
    assert (mine["state"], mine["note"]) == (outcome, "We looked at it.")


async def test_an_administrator_decides_by_the_api_after_signing_in(world: World) -> None:
    await publish(world)
    await send(world, world.people.bob)
    url = f"{QUEUE}/acme/greet/1.0.0/decision"
    verdict = {"outcome": "confirmed", "reason": "It does."}
    refused = await world.send("POST", url, by=world.people.admin, json=verdict)
    assert refused.status_code == 403, "a token is not enough"
    stranger = await world.send("POST", url, by=world.people.bob, json=verdict)
    assert stranger.status_code == 403
    for path in ("", "/acme/greet/1.0.0"):
        assert (await world.get(QUEUE + path, by=world.people.ann)).status_code == 403
        assert (await world.get(QUEUE + path)).status_code == 401


async def test_an_account_reports_a_release_once(world: World) -> None:
    await publish(world)
    first = await send(world, world.people.bob)
    again = await send(world, world.people.bob)
    assert again.json() == first.json()
    other = await send(world, world.people.bob, text="It is worse.")
    assert (other.status_code, code(other)) == (409, "reported-already")
    assert len(await own(world, world.people.bob)) == 1
    await world.push(bala("acme/greet:1.1.0"))
    next_ = await send(world, world.people.bob, f"{PACKAGES}/acme/greet/1.1.0/reports")
    assert next_.status_code == 201


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({"why": "policy"}, "invalid-request"),
        ({"why": ""}, "invalid-request"),
        ({"text": "  "}, "report-text-missing"),
        ({"text": "x" * 501}, "invalid-request"),
        ({"text": "It is\N{RIGHT-TO-LEFT OVERRIDE} evil."}, "invalid-request"),
        ({"text": "It is\N{ZERO WIDTH SPACE} evil."}, "invalid-request"),
        ({"reporter": "ann"}, "invalid-request"),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused(
    world: World, sent: dict[str, str], refusal: str
) -> None:
    await publish(world)
    answer = await send(world, world.people.bob, **sent)
    assert (answer.status_code, code(answer)) == (400, refusal)
    assert await own(world, world.people.bob) == []


def test_the_reasons_of_the_inputs_are_those_of_reports() -> None:
    named = get_args(NewReport.model_fields["why"].annotation)
    assert list(named) == [each.value for each in REPORT_REASONS]


async def test_somebody_signed_in_alone_reports(world: World) -> None:
    await publish(world)
    assert (await send(world, None)).status_code == 401


async def test_a_package_that_somebody_may_not_see_is_refused_like_a_missing_one(
    worlds: OpenWorld,
) -> None:
    port_calls = CallRecorder()
    world = await worlds(wrap=port_calls.wrap)
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await send(world, world.people.bob, f"{PACKAGES}/acme/warm/1.0.0/reports")
    answers = list[str]()
    asked = list[tuple[str, ...]]()
    for name in ("secret", "absent"):
        port_calls.taken()
        answer = await send(world, world.people.bob, f"{PACKAGES}/acme/{name}/1.0.0/reports")
        assert answer.status_code == 404
        asked.append(tuple(port_calls.taken()))
        answers.append(answer.text.replace(name, "NAME"))
    assert len(set(answers)) == 1
    assert len(set(asked)) == 1
    member = await send(world, world.people.mia, f"{PACKAGES}/acme/secret/1.0.0/reports")
    assert member.status_code == 201


async def test_a_withdrawn_release_and_a_missing_version_are_not_reported(world: World) -> None:
    await publish(world)
    missing = await send(world, world.people.bob, f"{PACKAGES}/acme/greet/9.0.0/reports")
    assert (missing.status_code, code(missing)) == (404, "release-not-found")
    await world.registry.publishing.moderation.quarantine(GREET, "It is bad.", by=OPERATOR)
    gone = await send(world, world.people.bob)
    assert (gone.status_code, code(gone)) == (404, "release-withdrawn")


async def test_owners_see_what_was_reported_and_never_by_whom(world: World) -> None:
    await publish(world, "greet", "hello")
    await send(world, world.people.bob)
    bob = world.people.bob.account
    answer = await world.get(f"{URL}/api/v1/orgs/acme/reports", by=world.people.ann)
    [seen] = answer.json()["reports"]
    assert seen == {
        "release": "acme/greet:1.0.0",
        "why": "malware",
        "text": SAW,
        "state": "waiting",
        "reportedOn": "2026-09-21",
    }
    page = await signed_in(world, world.people.ann, "/account/organizations/acme/reports")
    assert SAW in page.text
    log = await world.get(f"{URL}/api/v1/orgs/acme/audit", by=world.people.ann)
    await decide(world, "confirmed")
    after = await world.get(f"{URL}/api/v1/orgs/acme/audit", by=world.people.ann)
    assert "release.quarantined" in after.text
    for text in (answer.text, page.text, log.text, after.text):
        assert bob.id not in text
        assert "bob" not in text
    for person, status in ((world.people.bob, 404), (world.people.mia, 403)):
        other = await world.get(f"{URL}/api/v1/orgs/acme/reports", by=person)
        assert other.status_code == status


async def reports_after(world: World, place: str) -> httpx.Response:
    """Return what an owner of acme gets for its reports after a place in the list."""
    url = httpx.URL(f"{URL}/api/v1/orgs/acme/reports", params={"after": place})
    return await world.get(str(url), by=world.people.ann)


async def test_the_list_of_an_organization_goes_on(world: World) -> None:
    await publish(world)
    reporters = await new_reporters(world, 101)
    for each in reporters:
        await report(world, each)
    first = (await world.get(f"{URL}/api/v1/orgs/acme/reports", by=world.people.ann)).json()
    assert (len(first["reports"]), bool(first["next"])) == (100, True)
    assert not any(report_id(GREET, each.id) in first["next"] for each in reporters)
    rest = (await reports_after(world, first["next"])).json()
    assert (len(rest["reports"]), rest["next"]) == (1, "")
    for wrong in ("nothing", first["next"].partition(" ")[0], "beta/greet:1.0.0 1"):
        refused = await reports_after(world, wrong)
        assert refused.status_code == 400
        assert "Leave it out to begin with the first report." in refused.text


async def test_no_place_in_the_list_tells_an_owner_who_reported(world: World) -> None:
    await publish(world)
    await send(world, world.people.bob)
    guessed = report_id(GREET, world.people.bob.account.id)  # Members and their ids are known.
    right = (await reports_after(world, f"{report_owner(GREET)} {guessed}")).text
    wrong = (await reports_after(world, f"{report_owner(GREET)} {guessed[:-1]}")).text
    assert right.replace(guessed, guessed[:-1]) == wrong


async def test_the_order_of_reports_does_not_tell_an_owner_who_reported(world: World) -> None:
    await publish(world)
    reporters = sorted(
        await new_reporters(world, 4),
        key=lambda each: report_id(GREET, each.id),
        reverse=True,
    )
    for number, each in enumerate(reporters):
        await report(world, each, text=f"{SAW} {number}")
    found = (await world.get(f"{URL}/api/v1/orgs/acme/reports", by=world.people.ann)).json()
    assert [each["text"][-1] for each in found["reports"]] == ["0", "1", "2", "3"]


async def test_the_log_of_an_account_has_its_reports_and_the_decisions(world: World) -> None:
    await publish(world)
    await send(world, world.people.bob)
    await decide(world, "dismissed")
    log = (await world.get(f"{URL}/api/v1/account/events", by=world.people.bob)).json()["events"]
    found = [each for each in log if each["kind"].startswith("report.")]
    assert [(each["kind"], each["subject"]) for each in found] == [
        ("report.decided", "acme/greet:1.0.0"),
        ("report.made", "acme/greet:1.0.0"),
    ]
    assert (found[0]["address"], found[0]["credential"]) == ("", "")


async def test_administrators_get_mail_about_a_release_once_and_ten_an_hour(world: World) -> None:
    await give_address(world, world.people.admin, "admin@example.org")
    names = [f"p{number}" for number in range(REPORTED_MAILS_AN_HOUR + 2)]
    await publish(world, *names)
    bob = await reporter(world, "rob")
    kim = await reporter(world, "kim")
    for name in names:
        for each in (bob, kim):
            await report(world, each, Coordinate.parse("acme", name, "1.0.0"))
    sent = world.mailer.to("admin@example.org")
    assert len(sent) == REPORTED_MAILS_AN_HOUR
    assert sent[0].subject == "acme/p0:1.0.0 was reported: Malware"
    assert f"{URL}/manage/reports/acme/p0/1.0.0" in sent[0].text
    world.clock.step(timedelta(hours=1))
    await report(world, await reporter(world, "lee"), Coordinate.parse("acme", "p11", "1.0.0"))
    assert len(world.mailer.to("admin@example.org")) == REPORTED_MAILS_AN_HOUR + 1


async def test_mail_that_was_lost_with_its_process_is_sent_by_a_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give_address(world, world.people.admin, "admin@example.org")
    await publish(world)
    with monkeypatch.context() as ended:
        ended.setattr(FakeMailer, "send", _end)
        with pytest.raises(asyncio.CancelledError):
            await report(world, await reporter(world, "rob"))
    assert world.mailer.to("admin@example.org") == []
    world.clock.step(timedelta(minutes=11))  # The claim of the process that ended has lapsed.
    for _ in range(2):
        await world.registry.maintenance.task_runner.run("follow-advisories")
    assert len(world.mailer.to("admin@example.org")) == 1


async def _end(_mailer: FakeMailer, _mail: Mail) -> None:
    raise asyncio.CancelledError


async def test_the_task_sends_nothing_that_was_one_too_many_in_an_hour(world: World) -> None:
    await give_address(world, world.people.admin, "admin@example.org")
    names = [f"p{number}" for number in range(REPORTED_MAILS_AN_HOUR + 2)]
    await publish(world, *names)
    rob = await reporter(world, "rob")
    for name in names:
        await report(world, rob, Coordinate.parse("acme", name, "1.0.0"))
    world.clock.step(timedelta(hours=1))
    await world.registry.maintenance.task_runner.run("follow-advisories")
    assert len(world.mailer.to("admin@example.org")) == REPORTED_MAILS_AN_HOUR


async def test_the_reporter_gets_one_mail_when_it_is_decided(world: World) -> None:
    await give_address(world, world.people.bob, "bob@example.org")
    await publish(world)
    await send(world, world.people.bob)
    await decide(world, "false", reason="The file does not exist.")
    await decide(world, "false", reason="The file does not exist.")
    [mail] = world.mailer.to("bob@example.org")
    assert mail.subject == "Your report about acme/greet:1.0.0"
    assert "Reason: The file does not exist." in mail.text
    await decide(world, "dismissed", reason="")
    assert len(world.mailer.to("bob@example.org")) == 2, "another decision is news"
    [mine] = await own(world, world.people.bob)
    assert mine["state"] == "dismissed"


async def test_another_verdict_is_about_all_reports_of_the_earlier_one_while_time_passes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(world)
    people = (world.people.bob, world.people.ann)
    for each in people:
        assert (await send(world, each)).status_code == 201
    before = type(world.clock).now_ms

    def passing(clock: FakeClock) -> int:
        clock.advance(timedelta(milliseconds=1))
        return before(clock)

    monkeypatch.setattr(type(world.clock), "now_ms", passing)
    await decide(world, "false")
    await decide(world, "dismissed")
    for each in people:
        [mine] = await own(world, each)
        assert mine["state"] == "dismissed"


async def test_some_of_the_reports_are_decided_alone(world: World) -> None:
    await publish(world)
    mia = await report(world, await reporter(world, "kim"))
    await send(world, world.people.bob)
    await decide(world, "false", ids=(mia.id,))
    [mine] = await own(world, world.people.bob)
    assert mine["state"] == "waiting"
    [listed] = (await world.get(QUEUE, by=world.people.admin)).json()["releases"]
    assert listed["waiting"] == 1
    with pytest.raises(Exception, match=r"There is no report .nothing. about acme.greet"):
        await decide(world, "false", ids=("nothing",))


@pytest.mark.parametrize("outcome", ["confirmed", "false"])
async def test_a_decision_that_takes_something_needs_a_reason(world: World, outcome: str) -> None:
    await publish(world)
    await send(world, world.people.bob)
    with pytest.raises(Exception, match="Enter a reason for the decision about the reports"):
        await decide(world, outcome, reason=" ")
    with pytest.raises(Exception, match="No report about acme/hello:"):
        await decide(world, outcome, Coordinate.parse("acme", "hello", "1.0.0"))


async def test_a_removed_release_stays_removed_when_reports_are_confirmed(world: World) -> None:
    await publish(world)
    await send(world, world.people.bob)
    await world.registry.publishing.moderation.remove(GREET, "It is bad.", by=OPERATOR)
    await decide(world, "confirmed")
    found = await world.stores.metadata.find(GREET)
    assert found.release is not None
    assert (found.release.state.value, found.release.state_reason) == ("removed", "It is bad.")


async def test_a_release_is_reported_and_decided_on_pages(world: World) -> None:
    await publish(world)
    bob = await signed_in(world, world.people.bob, "/packages/acme/greet")
    path = "/account/reports/acme/greet/1.0.0"
    assert f'href="{path}"' in bob.text
    await bob.open(path)
    await bob.submit(path, why="malware", text="<script>alert(1)</script>")
    assert bob.page.status_code == 200
    assert "Report sent. You get an email when an administrator decides." in bob.text
    admin = await signed_in(world, world.people.admin, "/manage/reports")
    assert "acme/greet:1.0.0" in admin.text
    at = "/manage/reports/acme/greet/1.0.0"
    answer = await admin.open(at)
    assert "<script>alert(1)</script>" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    await admin.submit(f"{at}/decision", outcome="confirmed", reason="It runs a script.")
    assert "Reports decided." in admin.text
    assert not await is_pulled(world)
    await bob.open("/account/reports")
    assert "Confirmed" in bob.text
    await bob.open(path)
    assert "An administrator confirmed it" in bob.text


async def test_a_refused_form_shows_why_at_its_field(world: World) -> None:
    await publish(world)
    path = "/account/reports/acme/greet/1.0.0"
    bob = await signed_in(world, world.people.bob, path)
    answer = await bob.submit(path, why="malware", text=" ")
    assert answer.status_code == 400
    assert 'id="text-error">Say what you saw and where' in answer.text
    await bob.open("/account/reports/acme/absent/1.0.0")
    assert bob.page.status_code == 404


async def test_reports_count_against_a_limit_of_a_day(worlds: OpenWorld) -> None:
    world = await worlds(limit_report="account=2")
    names = ["p0", "p1", "p2"]
    await publish(world, *names)
    urls = [f"{PACKAGES}/acme/{each}/1.0.0/reports" for each in names]
    answers = [await send(world, world.people.bob, each) for each in urls]
    assert [each.status_code for each in answers] == [201, 201, 429]
    bob = await signed_in(world, world.people.bob, "/account/reports/acme/p2/1.0.0")
    refused = await bob.submit("/account/reports/acme/p2/1.0.0", **SAID)
    assert refused.status_code == 429


@one_machine("its commands find a data folder")
async def test_an_operator_reports_lists_and_decides_by_commands(world: World) -> None:
    await publish(world)
    await run_sync(partial(_by_commands, Terminal(world.registry.settings.data)))
    assert not await is_pulled(world)


def _by_commands(terminal: Terminal) -> None:
    terminal.run("report", "make", "acme/greet", "1.0.0", "--why", "malware", "--text", SAW)
    [listed] = terminal.json("report", "list")["releases"]
    assert (listed["release"], listed["weight"]) == ("acme/greet:1.0.0", 0)
    shown = terminal.json("report", "show", "acme/greet", "1.0.0")
    assert shown["reports"][0]["reporter"] == "the operator"
    terminal.run(
        "report", "decide", "acme/greet", "1.0.0", "--outcome", "confirmed", "--reason", "Bad."
    )
    assert terminal.json("report", "list")["releases"] == []


async def test_reports_of_an_erased_account_name_nobody(world: World) -> None:
    await publish(world)
    kim = await reporter(world, "kim", address="203.0.113.7")
    made = await report(world, kim, text="My name is Kim.")
    account = await world.registry.identity.accounts.by_name_or_id("kim")
    receipt = await world.registry.administration.account_erasures.erase_now(
        account, "Asked for.", by=OPERATOR
    )
    assert receipt.deleted["reports without its words and id"] == 1
    stored = await world.stores.directory.get(Report, made.place)
    assert stored is not None
    assert (stored.reporter, stored.network, stored.text) == ("", "", "")
    [seen] = (await world.get(f"{QUEUE}/acme/greet/1.0.0", by=world.people.admin)).json()["reports"]
    assert (seen["reporter"], seen["weight"], seen["text"]) == ("", 0, "")
    await decide(world, "false")
    stored = await world.stores.directory.get(Report, made.place)
    assert stored is not None
    assert stored.decision is not None
    assert stored.decision.note == ""


async def test_the_erasure_of_a_release_deletes_the_words_of_its_reports(world: World) -> None:
    await publish(world)
    made = await report(world, await reporter(world, "kim"), text="The key is 4711.")
    erasure = await world.registry.publishing.erasure.erase(GREET, "A leak.", by=OPERATOR)
    assert "the words of 1 report" in erasure.deleted
    stored = await world.stores.directory.get(Report, made.place)
    assert stored is not None
    assert stored.text == ""
    answer = await world.get(f"{QUEUE}/acme/greet/1.0.0", by=world.people.admin)
    assert "4711" not in answer.text


async def test_an_account_gets_its_reports_with_its_data(world: World) -> None:
    await publish(world)
    await send(world, world.people.bob)
    bob = await signed_in(world, world.people.bob, "/account/data")
    answer = await bob.open("/account/data.json")
    [exported] = answer.json()["reports"]
    assert (exported["release"], exported["text"]) == ("acme/greet:1.0.0", SAW)


async def test_a_report_is_deleted_one_year_after_its_decision(world: World) -> None:
    await publish(world)
    kim = await reporter(world, "kim", address="203.0.113.7")
    made = await report(world, kim)
    await decide(world, "dismissed")
    decided = await world.stores.directory.get(Report, made.place)
    assert decided is not None
    assert decided.network == "", "where it came from counts for nothing any more"
    world.clock.step(REPORTS_KEPT_FOR + timedelta(days=8))
    await world.registry.maintenance.task_runner.run("delete-expired-records")
    assert await world.stores.directory.get(Report, made.place) is None
    with pytest.raises(Exception, match="No report about acme/greet:"):
        await decide(world, "dismissed")


async def test_a_member_who_manages_sees_reports_and_a_plain_member_does_not(world: World) -> None:
    await publish(world)
    await send(world, world.people.bob)
    mia = await signed_in(world, world.people.mia, "/account/organizations/acme/reports")
    assert mia.page.status_code == 403


async def test_a_decision_that_was_broken_off_is_finished_by_a_repeat(worlds: OpenWorld) -> None:
    outage = PortOutage(
        {"directory": ("replace",)}, error=Unavailable("silent", "The directory does not answer.")
    )
    world = await worlds(wrap=outage.wrap)
    await publish(world)
    await send(world, world.people.bob)
    outage.lasts = True
    with pytest.raises(Unavailable):
        await decide(world, "confirmed")
    outage.lasts = False
    assert not await is_pulled(world), "the release is withheld first"
    [mine] = await own(world, world.people.bob)
    assert mine["state"] == "waiting"
    await decide(world, "confirmed")
    [mine] = await own(world, world.people.bob)
    assert mine["state"] == "confirmed"
    assert (await world.get(QUEUE, by=world.people.admin)).json()["count"] == 0
