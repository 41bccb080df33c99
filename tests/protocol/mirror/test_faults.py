"""What an upstream does wrong, and what this registry makes of it: nothing unverified leaves."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from shared.adapters.http_fetcher import GuardedFetcher
from shared.domain.coordinates import Package
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.packages import AvailableRelease
from shared.services.mirroring.upstream_cache import RETRIED_AFTER
from shared.services.packages.hosted_packages import HostedPackages
from tests.support.archives import bala, zipped
from tests.support.instances import edition_confirmed
from tests.support.mirrors import (
    CAME_THROUGH_HERE,
    PULL,
    answering,
    broken,
    connecting,
    drained,
    events_of,
    modules,
    resolve,
    resolved,
    services,
    waiting,
)
from tests.support.upstreams import FakeUpstream
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured

IO = "/packages/ballerina/io"


async def pulled(mirror: World, version: str = "1.0.0", name: str = "io") -> httpx.Response:
    """Return the answer to the first request of a pull, or that of the archive itself."""
    return await mirror.get(f"/packages/ballerina/{name}/{version}", headers=PULL)


async def is_stored(mirror: World, upstream: FakeUpstream) -> bool:
    """Check whether the release is served while the upstream is not asked."""
    before = upstream.total
    answer = await mirror.get(f"{IO}/1.0.0", headers=PULL | CAME_THROUGH_HERE)
    assert upstream.total == before
    return answer.status_code == 302


# --- the table of what breaks in practice ------------------------------------------------------


async def test_a_list_is_renewed_once_while_it_is_fresh(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Verdaccio 6115: an answer did not renew the copy, which was asked for again for ever."""
    await mirror.get(IO)
    for _ in range(3):
        mirror.clock.advance(timedelta(minutes=6))
        for _ in range(3):
            assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
            await drained(mirror)
    assert upstream.asked == {"versions": 4}


async def test_no_byte_leaves_before_its_digest_was_checked(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Pulp 5012: bytes were streamed before their digest was checked."""
    right = upstream.archives["ballerina/io:1.0.0"]
    upstream.behave["file"] = answering(Response(right[:-1] + b"x"))
    assert (await pulled(mirror)).status_code == 503
    assert not await is_stored(mirror, upstream)
    del upstream.behave["file"]
    mirror.clock.advance(RETRIED_AFTER)
    assert (await pulled(mirror)).status_code == 302


async def test_a_page_is_no_archive(mirror: World, upstream: FakeUpstream) -> None:
    """Maven 8353, reposilite 799: a page with status 200 was kept as an artifact."""
    upstream.behave["file"] = answering(Response("<p>Forbidden", media_type="text/html"))
    assert (await pulled(mirror)).status_code == 503
    assert not await is_stored(mirror, upstream)


async def test_fifty_simultaneous_misses_are_one_fetch(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Harp 947: 47 of 50 simultaneous misses reached the upstream."""
    answers = await asyncio.gather(*(pulled(mirror) for _ in range(50)))
    assert {each.status_code for each in answers} == {302}
    assert upstream.asked == {"package": 1, "pull": 1, "file": 1}


async def test_what_another_request_stores_meanwhile_is_found(
    mirror: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = HostedPackages.find
    others = [lambda: pulled(mirror)]

    async def find_late(self: HostedPackages, *of: Any, **client: Any) -> AvailableRelease:
        try:
            return await find(self, *of, **client)
        except ReleaseNotFound:
            if others:
                assert (await others.pop()()).status_code == 302
            raise

    monkeypatch.setattr(HostedPackages, "find", find_late)
    assert (await pulled(mirror)).status_code == 302
    assert not others


async def test_a_missing_name_costs_one_request_a_minute(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Verdaccio 1707: 404s were not kept."""
    for minute in range(2):
        for _ in range(5):
            answer = await mirror.get("/packages/nobody/nothing")
            assert answer.status_code == 404
            assert "package not found: nobody/nothing" in answer.text
        assert upstream.asked == {"versions": minute + 1}
        mirror.clock.advance(timedelta(seconds=61))


async def test_a_404_that_is_no_answer_of_a_registry_is_an_error(
    mirror: World, upstream: FakeUpstream
) -> None:
    """NEXUS-4594: 404s of a blocked upstream were kept."""
    upstream.behave["versions"] = answering(Response("<h1>Blocked", 404, media_type="text/html"))
    assert (await mirror.get(IO)).status_code == 503
    del upstream.behave["versions"]
    mirror.clock.advance(RETRIED_AFTER)
    assert (await mirror.get(IO)).status_code == 200


async def test_deprecations_of_the_upstream_arrive_and_are_taken_back(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Verdaccio 1967: deprecations of the upstream never arrived."""
    await pulled(mirror)
    for message in ("Use 1.1.0.", None):
        upstream.deprecated = {"ballerina/io:1.0.0": message} if message else {}
        mirror.clock.advance(timedelta(minutes=6))
        await pulled(mirror)
        await drained(mirror)
        for each in mirror.instances:
            await edition_confirmed(each)
        assert (await pulled(mirror)).headers.get("deprecatemessage") == message
    events = await events_of(mirror, "release.deprecated", "release.undeprecated")
    assert [each.kind for each in events] == ["release.deprecated", "release.undeprecated"]
    assert {each.subject for each in events} == {"ballerina/io:1.0.0"}


async def test_an_expired_list_is_served_while_the_upstream_is_slow(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Devpi 911: an expired copy blocked builds while the upstream was slow."""
    await mirror.get(IO)
    mirror.clock.advance(timedelta(minutes=6))

    upstream.behave["versions"] = waiting(upstream)
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    upstream.gate.set()
    await drained(mirror)


async def test_a_silent_upstream_is_left_alone_and_tried_again(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Devpi 1018: every request waited for an upstream that did not answer."""
    upstream.behave["versions"] = broken
    for number in range(10):
        answer = await mirror.get(f"/packages/ballerina/p{number}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert upstream.asked["versions"] <= 5 * len(mirror.instances)
    del upstream.behave["versions"]
    mirror.clock.advance(timedelta(seconds=31))
    assert (await mirror.get(IO)).status_code == 200


async def test_a_fetch_that_was_cut_off_leaves_nothing_and_can_be_repeated(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Athens 1690: a fetch was killed halfway."""
    content = upstream.archives["ballerina/io:1.0.0"]

    async def cut(_request: Request) -> Response:
        async def half() -> AsyncIterator[bytes]:
            yield content[: len(content) // 2]
            message = "cut off"
            raise ConnectionResetError(message)

        return StreamingResponse(half(), headers={"Content-Length": str(len(content))})

    upstream.behave["file"] = cut
    assert (await pulled(mirror)).status_code == 503
    assert not await is_stored(mirror, upstream)
    del upstream.behave["file"]
    mirror.clock.advance(RETRIED_AFTER)
    assert (await pulled(mirror)).status_code == 302


async def test_what_is_stored_is_served_without_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    """A build with a lock file goes on while the upstream does not answer."""
    await pulled(mirror)
    for kind in ("package", "pull", "versions", "resolve", "file"):
        upstream.behave[kind] = answering(Response("", 502))
    mirror.clock.advance(timedelta(hours=5))
    assert (await pulled(mirror)).status_code == 302
    assert (await mirror.get(f"{IO}/1.0.0")).status_code == 200
    assert await resolved(mirror, "ballerina/io:1.0.0 locked") == ["ballerina/io:1.0.0"]


EXPECTED = (
    "A complete list of versions of ballerina/io is not stored here, and the upstream registry"
)


async def test_without_a_complete_list_nothing_is_chosen_from_what_is_stored(
    mirror: World, upstream: FakeUpstream
) -> None:
    """A new build would silently take an older version."""
    await pulled(mirror)
    for kind in ("package", "pull", "versions", "resolve", "modules", "file"):
        upstream.behave[kind] = answering(Response("", 502))
    module = {"modules": [{"organization": "ballerina", "moduleName": "io"}]}
    answers = [
        await mirror.get(IO),
        await mirror.get(f"{IO}/*"),
        await mirror.get(f"{IO}/1.*"),
        await pulled(mirror, "*"),
        await mirror.get(f"{URL}/index/ballerina/io/index.json"),
        await mirror.get(f"{MAVEN}/ballerina/io/maven-metadata.xml"),
        await resolve(mirror, "ballerina/io"),
        await resolve(mirror, "ballerina/io:1.0.0 soft"),
        await mirror.send("POST", "/packages/resolve-modules", json=module),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10"), answer.url
        assert "ballerina/io is not stored here" in answer.text
        assert "ballerina/io is not stored here" not in answer.text.replace(
            "A complete list of versions of ballerina/io", ""
        ).replace("A complete list of packages with the module ballerina/io", "")
    query = '{package(orgName: "ballerina", packageName: "io") {version}}'
    asked = await mirror.send("POST", f"{URL}/2.0/graphql", json={"query": query})
    assert EXPECTED in asked.json()["errors"][0]["message"]


async def test_the_last_complete_list_decides_while_the_upstream_does_not_answer(
    mirror: World, upstream: FakeUpstream
) -> None:
    await pulled(mirror, "1.1.0")
    await mirror.get(f"{MAVEN}/ballerina/io/maven-metadata.xml")  # The list is complete.
    for kind in ("package", "pull", "versions", "resolve", "modules", "file"):
        upstream.behave[kind] = answering(Response("", 502))
    mirror.clock.advance(timedelta(hours=5))
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert (await mirror.get(f"{IO}/*")).json()["version"] == "1.1.0"
    assert (await pulled(mirror, "*")).status_code == 302
    assert await resolved(mirror, "ballerina/io") == ["ballerina/io:1.1.0"]
    assert await modules(mirror, "ballerina/io") == ["io:1.1.0"]


async def test_a_version_of_the_list_that_nobody_pulled_is_not_replaced_by_an_older_one(
    mirror: World, upstream: FakeUpstream
) -> None:
    await pulled(mirror, "1.0.0")
    await mirror.get(f"{MAVEN}/ballerina/io/maven-metadata.xml")
    for kind in ("package", "pull", "versions", "resolve", "file"):
        upstream.behave[kind] = answering(Response("", 502))
    mirror.clock.advance(timedelta(hours=5))
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert (await pulled(mirror, "*")).status_code == 503
    assert (await resolve(mirror, "ballerina/io")).status_code == 503
    assert (await pulled(mirror, "1.0.0")).status_code == 302


# --- other faults ------------------------------------------------------------------------------


async def test_a_changed_digest_is_an_incident(mirror: World, upstream: FakeUpstream) -> None:
    await mirror.get(f"{IO}/1.1.0")  # Its digest is pinned now.
    upstream.archives["ballerina/io:1.1.0"] = bala("ballerina/io:1.1.0", summary="other")
    mirror.clock.advance(timedelta(minutes=6))
    answer = await pulled(mirror, "1.1.0")
    assert answer.status_code == 400
    assert "the upstream changed its archive after it was first seen here" in answer.text
    for wanted in ("*", "1.*"):
        hop = await pulled(mirror, wanted)
        assert (hop.status_code, hop.headers["location"].split("/")[-2]) == (302, "1.0.0")
    assert (await mirror.get(IO)).json() == ["1.0.0"]


async def test_a_digest_that_changes_after_a_pull_does_not_change_what_is_served(
    mirror: World, upstream: FakeUpstream
) -> None:
    first = await pulled(mirror)
    upstream.archives["ballerina/io:1.0.0"] = bala("ballerina/io:1.0.0", summary="other")
    mirror.clock.advance(timedelta(minutes=6))
    await pulled(mirror)
    await drained(mirror)
    assert (await pulled(mirror)).headers["digest"] == first.headers["digest"]
    [known] = await services(mirror).reader.pins.of_package(Package.parse("ballerina", "io"))
    assert known.is_incident


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zip at all", "zip"),
        (zipped({"../evil": b"x"}), "evil"),
        (bala("ballerina/other:1.0.0"), "ballerina/other"),
        (bala("ballerina/io:1.0.1"), "1.0.1"),
        (bala("ballerina/io:1.0.0", platform="linux"), "says platform linux,"),
        (bala("ballerina/io:1.0.0", platform="java021", layout=4), "says platform java021,"),
    ],
)
async def test_an_unsafe_archive_is_refused_once_with_a_sentence(
    mirror: World, upstream: FakeUpstream, content: bytes, reason: str
) -> None:
    upstream.archives["ballerina/io:1.0.0"] = content
    for _ in range(3):
        answer = await pulled(mirror)
        assert answer.status_code == 400
        assert "ballerina/io:1.0.0 of the upstream registry 127.0.0.1:" in answer.text
        assert reason in answer.text
    assert upstream.asked == {"package": 1, "pull": 1, "file": 1}
    assert not await is_stored(mirror, upstream)


async def test_an_archive_above_the_limit_is_refused(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, max_archive_bytes=500)
    for _ in range(2):
        answer = await pulled(mirror)
        assert answer.status_code == 400
        assert "500" in answer.text
    assert upstream.asked["file"] == 1


async def test_an_upstream_that_is_busy_is_left_alone_as_long_as_it_says(
    mirror: World, upstream: FakeUpstream
) -> None:
    busy = JSONResponse({"message": "slow down"}, 429, headers={"Retry-After": "120"})
    upstream.behave["versions"] = answering(busy)
    assert (await mirror.get(IO)).status_code == 503
    del upstream.behave["versions"]
    mirror.clock.advance(timedelta(seconds=119))
    assert (await mirror.get(IO)).status_code == 503
    assert upstream.total == 1
    mirror.clock.advance(timedelta(seconds=2))
    assert (await mirror.get(IO)).status_code == 200


@pytest.mark.parametrize("location", ["http://169.254.169.254/x", "http://10.0.0.1/a/1.0.0/b", ""])
async def test_a_redirect_inside_is_not_followed(
    mirror: World, upstream: FakeUpstream, location: str
) -> None:
    digest = upstream.digest("ballerina/io:1.0.0")
    redirect = RedirectResponse(location, 302, {"digest": digest})
    upstream.behave["pull"] = answering(redirect)
    assert (await pulled(mirror)).status_code == 503
    assert not await is_stored(mirror, upstream)


async def test_a_slow_drip_ends_at_the_deadline(worlds: OpenWorld, upstream: FakeUpstream) -> None:
    archives = GuardedFetcher([upstream.name], time_limit=timedelta(milliseconds=300))
    mirror = await worlds(upstream=upstream.url, wrap=connecting(upstream.url, archives=archives))

    async def drip(_request: Request) -> Response:
        async def drops() -> AsyncIterator[bytes]:
            while not upstream.gate.is_set():
                yield b"x"
                await asyncio.sleep(0.05)

        return StreamingResponse(drops())

    upstream.behave["file"] = drip
    assert (await pulled(mirror)).status_code == 503
    upstream.gate.set()


async def test_an_endless_list_is_no_answer(mirror: World, upstream: FakeUpstream) -> None:
    many = [f"1.0.{number}" for number in range(20_000)]
    upstream.behave["versions"] = answering(JSONResponse(many))
    assert (await mirror.get(IO)).status_code == 503


async def test_versions_that_break_the_rules_are_left_out(
    mirror: World, upstream: FakeUpstream
) -> None:
    odd = ["1.0.0", "../../etc", "1.0.0+build", 7, None, "1.0", "01.0.0", "x" * 500]
    upstream.behave["versions"] = answering(JSONResponse(odd))
    assert (await mirror.get(IO)).json() == ["1.0.0"]


async def test_a_description_of_another_package_is_no_answer(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.described["ballerina/io:1.0.0"] = {"name": "other"}
    assert (await mirror.get(f"{IO}/1.0.0")).status_code == 503


async def test_a_time_in_the_future_becomes_now(mirror: World, upstream: FakeUpstream) -> None:
    """The clock of the upstream is an hour ahead."""
    ahead = mirror.clock.now_ms() + 3_600_000
    upstream.described["ballerina/io:1.0.0"] = {"createdDate": ahead}
    await pulled(mirror)
    model = (await mirror.get(f"{IO}/1.0.0")).json()
    assert model["createdDate"] == mirror.clock.now_ms()


async def test_a_range_without_a_release_that_can_be_served_says_why(
    mirror: World, upstream: FakeUpstream
) -> None:
    for version in ("1.0.0", "1.1.0"):
        upstream.archives[f"ballerina/io:{version}"] = b"no zip"
    for _ in range(2):
        answer = await pulled(mirror, "1.*")
        assert answer.status_code == 400
        assert "ballerina/io:1.1.0 of the upstream registry" in answer.text
    assert (await pulled(mirror, "7.*")).status_code == 404
    assert (await mirror.get(f"{IO}/7.*")).status_code == 404
    assert (await mirror.get(f"{IO}/1.*")).status_code == 400


async def test_a_version_that_nobody_has_is_missing(mirror: World, upstream: FakeUpstream) -> None:
    for _ in range(2):
        answer = await mirror.get(f"{IO}/7.0.0")
        assert answer.status_code == 404
        assert "package not found for: ballerina/io:7.0.0" in answer.text
        assert (await pulled(mirror, "7.0.0")).status_code == 404
    assert upstream.total == 1


async def test_a_range_is_described_by_the_upstream(mirror: World, upstream: FakeUpstream) -> None:
    assert (await mirror.get(f"{IO}/*")).json()["version"] == "1.1.0"
    assert upstream.asked == {"package": 1}


async def test_a_redirect_that_names_no_version_or_digest_is_no_answer(
    mirror: World, upstream: FakeUpstream
) -> None:
    digest = {"digest": upstream.digest("ballerina/io:1.1.0")}
    for location, headers in [("/x", digest), ("/a/9.0.0/b", digest), ("/a/1.1.0/b", {})]:
        upstream.behave["pull"] = answering(RedirectResponse(location, 302, headers))
        for wanted in ("1.*", "1.0.0"):
            assert (await pulled(mirror, wanted)).status_code == 503
