"""The packages of the real index, and how often each is pulled.

Those that most others depend on come first, because nobody publishes pulls: each with all its
releases, which have summaries, keywords and addresses of usual length. Pulls follow Zipf's law: the
k-th package has a k-th of the pulls of the first.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from bench.support.sample_packages import real_releases
from shared.domain.packages import Dependency, Head, Origin, Release, ReleaseEntry, Survey
from shared.domain.versions import Version

PACKAGES = 20_000  # The size of a large registry; the real index has 1,708 packages.
CREATED_MS = 1_700_000_000_000
SUMMARY = "Connects to a service on the Internet and offers its operations to programs. " * 2


@dataclass(frozen=True, slots=True)
class RealPackage:
    """A package with all its entries and releases, the newest first."""

    survey: Survey
    releases: tuple[Release, ...]


def zipf(count: int) -> list[float]:
    """Return how much is pulled of the first so many, in units of the pulls of the first."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def by_dependents() -> Iterator[RealPackage]:
    """Yield the real packages, those with the most dependents first."""
    packages = real_releases()
    dependents = Counter[str]()
    for releases in packages.values():
        dependents.update({_name_of(each) for release in releases for each in _needs(release)})
    for key in sorted(packages, key=lambda key: (-dependents[key], key)):
        yield package_of(packages[key])


def package_of(lines: Sequence[Mapping[str, Any]]) -> RealPackage:
    """Return a package with these releases, the newest first."""
    newest = sorted(map(_release_of, lines), key=_precedence, reverse=True)
    head = Head(org=newest[0].org, name=newest[0].name, created_ms=CREATED_MS, pulls=1_000)
    survey = Survey(head, tuple(map(ReleaseEntry.of, newest)))
    return RealPackage(survey, tuple(newest))


def _needs(release: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return release["dependencies"]


def _name_of(package: Mapping[str, Any]) -> str:
    return f"{package['org']}/{package['name']}"


def _precedence(release: Release) -> Any:
    return Version.parse(release.version).precedence


def _release_of(line: Mapping[str, Any]) -> Release:
    org = line["org"]
    name = line["name"]
    version = line["version"]
    # A digest and an author of its own, which do not compress.
    own = hashlib.sha256(f"{org}/{name}:{version}".encode()).hexdigest()
    return Release(
        org=org,
        name=name,
        version=version,
        digest=own,
        size_bytes=100_000,
        platform=line["platform"],
        ballerina_version=line["ballerina_version"],
        summary=SUMMARY,
        licenses=("Apache-2.0",),
        authors=(own[:20],),
        keywords=("service", "client", name),
        source_repository=f"https://github.com/{org}/{name}",
        modules=tuple(each["name"] for each in line["modules"]),
        internal_modules=(),
        dependencies=tuple(map(Dependency.model_validate, _needs(line))),
        created_ms=CREATED_MS,
        origin=Origin(principal=f"account:{own[:16]}", credential=own[:16]),
    )
