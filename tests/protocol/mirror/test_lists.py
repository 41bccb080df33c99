"""Lists of versions of Maven and of the index: complete, or 503 until they are."""

import asyncio
import json
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.coordinates import Coordinate, Package
from shared.domain.packages import Head, Survey
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.domain.visibility import Visibility
from shared.services.mirroring.upstream_cache import RETRIED_AFTER
from shared.services.mirroring.upstream_questions import Asker
from tests.support.archives import bala
from tests.support.mirrors import PULL, answering, drained, services, waiting
from tests.support.refusals import raises_refusal
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.measured

ASKER = Asker(ANONYMOUS)
IO = Package.parse("ballerina", "io")
HOSTED = f"{MAVEN}/ballerina/io/maven-metadata.xml"
PROXIED = f"{MAVEN}/v2201-13-0/ballerina/io/maven-metadata.xml"
INDEX = f"{URL}/index/ballerina/io/index.json"
DESCRIBED = {"versions": 1, "resolve": 1, "package": 2}


async def hosted(mirror: World) -> list[str]:
    """Return the versions that a Maven client reads."""
    answer = await mirror.get(HOSTED)
    assert answer.status_code == 200, answer.text
    return [each.text or "" for each in ET.fromstring(answer.text).iter("version")]


async def proxied(mirror: World) -> list[str]:
    """Return the versions that `bal` reads through the proxy of Central."""
    answer = await mirror.get(PROXIED)
    assert answer.status_code == 200, answer.text
    return [each.text or "" for each in ET.fromstring(answer.text).iter("number")]


async def indexed(mirror: World) -> list[dict[str, object]]:
    """Return the lines of the index file."""
    answer = await mirror.get(INDEX)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def later(mirror: World, minutes: int = 6) -> None:
    """Let the lists become old, and renew what is asked for now."""
    mirror.clock.advance(timedelta(minutes=minutes))
    for _ in mirror.instances:
        await mirror.get(HOSTED)
    await drained(mirror)
    mirror.clock.advance(timedelta(seconds=11))
    for _ in mirror.instances:
        await mirror.get(HOSTED)
    await drained(mirror)


async def test_every_version_of_the_upstream_is_listed(
    mirror: World, upstream: FakeUpstream
) -> None:
    for _ in range(2):
        assert await hosted(mirror) == ["1.0.0", "1.1.0"]
        assert await proxied(mirror) == ["1.1.0", "1.0.0"]
        assert [each["version"] for each in await indexed(mirror)] == ["1.0.0", "1.1.0"]
    assert upstream.asked == DESCRIBED


async def test_a_line_of_the_index_has_what_the_upstream_says(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.deprecated["ballerina/io:1.1.0"] = "Use 1.0.0."
    upstream.graphs["ballerina/io:1.1.0"] = ["ballerina/url:2.2.2"]
    _, line = await indexed(mirror)
    assert line == {
        "org": "ballerina",
        "name": "io",
        "version": "1.1.0",
        "platform": "any",
        "ballerina_version": "2201.12.0",
        "is_deprecated": True,
        "deprecation_message": "Use 1.0.0.",
        "modules": [{"name": "io"}],
        "dependencies": [{"org": "ballerina", "name": "url", "version": "2.2.2"}],
        "checksum": upstream.digest("ballerina/io:1.1.0"),
        "created": PUBLISHED_MS,
        "visibility": "public",
        "schema": 1,
    }


async def test_what_was_pulled_is_listed_with_the_facts_of_its_archive(
    mirror: World, upstream: FakeUpstream
) -> None:
    assert all("size" not in each for each in await indexed(mirror))
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    sizes = [each.get("size") for each in await indexed(mirror)]
    assert sizes == [len(upstream.archives["ballerina/io:1.0.0"]), None]


async def test_a_new_version_is_added_and_a_removed_one_leaves(
    mirror: World, upstream: FakeUpstream
) -> None:
    await hosted(mirror)
    upstream.publish("ballerina/io:1.2.0")
    del upstream.archives["ballerina/io:1.0.0"]
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    await later(mirror)
    assert await hosted(mirror) == ["1.1.0", "1.2.0"]
    assert upstream.asked["package"] == 3


async def test_a_list_is_renewed_after_the_clock_was_set_back(
    mirror: World, upstream: FakeUpstream
) -> None:
    await hosted(mirror)
    upstream.publish("ballerina/io:1.2.0")
    mirror.clock.step(-timedelta(days=1))
    await later(mirror)
    assert await hosted(mirror) == ["1.0.0", "1.1.0", "1.2.0"]


async def test_a_removed_version_that_is_stored_stays(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    await hosted(mirror)
    del upstream.archives["ballerina/io:1.0.0"]
    await later(mirror)
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    upstream.archives.clear()
    await later(mirror, minutes=70)
    assert await hosted(mirror) == ["1.0.0"]
    assert (await mirror.get("/packages/ballerina/io")).json() == ["1.0.0"]


async def test_a_deprecation_arrives_in_the_lists(mirror: World, upstream: FakeUpstream) -> None:
    await hosted(mirror)
    upstream.deprecated["ballerina/io:1.1.0"] = "Use 1.0.0."
    await later(mirror)
    mirror.clock.advance(timedelta(seconds=6))
    assert [each["deprecation_message"] for each in await indexed(mirror)] == ["", "Use 1.0.0."]
    assert upstream.asked["package"] == 2


async def test_a_complete_list_is_served_while_the_upstream_is_silent(
    mirror: World, upstream: FakeUpstream
) -> None:
    await hosted(mirror)
    for kind in ("versions", "package", "resolve"):
        upstream.behave[kind] = answering(Response("", 502))
    for minutes in (6, 90):
        mirror.clock.advance(timedelta(minutes=minutes))
        assert await hosted(mirror) == ["1.0.0", "1.1.0"]
        await drained(mirror)


async def test_a_process_that_starts_while_the_upstream_is_silent_has_the_list(
    mirror: World, upstream: FakeUpstream
) -> None:
    await hosted(mirror)
    upstream.behave["versions"] = answering(Response("", 502))
    for minutes in (0, 30, 90):
        mirror.clock.advance(timedelta(minutes=minutes))
        for each in mirror.instances:
            answers = each.require_mirroring().reader.cache._answers
            for key in list(answers._entries):
                answers.drop(key)
        assert await hosted(mirror) == ["1.0.0", "1.1.0"]


async def test_a_list_that_cannot_be_completed_is_no_list(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)

    async def one_fails(request: Request) -> Response | None:
        return Response("", 502) if request.path_params["version"] == "1.0.0" else None

    upstream.behave["package"] = one_fails
    for url in (HOSTED, PROXIED, INDEX):
        answer = await mirror.get(url)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    del upstream.behave["package"]
    mirror.clock.advance(RETRIED_AFTER)
    asked = upstream.asked["package"]
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    assert upstream.asked["package"] == asked + 1  # What was described stays known.


async def test_a_list_is_renewed_as_soon_as_its_time_is_over(
    mirror: World, upstream: FakeUpstream
) -> None:
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    upstream.publish("ballerina/io:1.2.0")
    mirror.clock.advance(services(mirror).lists.fresh_for)
    for _ in mirror.instances:
        await mirror.get(HOSTED)
    await drained(mirror)
    assert await hosted(mirror) == ["1.0.0", "1.1.0", "1.2.0"]


async def test_a_list_of_too_many_versions_costs_one_request_and_no_time(
    mirror: World, upstream: FakeUpstream
) -> None:
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    upstream.publish("ballerina/many:1.0.0")
    many = JSONResponse([f"1.{number}.0" for number in range(9_999)])
    upstream.behave["versions"] = answering(many)
    before = upstream.total
    for url in (HOSTED, PROXIED):
        answer = await mirror.get(url.replace("/io/", "/many/"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert "cannot be used" in answer.text
    assert upstream.total <= before + len(mirror.instances)
    noted = [
        source.breaker.health.unusable
        for each in mirror.instances
        for source in await each.require_mirroring().reader.upstreams.sources()
    ]
    reason = "the list has 9,999 versions, too many to read their facts"
    assert f"ballerina:many: {reason}" in noted
    await later(mirror)
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]  # What is stored.
    assert upstream.asked["package"] == DESCRIBED["package"]


async def test_a_client_that_waits_too_long_asks_again(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.behave["package"] = waiting(upstream)
    lists = services(mirror).lists
    hasty = replace(lists, patience=timedelta(milliseconds=50))
    with raises_refusal(
        "versions-incomplete", match="ballerina/io is being read from the upstream"
    ):
        await hasty.survey(IO, None, ASKER)
    upstream.gate.set()
    assert versions_of(await lists.survey(IO, None, ASKER)) == ["1.1.0", "1.0.0"]
    assert upstream.asked["package"] == 2


async def test_fifty_clients_at_once_make_one_list(mirror: World, upstream: FakeUpstream) -> None:
    answers = await asyncio.gather(*(mirror.get(f"{HOSTED}?{number}") for number in range(50)))
    assert {each.status_code for each in answers} == {200}
    assert upstream.asked["versions"] <= len(mirror.instances)
    assert upstream.asked["package"] <= DESCRIBED["package"] * len(mirror.instances)


async def test_versions_are_described_newest_first_one_at_a_time(
    mirror: World, upstream: FakeUpstream
) -> None:
    asked = list[str]()
    running = list[int]()

    async def note(request: Request) -> None:
        asked.append(request.path_params["version"])
        running.append(1)
        assert len(running) == 1
        await asyncio.sleep(0.01)
        running.pop()

    for number in range(2, 10):
        upstream.publish(f"ballerina/io:1.{number}.0")
    upstream.behave["package"] = note
    await hosted(mirror)
    assert asked == [f"1.{number}.0" for number in range(9, -1, -1)]


async def test_versions_that_cannot_be_used_are_left_out(
    mirror: World, upstream: FakeUpstream
) -> None:
    """Not described, described without a digest, and refused because its digest changed."""
    for version in ("1.2.0", "1.3.0", "1.4.0"):
        upstream.publish(f"ballerina/io:{version}")
    upstream.described["ballerina/io:1.3.0"] = {"digest": ""}
    await mirror.get("/packages/ballerina/io/1.4.0")  # Its digest is pinned now.
    upstream.archives["ballerina/io:1.4.0"] = bala("ballerina/io:1.4.0", summary="other")

    async def one_is_missing(request: Request) -> Response | None:
        missing = JSONResponse({"message": "package not found for: ballerina/io:1.2.0"}, 404)
        return missing if request.path_params["version"] == "1.2.0" else None

    upstream.behave["package"] = one_is_missing
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    await later(mirror)
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]


async def test_a_version_that_is_refused_later_leaves_the_lists(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.archives["ballerina/io:1.1.0"] = b"no zip"
    assert await hosted(mirror) == ["1.0.0", "1.1.0"]
    assert (await mirror.get("/packages/ballerina/io/1.1.0", headers=PULL)).status_code == 400
    mirror.clock.advance(timedelta(seconds=6))
    assert await hosted(mirror) == ["1.0.0"]


async def test_a_version_that_is_not_resolved_has_no_dependencies(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.behave["resolve"] = answering(JSONResponse({"resolved": [], "unresolved": []}))
    assert [each["dependencies"] for each in await indexed(mirror)] == [[], []]
    assert upstream.asked["resolve"] == 3  # Together, and then each alone.


async def test_what_the_upstream_does_not_have_is_missing(
    mirror: World, upstream: FakeUpstream
) -> None:
    for _ in range(2):
        answer = await mirror.get(HOSTED.replace("/io/", "/none/"))
        assert answer.status_code == 404
        answer = await mirror.get(PROXIED.replace("/io/", "/none/"))
        assert (answer.status_code, "<version>" in answer.text) == (200, False)
        assert (await mirror.get(INDEX.replace("/io/", "/none/"))).status_code == 404
    assert 1 <= upstream.total <= len(mirror.instances)


async def test_lists_of_ours_never_ask_the_upstream(mirror: World, upstream: FakeUpstream) -> None:
    upstream.publish("acme/greet:9.9.9")
    await mirror.push(bala("acme/greet:1.0.0"))
    for url in (HOSTED, INDEX):
        answer = await mirror.get(url.replace("ballerina/io", "acme/greet"))
        assert "1.0.0" in answer.text
        assert "9.9.9" not in answer.text
    assert upstream.total == 0


async def test_a_withheld_release_is_not_listed(mirror: World) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    at = Coordinate.parse("ballerina", "io", "1.0.0")
    await mirror.registry.publishing.moderation.quarantine(at, "malware", by=OPERATOR)
    assert await hosted(mirror) == ["1.1.0"]


async def test_a_package_of_which_all_is_refused_is_missing(
    mirror: World, upstream: FakeUpstream
) -> None:
    for version in ("1.0.0", "1.1.0"):
        upstream.described[f"ballerina/io:{version}"] = {"digest": ""}
    assert (await mirror.get(HOSTED)).status_code == 404


def versions_of(found: Survey | None) -> list[str]:
    assert found is not None
    return [each.version for each in found.entries]


async def test_a_package_that_is_private_here_has_its_own_list_alone(
    mirror: World, upstream: FakeUpstream
) -> None:
    head = Head(org="ballerina", name="io", created_ms=0, visibility=Visibility.PRIVATE)
    await mirror.stores.metadata.claim(head)
    assert (await mirror.get(INDEX)).status_code == 404
    assert upstream.total == 0


async def test_an_old_list_is_served_while_the_upstream_is_slow(
    mirror: World, upstream: FakeUpstream
) -> None:
    lists = services(mirror).lists
    await lists.survey(IO, None, ASKER)
    upstream.behave["versions"] = waiting(upstream)
    mirror.clock.advance(timedelta(hours=2))
    hasty = replace(lists, patience=timedelta(milliseconds=50))
    assert versions_of(await hasty.survey(IO, None, ASKER)) == ["1.1.0", "1.0.0"]
    upstream.gate.set()


async def test_lists_that_are_known_are_not_counted(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, limit_mirror="address=10")
    for _ in mirror.instances:
        assert (await mirror.get(HOSTED)).status_code == 200
    upstream.behave["versions"] = answering(Response("", 502))
    mirror.clock.advance(timedelta(minutes=6))
    for _ in range(20):
        assert (await mirror.get(HOSTED)).status_code == 200
