"""A demo registry: `make demo` fills one and serves it.

The releases are those of a real index, and those of a second file that describes packages with
their keywords; where there is no index, those of invented packages. Archives, texts and pulls are
generated, and each readme says so. Releases go through the same services as every push, with a
clock that gives each its date.
"""

import asyncio
import hashlib
import math
import os
import re
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from bench.support.generated_texts import GeneratedRelease
from shared import localhost
from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.build import build_registry
from shared.commands.first_start import ADMINISTRATOR
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Refusal
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.domain.versions import Version
from shared.registry import Registry
from shared.services.adapters import Adapters
from shared.services.publishing.uploads import Upload
from shared.settings import Settings
from tests.paths import ROOT, central_index, central_packages

FOLDER = ROOT / ".ballroom-demo"
FULL = "demo-is-full"  # This file exists in the folder when everything was published.
CONCURRENT_WRITES = 16  # Pushes of a process; with more of them each waits for the same core.
MAX_PROCESSES = 4  # They share one database, which accepts one write at a time.

DAY_MS = 24 * 3_600_000
MAX_PULL_DAYS = 400  # Charts and recent pulls show no earlier days.
PULLED_VERSIONS = 5  # The newest versions of a package get pulls.
Result = TypeVar("Result")
_DailyPulls = dict[str, int]  # The pulls of a version by day.

# The month in which releases for a Ballerina version began, in this order.
_BEGINNINGS = {
    "slp": "2020-09",
    "slalpha": "2021-03",
    "slbeta": "2021-07",
    "2201.0": "2022-02",
    "2201.1": "2022-05",
    "2201.2": "2022-09",
    "2201.3": "2022-12",
    "2201.4": "2023-03",
    "2201.5": "2023-05",
    "2201.6": "2023-06",
    "2201.7": "2023-08",
    "2201.8": "2023-10",
    "2201.9": "2024-04",
    "2201.10": "2024-08",
    "2201.11": "2024-12",
    "2201.12": "2025-03",
}
_UNKNOWN_LANGUAGE = "slbeta"  # Two spellings in the index name no Ballerina version.
_DESCRIBED_LANGUAGE = "2201.10.0"  # The newest one when the packages were described.
_RELEASED_FOR = 120 * DAY_MS  # Releases for one Ballerina version are spread over this time.
_LANGUAGE = re.compile(r"2201\.\d+|sl[a-z]+")
_NIGHTLY = re.compile(r"-(20\d{6}-\d{6})-")  # A nightly build names its own time.


def main() -> None:
    """Fill the folder unless it is full, and serve it."""
    folder = _known_folder()
    if not (folder / FULL).exists():
        fill(folder, read_releases())
    print(f"Serving {folder}. To fill it again, delete that folder.", flush=True)
    os.environ["BALLROOM_DATA"] = str(folder)
    sys.exit(localhost.main([]))


def fill(folder: Path, releases: Sequence["DatedRelease"]) -> None:
    """Publish all releases into a registry in the folder."""
    started = time.monotonic()
    settings = Settings.load().model_copy(
        update={"data": folder, "limit_push": "", "log_level": "error"}
    )
    localhost.prepare_data_folder(settings)
    published = asyncio.run(_fill(settings, releases))
    (folder / FULL).touch()
    print(f"{published:,} releases in {time.monotonic() - started:.0f} s.")


@dataclass(frozen=True)
class DatedRelease:
    """A release of the index, and when it was published."""

    content: GeneratedRelease
    at_ms: int

    @property
    def coordinate(self) -> Coordinate:
        release = self.content.release
        return Coordinate.parse(release["org"], release["name"], release["version"])


def read_releases() -> list[DatedRelease]:
    """Return the releases of both files, the oldest first, with the keywords of their packages."""
    lines = central_index()
    described = central_packages()
    keywords = {_package_key(each): tuple(each["keywords"]) for each in described}
    indexed = {(*_package_key(each), each["version"]) for each in lines}
    missing = (each for each in described if (*_package_key(each), each["version"]) not in indexed)
    found = (
        GeneratedRelease(line, keywords.get(_package_key(line), ()))
        for line in (*lines, *map(_index_line, missing))
    )
    return sorted(dated(found), key=lambda each: each.at_ms)


def _index_line(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a described release as the index would list it."""
    return {
        "org": described["org"],
        "name": described["name"],
        "version": described["version"],
        "platform": "any",
        "ballerina_version": _DESCRIBED_LANGUAGE,
        "is_deprecated": False,
        "deprecation_message": "",
        "modules": [{"name": each} for each in described["modules"]],
        "dependencies": [],
    }


def _package_key(line: Mapping[str, Any]) -> tuple[str, str]:
    return line["org"], line["name"]


def dated(releases: Iterable[GeneratedRelease]) -> Iterator[DatedRelease]:
    """Date each release by its Ballerina version: a nightly build says when it was built, and the
    other versions of a package follow each other while that Ballerina version was current."""

    def group(each: GeneratedRelease) -> tuple[str, ...]:
        return (*_package_key(each.release), _language(each.release))

    def order(each: GeneratedRelease) -> tuple[object, ...]:
        return (*group(each), Version.parse(each.release["version"]).precedence)

    for (org, name, language), members in groupby(sorted(releases, key=order), key=group):
        versions = list(members)
        first_ms = _milliseconds(_BEGINNINGS[language], "%Y-%m")
        step_ms = _RELEASED_FOR // len(versions)
        for number, each in enumerate(versions):
            drift_ms = _hash(f"{org}/{name}:{each.release['version']}") % step_ms
            yield DatedRelease(each, _built_ms(each) or first_ms + number * step_ms + drift_ms)


def _language(release: Mapping[str, Any]) -> str:
    found = _LANGUAGE.match(release["ballerina_version"])
    return found[0] if found and found[0] in _BEGINNINGS else _UNKNOWN_LANGUAGE


def _built_ms(release: GeneratedRelease) -> int | None:
    built = _NIGHTLY.search(release.release["ballerina_version"])
    return _milliseconds(built[1], "%Y%m%d-%H%M%S") if built else None


def _milliseconds(text: str, form: str) -> int:
    return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * 1000


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


_PUBLISHED_MS = ContextVar("_PUBLISHED_MS", default=0)  # The date of the push of the current task.


class ReleaseClock:
    """A clock that shows the date of the release that the current task publishes."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970, UTC."""
        return _PUBLISHED_MS.get() or time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Return the current time: every date is earlier."""
        return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True)
class Share:
    """What one process publishes; the first process reports the progress of all."""

    settings: Settings
    releases: Sequence[DatedRelease]
    number: int
    count: int


def publish(share: Share) -> list[DatedRelease]:
    """Publish a share of the releases, and return those that were not refused."""
    return asyncio.run(_publish(share))


async def _fill(settings: Settings, releases: Sequence[DatedRelease]) -> int:
    adapters = embedded_adapters(settings)
    registry = build_registry(settings, adapters)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.close)
        await _create_organizations(registry, releases)
        published = await asyncio.to_thread(_publish_all, settings, releases)
        print("Documenting the latest releases …", flush=True)
        await asyncio.to_thread(_share_out, document, settings, _latest(published))
        await _deprecate(registry, published)
        await _restore_pulls(adapters, published)
        print("Updating the search index and the counts …", flush=True)
        await registry.maintenance.task_runner.run("rebuild-derived-data")
        await registry.maintenance.task_runner.run("create-snapshot")
    return len(published)


async def _create_organizations(registry: Registry, releases: Sequence[DatedRelease]) -> None:
    account = await registry.identity.accounts.by_name_or_id(ADMINISTRATOR)
    names = sorted({each.content.release["org"].lower() for each in releases})
    print(f"Creating {len(names)} organizations …", flush=True)
    for org in names:
        await registry.organizations.organizations.create(parse_org(org), account, by=OPERATOR)


async def _administrator(registry: Registry) -> Principal:
    """Return the administrator with every right, without a token that would stay behind."""
    account = await registry.identity.accounts.by_name_or_id(ADMINISTRATOR)
    return Principal(id=account.id, credential="demo", grants=(Grant(),))


def _publish_all(settings: Settings, releases: Sequence[DatedRelease]) -> list[DatedRelease]:
    """Publish releases, and return those that were not refused."""
    published = [each for done in _share_out(publish, settings, releases) for each in done]
    print()
    return sorted(published, key=lambda each: each.at_ms)


def _share_out(
    work: Callable[[Share], Result], settings: Settings, releases: Sequence[DatedRelease]
) -> list[Result]:
    """Do the work in one process per core, each with every n-th release."""
    count = min(os.cpu_count() or 1, MAX_PROCESSES, len(releases))
    shares = [Share(settings, releases[at::count], at, count) for at in range(count)]
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, shares))


def _latest(releases: Sequence[DatedRelease]) -> list[DatedRelease]:
    """Return the release of each package that its page shows."""
    found: dict[Package, DatedRelease] = {}
    for each in releases:
        known = found.setdefault(each.coordinate.package, each)
        if _order(known) < _order(each):
            found[each.coordinate.package] = each
    return list(found.values())


def _order(release: DatedRelease) -> tuple[bool, Version]:
    version = release.coordinate.version
    return version.is_stable, version


def document(share: Share) -> None:
    """Make the API documentation of a share; that of other releases is made on request."""
    asyncio.run(_document(share))


async def _document(share: Share) -> None:
    registry = build_registry(share.settings, embedded_adapters(share.settings))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.close)
        for each in share.releases:
            release = await registry.publishing.moderation.find(each.coordinate, by=OPERATOR)
            await registry.api_docs.generation.update(release)


async def _publish(share: Share) -> list[DatedRelease]:
    registry = build_registry(share.settings, embedded_adapters(share.settings, ReleaseClock()))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(registry.close)
        by = await _administrator(registry)
        published: list[DatedRelease] = []
        for start in range(0, len(share.releases), CONCURRENT_WRITES):
            chosen = share.releases[start : start + CONCURRENT_WRITES]
            done = await asyncio.gather(*(_push(registry, each, by) for each in chosen))
            published += [each for each, is_done in zip(chosen, done, strict=True) if is_done]
            if share.number == 0:
                print(f"\r{_progress(len(published), share)}", end="", flush=True)
        return published


def _progress(published: int, share: Share) -> str:
    """Return the progress of all processes, estimated from one."""
    done = published * share.count
    wanted = len(share.releases) * share.count
    return f"Published {min(done, wanted):,} of {wanted:,} releases ({100 * done // wanted} %)"


async def _push(registry: Registry, release: DatedRelease, by: Principal) -> bool:
    _PUBLISHED_MS.set(release.at_ms)
    try:
        await registry.publishing.releases.push(Upload(release.content.archive()), by=by)
    except Refusal as refusal:
        print(f"\rNot published: {refusal}")
        return False
    return True


async def _deprecate(registry: Registry, releases: Sequence[DatedRelease]) -> None:
    print("Deprecating releases …", flush=True)
    by = await _administrator(registry)
    for each in releases:
        if each.content.release["is_deprecated"]:
            message = each.content.release["deprecation_message"] or "Use a newer version."
            await registry.packages.deprecation.deprecate(each.coordinate, message, by=by)


async def _restore_pulls(adapters: Adapters, releases: Sequence[DatedRelease]) -> None:
    """Store invented pulls: more for packages with many dependents, and for new versions."""
    print("Storing pulls …", flush=True)
    dependents = Counter(
        f"{dependency['org']}/{dependency['name']}"
        for each in releases
        for dependency in each.content.release["dependencies"]
    )
    versions: dict[Package, list[DatedRelease]] = defaultdict(list)
    for each in releases:
        versions[each.coordinate.package].append(each)
    packages = list(versions)
    for start in range(0, len(packages), CONCURRENT_WRITES):  # They share a transaction.
        chosen = packages[start : start + CONCURRENT_WRITES]
        pulls = (_pulls_of_package(versions[each], dependents[str(each)]) for each in chosen)
        await asyncio.gather(*map(adapters.pulls.restore, chosen, pulls))


def _pulls_of_package(releases: Sequence[DatedRelease], dependents: int) -> dict[str, _DailyPulls]:
    """Return pulls of the newest versions; `releases` are all of the package, oldest first."""
    rate = 0.2 + releases[0].content.chosen(100) / 40 + math.sqrt(dependents)
    return {
        each.coordinate.version.text: _daily_pulls(each, rate)
        for each in releases[-PULLED_VERSIONS:]
    }


def _daily_pulls(release: DatedRelease, rate: float) -> _DailyPulls:
    days = _days_back()
    age = min(int((time.time() * 1000 - release.at_ms) // DAY_MS), MAX_PULL_DAYS)
    pulls = ((back, int(rate * _FRESH[age - back] * _SHARES[back])) for back in range(age + 1))
    return {days[back]: count for back, count in pulls if count}


@cache
def _days_back() -> list[str]:
    """Return the days until today as the pull ledger writes them, today first."""
    today = datetime.now(UTC)
    return [f"{today - timedelta(days=back):%Y-%m-%d}" for back in range(MAX_PULL_DAYS + 1)]


# How often a version is pulled, by the days since its publication: more when it is new.
_FRESH = [1 + 2 * math.exp(-days / 20) for days in range(MAX_PULL_DAYS + 1)]
# How often anything is pulled, by the days before today: weekends have less, and days differ.
_SHARES = [
    (0.4 if back % 7 in (1, 2) else 1.0) * (0.5 + (back * 2_654_435_761 % 997) / 997)
    for back in range(MAX_PULL_DAYS + 1)
]


def filled(folder: Path) -> None:
    """Have the demonstration in a folder, as `published` does.

    Its documentation is finished, which takes minutes: else it is made while pages are measured.
    """
    published(folder)
    asyncio.run(_finish_documentation(folder))


def published(folder: Path) -> None:
    """Have the demonstration in a folder: a copy of the one that is there, or a new one."""
    if is_full():
        shutil.copytree(_known_folder(), folder)
    else:
        fill(folder, read_releases())


def is_full() -> bool:
    """Check whether the demonstration was filled before."""
    return (_known_folder() / FULL).exists()


def _known_folder() -> Path:
    return Path(os.environ.get("BALLROOM_DATA", FOLDER))


async def _finish_documentation(folder: Path) -> None:
    settings = Settings.load().model_copy(update={"data": folder, "log_level": "error"})
    registry = build_registry(settings, embedded_adapters(settings))
    try:
        while (
            report := await registry.maintenance.task_runner.run("generate-api-docs")
        ) is not None:
            if not report.unfinished:
                break
    finally:
        await registry.close()


if __name__ == "__main__":
    os.umask(0o077)  # Only the owner reads what a registry stores.
    main()
