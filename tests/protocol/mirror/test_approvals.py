"""Where only approved releases are taken from upstreams: what callers get, ask for and approve."""

import pytest

from shared.domain.accounts import Account
from shared.domain.coordinates import Package
from shared.domain.entities import Place
from shared.services.packages.pull_counter import utc_day
from tests.protocol.rules.rule_world import set_registry_rules, set_rules
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mirrors import PULL, events_of, modules, resolved, status
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

LIB = "/packages/octo/lib"
IO = "/packages/ballerina/io"
WAY = f"request approval at {URL}/approvals/octo/lib."


@pytest.fixture
async def limited_mirror(mirror: World, upstream: FakeUpstream) -> World:
    """Return a mirror in which everybody takes only what is approved, which is nothing yet."""
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        upstream.publish(f"octo/lib:{version}")
    await set_registry_rules(mirror, approvedOnly=True)
    for person in (mirror.people.admin, mirror.people.mia):
        address = f"{person.account.name}@example.org"
        known = await mirror.stores.directory.get(Account, Place(person.account.id))
        assert known
        await mirror.stores.directory.replace(known.model_copy(update={"email": address}))
    return mirror


async def approve(world: World, *packages: str) -> None:
    admin = await signed_in(world, world.people.admin)
    sent = {"packages": list(packages), "reason": "Reviewed."}
    answer = await admin.api("POST", "/api/v1/approvals", sent)
    assert answer.status_code == 200, answer.text


async def said(world: World, path: str, by: Person | None = None) -> tuple[int, str]:
    answer = await world.get(path, headers=PULL, by=by)
    return answer.status_code, answer.json()["message"] if answer.status_code >= 400 else ""


async def test_a_pull_of_what_is_not_approved_is_refused_with_the_way_out(
    limited_mirror: World, upstream: FakeUpstream
) -> None:
    for wanted in ("1.0.0", "2.*", "*"):
        code, sentence = await said(limited_mirror, f"{LIB}/{wanted}")
        assert code == 400
        assert "is not approved here, and the rules of the registry allow only" in sentence
        assert sentence.endswith(f"Request approval at {URL}/approvals/octo/lib.")
    assert upstream.asked["file"] == 0
    assert upstream.asked["pull"] == 0


async def test_what_nobody_has_is_missing_as_for_others(limited_mirror: World) -> None:
    assert (await said(limited_mirror, "/packages/octo/none/1.0.0"))[0] == 404
    assert (await said(limited_mirror, "/packages/acme/none/1.0.0"))[0] == 404


async def test_what_is_approved_is_taken_by_every_face(limited_mirror: World) -> None:
    await approve(limited_mirror, "octo/lib:1.*")
    assert await status(limited_mirror, f"{LIB}/1.0.0") == 302
    hop = await limited_mirror.get(f"{LIB}/*", headers=PULL)
    assert (hop.status_code, hop.headers["location"].split("/")[-2]) == (302, "1.1.0")
    code, sentence = await said(limited_mirror, f"{LIB}/2.0.0")
    assert code == 400
    assert f"Use an approved version (1.*), or {WAY}" in sentence
    assert (await limited_mirror.get(LIB)).json() == ["1.1.0", "1.0.0"]
    for path in ("index/octo/lib/index.json", "2.0/maven/octo/lib/maven-metadata.xml"):
        text = (await limited_mirror.get(f"{URL}/{path}")).text
        assert ("1.1.0" in text, "2.0.0" in text) == (True, False)
    answer = await limited_mirror.get(f"{URL}/2.0/maven/octo/lib/2.0.0/lib-2.0.0.bala")
    assert answer.status_code == 400


async def test_a_build_resolves_to_approved_releases(limited_mirror: World) -> None:
    assert await resolved(limited_mirror, "octo/lib soft", "ballerina/io soft") == []
    assert await modules(limited_mirror, "octo/lib") == []
    await approve(limited_mirror, "octo/lib:1.0.0")
    assert await resolved(limited_mirror, "octo/lib soft") == ["octo/lib:1.0.0"]
    assert await resolved(limited_mirror, "octo/lib:2.0.0 locked") == []
    assert await modules(limited_mirror, "octo/lib") == ["lib:1.0.0"]


async def test_a_list_without_an_approved_version_says_why(limited_mirror: World) -> None:
    for path in (f"{URL}/2.0/registry{LIB}", f"{URL}/index/octo/lib/index.json"):
        answer = await limited_mirror.get(path)
        assert answer.status_code == 404
        assert "No version of it is approved" in answer.text


async def test_a_stored_release_is_refused_once_the_rule_holds(mirror: World) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await set_registry_rules(mirror, approvedOnly=True)
    assert await status(mirror, f"{IO}/1.0.0") == 400
    assert await status(mirror, f"{IO}/1.0.0") == 400
    assert await resolved(mirror, "ballerina/io:1.0.0 locked") == []
    await approve(mirror, "ballerina/*:*")
    assert await status(mirror, f"{IO}/1.0.0") == 302
    assert (await mirror.get(f"{IO}/*")).json()["version"] == "1.1.0"


async def test_the_rule_of_an_organization_holds_for_its_members_alone(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/lib:1.0.0")
    people = mirror.people
    await set_rules(mirror, approvedOnly=True)
    for _ in range(2):  # An answer that others got is not repeated to members.
        assert await status(mirror, f"{LIB}/1.0.0") == 302
        assert (await mirror.get(f"{LIB}/1.0.0", headers=PULL, by=people.bob)).status_code == 302
        code, sentence = await said(mirror, f"{LIB}/1.0.0", by=people.mia)
        assert (code, "the rules of acme allow" in sentence) == (400, True)
    assert await resolved(mirror, "octo/lib", by=people.mia) == []
    assert await resolved(mirror, "octo/lib", by=people.bob) == ["octo/lib:1.0.0"]
    await approve(mirror, "octo/lib:1.0.0")
    assert (await mirror.get(f"{LIB}/1.0.0", headers=PULL, by=people.mia)).status_code == 302


APPROVED_ONLY_STATES = {
    # Whether the registry has the rule, whether acme has it, and whose rule refuses what nobody
    # approved: to a member of acme, and to somebody else.
    "unset": (False, False, "", ""),
    "registry only": (True, False, "the registry", "the registry"),
    "organization only": (False, True, "acme", ""),
    "both": (True, True, "the registry", "the registry"),
}


@pytest.mark.parametrize("state", APPROVED_ONLY_STATES)
async def test_whose_rule_holds_and_the_dry_run_finds_the_pulls_that_it_refuses(
    mirror: World, upstream: FakeUpstream, state: str
) -> None:
    of_registry, of_acme, to_member, to_others = APPROVED_ONLY_STATES[state]
    people = mirror.people
    upstream.publish("octo/lib:1.0.0")
    assert await status(mirror, f"{LIB}/1.0.0") == 302
    # As the nightly task writes the pulls of a day.
    counted = {"1.0.0": {utc_day(mirror.clock.now_ms()): 1}}
    await mirror.stores.pulls.restore(Package.parse("octo", "lib"), counted)
    ann = await signed_in(mirror, people.ann)
    dry = await ann.api("POST", "/api/v1/orgs/acme/approvals/dry-run", {})
    assert [each["release"] for each in dry.json()["effects"]] == ["octo/lib:1.0.0"]
    if of_registry:
        await set_registry_rules(mirror, approvedOnly=True)
    if of_acme:
        await set_rules(mirror, approvedOnly=True)
    for person, whose in ((people.mia, to_member), (people.bob, to_others), (None, to_others)):
        answer = await mirror.get(f"{LIB}/1.0.0", headers=PULL, by=person)
        assert answer.status_code == (400 if whose else 302)
        assert not whose or f"the rules of {whose} allow" in answer.text
    await approve(mirror, "octo/lib:1.0.0")
    dry = await ann.api("POST", "/api/v1/orgs/acme/approvals/dry-run", {})
    assert dry.json()["effects"] == []
    assert (await mirror.get(f"{LIB}/1.0.0", headers=PULL, by=people.mia)).status_code == 302


async def test_packages_of_ours_need_no_approval(limited_mirror: World) -> None:
    await limited_mirror.push(bala("acme/greet:1.0.0"))
    assert await status(limited_mirror, "/packages/acme/greet/1.0.0") == 302
    assert await resolved(limited_mirror, "acme/greet") == ["acme/greet:1.0.0"]


async def test_somebody_asks_and_a_curator_approves(limited_mirror: World) -> None:
    people = limited_mirror.people
    mia = await signed_in(limited_mirror, people.mia)
    assert "Request approval" in (await mia.open("/approvals/octo/lib")).text
    await mia.submit("/approvals/octo/lib/ask", version="1.*", reason="For the shop.")
    page = mia.page
    assert "You get an email when a curator decides." in page.text
    [mail] = [each for each in limited_mirror.mailer.sent if "asks for" in each.subject]
    assert "For the shop." in mail.text
    admin = await signed_in(limited_mirror, people.admin)
    assert await asked_for(limited_mirror) == ["octo/lib"]
    assert "For the shop." in (await admin.open("/approvals/octo/lib")).text
    await admin.submit("/approvals/octo/lib/approve", packages="octo/lib:1.*", reason="It is fine.")
    told = [each for each in limited_mirror.mailer.sent if each.subject.endswith("is approved")]
    assert [each.to for each in told] == ["mia@example.org"]
    assert await status(limited_mirror, f"{LIB}/1.1.0") == 302
    assert await asked_for(limited_mirror) == []
    kinds = ("approval.asked", "approval.approved", "approval.changed")
    events = [each.kind for each in await events_of(limited_mirror, *kinds)]
    assert events == ["approval.asked", "approval.changed", "approval.approved"]


async def asked_for(world: World) -> list[str]:
    admin = await signed_in(world, world.people.admin)
    listed = (await admin.api("GET", "/api/v1/approvals/requests")).json()["requests"]
    return [each["package"] for each in listed]


async def test_a_curator_refuses_and_says_why(limited_mirror: World) -> None:
    people = limited_mirror.people
    path = f"{URL}/api/v1/approvals/requests/octo/lib"
    asked = await limited_mirror.send("POST", path, by=people.mia, json={"reason": "A need."})
    assert (asked.status_code, asked.json()["state"]) == (200, "open")
    admin = await signed_in(limited_mirror, people.admin)
    refused = await admin.api("POST", f"{path}/refuse", {"reason": "Use octo/other."})
    assert refused.status_code == 204
    told = [each for each in limited_mirror.mailer.sent if each.subject.endswith("is refused")]
    assert "Use octo/other." in told[0].text
    page = await (await signed_in(limited_mirror, people.mia)).open("/approvals/octo/lib")
    assert "Use octo/other." in page.text


async def test_nobody_but_administrators_approves(limited_mirror: World) -> None:
    people = limited_mirror.people
    sent = {"packages": ["octo/lib:*"], "reason": "I want it."}
    ann = await signed_in(limited_mirror, people.ann)
    assert (await ann.api("POST", "/api/v1/approvals", sent)).status_code == 403
    assert (await ann.api("GET", "/api/v1/approvals/requests")).status_code == 403
    assert (await ann.api("GET", "/api/v1/approvals")).status_code == 200
    await ann.post("/approvals/octo/lib/approve", packages="octo/lib:*", reason="x")
    page = ann.page
    assert page.status_code == 404
    assert (await limited_mirror.get(f"{URL}/api/v1/approvals")).status_code == 200
    await set_registry_rules(limited_mirror, approvedOnly=False)
    assert (await ann.api("GET", "/api/v1/approvals")).status_code == 403


@pytest.mark.parametrize("given", ["octo/lib", "octo:1.0.0", "octo/lib:latest", "../x:*", ""])
async def test_what_names_no_version_is_refused(limited_mirror: World, given: str) -> None:
    admin = await signed_in(limited_mirror, limited_mirror.people.admin)
    sent = {"packages": [given], "reason": "Reviewed."}
    answer = await admin.api("POST", "/api/v1/approvals", sent)
    assert answer.status_code == 400
    assert "such as acme/greet:1." in answer.text


async def test_a_dry_run_finds_what_the_rule_would_refuse(mirror: World) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    assert await status(mirror, f"{IO}/1.1.0") == 302
    day = utc_day(mirror.clock.now_ms())
    pulls = {"1.0.0": {day: 1}, "1.1.0": {day: 1}}
    await mirror.stores.pulls.restore(Package.parse("ballerina", "io"), pulls)
    admin = await signed_in(mirror, mirror.people.admin)
    path = "/api/v1/approvals/dry-run"
    found = (await admin.api("POST", path, {"packages": ["ballerina/io:1.0.0"]})).json()
    assert found["effects"] == [{"release": "ballerina/io:1.1.0", "pulls": 1}]
    assert found["releasesRead"] == 2


async def test_an_approval_that_is_taken_back_ends(limited_mirror: World) -> None:
    await approve(limited_mirror, "octo/lib:1.*")
    assert await status(limited_mirror, f"{LIB}/1.1.0") == 302
    admin = await signed_in(limited_mirror, limited_mirror.people.admin)
    sent = {"packages": ["octo/lib:1.*"], "reason": "It is not maintained."}
    assert (await admin.api("POST", "/api/v1/approvals/withdraw", sent)).status_code == 200
    assert await status(limited_mirror, f"{LIB}/1.1.0") == 400
    assert (await admin.api("POST", "/api/v1/approvals/withdraw", sent)).status_code == 404


async def test_a_search_of_programs_finds_what_is_approved_and_pages_find_all(
    mirror: World,
) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await mirror.push(bala("acme/iota:1.0.0", summary="Reads io."))
    await set_registry_rules(mirror, approvedOnly=True)
    search = f"{URL}/2.0/registry/packages?q=io"

    async def found() -> tuple[list[str], int]:
        answer = (await mirror.get(search)).json()
        names = sorted(f"{each['organization']}/{each['name']}" for each in answer["packages"])
        return names, answer["count"]

    assert await found() == (["acme/iota"], 1)
    assert "ballerina/io" in (await mirror.get(f"{URL}/search?q=io")).text
    await approve(mirror, "ballerina/io:1.*")
    assert await found() == (["acme/iota", "ballerina/io"], 2)


async def test_a_page_shows_what_is_not_approved_and_the_way_to_ask(limited_mirror: World) -> None:
    page = await limited_mirror.get(f"{URL}/packages/octo/lib")
    assert page.status_code == 200
    assert 'href="/approvals/octo/lib"' in page.text
    await approve(limited_mirror, "octo/lib:*")
    page = await limited_mirror.get(f"{URL}/packages/octo/lib")
    assert 'href="/approvals/octo/lib"' not in page.text


async def test_a_form_with_a_long_reason_is_refused(limited_mirror: World) -> None:
    mia = await signed_in(limited_mirror, limited_mirror.people.mia)
    await mia.open("/approvals/octo/lib")
    await mia.submit("/approvals/octo/lib/ask", version="1.*", reason="x" * 501)
    page = mia.page
    assert page.status_code == 400
    admin = await signed_in(limited_mirror, limited_mirror.people.admin)
    for shown, form in (
        ("/manage/approvals", "/manage/approvals"),
        ("/approvals/octo/lib", "/approvals/octo/lib/approve"),
    ):
        await admin.open(shown)
        await admin.submit(form, packages="octo/lib:*", reason="x" * 5_000)
        page = admin.page
        assert page.status_code == 400
    assert await status(limited_mirror, f"{LIB}/1.1.0") == 400


async def test_what_was_typed_is_still_there_after_its_preview(limited_mirror: World) -> None:
    admin = await signed_in(limited_mirror, limited_mirror.people.admin, "/manage/approvals")
    typed = {"packages": "octo/lib:1.*", "reason": "Reviewed by the team."}
    await admin.submit("/manage/approvals/preview", "Preview", **typed)
    assert "What the rule would have refused" in admin.text
    answer = await admin.submit("/manage/approvals", "Approve")
    assert answer.status_code == 303
    assert "octo/lib" in admin.text
    assert "Nothing is approved yet" not in admin.text


async def test_approvals_that_are_not_taken_back_say_why_at_their_form(
    limited_mirror: World,
) -> None:
    await approve(limited_mirror, "octo/lib:1.*")
    admin = await signed_in(limited_mirror, limited_mirror.people.admin, "/manage/approvals")
    path = "/manage/approvals/withdraw"
    answer = await admin.submit(path, packages="octo/lib:1.*", reason=" ")
    assert answer.status_code == 400
    [form] = [each for each in admin.text.split("<form") if f'action="{path}"' in each]
    assert "Enter a reason" in form
    answer = await admin.submit(path, reason="A new finding.")
    assert answer.status_code == 303
