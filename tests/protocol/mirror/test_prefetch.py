"""A prefetch stores what a build needs, and the build then passes without the upstream."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.wanted_releases import parse_coordinate, read_lock
from shared.services.mirroring.group import MirroringServices
from shared.services.mirroring.prefetch import Outcome, Prefetch, Prefetched, PrefetchScope
from tests.support.archives import bala
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

BUILD = [f"ballerinax/part{number}:1.{number}.0" for number in range(50)]
SECONDS_OF_BUSY = 7


def lock_of(coordinates: Sequence[str]) -> bytes:
    """Return the lock file of a project that depends on the packages."""
    built_in = "ballerina/lang.array:0.0.0"
    locked = [parse_coordinate(each) for each in (*coordinates, built_in)]
    named = [(each.package.org, each.package.name, each.version.text) for each in locked]
    needed = ", ".join(f'{{org = "{org}", name = "{name}"}}' for org, name, _ in named)
    project = (
        f'[[package]]\norg = "acme"\nname = "shop"\nversion = "0.1.0"\ndependencies = [{needed}]\n'
    )
    packages = [
        f'[[package]]\norg = "{org}"\nname = "{name}"\nversion = "{version}"\n'
        for org, name, version in named
    ]
    return "\n".join([project, *packages]).encode()


def mirroring(world: World) -> MirroringServices:
    assert world.registry.mirroring is not None
    return world.registry.mirroring


async def prefetch(
    world: World,
    *wanted: str,
    scope: PrefetchScope = PrefetchScope.ALONE,
    service: Prefetch | None = None,
) -> dict[str, Outcome]:
    """Prefetch releases; return what became of each."""
    done = await (service or mirroring(world).prefetch).run(
        [parse_coordinate(each) for each in wanted], scope, progress=lambda _: None
    )
    return {str(each.coordinate): each.outcome for each in done}


async def test_a_build_of_fifty_packages_passes_with_the_upstream_off_after_one_prefetch(
    worlds: OpenWorld,
) -> None:
    upstream = FakeUpstream()
    for each in BUILD:
        upstream.publish(each)
    with upstream.serving():
        mirror = await worlds(upstream=upstream.url)
        steps: list[Prefetched] = []
        done = await mirroring(mirror).prefetch.run(
            read_lock(lock_of(BUILD)), PrefetchScope.ALONE, progress=steps.append
        )
        assert {each.outcome for each in done} == {Outcome.FETCHED}
        assert [(each.number, each.total) for each in steps] == [(n, 50) for n in range(1, 51)]
        asked = upstream.total
    for bal in (mirror.java(), mirror.go()):
        for each in BUILD:
            assert (await bal.pull(each)).content == upstream.archives[each]
    wanted = [coordinate_of(each) for each in BUILD]
    for mode in ("hard", "locked", "soft"):
        answer = await mirror.java().resolve_dependencies(
            [{**each, "mode": mode} for each in wanted]
        )
        assert [each["version"] for each in answer["resolved"]] == [e["version"] for e in wanted]
        assert not answer["unresolved"]
    assert upstream.total == asked


def coordinate_of(text: str) -> dict[str, str]:
    found = parse_coordinate(text)
    return {"org": found.package.org, "name": found.package.name, "version": found.version.text}


async def test_what_is_stored_is_not_fetched_again(mirror: World, upstream: FakeUpstream) -> None:
    assert await prefetch(mirror, "ballerina/io:1.0.0") == {"ballerina/io:1.0.0": Outcome.FETCHED}
    asked = upstream.total
    assert await prefetch(mirror, "ballerina/io:1.0.0") == {"ballerina/io:1.0.0": Outcome.STORED}
    assert upstream.total == asked


async def test_a_prefetched_release_is_never_dropped(mirror: World) -> None:
    await mirror.java().pull("ballerina/io:1.0.0")
    await prefetch(mirror, "ballerina/io:1.0.0", "ballerina/io:1.1.0")
    for version in ("1.0.0", "1.1.0"):
        coordinate = Coordinate.parse("ballerina", "io", version)
        release = (await mirror.stores.metadata.find(coordinate)).release
        assert release is not None
        assert release.upstream is not None
        assert release.upstream.kept


async def test_dependencies_are_fetched_as_well(mirror: World, upstream: FakeUpstream) -> None:
    upstream.publish("ballerina/http:2.0.0", dependencies=["ballerina/io:1.0.0"])
    found = await prefetch(mirror, "ballerina/http:2.0.0", scope=PrefetchScope.WITH_DEPENDENCIES)
    assert found == {
        "ballerina/http:2.0.0": Outcome.FETCHED,
        "ballerina/io:1.0.0": Outcome.FETCHED,
    }


async def test_what_is_not_there_is_said_with_its_reason(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/ours:1.0.0"))
    upstream.archives["ballerina/bad:1.0.0"] = b"no zip"
    done = await mirroring(mirror).prefetch.run(
        [
            parse_coordinate(each)
            for each in (
                "ballerina/none:1.0.0",
                "ballerina/bad:1.0.0",
                "acme/none:1.0.0",
                "acme/ours:1.0.0",
            )
        ],
        PrefetchScope.ALONE,
        progress=lambda _: None,
    )
    assert [each.outcome for each in done] == [
        Outcome.MISSING,
        Outcome.REFUSED,
        Outcome.MISSING,
        Outcome.STORED,
    ]
    assert "does not have it" in done[0].reason
    assert "zip" in done[1].reason
    assert done[2].reason == "It comes from no upstream, and it is not here."
    assert all("acme" not in str(each) for each in upstream.headers)


async def test_a_release_that_an_administrator_withheld_is_not_there(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.java().pull("ballerina/io:1.0.0")
    io = Coordinate.parse("ballerina", "io", "1.0.0")
    await mirror.registry.publishing.moderation.hold(io, "looks odd", by=OPERATOR)
    assert await prefetch(mirror, "ballerina/io:1.0.0") == {"ballerina/io:1.0.0": Outcome.REFUSED}
    assert upstream.asked["file"] == 1


async def test_a_busy_upstream_is_asked_again_after_its_pause(
    mirror: World, upstream: FakeUpstream
) -> None:
    busy = iter([Response(status_code=429, headers={"Retry-After": str(SECONDS_OF_BUSY)})])

    async def behave(_request: Request) -> Response | None:
        return next(busy, None)

    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        mirror.clock.advance(timedelta(seconds=seconds))

    upstream.behave["pull"] = behave
    service = replace(mirroring(mirror).prefetch, sleep=sleep)
    found = await prefetch(mirror, "ballerina/io:1.0.0", service=service)
    assert found == {"ballerina/io:1.0.0": Outcome.FETCHED}
    assert pauses == [SECONDS_OF_BUSY]


async def test_a_prefetch_gives_up_while_the_upstream_is_off_and_goes_on_later(
    mirror: World, upstream: FakeUpstream
) -> None:
    failures = [Response(status_code=502)]

    async def behave(_request: Request) -> Response | None:
        return failures[0] if failures else None

    async def sleep(seconds: float) -> None:
        mirror.clock.advance(timedelta(seconds=seconds))

    upstream.behave = {"pull": behave, "package": behave}
    for number in range(6):
        upstream.publish(f"ballerina/part{number}:1.0.0")
    wanted = [f"ballerina/part{number}:1.0.0" for number in range(6)]
    service = replace(mirroring(mirror).prefetch, sleep=sleep)
    found = await prefetch(mirror, *wanted, service=service)
    assert set(found.values()) == {Outcome.UNANSWERED}
    asked = upstream.asked["package"]
    assert asked <= 9  # Three times for three of them, and the gate closes meanwhile.
    failures.clear()
    mirror.clock.advance(timedelta(minutes=1))
    found = await prefetch(mirror, *wanted, service=service)
    assert set(found.values()) == {Outcome.FETCHED}
