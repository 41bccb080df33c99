"""/manage/notices and /manage/read-only: the notice on all pages, and read-only mode."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from markupsafe import escape
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from shared.bootstrap.build import build_registry
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.services.adapters import Adapters
from tests.protocol.test_page_goldens import SIDE_NAVIGATION, shown
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.port_doubles import Fault
from tests.support.world import URL, World, caching_host

NOTICES = "/manage/notices"
READ_ONLY = "/manage/read-only"
HTML = '<script>alert("1")</script> & <b>bold</b>'
TURNED = "\u202eדרך צלחה\u202c שלום"
REASON = "moving house until 22:00"
SAID = f"This registry is in read-only mode: {REASON}. Packages can still be searched and pulled."


async def announce(world: World, text: str) -> None:
    await world.registry.limits.notices.publish(text, by=OPERATOR)


def announced(text: str) -> str:
    """Return what a page says above its content."""
    found = re.findall(r'<aside class="announcements".*?</aside>\n', text, re.DOTALL)
    return found[0] if found else ""


async def above(http: httpx.AsyncClient, path: str = "/") -> str:
    return announced((await http.get(URL + path)).text)


def whole(browser: Browser) -> str:
    """Return what is announced above a page, and the page without the places beside it."""
    return announced(browser.page.text) + SIDE_NAVIGATION.sub("", shown(browser))


@pytest.mark.parametrize("path", [NOTICES, READ_ONLY], ids=["notices", "read_only"])
async def test_a_page_while_nothing_is_announced(
    admin: Browser, page: SnapshotAssertion, path: str
) -> None:
    await admin.open(path)
    assert whole(admin) == page


# --- the pages ---------------------------------------------------------------------------------


async def test_a_page_with_a_notice(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    await announce(world, HTML)
    await admin.open(NOTICES)
    assert whole(admin) == page


@pytest.mark.parametrize("text", ["", "...", "x" * 301, "bell\a", "\x85x\x9b"])
async def test_a_notice_has_some_characters(admin: Browser, text: str) -> None:
    await admin.open(NOTICES)
    answer = await admin.submit(NOTICES, text=text)
    assert answer.status_code == 400
    assert "A notice has 1 to 300 characters, in one line." in admin.text


async def test_a_notice_is_written_changed_and_removed(world: World, admin: Browser) -> None:
    await admin.open(NOTICES)
    await admin.submit(NOTICES, text="Hello,\n all.")
    assert "Notice published." in admin.text
    assert "Hello, all." in await above(world.http)
    await admin.submit(NOTICES, text="Hello again.")
    said = await above(world.http)
    assert "Hello again." in said
    assert "Hello, all." not in said
    await admin.submit(f"{NOTICES}/end")
    assert "Notice removed." in admin.text
    assert await above(world.http) == ""


async def test_the_page_of_read_only_mode_while_it_is_on(
    world: World, admin: Browser, page: SnapshotAssertion
) -> None:
    await world.registry.limits.notices.enter_read_only_mode(HTML, by=OPERATOR)
    await admin.open(READ_ONLY)
    assert whole(admin) == page


async def test_a_reason_that_is_refused(admin: Browser, page: SnapshotAssertion) -> None:
    await admin.open(READ_ONLY)
    await admin.submit(f"{READ_ONLY}/on", reason="...")
    assert whole(admin) == page


async def test_an_administrator_turns_read_only_mode_on_and_off_on_its_page(
    world: World, admin: Browser
) -> None:
    await admin.open(READ_ONLY)
    await admin.submit(f"{READ_ONLY}/on", reason=REASON)
    assert "Read-only mode turned on." in admin.text
    assert SAID in await above(world.http)
    await admin.submit(f"{READ_ONLY}/on", reason="moving house until 23:00")
    assert "until 23:00" in await above(world.http)
    await admin.submit(f"{READ_ONLY}/off")
    assert "Read-only mode turned off." in admin.text
    assert await above(world.http) == ""


# --- what everybody sees -----------------------------------------------------------------------

EVERYWHERE = (
    "/",
    "/search",
    "/packages/acme/greet",
    "/orgs/acme",
    "/about",
    "/about/status",
    "/sign-in",
    "/account",
    "/packages/acme/none",
    "/account/x/y/z",
)


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_every_page_shows_what_is_announced(world: World, path: str) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await announce(world, HTML)
    ann = await signed_in(world, world.people.ann)
    for answer in (await world.get(URL + path), await ann.open(path)):
        assert escape(HTML) in announced(answer.text)


async def test_characters_that_change_the_direction_of_a_line_are_shown_by_number(
    world: World,
) -> None:
    await announce(world, TURNED)
    said = await above(world.http)
    assert "[U+202E]" in said
    assert "\u202e" not in said
    assert 'dir="auto"' in said


async def test_the_status_says_why_tasks_wait(world: World) -> None:
    await world.registry.maintenance.task_runner.run("process-outboxes")
    await world.registry.limits.notices.enter_read_only_mode(REASON, by=OPERATOR)
    world.clock.advance(timedelta(hours=1))
    text = (await world.get(f"{URL}/about/status")).text
    assert "Read-only mode is on:" in text
    assert "Overdue" not in text
    assert ">Paused<" in text


# --- on every instance, within five seconds ----------------------------------------------------


@asynccontextmanager
async def another_instance(
    world: World, stores: Adapters | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve the same stores by another process's worth of services."""
    registry = build_registry(world.registry.settings, stores or world.stores)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(caching_host(registry))) as http:
        yield http
    await registry.limits.notice_cache.close()


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=2), timedelta(seconds=4)])
async def test_another_instance_shows_an_announcement_within_five_seconds(
    world: World, later: timedelta
) -> None:
    async with another_instance(world) as http:
        assert await above(http) == ""
        world.clock.advance(later)
        await announce(world, "Hello.")
        await above(http)  # The page is made anew, perhaps of what was read before, and stands.
        world.clock.advance(timedelta(seconds=5))
        assert "Hello." in await above(http)
        assert "Hello." in await above(http)


async def test_another_instance_refuses_changes_within_five_seconds_and_takes_them_again(
    world: World,
) -> None:
    async with another_instance(world) as http:
        path = f"{URL}/api/v1/orgs"
        sent = {"Authorization": f"Bearer {world.people.ann.token}"}
        statuses = list[int]()
        for number in range(3):
            world.clock.advance(timedelta(seconds=5))
            body = {"name": f"fresh{number}"}
            statuses.append((await http.post(path, json=body, headers=sent)).status_code)
            switch = world.registry.limits.notices
            await (
                switch.leave_read_only_mode(by=OPERATOR)
                if number
                else switch.enter_read_only_mode(REASON, by=OPERATOR)
            )
        assert statuses == [201, 503, 201]


async def test_pages_are_shown_while_the_directory_is_away(world: World) -> None:
    await announce(world, "Hello.")
    directory = Fault("get", Busy()).over(world.stores.directory)
    async with another_instance(world, replace(world.stores, directory=directory)) as http:
        answer = await http.get(URL)
        assert (answer.status_code, announced(answer.text)) == (200, "")


# --- what clients are told ---------------------------------------------------------------------


async def test_a_push_without_the_right_is_refused_for_that_reason_first(world: World) -> None:
    await world.registry.limits.notices.enter_read_only_mode(REASON, by=OPERATOR)
    assert (await world.upload(b"x")).status_code == 401


async def test_the_overview_names_variables_that_are_no_settings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await signed_in(world, world.people.admin)
    await admin.open("/manage")
    assert "not used" not in admin.page.text
    monkeypatch.setenv("BALLROOM_READER", "signed_in")
    await admin.open("/manage")
    assert "Did you mean BALLROOM_READERS?" in admin.page.text
    assert "1 variable is not used." in admin.page.text
