"""The packages of a real registry: what Central served, and nothing invented.

The index has releases and their dependencies, the list of packages has keywords and modules of the
newest release. Neither has summaries, readmes, pulls or dates; the language version that a release
was built with gives its date. Summaries and readmes may come from another file, which is no part of
the repository: an object from `org/name` to `summary` and `readme`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.domain.coordinates import Package
from shared.domain.distributions import LanguageVersion
from shared.domain.listings import Listing
from shared.domain.names import OrgName, PackageName
from shared.domain.packages import Dependency, Head, Origin, Release, Texts
from tests.paths import central_index, central_packages

_FIRST_UPDATE = datetime(2022, 2, 1, tzinfo=UTC)  # Swan Lake 2201.0.0.
_BETWEEN_UPDATES = timedelta(days=90)


@dataclass(frozen=True)
class Corpus:
    """The lines of an index, oldest release of a package first, and what packages say."""

    lines: tuple[dict[str, Any], ...]
    described: dict[Package, dict[str, Any]]
    texts: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    @classmethod
    def read(cls, texts: Path | None = None) -> "Corpus":
        lines = central_index()
        described = {_package(each): each for each in central_packages()}
        listed = {_package(line) for line in lines}
        others = [_line_of(each) for key, each in described.items() if key not in listed]
        return cls((*lines, *others), described, json.loads(texts.read_text()) if texts else {})

    def packages(self) -> set[str]:
        """Return the names of all packages."""
        return {str(_package(line)) for line in self.lines}

    def listings(self) -> Iterator[Listing]:
        """Yield every release, as a push of it would list it."""
        for line in self.lines:
            yield self._listing(line, self.described.get(_package(line), {}))

    def _listing(self, line: dict[str, Any], described: dict[str, Any]) -> Listing:
        package = _package(line)
        created_ms = _built_ms(line["ballerina_version"])
        texts = self.texts.get(str(package), {"summary": "", "readme": ""})
        release = Release(
            org=package.org,
            name=package.name,
            version=line["version"],
            digest="0" * 64,
            size_bytes=1,
            platform=line["platform"],
            ballerina_version=line["ballerina_version"],
            summary=texts["summary"],
            keywords=tuple(described.get("keywords", ())),
            modules=tuple(module["name"] for module in line["modules"]),
            dependencies=tuple(Dependency.model_validate(each) for each in line["dependencies"]),
            created_ms=created_ms,
            origin=Origin(principal="central"),
            deprecation=line["deprecation_message"] if line["is_deprecated"] else None,
        )
        head = Head(org=package.org, name=package.name, created_ms=created_ms)
        return Listing(head, release, Texts(readme=texts["readme"]))


def _package(line: dict[str, Any]) -> Package:
    return Package(OrgName(line["org"]), PackageName(line["name"]))


def _line_of(described: dict[str, Any]) -> dict[str, Any]:
    """Return a package that the index does not list, as a line of it."""
    return {
        **{name: described[name] for name in ("org", "name", "version")},
        "platform": "any",
        "ballerina_version": "2201.10.0",
        "modules": [{"name": name} for name in described["modules"]],
        "dependencies": [],
        "is_deprecated": False,
    }


def _built_ms(ballerina_version: str) -> int:
    version = LanguageVersion.parse(ballerina_version)
    updates = version.update if version else -3  # Alphas and betas came in the year before.
    return int((_FIRST_UPDATE + updates * _BETWEEN_UPDATES).timestamp() * 1000)
