"""Verdicts over the versions of real packages: each breaking change, for a reader to judge.

Arguments are folders of packages, each with `Ballerina.toml` and sources, such as the folder
`ballerina` of a tag. The versions of a package are compared in their order, each with the one
before it, as a release is with the one before it. `--all` prints the other changes, too.
"""

import argparse
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from shared.domain.api_docs.comparison import ApiChange, ApiComparison, compare
from shared.domain.api_docs.documents import read_document, write_document
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.release import read_sources
from shared.domain.api_docs.sources import ReleaseFiles, source_names
from shared.domain.archives.manifest import BALA_TOML
from shared.domain.names import Coordinate
from shared.domain.packages import Graph, GraphNode, Texts
from shared.domain.versions import Version
from tests.support.documented import generate

Documented = tuple[Version, list[ModuleDocs]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--all", action="store_true", help="print changes that break nobody, too")
    chosen = parser.parse_args()
    packages: dict[str, list[tuple[Coordinate, Path]]] = defaultdict(list)
    for folder in chosen.folders:
        coordinate = coordinate_of(folder)
        packages[str(coordinate.package)].append((coordinate, folder))
    compared = [each for name in sorted(packages) for each in compare_neighbours(packages[name])]
    for name, comparison in compared:
        show(name, comparison, everything=chosen.all)
    breaking = sum(len(each.breaking) for _, each in compared)
    too_low = sum(each.is_version_too_low for _, each in compared)
    print(f"{len(packages)} packages, {len(compared)} pairs of versions,", end=" ")
    print(f"{breaking} breaking changes, {too_low} versions too low")


def compare_neighbours(
    releases: Sequence[tuple[Coordinate, Path]],
) -> Iterator[tuple[str, ApiComparison]]:
    """Yield the comparison of each version of a package with the one before it."""
    ordered = sorted(releases, key=lambda each: each[0].version.precedence)
    documented = ((each, document(each, folder)) for each, folder in ordered)
    for (_, before), (coordinate, after) in pairwise(documented):
        yield str(coordinate.package), compare(before, after)


def document(coordinate: Coordinate, folder: Path) -> Documented:
    """Return the documentation of a release, as it is read back after it was stored."""
    package = coordinate.package.name
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.bal")}
    contents = {
        name: files[name.entry].read_bytes() for name in source_names([*files, BALA_TOML], package)
    }
    release = ReleaseFiles(coordinate, exported(folder), Texts(), graph_of(folder), contents)
    sources, _ = read_sources(release)
    docs = generate(sources, release.graph)
    for unread in docs.unread:
        print(f"{coordinate}: {unread.file}:{unread.first} was not read: {unread.reason}")
    return coordinate.version, [read_document(write_document(each)) for each in docs.modules]


def exported(folder: Path) -> tuple[str, ...]:
    """Return the modules that a package exports, in the newer or the older form."""
    about = manifest(folder)
    modules = [each["name"] for each in about.get("modules", []) if each.get("export")]
    return tuple(about.get("export", [about["name"], *modules]))


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "Ballerina.toml").read_text())["package"]


def coordinate_of(folder: Path) -> Coordinate:
    about = manifest(folder)
    return Coordinate.parse(about["org"], about["name"], about["version"])


def graph_of(folder: Path) -> Graph:
    """Return the packages that the release was built with."""
    locked = folder / "Dependencies.toml"
    packages = tomllib.loads(locked.read_text()).get("package", []) if locked.exists() else []
    nodes = (
        GraphNode(org=each["org"], name=each["name"], version=each["version"]) for each in packages
    )
    return Graph(nodes=tuple(nodes))


def show(name: str, comparison: ApiComparison, *, everything: bool) -> None:
    changes = comparison.changes if everything else comparison.breaking
    if not changes:
        return
    verdict = " (version too low)" if comparison.is_version_too_low else ""
    print(
        f"\n{name} {comparison.before} to {comparison.after}: {comparison.required.name}{verdict}"
    )
    for change in changes:
        show_change(change)


def show_change(change: ApiChange) -> None:
    print(
        f"  {change.level.name.lower()} {change.module} {change.declares} {change.symbol}:", end=" "
    )
    print(" ".join(change.reasons))
    for mark, signature in (("-", change.before), ("+", change.after)):
        for line in signature.splitlines():
            print(f"    {mark} {line}")


if __name__ == "__main__":
    main()
