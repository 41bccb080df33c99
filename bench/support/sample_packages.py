"""Packages to fill a registry with: real metadata, archives made for it."""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.support.servers import Server, push
from tests.paths import central_index
from tests.support.archives import bala

PUSHERS = 8


def real_releases() -> dict[str, list[dict[str, object]]]:
    """Return the releases of the real index by package."""
    found: dict[str, list[dict[str, object]]] = defaultdict(list)
    for release in central_index():
        found[f"{release['org']}/{release['name']}"].append(release)
    return found


def largest(count: int) -> list[str]:
    """Return the packages with the most releases, the largest first."""
    releases = real_releases()
    return sorted(releases, key=lambda package: -len(releases[package]))[:count]


def push_real(server: Server, packages: Iterable[str]) -> int:
    """Publish every release of the packages, and return how many there are."""
    releases = real_releases()
    archives = [archive(each) for package in packages for each in releases[package]]
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(PUSHERS) as pool:
        list(pool.map(lambda content: push(server, client, content), archives))
    return len(archives)


def archive(release: dict[str, object]) -> bytes:
    """Make an archive with the metadata of a release."""
    dependencies = [
        f"{d['org']}/{d['name']}:{d['version']}" for d in _list(release, "dependencies")
    ]
    return bala(
        f"{release['org']}/{release['name']}:{release['version']}",
        platform=release["platform"],
        ballerina_version=release["ballerina_version"],
        dependencies=dependencies,
        modules=[str(module["name"]) for module in _list(release, "modules")],
    )


def _list(release: dict[str, object], key: str) -> list[dict[str, str]]:
    return list(release[key])  # type: ignore[call-overload]
