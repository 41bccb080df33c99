"""Refreshing: how often the upstream is asked about what is stored, and what comes of it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.packages import Release
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.runtime.lru_cache import LruCache
from shared.services.mirroring import archive_admission
from shared.services.mirroring.upstream_questions import Asker
from tests.support.archives import bala
from tests.support.mirrors import change, events_of, release_of, services
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

FRESH_FOR = timedelta(minutes=5)
MOMENT = timedelta(milliseconds=1)


async def stored(mirror: World, text: str) -> Release:
    """Return what is stored of a release; fetch it first if it is not."""
    await services(mirror).admission.admit(Coordinate.from_text(text), Asker(ANONYMOUS))
    return await release_of(mirror, text)


@pytest.fixture
async def io(mirror: World, upstream: FakeUpstream) -> Release:
    """Return a release that was fetched just now; forget what was asked for it."""
    release = await stored(mirror, "ballerina/io:1.0.0")
    upstream.asked.clear()
    return release


async def test_a_release_is_asked_about_once_in_five_minutes(
    mirror: World, upstream: FakeUpstream, io: Release
) -> None:
    refreshing = services(mirror).refreshing
    for asked in range(3):
        mirror.clock.advance(FRESH_FOR - MOMENT)
        for pause in (timedelta(), MOMENT, timedelta()):
            mirror.clock.advance(pause)
            refreshing.refresh(io)
            await refreshing.drain()
        assert upstream.asked == {"package": asked + 1}


async def test_a_process_that_has_just_started_asks_about_what_was_fetched_long_ago(
    mirror: World, upstream: FakeUpstream, io: Release
) -> None:
    mirror.clock.advance(FRESH_FOR)
    fresh = replace(services(mirror).refreshing, _refreshed=LruCache[str, int](10))
    fresh.refresh(io)
    await fresh.drain()
    assert upstream.asked == {"package": 1}


async def test_a_clock_that_is_set_back_delays_a_refresh_by_five_minutes_at_most(
    mirror: World, upstream: FakeUpstream, io: Release
) -> None:
    mirror.clock.step(-timedelta(days=1))
    for pause, asked in ((timedelta(), 0), (FRESH_FOR - MOMENT, 0), (MOMENT, 1)):
        mirror.clock.advance(pause)
        services(mirror).refreshing.refresh(io)
        await services(mirror).refreshing.drain()
        assert upstream.asked["package"] == asked


async def test_what_comes_while_too_many_wait_is_refreshed_another_time(
    mirror: World, upstream: FakeUpstream, io: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await stored(mirror, "ballerina/io:1.1.0")
    upstream.asked.clear()
    monkeypatch.setattr(archive_admission, "MOST_WAITING", 1)
    mirror.clock.advance(FRESH_FOR)
    for asked in (1, 2):
        for release in (io, other):
            services(mirror).refreshing.refresh(release)
        await services(mirror).refreshing.drain()
        assert upstream.asked == {"package": asked}


@pytest.mark.parametrize("rule", ["", "ballerina other.test"])
async def test_a_release_of_which_no_upstream_may_be_asked_is_not_gone(
    mirror: World, upstream: FakeUpstream, io: Release, rule: str
) -> None:
    """Its upstream was taken off the list, or a rule names another one."""
    others = f"{upstream.url},https://other.test" if rule else "https://other.test"
    await change(mirror, *([rule] if rule else []), upstreams=others)
    mirror.clock.advance(FRESH_FOR)
    services(mirror).refreshing.refresh(io)
    await services(mirror).refreshing.drain()
    stored = await release_of(mirror, str(io.coordinate))
    assert (stored.upstream, upstream.asked) == (io.upstream, {})
    assert await events_of(mirror, "mirror.removed") == []
    assert await services(mirror).gone.list(by=OPERATOR) == []


async def test_a_release_of_ours_is_never_refreshed(mirror: World) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    ours = await stored(mirror, "acme/greet:1.0.0")
    mirror.clock.advance(FRESH_FOR)
    services(mirror).refreshing.refresh(ours)
    assert not services(mirror).refreshing._tasks


async def test_nothing_is_refreshed_after_the_end(
    mirror: World, upstream: FakeUpstream, io: Release
) -> None:
    refreshing = services(mirror).refreshing
    mirror.clock.advance(FRESH_FOR)
    async with refreshing._turns:
        refreshing.refresh(io)
        await refreshing.close()
        assert not refreshing._tasks
    assert not upstream.asked
