"""The history of a package: everything for members, releases and deprecations for everybody."""

import json
import re
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.to_thread import run_sync

from shared.domain.coordinates import Coordinate, Package
from shared.domain.events import Event
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.trusted_publishing import TrustedPublishingWorld, trusting
from tests.support.world import URL, OpenWorld, Person, World, limited

pytestmark = pytest.mark.measured

GREET = "acme/greet"
PAGE = f"{URL}/packages/{GREET}/history"
ACME = parse_org("acme")


async def get(
    world: World, query: str = "", *, by: Person | None = None, package: str = GREET
) -> httpx.Response:
    return await world.get(f"{URL}/api/v1/packages/{package}/history{query}", by=by)


async def history(world: World, query: str = "", **asked: Any) -> list[dict[str, Any]]:
    """Return the entries of a page."""
    answer = await get(world, query, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"]


async def kinds(world: World, **asked: Any) -> list[str]:
    return [each["kind"] for each in await history(world, **asked)]


async def sentences(world: World, **asked: Any) -> list[str]:
    return [each["sentence"] for each in await history(world, **asked)]


@pytest.fixture
async def ci(worlds: OpenWorld) -> TrustedPublishingWorld:
    """Return a registry in which much happened to acme/greet; others have packages as well."""
    ci = await trusting(worlds)
    world = ci.world
    people = ci.world.people
    await world.push(bala(f"{GREET}:1.0.0"))
    await world.push(bala("acme/greetings:1.0.0"))
    await ci.add(GREET)
    world.clock.advance(timedelta(days=1))
    await world.push(bala(f"{GREET}:1.1.0"), by=await ci.job())
    await world.java(people.ann).deprecate(f"{GREET}:1.0.0", "Use 1.1.0.")
    set_member = world.registry.organizations.memberships.set_member
    await set_member(ACME, people.mia.account, Role.MAINTAINER, by=world.fresh(people.ann))
    await set_member(ACME, people.bob.account, Role.MEMBER, by=OPERATOR)
    for visibility in (Visibility.PRIVATE, Visibility.PUBLIC):
        change = world.registry.packages.visibility.change
        await change(Package.from_text(GREET), visibility, by=world.fresh(people.ann))
    return ci


@pytest.fixture
async def world(ci: TrustedPublishingWorld) -> World:
    return ci.world


async def test_members_read_every_change_who_made_it_and_with_what(world: World) -> None:
    entries = await history(world, by=world.people.mia)
    assert [(each["sentence"], each["using"]) for each in entries] == [
        ("ann made acme/greet public", "session"),
        ("ann made acme/greet private", "session"),
        ("ann changed the role of mia to maintainer", "session"),
        ("ann deprecated acme/greet:1.0.0", "access-token"),
        ("A trusted publisher published acme/greet:1.1.0", "trusted-publisher"),
        ("ann added a trusted publisher of acme/greet", "session"),
        ("ann published acme/greet:1.0.0", "access-token"),
    ]
    [role] = [each for each in entries if each["accountName"]]
    people = world.people
    assert (role["account"], role["actor"]) == (people.mia.account.id, people.ann.account.id)
    assert (role["details"]["before"], role["details"]["after"]) == ("member", "maintainer")
    [published] = [each for each in entries if each["version"] == "1.1.0"]
    assert published["run"].startswith("https://github.com/")


async def test_everybody_reads_releases_and_deprecations_without_names(world: World) -> None:
    answer = await get(world)
    assert [(each["sentence"], each["using"]) for each in answer.json()["entries"]] == [
        ("acme/greet 1.0.0 is deprecated", None),
        ("acme/greet 1.1.0 was published", "trusted-publisher"),
        ("acme/greet 1.0.0 was published", "access-token"),
    ]
    assert answer.json()["entries"][0]["message"] == "Use 1.1.0."
    for person in (world.people.ann, world.people.mia):
        assert person.account.name not in json.dumps(answer.json())
        assert person.account.id not in answer.text


async def test_a_job_and_a_token_for_other_packages_read_what_everybody_reads(
    ci: TrustedPublishingWorld,
) -> None:
    world = ci.world
    everybody = await history(ci.world)
    ann = world.people.ann
    for reader in (
        await ci.job(Provider.GITHUB),
        await limited(world, ann, "read", org="acme", package="words"),
        await limited(world, ann, "deprecate"),
    ):
        assert await history(world, by=reader) == everybody
    assert len(await history(world, by=await limited(world, ann, "read"))) > len(everybody)


async def test_a_history_is_read_page_by_page_without_a_gap(world: World) -> None:
    for by in (None, world.people.ann):
        whole = await history(world, by=by)
        seen = list[Any]()
        before = ""
        while True:
            page = (await get(world, f"?count=2{before}", by=by)).json()
            seen += page["entries"]
            if page["next"] is None:
                break
            before = f"&before={page['next']}"
        assert seen == whole


@pytest.mark.parametrize("query", ["before=x", "before=0", "count=0", "count=501"])
async def test_a_question_that_cannot_be_read_is_explained(world: World, query: str) -> None:
    answer = await get(world, f"?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]["message"]


async def test_a_filter_of_the_audit_log_is_none_of_the_history(world: World) -> None:
    """It would tell a removed release from one that is held."""
    assert await history(world, "?kind=none.such&actor=nobody") == await history(world)


async def test_a_private_package_has_no_history_for_those_who_may_not_see_it(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    stranger = await limited(world, world.people.admin, "push-version")
    for reader in (None, stranger):
        hidden = await get(world, by=reader, package="acme/secret")
        missing = await get(world, by=reader, package="acme/none")
        assert hidden.status_code == missing.status_code == 404
        assert hidden.text.replace("secret", "none") == missing.text
        page = await world.get(f"{URL}/packages/acme/secret/history", by=reader)
        assert page.status_code == 404
    assert await kinds(world, by=world.people.mia, package="acme/secret") == ["release.published"]


async def withhold(world: World, version: str = "1.0.0") -> None:
    greet = Coordinate.parse("acme", "greet", version)
    reason = PublicReason(why=WithdrawalReason.LEAK)
    await world.registry.publishing.moderation.quarantine(greet, "Inside.", reason, by=OPERATOR)


async def test_a_withdrawal_says_its_public_reason_alone(world: World) -> None:
    await withhold(world)
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.publishing.moderation.restore(greet, by=OPERATOR)
    assert (await kinds(world))[:2] == ["release.restored", "release.withdrawn"]
    assert (await history(world))[1]["message"] == "leaked-secret"
    for reader in (None, world.people.mia):
        assert "Inside." not in (await get(world, by=reader)).text
    of_member = await sentences(world, by=world.people.mia)
    assert of_member[1] == "The operator quarantined acme/greet:1.0.0"


async def test_members_alone_read_the_history_of_a_package_whose_releases_are_held(
    world: World,
) -> None:
    moderation = world.registry.publishing.moderation
    for version in ("1.0.0", "1.1.0"):
        await moderation.hold(Coordinate.parse("acme", "greet", version), "Test.", by=OPERATOR)
    assert (await get(world)).status_code == 404
    assert (await kinds(world, by=world.people.ann))[0] == "release.held"


async def test_everybody_reads_the_history_of_a_package_that_was_withdrawn(world: World) -> None:
    for version in ("1.0.0", "1.1.0"):
        await withhold(world, version)
    assert (await kinds(world))[0] == "release.withdrawn"


async def test_a_successor_is_not_named(world: World) -> None:
    bob = world.people.bob
    await world.push(bala("other/hidden:1.0.0", visibility="private"), by=bob)
    successors = world.registry.packages.successors
    hidden = Package.from_text("other/hidden")
    await successors.change(Package.from_text(GREET), hidden, "A test.", by=OPERATOR)
    answer = await get(world, by=world.people.mia)
    first = answer.json()["entries"][0]
    assert first["sentence"] == "The operator changed the successor of acme/greet"
    assert "hidden" not in answer.text


async def test_a_deleted_account_leaves_no_name(world: World) -> None:
    people = world.people
    erasures = world.registry.administration.account_erasures
    await erasures.erase_now(people.mia.account, "A letter.", by=OPERATOR)
    answer = await get(world, by=people.ann)
    shown = [each["sentence"] for each in answer.json()["entries"]]
    assert "ann changed the role of a deleted account to maintainer" in shown
    assert shown[0] == "The operator removed a deleted account"
    assert not re.search(r"\bmia\b", answer.text)


async def test_old_changes_do_not_say_with_what_they_were_made(world: World) -> None:
    world.clock.advance(timedelta(days=366))
    await world.registry.maintenance.task_runner.run("anonymize-events")
    ann = await limited(world, world.people.ann, "read")
    entries = await history(world, by=ann)
    assert {each["using"] for each in entries} == {None, "trusted-publisher"}
    assert entries[-1]["actorName"] == "ann"


async def test_roles_from_before_the_package_are_not_its_history(world: World) -> None:
    await world.push(bala("acme/young:1.0.0"))
    assert await kinds(world, by=world.people.ann, package="acme/young") == ["release.published"]


def of_greet(number: int, kind: str) -> Event:
    subject = "acme/greet:1.0.0" if kind.startswith("release.") else GREET
    return Event(id=f"x{number}", kind=kind, at_ms=1, actor="a", subject=subject, org="acme")


@pytest.mark.parametrize("kind", ["release.deprecated", "publisher.added"])
async def test_a_page_reads_as_much_of_a_long_history_as_of_a_short_one(
    worlds: OpenWorld, port_calls: CallRecorder, kind: str
) -> None:
    world = await worlds(wrap=port_calls.wrap)
    await world.push(bala(f"{GREET}:1.0.0"))
    readers = (None, world.people.mia)

    async def reads() -> list[int]:
        found = list[int]()
        for by in readers:
            port_calls.taken()
            answer = await get(world, by=by)
            assert answer.status_code == 200
            found.append(port_calls.taken().count("events.stream"))
        return found

    now_ms = world.clock.now_ms()
    assert await reads() == [1, 2]
    events = [of_greet(n, kind).model_copy(update={"at_ms": now_ms}) for n in range(1_500)]
    await world.stores.events.append(events)
    most = 1 if kind.startswith("release.") else 5  # Others are not shown what is in between.
    assert await reads() == [most, 2]
    first = (await get(world)).json()
    assert len(first["entries"]) == (50 if kind.startswith("release.") else 0)
    rest = (await get(world, f"?before={first['next']}")).json()
    assert rest["entries"]


async def test_the_page_shows_members_more_than_others(world: World) -> None:
    anybody = await world.get(PAGE)
    assert anybody.status_code == 200
    assert "acme/greet 1.0.0 is deprecated" in anybody.text
    assert "ann" not in anybody.text.partition('id="tab"')[2]
    browser = await signed_in(world, world.people.mia, f"/packages/{GREET}/history")
    assert "ann changed the role of mia to maintainer" in browser.text
    assert "private → public" in browser.text
    assert f'href="/packages/{GREET}/1.1.0/history"' in browser.text
    assert "no-store" in browser.page.headers["cache-control"]


async def test_older_changes_are_behind_a_link(world: World) -> None:
    deprecation = world.registry.packages.deprecation
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    for number in range(25):
        await deprecation.deprecate(greet, f"Number {number}.", by=OPERATOR)
    browser = await signed_in(world, world.people.ann, f"/packages/{GREET}/history")
    first = browser.text
    older = first.partition('rel="next" href="')[2].partition('"')[0]
    assert older.startswith(f"/packages/{GREET}/1.1.0/history?before=")
    await browser.open(older)
    assert "ann published acme/greet:1.0.0" in browser.text
    assert ">Newest<" in browser.text
    await browser.open(f"/packages/{GREET}/history?before=nonsense")
    assert "Number 24." in browser.text


@one_machine("its commands find a data folder")
async def test_the_operator_lists_it_by_a_command(world: World) -> None:
    terminal = Terminal(world.registry.settings.data)
    shown = await run_sync(partial(terminal.run, "package", "history", GREET, BALLROOM_URL=URL))
    assert "ann changed the role of mia to maintainer" in shown
    assert "Trusted publisher" in shown
    command = partial(
        terminal.run, "package", "history", GREET, "--count", "1", "--json", BALLROOM_URL=URL
    )
    [first] = json.loads(await run_sync(command))
    assert first["change"] == "ann made acme/greet public"


async def test_completing_logs_that_are_complete_changes_nothing(world: World) -> None:
    before = await history(world, by=world.people.ann)
    report = await world.registry.maintenance.task_runner.run("complete-event-logs")
    assert report is not None
    assert report.seen > 0
    assert await history(world, by=world.people.ann) == before
