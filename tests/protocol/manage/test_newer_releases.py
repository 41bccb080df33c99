"""Administrators see which newer version of Ballroom is known, where a feed of releases is read."""

from collections.abc import Mapping
from functools import partial

import pytest
from anyio.to_thread import run_sync
from msgspec.structs import replace

from shared.domain.product_releases import FeedUnusable
from shared.domain.release_feeds import MAX_LINK_LENGTH, parse_feed
from shared.domain.software_version import SOFTWARE_VERSION
from shared.ports.http_client import HttpResponse, Unanswered
from shared.services.maintenance.follow_releases import FollowReleases
from shared.services.product_releases import ProductReleases
from tests.support.browsers import signed_in
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

FEED = "https://releases.example.org/ballroom.atom"


def entry(version: str, *, security: bool = False, page: str = "") -> str:
    category = '<category term="security"/>' if security else ""
    link = f'<link rel="alternate" href="{page}"/>' if page else ""
    return f"<entry><id>urn:ballroom:release:{version}</id>{category}{link}</entry>"


def feed_of(*entries: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'
    ).encode()


class Server:
    """The server of the feed; it is not reached while it has no content."""

    def __init__(self) -> None:
        self.content: bytes | None = feed_of(entry("99.1.0", page="https://example.org/99.1.0"))
        self.status = 200
        self.asked: list[str] = []

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        assert "application/atom+xml" in headers["Accept"]
        self.asked.append(url)
        if self.content is None:
            reason = "it does not answer"
            raise Unanswered(reason)
        return HttpResponse(self.status, {}, self.content)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        raise NotImplementedError


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    return await worlds(releases_feed=FEED)


@pytest.fixture
def releases(world: World, server: Server) -> ProductReleases:
    task = world.registry.maintenance.tasks[FollowReleases.id]
    assert isinstance(task, FollowReleases)
    return replace(task.product_releases, http=server)


async def overview(world: World) -> str:
    page = await signed_in(world, world.people.admin, "/manage")
    return page.text


async def test_a_newer_version_is_a_line_with_a_link(
    world: World, server: Server, releases: ProductReleases
) -> None:
    assert "is newer" not in await overview(world)
    report = await releases.read_feed()
    assert (report.changed, report.problems) == (1, ())
    shown = await overview(world)
    line = f'Ballroom {SOFTWARE_VERSION}; <a href="https://example.org/99.1.0">99.1.0</a> is newer'
    assert line in shown
    assert "fix vulnerabilities" not in shown
    assert (await releases.read_feed()).changed == 0
    assert server.asked == [FEED, FEED]


async def test_a_version_that_fixes_a_vulnerability_is_a_problem(
    world: World, server: Server, releases: ProductReleases
) -> None:
    fixing = [entry("99.0.1", security=True, page="https://example.org/fix"), entry("0.0.1")]
    server.content = feed_of(*fixing, entry("99.1.0"), entry("0.0.2", security=True))
    await releases.read_feed()
    shown = await overview(world)
    assert "Newer versions of Ballroom fix vulnerabilities: 99.0.1." in shown
    assert "Upgrade to 99.1.0. https://example.org/fix says what it fixes." in shown


async def test_a_failure_names_the_feed_without_its_query(
    server: Server, releases: ProductReleases
) -> None:
    server.content = None
    report = await replace(releases, feed=f"{FEED}?feed_token=abc").read_feed()
    assert report.problems == (
        f"The feed of releases {FEED} could not be read: it does not answer.",
    )


async def test_what_was_known_stays_when_the_feed_fails(
    world: World, server: Server, releases: ProductReleases
) -> None:
    await releases.read_feed()
    for content, status, reason in (
        (None, 200, "it does not answer"),
        (b"<feed", 200, "it is not XML"),
        (feed_of(), 404, "the server answered 404"),
    ):
        server.content = content
        server.status = status
        [problem] = (await releases.read_feed()).problems
        assert problem.startswith(f"The feed of releases {FEED} could not be read: ")
        assert reason in problem
        assert (await releases.known()).failure == problem
        assert "99.1.0</a> is newer" in await overview(world)


@one_machine("its commands find a data folder")
async def test_doctor_says_what_is_known(
    world: World, server: Server, releases: ProductReleases
) -> None:
    given = {"BALLROOM_URL": URL, "BALLROOM_RELEASES_FEED": FEED}
    doctor = partial(Terminal(world.registry.settings.data).run, "doctor", **given)
    assert f"ok       releases       {FEED} was not read yet." in await run_sync(doctor)
    await releases.read_feed()
    assert "ok       releases       Ballroom 99.1.0 is newer" in await run_sync(doctor)
    server.content = feed_of(entry("0.0.1", security=True))
    await releases.read_feed()
    assert "ok       releases       No release is newer" in await run_sync(doctor)
    server.content = feed_of(entry("99.2.0", security=True))
    await releases.read_feed()
    server.content = None
    await releases.read_feed()
    lines = [each for each in (await run_sync(doctor)).splitlines() if " releases     " in each]
    assert [each.split()[0] for each in lines] == ["advice", "advice"]
    assert "it does not answer" in lines[0]
    assert "fix vulnerabilities: 99.2.0. Upgrade to 99.2.0." in lines[1]


async def test_what_another_feed_said_is_not_shown(releases: ProductReleases) -> None:
    await releases.read_feed()
    assert await replace(releases, feed="https://example.org/other.atom").newer() == ()
    assert await replace(releases, feed="").newer() == ()
    assert await replace(releases, running="99.1.0").newer() == ()


async def test_nobody_is_asked_unless_a_setting_names_a_feed(worlds: OpenWorld) -> None:
    world = await worlds()
    assert FollowReleases.id not in world.registry.maintenance.tasks
    assert not (await world.registry.administration.product_releases.known()).releases


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>&b;</id></entry></feed>'
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not XML"),
        (b"\xff\xfe", "not XML"),
        (BOMB, "with a document type"),
        (b"<html></html>", "not an Atom feed"),
        (b'<?xml version="1.0" encoding="x-none"?><feed/>', "not XML"),
        (feed_of(), "lists no release"),
        (feed_of(entry("1.0.0-rc.1"), entry("latest"), entry("1.0")), "lists no release"),
        (feed_of(entry("9999999.0.0")), "lists no release"),
    ],
)
def test_a_text_that_is_no_feed_of_releases_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(FeedUnusable, match=reason):
        parse_feed(content)


@pytest.mark.parametrize(
    "page",
    [
        "javascript:alert(1)",
        "http://example.org/1.0.0",
        "https://",
        "https://[",
        "https://example.org/ a",
        "https://example.org/" + "a" * MAX_LINK_LENGTH,
    ],
)
def test_an_address_that_is_no_https_page_is_no_link(page: str) -> None:
    [found] = parse_feed(feed_of(entry("1.0.0", page=page)))
    assert (found.version, found.page) == ("1.0.0", "")


def test_a_feed_of_releases_on_github_is_read_as_well() -> None:
    tag = "tag:github.com,2008:Repository/1/v1.2.3"
    page = "https://github.com/example/ballroom/releases/tag/v1.2.3"
    link = f'<link rel="alternate" type="text/html" href="{page}"/>'
    for title, is_security in (("Ballroom 1.2.3", False), ("Ballroom 1.2.3 (security)", True)):
        [found] = parse_feed(feed_of(f"<entry><id>{tag}</id>{link}<title>{title}</title></entry>"))
        assert (found.version, found.page, found.is_security) == ("1.2.3", page, is_security)
