"""/manage/releases: what administrators see of releases, and their decisions."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from functions.manage.releases import ACTIONS_BY_STATE
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.releases import Decision
from tests.protocol.web.page_reader import main_of, opened
from tests.protocol.web.sample_packages import BIDI, SCRIPT
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import CallRecorder
from tests.support.world import URL, OpenWorld, World, asking

pytestmark = pytest.mark.measured

GREET = Coordinate.parse("acme", "greet", "1.2.0")
WORDS = Coordinate.parse("acme", "words", "1.0.0")
LIST = "/manage/releases"
PAGE = f"{LIST}/acme/greet/1.2.0"
REASON = "It sends what it finds to another host."
_PLACE = re.compile(r'<div class="place">.*</div>\n(?=</div>\n</main>)', re.DOTALL)

_REACH = re.compile(
    r'<div class="table"[^>]*"When a decision takes effect".*?</table>\n</div>\n', re.DOTALL
)


def confirmed(verb: str, release: str = str(GREET)) -> dict[str, str]:
    """Return what is typed besides a reason: a removal takes the name of the release."""
    return {"name": release} if verb == "remove" else {}


def shown(browser: Browser) -> str:
    """Return what is particular to a page: not the places beside it, and not how fast a decision
    counts, which the page of policies says as well."""
    assert browser.page
    [place] = _PLACE.findall(main_of(browser.page))
    return _REACH.sub("REACH\n", place)


async def state(world: World, coordinate: Coordinate = GREET) -> State:
    return (await world.registry.publishing.moderation.find(coordinate, by=OPERATOR)).state


@pytest.fixture
async def admin(own_shelf: World) -> Browser:
    """Return the browser of an administrator who just signed in, where there is something."""
    return await signed_in(own_shelf, own_shelf.people.admin)


# --- what is withheld --------------------------------------------------------------------------


async def test_nothing_is_withheld(world: World, page: SnapshotAssertion) -> None:
    admin = await signed_in(world, world.people.admin, LIST)
    assert shown(admin) == page


async def test_everything_is_withheld_that_can_be(
    worlds: OpenWorld, page: SnapshotAssertion
) -> None:
    world = await worlds(brake_packages=3)
    names = ("held", "quarantined", "removed", "waiting")
    for name in names[:3]:
        await world.push(bala(f"acme/{name}:1.0.0"))
    await world.push_held(bala("acme/waiting:1.0.0"))
    admin = await signed_in(world, world.people.admin)
    for name, verb in zip(names, ("hold", "quarantine", "remove"), strict=False):
        path = f"{LIST}/acme/{name}/1.0.0"
        await admin.open(path)
        answer = await admin.submit(
            f"{path}/{verb}", reason=REASON, **confirmed(verb, f"acme/{name}:1.0.0")
        )
        assert answer.status_code == 303
    world.clock.advance(timedelta(hours=3))
    await admin.open(LIST)
    assert shown(admin) == page


async def test_a_reason_is_shown_as_it_was_written_and_does_nothing(
    own_shelf: World, admin: Browser, page: SnapshotAssertion
) -> None:
    reason = f'{SCRIPT} {BIDI} مرحبا & "goodbye"'
    # As an earlier version stored it; the character that changes direction is refused now.
    moderation = own_shelf.registry.publishing.moderation
    decision = Decision(State.QUARANTINED, reason)
    release, _ = await moderation.decide(GREET, decision, by=OPERATOR)
    await moderation.derived_data.update(release)
    await admin.open(LIST)
    assert "<script>" not in shown(admin)
    assert "[U+202E]evil" in shown(admin)
    await admin.open(PAGE)
    assert shown(admin) == page


async def test_the_list_has_pages(own_shelf: World, admin: Browser) -> None:
    for coordinate in (GREET, WORDS):
        await own_shelf.registry.publishing.moderation.hold(coordinate, REASON, by=OPERATOR)
    await admin.open(f"{LIST}?after={GREET}")
    assert ":1.0.0</a>" in admin.text
    assert "1.2.0" not in admin.text
    assert ">First page</a>" in admin.text
    await admin.open(f"{LIST}?after={WORDS}")
    assert "No more withheld releases" in admin.text
    for nonsense in ("acme/greet", "acme", "acme/greet:new"):
        assert (await admin.open(f"{LIST}?after={nonsense}")).status_code == 400


# --- looking up --------------------------------------------------------------------------------


async def test_a_release_that_is_looked_up_has_its_page(admin: Browser) -> None:
    answer = await admin.send("GET", f"{LIST}?q=ACME/greet:1.2.0")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


async def test_a_package_that_is_looked_up_has_all_its_versions(
    own_shelf: World, admin: Browser, page: SnapshotAssertion
) -> None:
    await own_shelf.registry.publishing.moderation.quarantine(GREET, REASON, by=OPERATOR)
    await admin.open(f"{LIST}?q=acme/greet")
    assert shown(admin) == page


async def test_a_missing_package_is_reported_next_to_the_field(
    admin: Browser, page: SnapshotAssertion
) -> None:
    for sought, status in (("acme/none:1.0.0", 404), ("acme/none", 404), ("a/b:new", 400)):
        answer = await admin.open(f"{LIST}?q={sought}")
        assert answer.status_code == status
        assert f'value="{sought}"' in admin.text
    await admin.open(f"{LIST}?q=<b>greet</b>")
    assert shown(admin) == page


async def test_a_release_that_is_not_there_has_no_page(admin: Browser) -> None:
    for path in ("acme/greet/9.9.9", "acme/none/1.0.0"):
        assert (await admin.open(f"{LIST}/{path}")).status_code == 404
    await admin.open(PAGE)
    answer = await admin.post(f"{LIST}/acme/none/1.0.0/hold", reason=REASON)
    assert answer.status_code == 404


# --- a release in each state -------------------------------------------------------------------


async def test_a_live_release(admin: Browser, page: SnapshotAssertion) -> None:
    await admin.open(PAGE)
    assert shown(admin) == page


async def test_only_administrators_are_led_from_a_package_to_its_moderation(
    own_shelf: World,
) -> None:
    link = f'href="{PAGE}#quarantine-reason">Moderate</a>'
    for person in (own_shelf.people.admin, own_shelf.people.ann):
        browser = await signed_in(own_shelf, person, "/packages/acme/greet/1.2.0")
        assert (link in browser.text) is (person is own_shelf.people.admin)
    await browser.open("/packages/acme/greet/1.2.0/versions")
    assert "Moderate" not in browser.text
    assert "Moderate" not in (await opened(own_shelf, "/packages/acme/greet/1.2.0")).text


async def test_a_private_release(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    admin = await signed_in(world, world.people.admin, f"{LIST}/acme/secret/1.0.0")
    assert "Members of acme can find and pull it" in admin.text
    assert 'href="/packages/acme/secret' not in admin.text
    assert f'<a href="/manage/accounts/{world.people.ann.account.id}">ann</a>' in admin.text
    await admin.open(f"{LIST}?q=acme/secret")
    assert "This package is private." in admin.text


@pytest.mark.parametrize("verb", ["hold", "quarantine", "remove"])
async def test_a_decision_is_shown(
    admin: Browser, page: SnapshotAssertion, own_shelf: World, verb: str
) -> None:
    await admin.open(PAGE)
    answer = await admin.submit(f"{PAGE}/{verb}", reason=REASON, **confirmed(verb))
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"{PAGE}?done=manage_release_{verb}",
    )
    assert shown(admin) == page
    offered = re.findall(rf'action="{PAGE}/(\w+)"', admin.text)
    assert offered == [action.name for action in ACTIONS_BY_STATE[await state(own_shelf)]]


@pytest.mark.parametrize("verb", ["quarantine", "remove"])
async def test_a_public_reason_is_shown_to_everybody_and_changed(
    own_shelf: World, admin: Browser, verb: str
) -> None:
    await admin.open(PAGE)
    await admin.submit(f"{PAGE}/{verb}", reason="Reported.", **confirmed(verb))
    before = await state(own_shelf)
    public = confirmed(verb) | {"public": "vulnerability", "note": f"{SCRIPT} Advisory 7."}
    await admin.submit(f"{PAGE}/{verb}", reason=REASON, **public)
    stranger = await opened(own_shelf, "/packages/acme/greet/1.2.0")
    for shown_text in ("Vulnerability.", "Advisory 7."):
        assert shown_text in admin.text
        assert shown_text in stranger.text
    assert "<script>" not in main_of(stranger)
    assert REASON not in stranger.text
    assert "Advisory 7." not in (await own_shelf.http.get(f"{URL}/index/changes")).text
    assert await state(own_shelf) is before
    release = await own_shelf.registry.publishing.moderation.find(GREET, by=OPERATOR)
    await admin.submit(f"{PAGE}/{verb}", reason=REASON, **public)
    repeated = await own_shelf.registry.publishing.moderation.find(GREET, by=OPERATOR)
    assert repeated.revision == release.revision, "the same decision again changes nothing"
    await admin.submit(f"{PAGE}/{verb}", reason=REASON, **public | {"public": "", "note": ""})
    assert "Public reason: not stated." in admin.text


async def test_an_unknown_public_reason_is_refused_and_what_was_typed_stays(
    own_shelf: World, admin: Browser
) -> None:
    await admin.open(PAGE)
    answer = await admin.post(f"{PAGE}/quarantine", reason=REASON, public="x", note="Typed.")
    assert answer.status_code == 400
    assert "is not a public reason" in admin.text
    assert 'value="Typed."' in admin.text
    assert await state(own_shelf) is State.LIVE


@pytest.mark.parametrize("verb", ["hold", "quarantine"])
async def test_a_release_comes_back_as_it_was(own_shelf: World, admin: Browser, verb: str) -> None:
    await admin.open(PAGE)
    await admin.submit(f"{PAGE}/{verb}", reason=REASON)
    await admin.submit(f"{PAGE}/release")
    assert "<strong>Live.</strong>" in admin.text
    assert "Release restored" in admin.text
    await admin.open(LIST)
    assert "No withheld releases" in admin.text
    assert (await own_shelf.java().pull(str(GREET))).version == "1.2.0"


async def test_an_administrator_can_decide_on_a_release_that_waits_for_an_owner(
    worlds: OpenWorld,
) -> None:
    world = await worlds(brake_packages=1)
    await world.push(bala("acme/one:1.0.0"))
    await world.push_held(bala("acme/two:1.0.0"))
    admin = await signed_in(world, world.people.admin)
    path = f"{LIST}/acme/two/1.0.0"
    await admin.open(path)
    assert "an owner of acme or an administrator decides" in admin.text
    assert re.findall(rf'action="{path}/(\w+)"', admin.text) == [
        "release",
        "hold",
        "quarantine",
        "remove",
    ]
    await admin.submit(f"{path}/hold", reason="Looked at.")
    assert "by admin. Nobody can find or pull it." in admin.text
    await admin.open(LIST)
    assert "Waiting for an administrator" in admin.text


async def test_the_log_is_read_page_by_page(admin: Browser) -> None:
    await admin.open(f"{PAGE}?before=1")
    assert "No older events" in admin.text
    assert f'href="{PAGE}">Newest' in admin.text
    assert (await admin.open(f"{PAGE}?before=x")).status_code == 400


# --- refused -----------------------------------------------------------------------------------


async def test_removing_a_release_takes_typing_its_name(
    own_shelf: World, admin: Browser, page: SnapshotAssertion
) -> None:
    await admin.open(PAGE)
    answer = await admin.submit(f"{PAGE}/remove", reason=REASON, name="acme/greet")
    assert answer.status_code == 400
    assert shown(admin) == page
    assert await state(own_shelf) is State.LIVE


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
@pytest.mark.parametrize("verb", ["hold", "quarantine", "remove"])
async def test_a_reason_is_asked_for(
    own_shelf: World, admin: Browser, verb: str, reason: str
) -> None:
    await admin.open(PAGE)
    answer = await admin.submit(f"{PAGE}/{verb}", reason=reason, **confirmed(verb))
    assert answer.status_code == 400
    assert 'role="alert"' in admin.text
    assert await state(own_shelf) is State.LIVE


@pytest.mark.parametrize("verb", ["hold", "quarantine", "release", "remove"])
async def test_a_removed_release_has_no_form_to_restore_it(
    own_shelf: World, admin: Browser, verb: str
) -> None:
    await own_shelf.registry.publishing.moderation.remove(GREET, REASON, by=OPERATOR)
    await admin.open("/account/tokens")
    answer = await admin.post(f"{PAGE}/{verb}", reason=REASON, name=str(GREET))
    assert answer.status_code == (303 if verb == "remove" else 400)
    assert ('role="alert"' in admin.text) is (verb != "remove")
    assert await state(own_shelf) is State.REMOVED


# --- what it costs -----------------------------------------------------------------------------


async def test_the_cost_of_a_page_does_not_grow(
    worlds: OpenWorld, port_calls: CallRecorder
) -> None:
    world = await worlds(wrap=port_calls.wrap, host=asking)
    admin = await signed_in(world, world.people.admin)
    asked: list[list[Counter[str]]] = []
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        at = Coordinate.parse("acme", "greet", version)
        await world.push(bala(str(at)))
        await world.registry.publishing.moderation.hold(at, REASON, by=OPERATOR)
        asked.append([])
        for path in (LIST, f"{LIST}?q=acme/greet", f"{LIST}/acme/greet/1.0.0"):
            await admin.open(path)  # A first time, so that the session is known.
            port_calls.taken()
            await admin.open(path)
            asked[-1].append(Counter(port_calls.taken()))
    assert asked[0] == asked[1] == asked[2]
    listed, package, release = asked[0]
    assert listed["directory.list_all"] == 1
    assert package["metadata.survey"] == 1
    one_each = ("metadata.find", "events.stream", "pulls.history", "search.search")
    assert [release[call] for call in one_each] == [1, 1, 1, 1]
    assert max(each.total() for each in asked[0]) <= 13
