"""A quota drops archives that were pulled least recently; a pull brings them back."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.domain.errors.bundles import BundleIncomplete
from shared.domain.identity import OPERATOR
from shared.domain.packages import Release
from shared.domain.task_runs import TaskReport
from shared.domain.wanted_releases import parse_coordinate
from shared.services.bundles.bundle_import import ImportStep
from shared.services.maintenance.drop_mirrored_archives import DropMirroredArchives
from shared.services.mirroring.prefetch import PrefetchScope
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.mirror.test_prefetch import mirroring, prefetch
from tests.support.archives import bala
from tests.support.bundles import Carrier, bundled
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

NAMES = [f"ballerina/part{number}:1.0.0" for number in range(4)]
DAY = timedelta(days=1)
TASK = DropMirroredArchives.id


@pytest.fixture
async def mirror(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    """Return a registry whose quota has room for two of four packages, which were pulled on four
    days."""
    for name in NAMES:
        upstream.publish(name, padding=1000)
    size = len(upstream.archives[NAMES[0]])
    mirror = await worlds(upstream=upstream.url, upstream_quota_bytes=2 * size + 500)
    for name in NAMES:
        await mirror.java().pull(name)
        await mirror.write_pulls()
        mirror.clock.advance(DAY)
    await mirror.registry.maintenance.upkeep.run("roll-up-pulls")
    return mirror


async def run(world: World) -> TaskReport:
    report = await world.registry.maintenance.upkeep.run(TASK)
    assert report is not None
    return report


async def release_of(world: World, name: str) -> Release:
    release = (await world.stores.metadata.find(parse_coordinate(name))).release
    assert release is not None
    return release


async def stored(world: World) -> list[str]:
    """Return the releases whose archives are stored."""
    found = list[str]()
    for name in NAMES:
        release = await release_of(world, name)
        there = await world.stores.archives.stat(release.archive) is not None
        assert release.is_dropped is not there, name
        found += [name] if there else []
    return found


def off(upstream: FakeUpstream) -> None:
    async def fail(_request: Request) -> Response:
        return Response(status_code=502)

    upstream.behave = {"package": fail, "pull": fail, "file": fail, "versions": fail}


async def test_the_least_recently_pulled_are_dropped_first(mirror: World) -> None:
    report = await run(mirror)
    assert (report.seen, report.changed, report.problems) == (4, 2, ())
    assert await stored(mirror) == NAMES[2:]
    assert (await run(mirror)).changed == 0
    [counted] = (await mirroring(mirror).overview.count()).upstreams
    assert (counted.releases, counted.dropped) == (4, 2)


async def test_a_pull_brings_an_archive_back(mirror: World, upstream: FakeUpstream) -> None:
    await run(mirror)
    before = await mirror.stores.events.since(0, 500)
    for bal in (mirror.java(), mirror.go()):
        assert (await bal.pull(NAMES[0])).content == upstream.archives[NAMES[0]]
    assert upstream.asked["file"] == 5
    assert await stored(mirror) == [NAMES[0], *NAMES[2:]]
    assert await mirror.stores.events.since(0, 500) == before  # The feed says nothing of it.
    mirror.clock.advance(DAY)
    await mirror.write_pulls()
    await mirror.registry.maintenance.upkeep.run("roll-up-pulls")
    assert (await run(mirror)).changed == 1
    assert await stored(mirror) == [NAMES[0], NAMES[3]]


async def test_a_link_to_the_registry_brings_an_archive_back(
    mirror: World, upstream: FakeUpstream
) -> None:
    await run(mirror)
    model = (await mirror.get(f"/packages/{NAMES[0].replace(':', '/')}")).json()
    archive = await mirror.get(model["balaURL"])
    assert archive.content == upstream.archives[NAMES[0]]


async def test_a_range_brings_an_archive_back(mirror: World, upstream: FakeUpstream) -> None:
    await run(mirror)
    package = NAMES[0].partition(":")[0]
    assert (await mirror.java().pull(f"{package}:*")).content == upstream.archives[NAMES[0]]


async def test_nothing_is_brought_back_for_a_request_that_came_through_this_registry(
    mirror: World, upstream: FakeUpstream
) -> None:
    await run(mirror)
    fetched = upstream.asked["file"]
    through = {"Accept": "application/octet-stream", "Via": "1.1 registry.test"}
    answer = await mirror.get(f"/packages/{NAMES[1].partition(':')[0]}/*", headers=through)
    assert answer.status_code == 503
    assert upstream.asked["file"] == fetched


async def test_descriptions_lists_and_resolutions_need_no_archive(
    mirror: World, upstream: FakeUpstream
) -> None:
    await run(mirror)
    off(upstream)
    org, name = NAMES[0].partition(":")[0].split("/")
    model = (await mirror.get(f"/packages/{org}/{name}/1.0.0")).json()
    assert model["version"] == "1.0.0"
    assert await mirror.java().versions(f"{org}/{name}") == ["1.0.0"]
    wanted = {"org": org, "name": name, "version": "1.0.0", "mode": "locked"}
    assert (await mirror.java().resolve_dependencies([wanted]))["resolved"]


async def test_a_dropped_archive_is_503_while_the_upstream_is_off(
    mirror: World, upstream: FakeUpstream
) -> None:
    await run(mirror)
    off(upstream)
    accept = {"Accept": "application/octet-stream"}
    answer = await mirror.get(f"/packages/{NAMES[0].replace(':', '/')}", headers=accept)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert (await mirror.java().pull(NAMES[3])).content == upstream.archives[NAMES[3]]


async def test_another_digest_of_a_dropped_archive_is_an_incident(
    mirror: World, upstream: FakeUpstream
) -> None:
    await run(mirror)
    upstream.publish(NAMES[0], summary="changed")
    with pytest.raises(ClientFailure, match="changed its archive"):
        await mirror.java().pull(NAMES[0])
    assert NAMES[0] not in await stored(mirror)


async def test_nothing_is_dropped_while_the_upstream_is_off(
    mirror: World, upstream: FakeUpstream
) -> None:
    off(upstream)
    report = await run(mirror)
    assert report.changed == 0
    assert "does not answer, so nothing more of it is dropped." in report.problems[0]
    assert await stored(mirror) == NAMES


async def test_what_the_upstream_removed_is_never_dropped(
    mirror: World, upstream: FakeUpstream
) -> None:
    gone = upstream.archives.pop(NAMES[0])
    report = await run(mirror)
    assert await stored(mirror) == [NAMES[0], NAMES[3]]
    assert (report.changed, report.problems) == (2, ())
    model = (await mirror.get(f"/packages/{NAMES[0].replace(':', '/')}")).json()
    assert model["upstream"]["removedDate"] == mirror.clock.now_ms()
    assert (await run(mirror)).changed == 0
    upstream.archives[NAMES[0]] = gone  # It is there again.
    mirror.clock.advance(DAY)
    await mirror.java().pull(NAMES[0])
    await mirroring(mirror).refreshing.drain()
    for instance in mirror.instances:
        assert instance.mirroring is not None
        await instance.mirroring.refreshing.drain()
    model = (await mirror.get(f"/packages/{NAMES[0].replace(':', '/')}")).json()
    assert "removedDate" not in model["upstream"]


async def test_what_the_upstream_changed_is_never_dropped(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish(NAMES[0], summary="changed")
    await run(mirror)
    assert await stored(mirror) == [NAMES[0], NAMES[3]]


async def test_what_a_prefetch_or_a_bundle_brought_is_never_dropped(
    mirror: World, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await prefetch(mirror, NAMES[0])
    carrier = Carrier.new(tmp_path_factory.mktemp("carried"))
    name = upstream.url.removeprefix("http://")
    carrier.write(*bundled({NAMES[1]: upstream.archives[NAMES[1]]}, upstream=name))
    await carrier.deliver(mirror)
    report = await run(mirror)
    assert (report.changed, report.problems) == (2, ())
    assert await stored(mirror) == NAMES[:2]
    done = await mirroring(mirror).prefetch.run(
        [parse_coordinate(each) for each in NAMES], PrefetchScope.ALONE, progress=lambda _: None
    )
    assert [each.outcome.value for each in done] == ["stored", "stored", "fetched", "fetched"]
    [problem] = (await run(mirror)).problems
    assert problem.startswith("The archives that are not dropped take ")
    assert await stored(mirror) == NAMES


async def test_a_bundle_brings_a_dropped_archive_back(
    mirror: World, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await run(mirror)
    off(upstream)
    carrier = Carrier.new(tmp_path_factory.mktemp("carried"))
    name = upstream.url.removeprefix("http://")
    carrier.write(*bundled({NAMES[0]: upstream.archives[NAMES[0]]}, upstream=name))
    assert (await carrier.deliver(mirror)).counts == {ImportStep.IMPORTED: 1}
    assert (await mirror.java().pull(NAMES[0])).content == upstream.archives[NAMES[0]]


async def test_what_was_fetched_just_now_and_what_is_withheld_is_not_dropped(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.registry.publishing.moderation.hold(parse_coordinate(NAMES[0]), "odd", by=OPERATOR)
    upstream.publish("ballerina/new:1.0.0", padding=9000)
    await mirror.java().pull("ballerina/new:1.0.0")
    await run(mirror)
    assert await stored(mirror) == [NAMES[0]]
    assert not (await release_of(mirror, "ballerina/new:1.0.0")).is_dropped


async def test_a_prefetch_in_between_keeps_an_archive(mirror: World) -> None:
    task = mirror.registry.maintenance.tasks[TASK]
    assert isinstance(task, DropMirroredArchives)
    describe = task.reader.describe_anew

    async def and_prefetch(*arguments: object) -> object:
        await prefetch(mirror, NAMES[0])
        return await describe(*arguments)  # pyright: ignore[reportArgumentType]

    reader = Wrapped(task.reader, and_prefetch)
    await replace(task, reader=reader).run()  # pyright: ignore[reportArgumentType]
    assert NAMES[0] in await stored(mirror)


class Wrapped:
    """A reader that does something before it asks."""

    def __init__(self, reader: object, describe: Callable[..., Awaitable[object]]) -> None:
        self._reader = reader
        self.describe_anew = describe

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)


async def test_a_run_that_was_interrupted_is_finished_by_the_next(mirror: World) -> None:
    coordinate = parse_coordinate(NAMES[0])
    assert await mirroring(mirror).admission.releases.drop(coordinate)
    mirror.clock.advance(DAY)
    await run(mirror)
    assert NAMES[0] not in await stored(mirror)


async def test_the_audit_tells_dropped_from_lost(mirror: World) -> None:
    audit = mirror.registry.maintenance.tasks["audit-archives"]
    assert (await audit.run()).problems == ()
    await run(mirror)
    assert (await audit.run()).problems == ()
    lost = await release_of(mirror, NAMES[3])
    assert await mirror.stores.archives.delete(lost.content, mirror.clock.now_ms())
    assert (await audit.run()).problems == (f"{NAMES[3]}: its archive is missing.",)


async def test_repairs_and_sweeps_leave_dropped_releases_alone(mirror: World) -> None:
    await run(mirror)
    for task in ("repair-derived-data", "delete-orphaned-archives", "rebuild-derived-data"):
        report = await mirror.registry.maintenance.upkeep.run(task)
        assert report is not None
        assert report.problems == ()
    assert await stored(mirror) == NAMES[2:]


async def test_without_a_quota_there_is_no_such_task(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url)
    assert TASK not in mirror.registry.maintenance.tasks


async def test_an_archive_that_the_upstream_has_no_more_is_503(
    mirror: World, upstream: FakeUpstream
) -> None:
    await run(mirror)
    del upstream.archives[NAMES[0]]
    accept = {"Accept": "application/octet-stream"}
    answer = await mirror.get(f"/packages/{NAMES[0].replace(':', '/')}", headers=accept)
    assert answer.status_code == 503


async def test_the_quota_counts_mirrored_archives_alone_and_asks_for_those_of_its_upstream(
    mirror: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await mirror.push(bala("acme/ours:1.0.0", padding=50_000))
    removed = parse_coordinate(NAMES[0])
    moderation = mirror.registry.publishing.moderation
    await moderation.remove(removed, "illegal", by=OPERATOR)
    carrier = Carrier.new(tmp_path_factory.mktemp("carried"))
    carrier.write(*bundled({"carried/x:1.0.0": bala("carried/x:1.0.0")}, upstream="other.test"))
    await carrier.deliver(mirror)
    assert (await run(mirror)).seen == 4
    release = await release_of(mirror, "carried/x:1.0.0")
    assert not release.is_dropped


async def test_a_bundle_is_not_written_without_a_dropped_archive(
    mirror: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await run(mirror)
    carrier = Carrier.new(tmp_path_factory.mktemp("carried"))
    with pytest.raises(BundleIncomplete, match=f"1 releases are not stored here.* {NAMES[0]}"):
        await carrier.export(mirror, NAMES[0])
