"""Growth: the cost of a push and an exact pull of one package at 10, 1,000 and 10,000 versions."""

import asyncio
import statistics
import time
from pathlib import Path

from bench.servers import workspace
from shared.bootstrap import build_registry, embedded_adapters, migrate
from shared.composition import Registry
from shared.domain.archives.names import Digest
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import Package, parse_org
from shared.domain.packages import ReleaseEntry
from shared.domain.rights import Grant
from shared.domain.versions import ANY_CLIENT, Version
from shared.services.common import Adapters
from shared.services.publishing.publishing import Upload
from shared.settings import Settings
from tests.support.archives import bala

HISTORIES = (10, 1_000, 10_000)
PUSHES, PULLS = 40, 2_000
PACKAGE = Package.parse("acme", "grows")


async def measure(folder: Path, history: int) -> tuple[float, float]:
    """Return the median milliseconds of a push, and the mean microseconds of a pull."""
    settings = Settings(data=folder / str(history), log_level="error")
    migrate(settings)
    world = embedded_adapters(settings)
    registry = build_registry(settings, world)
    try:
        by = await _found(registry)
        await registry.publishing.releases.push(Upload(bala(f"{PACKAGE}:0.0.1")), by=by)
        await _grow(world, history)
        return await _time_pushes(registry, by), await _time_pulls(registry)
    finally:
        await registry.close()


async def _found(registry: Registry) -> Principal:
    admin = await registry.identity.accounts.create_administrator("admin", by=OPERATOR)
    await registry.organizations.organizations.create(parse_org("acme"), admin, by=OPERATOR)
    return Principal(id=admin.id, credential="bench", grants=(Grant(),))


async def _grow(world: Adapters, history: int) -> None:
    """Write a history into the stores: copies of the first release under other versions."""
    first = (await world.metadata.find(PACKAGE.at(Version.parse("0.0.1")))).release
    if first is None:
        raise LookupError(PACKAGE)
    for number in range(2, history + 1):
        update = {"version": f"0.0.{number}", "digest": Digest.of(b"%d" % number).hex, "outbox": ()}
        release = first.model_copy(update=update)
        await world.metadata.add_release(release)
        await world.metadata.put_entries(PACKAGE, [ReleaseEntry.of(release)])


async def _time_pushes(registry: Registry, by: Principal) -> float:
    times: list[float] = []
    for number in range(PUSHES):
        content = Upload(bala(f"{PACKAGE}:1.0.{number}"))
        began = time.perf_counter()
        await registry.publishing.releases.push(content, by=by)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1_000


async def _time_pulls(registry: Registry) -> float:
    version = Version.parse("1.0.7")
    began = time.perf_counter()
    for _ in range(PULLS):
        await registry.packages.hosted.find(PACKAGE, version, client=ANY_CLIENT, by=ANONYMOUS)
    return (time.perf_counter() - began) / PULLS * 1_000_000


def main() -> None:
    with workspace() as folder:
        asyncio.run(measure(folder, 1))  # Warm, so that the first row is not the slowest.
        rows = {history: asyncio.run(measure(folder, history)) for history in HISTORIES}
    print("versions    push, median    exact pull, mean")
    for history, (push_ms, pull_us) in rows.items():
        print(f"{history:8,}    {push_ms:9.2f} ms    {pull_us:13.1f} us")
    first, last = rows[HISTORIES[0]], rows[HISTORIES[-1]]
    print(f"growth      {last[0] / first[0]:9.2f}x      {last[1] / first[1]:13.2f}x   (aim: 1.2)")


if __name__ == "__main__":
    main()
