"""The packages of a real registry, with texts.

The real index says which releases there are and what they depend on. It has no texts, pulls or
dates: `texts.json` says what well-known packages are, in the words of their pages; other connectors
get the summary that their name implies; pulls follow from how many packages depend on one; dates
from the language version a release was built with.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.domain.names import OrgName, Package, PackageName
from shared.domain.packages import Head, Listing, ModuleText, Origin, Release, Texts
from shared.domain.versions import LanguageVersion

TEXTS = Path(__file__).parent / "texts.json"
PULLS_A_DEPENDENT = 100  # A package that others are built with is pulled by each of their builds.

_FIRST_UPDATE = datetime(2022, 2, 1, tzinfo=UTC)  # Swan Lake 2201.0.0.
_BETWEEN_UPDATES = timedelta(days=90)


@dataclass(frozen=True)
class Corpus:
    """The lines of an index, oldest release of a package first."""

    lines: tuple[dict[str, Any], ...]
    texts: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, index: Path) -> "Corpus":
        lines = tuple(json.loads(line) for line in index.read_text("utf-8").splitlines())
        return cls(lines, json.loads(TEXTS.read_text("utf-8")))

    def listings(self) -> Iterator[Listing]:
        """Yield every release, as a push of it would list it."""
        pulls = self._pulls()
        for line in self.lines:
            package = Package(OrgName(line["org"]), PackageName(line["name"]))
            yield self._listing(line, package, pulls[package.key])

    def _pulls(self) -> Counter[str]:
        dependents = {
            (f"{line['org']}/{line['name']}", f"{each['org']}/{each['name']}".lower())
            for line in self.lines
            for each in line["dependencies"]
        }
        counted = Counter(dependency for _, dependency in dependents)
        return Counter({key: count * PULLS_A_DEPENDENT for key, count in counted.items()})

    def _listing(self, line: dict[str, Any], package: Package, pulls: int) -> Listing:
        summary, keywords = self._words(package)
        created_ms = _built_ms(line["ballerina_version"])
        head = Head(org=package.org, name=package.name, created_ms=created_ms, pulls=pulls)
        release = Release(
            org=package.org,
            name=package.name,
            version=line["version"],
            digest="0" * 64,
            size_bytes=1,
            platform=line["platform"],
            ballerina_version=line["ballerina_version"],
            summary=summary,
            keywords=tuple(keywords),
            modules=tuple(module["name"] for module in line["modules"]),
            created_ms=created_ms,
            origin=Origin(principal="central"),
            deprecation=line["deprecation_message"] if line["is_deprecated"] else None,
        )
        modules = tuple(ModuleText(name=name) for name in release.modules)
        return Listing(
            head, release, Texts(readme=f"# {package.name}\n\n{summary}", modules=modules)
        )

    def _words(self, package: Package) -> tuple[str, list[str]]:
        if text := self.texts.get(str(package)):
            return text["summary"], text["keywords"]
        parts = package.name.replace("_", ".").split(".")
        if package.org == "ballerinax":
            return f"Connects to {' '.join(parts).title()}", [*parts, "connector"]
        return "", parts if package.org == "ballerina" else []


def _built_ms(ballerina_version: str) -> int:
    version = LanguageVersion.parse(ballerina_version)
    updates = version.update if version else -3  # Alphas and betas came in the year before.
    return int((_FIRST_UPDATE + updates * _BETWEEN_UPDATES).timestamp() * 1000)
