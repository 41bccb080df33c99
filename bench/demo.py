"""A registry at real size to look at: `make demo`, which fills one and serves it.

The releases are those of a real index. Archives, texts, dates and pulls are made up, and marked so
in each readme. They go through the same services as every push; a clock that runs through the
years with them gives each its date.
"""

import asyncio
import json
import math
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench.generated_texts import Made
from shared import localhost
from shared.bootstrap import build_registry, embedded_adapters
from shared.composition import Adapters, Registry
from shared.domain.errors.base import Refusal
from shared.domain.identity import OPERATOR, Principal
from shared.domain.names import Coordinate, Package, parse_org
from shared.first_start import ADMINISTRATOR
from shared.services.publishing import Upload
from shared.services.tokens import TokenRequest
from shared.settings import Settings
from tests.paths import ROOT, SHARED

INDEX = SHARED / "data" / "central-index.jsonl"
FOLDER = ROOT / ".ballroom-demo"
FULL = "demo-is-full"  # A file in the folder, written when all of it is there.
AT_ONCE = 16  # Pushes of one process; more of them wait for the same core.
MOST_PROCESSES = 4  # They share one database, which takes one write at a time.

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MOST_PULLED_DAYS = 400  # Before that, pulls are few and nobody looks.
FIRST = {  # When the releases of a distribution began.
    "slp": "2020-09", "slalpha": "2021-03", "slbeta": "2021-07", "2201.0": "2022-02",
    "2201.1": "2022-05", "2201.2": "2022-09", "2201.3": "2022-12", "2201.4": "2023-03",
    "2201.5": "2023-05", "2201.6": "2023-06", "2201.7": "2023-08", "2201.8": "2023-10",
    "2201.9": "2024-04", "2201.10": "2024-08", "2201.11": "2024-12", "2201.12": "2025-03",
}  # fmt: skip


def main(index: Path = INDEX) -> None:
    """Fill the folder unless it is full, and serve it."""
    folder = Path(os.environ.get("BALLROOM_DATA", FOLDER))
    if not (folder / FULL).exists():
        if not index.exists():
            sys.exit(f"There is no index of real packages at {index}, so there is nothing to show.")
        fill(folder, index)
    print(f"Serving {folder}. Remove that folder to fill it again.", flush=True)
    os.environ["BALLROOM_DATA"] = str(folder)
    sys.exit(localhost.main([]))


def fill(folder: Path, index: Path) -> None:
    """Publish all releases of an index into a registry in the folder."""
    started = time.monotonic()
    settings = Settings.load().model_copy(
        update={"data": folder, "limit_push": "", "log_level": "error"}
    )
    localhost.prepare(settings)
    releases = dated(map(json.loads, index.read_text("utf-8").splitlines()))
    published = asyncio.run(_fill(settings, releases))
    (folder / FULL).touch()
    print(f"{published:,} releases in {time.monotonic() - started:.0f} s.")


@dataclass(frozen=True)
class Dated:
    """A release of the index, and when it was published as far as the demonstration says."""

    made: Made
    at_ms: int

    @property
    def coordinate(self) -> Coordinate:
        """Return what it is called."""
        release = self.made.release
        return Coordinate.parse(release["org"], release["name"], release["version"])


def dated(index: Iterator[Mapping[str, Any]]) -> list[Dated]:
    """Date the releases by the distribution they need; the newest came an hour ago."""
    found = sorted(
        (Dated(Made(each), _date_of(each)) for each in index), key=lambda each: each.at_ms
    )
    late = time.time_ns() // 1_000_000 - HOUR_MS - found[-1].at_ms
    return [Dated(each.made, each.at_ms + late) for each in found]


def _date_of(release: Mapping[str, Any]) -> int:
    language = release["ballerina_version"]
    known = [begins for prefix, begins in FIRST.items() if language.startswith(prefix)]
    first = datetime.strptime((known or ["2022-02"])[-1], "%Y-%m").replace(tzinfo=UTC)
    drift = Made(release).chosen(100) + 11 * int(
        "0" + "".join(filter(str.isdigit, release["version"][:6]))
    )
    return int(first.timestamp() * 1000) + (drift % 150) * DAY_MS + drift * 7_919_000 % DAY_MS


@dataclass
class Calendar:
    """A clock that is set to the day of each release."""

    at_ms: int = 0

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970, UTC."""
        return self.at_ms or time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Return the same: releases come in the order of their days."""
        return self.now_ms()


@dataclass(frozen=True)
class Share:
    """What one process publishes; the first of them tells how far all have come."""

    settings: Settings
    releases: Sequence[Dated]
    number: int
    all: int


def publish(share: Share) -> list[Dated]:
    """Publish a share of the releases, and return those that were not refused."""
    return asyncio.run(_publish(share))


async def _fill(settings: Settings, releases: Sequence[Dated]) -> int:
    world = embedded_adapters(settings)
    registry = build_registry(settings, world)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.close)
        await _found(registry, releases)
        published = await asyncio.to_thread(_publish_all, settings, releases)
        by = await _administrator(registry)
        await _deprecate(registry, published, by)
        await _pull(world, published)
        print("Bringing the search up to date, and counting what there is …", flush=True)
        await registry.upkeep.run("refresh")
        await registry.upkeep.run("snapshot")
    return len(published)


async def _found(registry: Registry, releases: Sequence[Dated]) -> None:
    account = await registry.accounts.by_name_or_id(ADMINISTRATOR)
    names = sorted({each.made.release["org"].lower() for each in releases})
    print(f"Founding {len(names)} organizations …", flush=True)
    for org in names:
        await registry.organizations.create(parse_org(org), account, by=OPERATOR)


async def _administrator(registry: Registry) -> Principal:
    account = await registry.accounts.by_name_or_id(ADMINISTRATOR)
    scopes = ["push-new", "push-version", "deprecate"]
    wanted = TokenRequest.parse("demo", scopes, org="*", package="*", days=1)
    issued = await registry.tokens.issue(account.id, wanted, by=OPERATOR)
    bearer = {"authorization": f"Bearer {issued.text.reveal()}"}
    return await registry.authentication.authenticate(bearer)


def _publish_all(settings: Settings, releases: Sequence[Dated]) -> list[Dated]:
    """Publish with a process a core, each with every n-th release."""
    count = min(os.cpu_count() or 1, MOST_PROCESSES)
    shares = [Share(settings, releases[at::count], at, count) for at in range(count)]
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        published = [each for done in pool.map(publish, shares) for each in done]
    print()
    return published


async def _publish(share: Share) -> list[Dated]:
    calendar = Calendar()
    registry = build_registry(share.settings, embedded_adapters(share.settings, calendar))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.close)
        by = await _administrator(registry)
        published: list[Dated] = []
        for start in range(0, len(share.releases), AT_ONCE):
            chosen = share.releases[start : start + AT_ONCE]
            calendar.at_ms = chosen[-1].at_ms
            done = await asyncio.gather(*(_push(registry, each, by) for each in chosen))
            published += [each for each, is_done in zip(chosen, done, strict=True) if is_done]
            if share.number == 0:
                print(f"\r{_progress(len(published), share)}", end="", flush=True)
        return published


def _progress(published: int, share: Share) -> str:
    """Say how far all have come, as far as one of them knows."""
    done, wanted = published * share.all, len(share.releases) * share.all
    return f"Published {min(done, wanted):,} of {wanted:,} releases ({100 * done // wanted} %)"


async def _push(registry: Registry, release: Dated, by: Principal) -> bool:
    try:
        await registry.publishing.push(Upload(release.made.archive()), by=by)
    except Refusal as refusal:
        print(f"\rLeft out: {refusal}")
        return False
    return True


async def _deprecate(registry: Registry, releases: Sequence[Dated], by: Principal) -> None:
    print("Deprecating some …", flush=True)
    for each in releases:
        if each.made.release["is_deprecated"]:
            message = each.made.release["deprecation_message"] or "Use a newer version."
            await registry.deprecation.deprecate(each.coordinate, message, by=by)


async def _pull(world: Adapters, releases: Sequence[Dated]) -> None:
    """Make up pulls: more of what more packages need, and more of newer versions."""
    print("Counting pulls …", flush=True)
    needed = Counter(
        f"{needs['org']}/{needs['name']}"
        for each in releases
        for needs in each.made.release["dependencies"]
    )
    versions: dict[Package, list[Dated]] = defaultdict(list)
    for each in releases:
        versions[each.coordinate.package].append(each)
    for package, dates in versions.items():
        often = (
            0.2
            + dates[0].made.chosen(100) / 40
            + math.sqrt(needed[f"{package.org}/{package.name}"])
        )
        daily = {each.coordinate.version.text: _days(each, often) for each in dates[-5:]}
        await world.pulls.restore(package, daily)


def _days(release: Dated, often: float) -> dict[str, int]:
    today = datetime.now(UTC)
    age = min(int((today.timestamp() * 1000 - release.at_ms) // DAY_MS), MOST_PULLED_DAYS)
    pulls = ((back, _pulls(back, age, often)) for back in range(age + 1))
    return {f"{today - timedelta(days=back):%Y-%m-%d}": count for back, count in pulls if count}


def _pulls(back: int, age: int, often: float) -> int:
    """Return pulls of a day: a new version is wanted most, weeks have ends, and days differ."""
    fresh = 1 + 2 * math.exp((back - age) / 20)
    weekday = 0.4 if back % 7 in (1, 2) else 1.0
    noise = 0.5 + (back * 2_654_435_761 % 997) / 997
    return int(often * fresh * weekday * noise)


if __name__ == "__main__":
    os.umask(0o077)  # What is stored is for its owner alone, as it is of any registry.
    main()
