"""Counts what each kind of request takes of the cloud stores, with packages of the real index."""

import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from azure.storage.blob.aio import BlobServiceClient

from infra.cost.usage import RESOLVED, CountedRequest, Stored, Usage
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.paths import central_index
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.cloud_registry import MeteredRegistry, metered, other_instance
from tests.support.cloud_stores import double_of, emulator
from tests.support.documented_packages import documented_bala
from tests.support.world import BASE, URL

MOST_RELEASES = 4  # Of each package, so that counting takes seconds.
LONG_AGO = timedelta(days=3)  # Past the grace of the sweep.
UNTYPED = {"release": "digest", "head": "feed"}  # Items without a kind, by how their id begins.
# Clients that pull one package: a few pulls more wait for the end of the day, and move the package
# to no other place in the search.
OFTEN = 90
A_WINDOW = timedelta(minutes=30)  # After which a pull of the same caller counts again.


@dataclass(frozen=True)
class Counted:
    """What was counted: by kind of request, by idle maintenance task, and what comes on top."""

    uses: Mapping[CountedRequest, Usage]
    idle: Mapping[str, Usage]
    each_release: Mapping[str, Usage]
    each_followed: Usage  # A push, read of the change feed by another instance.
    each_window: Usage  # A batch of pulls, written and merged.
    each_pulled: Usage  # A package that was pulled, rolled up once in a day.
    stored: Stored
    items: Mapping[str, float]  # Bytes of each kind of item.


async def counted(folder: Path) -> Counted:
    """Fill a registry and count."""
    async with metered(folder) as cloud:
        await run(
            cloud, "generate-api-docs"
        )  # The first run visits all packages; the others do not.
        await run(cloud, "complete-event-logs")  # It has something to do once.
        await run(cloud, "freeze-leaves")  # As well.
        await run(cloud, "write-log")  # It begins the log.
        await run(cloud, "notify-dependents")  # It begins its place in the feed.
        idle = await idle_task_usage(cloud)
        packages = sample()
        *releases, last = releases_of(packages)
        pushes = [await pushed(cloud, each) for each in releases]
        await logged(cloud)
        fed, each_followed = await indexing_usage(cloud, last)
        entry = await logged(cloud)
        uses = await read(cloud, list(packages))
        uses[CountedRequest.PUSH] = mean(pushes) + fed + entry
        items = sizes(cloud)
        await pull_often(cloud, list(packages))
        each_window, each_pulled = await counting(cloud, list(packages))
        await idle_task_usage(cloud)  # What the roll-ups changed is told, and no news any more.
        await idle_task_usage(cloud)
        busy = await idle_task_usage(cloud)
        at_rest = await stored(cloud, len(pushes))
        uses[CountedRequest.API_PAGE] = await api_pages(cloud)
        return Counted(
            uses=uses,
            idle=idle,
            each_release={
                task: difference(busy[task], idle[task]) * (1 / len(pushes)) for task in idle
            },
            each_followed=each_followed,
            each_window=each_window,
            each_pulled=each_pulled,
            stored=at_rest,
            items=items,
        )


@cache
def sample() -> dict[str, list[Mapping[str, Any]]]:
    """Return some real packages with their first releases, each with a dependency."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for release in central_index():
        found.setdefault(f"{release['org']}/{release['name']}", []).append(release)
    chosen = {
        package: releases[:MOST_RELEASES]
        for package, releases in found.items()
        if package.startswith("ballerina") and len(releases) >= MOST_RELEASES
    }
    return dict(list(chosen.items())[:RESOLVED])


def releases_of(packages: Mapping[str, list[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Return all releases, one after the other."""
    return [release for releases in packages.values() for release in releases]


def mean(each: list[Usage]) -> Usage:
    """Return what one of them takes."""
    return sum(each, Usage()) * (1 / len(each))


async def pushed(cloud: MeteredRegistry, release: Mapping[str, Any]) -> Usage:
    """Publish an archive with the metadata of a real release."""
    cloud.meter.taken()
    answer = await cloud.send(
        f"{release['org']}/{release['name']}:{release['version']}",
        platform=release["platform"],
        ballerina_version=release["ballerina_version"],
        dependencies=[f"{d['org']}/{d['name']}:{d['version']}" for d in release["dependencies"]],
        modules=[each["name"] for each in release["modules"]],
    )
    return taken(cloud, answer)


async def logged(cloud: MeteredRegistry) -> Usage:
    """Write the log, as the process does that published a release, two seconds after it; return
    what that takes, with the proofs of the releases."""
    cloud.meter.taken()
    await cloud.registry.maintenance.task_runner.tasks["write-log"].run()
    return cloud.meter.taken()


async def indexing_usage(cloud: MeteredRegistry, release: Mapping[str, Any]) -> tuple[Usage, Usage]:
    """Return what it takes to tell the search of a push, which a Function does after it, and to
    tell an instance that follows the change feed."""
    async with fresh(cloud) as process:
        await run(cloud, "update-search-index")  # Of all before it.
        nothing_new = await run(cloud, "update-search-index")
        nothing_changed = await followed(process)
        await pushed(cloud, release)
        following = difference(await followed(process), nothing_changed)
        return difference(await run(cloud, "update-search-index"), nothing_new), following


async def followed(process: MeteredRegistry) -> Usage:
    """Ask the change feed as an instance does that is asked itself."""
    process.clock.advance(2 * CHANGES_KNOWN_WITHIN)
    process.meter.taken()
    await process.registry.adapters.edition.poll()
    return process.meter.taken()


async def run(cloud: MeteredRegistry, task: str) -> Usage:
    """Run a task as the timer does."""
    cloud.meter.taken()
    await cloud.registry.maintenance.task_runner.run(task)
    await cloud.registry.maintenance.task_runner.runs.is_due(
        cloud.registry.maintenance.task_runner.tasks[task]
    )  # The timer reads the record of the last run.
    return cloud.meter.taken()


async def read(cloud: MeteredRegistry, packages: list[str]) -> dict[CountedRequest, Usage]:
    """Ask for each package in each way, one release of each, when none is in memory."""
    found: dict[CountedRequest, Usage] = {}
    exact = [metadata_of(sample()[each][0]) for each in packages]
    async with fresh(cloud) as process:
        pulls = [(await got(process, url, dict(ACCEPT_ARCHIVE)))[0] for url in exact]
        await process.registry.packages.pull_counter.flush()
        found[CountedRequest.PULL] = mean(pulls)
        bearer = {**dict(ACCEPT_ARCHIVE), "Authorization": f"Bearer {cloud.token}"}
        # Who sends a token again on the second hop is sent to the app itself.
        hops = [(await got(process, url, bearer))[1].headers["location"] for url in exact]
    found[CountedRequest.ARCHIVE] = without_answer(await first(cloud, hops))
    found[CountedRequest.METADATA] = await first(cloud, exact)
    versions = [f"{BASE}/packages/{each}" for each in packages]
    found[CountedRequest.VERSIONS] = await first(cloud, versions)
    lines = [f"{URL}/index/{each}/index.json" for each in packages]
    found[CountedRequest.INDEX] = await first(cloud, lines)
    found[CountedRequest.RESOLVE] = await resolved(cloud, packages)
    pages = [f"{URL}/packages/{each}" for each in packages]
    found[CountedRequest.PAGE] = await first_of_others(cloud, pages)
    async with fresh(cloud) as process:  # Its search is refreshed until it closes.
        found[CountedRequest.SEARCH] = await again(process, [f"{BASE}/packages?q=http&limit=20"])
    return found


@asynccontextmanager
async def fresh(cloud: MeteredRegistry) -> AsyncGenerator[MeteredRegistry]:
    """Start an instance that knows the containers, and nothing that is in them."""
    async with other_instance(cloud) as process:
        adapters = process.registry.adapters
        await adapters.metadata.survey([NO_PACKAGE, Package.parse("acme", "none")])
        await adapters.edition.poll()
        yield process


async def first(cloud: MeteredRegistry, urls: list[str]) -> Usage:
    """Return what a request takes of an instance that was not asked before."""
    async with fresh(cloud) as process:
        return mean([(await got(process, url))[0] for url in urls])


async def api_pages(cloud: MeteredRegistry) -> Usage:
    """Publish packages with API documentation, and return what a page of it takes."""
    names = [f"documented{number}" for number in range(RESOLVED)]
    headers = {"Authorization": f"Bearer {cloud.token}"}
    for name in names:
        files = {"bala-file": ("any.bala", documented_bala(f"acme/{name}:1.0.0"))}
        answer = await cloud.http.post(f"{BASE}/packages", headers=headers, files=files)
        assert answer.status_code == 204, answer.text
    await cloud.registry.api_docs.queue.drain()
    return await first_of_others(
        cloud, [f"{URL}/packages/acme/{each}/1.0.0/docs/{each}/" for each in names]
    )


async def first_of_others(cloud: MeteredRegistry, urls: list[str]) -> Usage:
    """Return what a page takes of an instance that has answered other pages, and not this one: it
    knows the notices, the advisories and the search."""
    async with fresh(cloud) as process:
        for url in (f"{URL}/search?q=http", urls[0]):
            await got(process, url)
        return mean([(await got(process, url))[0] for url in urls[1:]])


def metadata_of(release: Mapping[str, Any]) -> str:
    """Return the address of the metadata of a release."""
    return f"{BASE}/packages/{release['org']}/{release['name']}/{release['version']}"


def version(package: str) -> str:
    """Return one version of a package of the sample."""
    return str(sample()[package][0]["version"])


async def again(cloud: MeteredRegistry, urls: list[str]) -> Usage:
    """Ask for each twice, and return what the second time takes."""
    for url in urls:
        await got(cloud, url)
    return mean([(await got(cloud, url))[0] for url in urls])


async def resolved(cloud: MeteredRegistry, packages: list[str]) -> Usage:
    """Resolve all packages, none of which is in memory."""
    asked = [dict(zip(("org", "name"), each.split("/"), strict=True)) for each in packages]
    async with fresh(cloud) as process:
        process.meter.taken()
        url = f"{BASE}/packages/resolve-dependencies"
        return taken(process, await process.http.post(url, json={"packages": asked}))


async def got(
    cloud: MeteredRegistry, url: str, headers: Mapping[str, str] | None = None
) -> tuple[Usage, httpx.Response]:
    """Ask for something, and return what that takes."""
    cloud.meter.taken()
    answer = await cloud.http.get(url, headers=headers)
    return taken(cloud, answer), answer


def taken(cloud: MeteredRegistry, answer: httpx.Response) -> Usage:
    """Return what an answer took, which has to be a good one."""
    assert answer.status_code < 400, answer.text
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return cloud.meter.taken(head + len(answer.content))


def without_answer(usage: Usage) -> Usage:
    """Return it without the bytes of its answer, which are those of a small archive here."""
    return Usage(usage.units, usage.records, usage.blob_reads, usage.blob_writes)


async def idle_task_usage(cloud: MeteredRegistry) -> dict[str, Usage]:
    """Run every task that has a schedule and that a registry without an edge has, days after the
    last request."""
    cloud.clock.advance(LONG_AGO)
    tasks = [
        task.id for task in cloud.registry.maintenance.task_runner.tasks.values() if task.schedule
    ]
    return {task: await run(cloud, task) for task in tasks}


async def pull_often(cloud: MeteredRegistry, packages: list[str]) -> None:
    """Pull each package for several clients, and roll that up."""
    for client in range(OFTEN):
        await pull(cloud, packages, client)
    cloud.clock.advance(LONG_AGO)
    await run(cloud, "roll-up-pulls")


async def pull(cloud: MeteredRegistry, packages: list[str], client: int = 0) -> Usage:
    """Count a pull of packages, and return what it takes to write that down."""
    for package in packages:
        org, _, name = package.partition("/")
        coordinate = Coordinate.parse(org, name, version(package))
        cloud.registry.packages.pull_counter.count(coordinate, f"192.0.2.{client}")
    cloud.meter.taken()
    await cloud.registry.packages.pull_counter.flush()
    return cloud.meter.taken()


async def counting(cloud: MeteredRegistry, packages: list[str]) -> tuple[Usage, Usage]:
    """Return what each batch of pulls takes, and each package in a day."""
    writes = list[Usage]()
    runs = list[Usage]()
    for batches in (1, 1, 2):  # In the first, the sums of the packages are read.
        for _ in range(batches):
            cloud.clock.advance(A_WINDOW)
            writes.append(await pull(cloud, packages))
        runs.append(await run(cloud, "roll-up-pulls"))
    nothing = await run(cloud, "roll-up-pulls")
    cloud.clock.advance(LONG_AGO)
    await pull(cloud, packages[:1])  # Somebody comes, and the days before are over.
    rolled = difference(await run(cloud, "roll-up-pulls"), nothing)
    # The process writes by itself after half a minute, which may come before this does.
    written = max(writes, key=lambda each: each.units)
    return written + difference(runs[2], runs[1]), rolled * (1 / len(packages))


def difference(usage: Usage, other: Usage) -> Usage:
    """Return what the one takes more than the other."""
    return usage + other * -1


async def stored(cloud: MeteredRegistry, releases: int) -> Stored:
    """Return how many bytes a release takes at rest, beside its archive."""
    items = [size for _, size in measured_items(cloud)]
    async with BlobServiceClient.from_connection_string(emulator()) as blobs:
        derived = blobs.get_container_client(f"{cloud.meter.place.prefix}derived")
        documents = [
            blob.size
            async for blob in derived.list_blobs()
            if blob.name.startswith(("texts/", "graph/", "attestations/"))
        ]
    return Stored(sum(items) / releases, sum(documents) / releases)


def sizes(cloud: MeteredRegistry) -> dict[str, float]:
    """Return how large an item of each kind is."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for kind, size in measured_items(cloud):
        found[kind].append(size)
    return {kind: sum(each) / len(each) for kind, each in found.items()}


def measured_items(cloud: MeteredRegistry) -> Iterator[tuple[str, int]]:
    """Yield every item's kind and size."""
    double = double_of(cloud.meter.place.folder, cloud.clock)
    for container in double.containers.values():
        for key, partition in container.partitions.items():
            for item in partition.items.values():
                prefix: str = item["id"].partition(":")[0]
                kind: str = item.get("kind") or UNTYPED.get(prefix, prefix)
                yield "name" if key == '["names"]' else kind, len(json.dumps(item))
