"""Compare the documentation of a module with Central's, list by list.

`python -m tests.conformance.docs SOURCES DOCUMENT`, where SOURCES is the folder of a Ballerina
package (with `Ballerina.toml`, `Dependencies.toml` and the sources) and DOCUMENT a real answer
about one of its modules, the default one if the answer has no `id`. Prints the share of what is
equal and each difference, and ends with 1 where the shares are below the aims.
"""

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.ballerina.declarations import read_source
from shared.domain.api_docs.documents import write_document
from shared.domain.api_docs.generator import ModuleSource
from shared.domain.coordinates import Coordinate, Package
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.names import OrgName, PackageName
from shared.domain.versions import Version
from tests.support.documented import package_docs

AIMS = {
    "sets": 1.0,
    "order": 1.0,
    "flags": 1.0,
    "descriptions": 1.0,
    "parameters": 1.0,
    "returns": 1.0,
    "type trees": 0.98,
}
LISTS_OF_METHODS = ("methods", "otherMethods", "remoteMethods", "resourceMethods")
FLAGS = (
    "isDeprecated",
    "isReadOnly",
    "isIsolated",
    "isRemote",
    "isResource",
    "isExtern",
    "isService",
    "isClosed",
    "isDistinct",
    "accessor",
    "resourcePath",
    "value",
    "attachmentPoints",
)
ATTACHED = ("orgName", "moduleName", "version", "name")
TYPES = ("type", "detailType", "rowParameterType", "mapParameterType", "keyConstraint")
OURS = ("typeParameters", "arrayLengths", "keyConstraint", "paramNames", "definition")
UNSENT = ("isOptional", "isPublic")  # By the versions of Central that answered.

Node = dict[str, Any]


@dataclass
class Comparison:
    """Counts what is equal, by subject, and keeps the differences."""

    same: Counter[str] = field(default_factory=Counter[str])
    total: Counter[str] = field(default_factory=Counter[str])
    differences: list[str] = field(default_factory=list[str])

    def add(self, subject: str, where: str, ours: object, theirs: object) -> bool:
        self.total[subject] += 1
        self.same[subject] += ours == theirs
        if ours != theirs:
            self.differences.append(f"{subject} of {where}:\n  {ours!r}\n  {theirs!r}")
        return ours == theirs

    def module(self, ours: Node, theirs: Node) -> None:
        for name, listed in theirs.items():
            if name not in ours or not isinstance(listed, list):
                continue
            self.names(name, ours[name], listed)
            for one, other in pairs(ours[name], listed):
                self.declaration(f"{name}.{other.get('name', '')}", one, other)

    def names(self, where: str, ours: list[Node], theirs: list[Node]) -> None:
        keys = [key(each) for each in ours]
        others = [key(each) for each in theirs]
        self.add("sets", where, sorted(keys), sorted(others))
        self.add("order", where, [k for k in keys if k in others], [k for k in others if k in keys])

    def declaration(self, where: str, ours: Node, theirs: Node) -> None:
        flags = [flag for flag in FLAGS if flag in theirs]
        self.add("flags", where, [ours.get(f) for f in flags], [theirs[f] for f in flags])
        self.descriptions(where, ours, theirs)
        if "annotationAttachments" in theirs:
            self.add("flags", f"{where} annotations", attached(ours), attached(theirs))
        for name in TYPES:
            if name in theirs or name in ours:
                self.type(f"{where}.{name}", ours.get(name), theirs.get(name))
        for name in (*LISTS_OF_METHODS, "lifeCycleMethods"):
            if name in theirs:
                self.names(f"{where}.{name}", ours[name], theirs[name])
        for name in ("methods", "fields", "members"):
            for one, other in pairs(ours.get(name, []), theirs.get(name, [])):
                self.declaration(f"{where}.{'.'.join(key(other))}", one, other)
        self.variables(where, ours, theirs)

    def descriptions(self, where: str, ours: Node, theirs: Node) -> None:
        one = ours.get("description", "")
        other = theirs.get("description", "")
        if "inclusionType" in ours or "inclusionType" in theirs:
            # Readers accept either.
            one = one.rstrip("\n")
            other = other.rstrip("\n")
        self.add("descriptions", where, one, other)
        if "descriptionSections" in theirs:  # Older answers have none.
            sections = ours["descriptionSections"], theirs["descriptionSections"]
            self.add("descriptions", f"{where} sections", *sections)

    def variables(self, where: str, ours: Node, theirs: Node) -> None:
        for subject, name in (("parameters", "parameters"), ("returns", "returnParameters")):
            if name not in theirs:
                continue
            for index, other in enumerate(theirs[name]):
                one = dict(enumerate(ours[name])).get(index, {})
                path = f"{where}.{other['name'] or 'return'}"
                self.add(subject, path, variable(one), variable(other))
                self.type(path, one.get("type"), other.get("type"))
            if len(ours[name]) > len(theirs[name]):
                self.add(subject, where, len(ours[name]), len(theirs[name]))

    def type(self, where: str, ours: Node | None, theirs: Node | None) -> None:
        one = tree(ours)
        other = tree(theirs)
        if one != other and set(unresolved(theirs)) - set(unresolved(ours)):
            self.total["type trees that Central did not resolve"] += 1
        else:
            self.add("type trees", where, one, other)

    @property
    def is_reached(self) -> bool:
        return all(self.same[each] >= aim * self.total[each] for each, aim in AIMS.items())


def key(node: Node) -> tuple[str, ...]:
    return tuple(filter(None, (node.get(k) for k in ("name", "accessor", "resourcePath"))))


def pairs(ours: list[Node], theirs: list[Node]) -> Iterator[tuple[Node, Node]]:
    """Yield what has the same name on both sides; fields that are included have none."""
    found = {key(each): each for each in ours if key(each)}
    for each in theirs:
        if key(each) in found:
            yield found[key(each)], each


def attached(node: Node) -> list[Node]:
    return [{k: each[k] for k in ATTACHED} for each in node.get("annotationAttachments", [])]


def variable(node: Node) -> Node:
    """Return what a parameter is without its type."""
    kept = ("name", "description", "defaultValue", "isDeprecated", "isReadOnly")
    return {k: node[k] for k in kept if k in node} | {"annotations": attached(node)}


def tree(node: Node | None) -> object:
    """Return a type as both sides can have it: without defaults, and with one dimension."""
    if node is None:
        return None
    found: Node = {}
    for name, value in node.items():
        if name in OURS or name in UNSENT or value in (False, [], None, ""):
            continue
        is_type = isinstance(value, dict)
        found[name] = tree(value) if is_type else trees(value) if isinstance(value, list) else value
    if node.get("isOptional"):
        found["isNullable"] = True  # As older versions of Central write it.
    if "arrayDimensions" in found:
        found["arrayDimensions"] = 1 if found["arrayDimensions"] else 0
    return found


def trees(nodes: list[Any]) -> list[object]:
    return [tree(each) if isinstance(each, dict) else each for each in nodes]


def unresolved(node: object) -> Iterator[str]:
    """Yield the names in a type that no release is known for."""
    if isinstance(node, list):
        for each in node:
            yield from unresolved(each)
    elif isinstance(node, dict):
        if node.get("category") == "reference":
            yield node["name"]
        yield from unresolved(list(node.values()))


def our_document(folder: Path, answer: Node) -> Node:
    """Return the documentation of the module that an answer is about."""
    manifest = tomllib.loads((folder / "Ballerina.toml").read_text("utf-8"))["package"]
    lock = folder / "Dependencies.toml"
    locked = tomllib.loads(lock.read_text("utf-8"))["package"] if lock.exists() else []
    org = OrgName(manifest["org"])
    name = PackageName(manifest["name"])
    module: str = answer.get("id", name)
    nodes = tuple(GraphNode(org=p["org"], name=p["name"], version=p["version"]) for p in locked)
    # The manifest of a repository may have a placeholder, and the lock an earlier version.
    version = Version.parse(next(versions(answer, org, module), manifest["version"]))
    exported: set[str] = {name, module, *manifest.get("export", ())}
    release = Coordinate(Package(org, name), version)
    docs = package_docs(*modules(folder, name, exported), graph=Graph(nodes=nodes), release=release)
    for each in docs.unread:
        print(f"{each.file}:{each.first}-{each.last} was not read: {each.reason}")
    ours = next(each for each in docs.modules if each.id == module)
    return json.loads(write_document(ours))["docsData"]["modules"][0]


def versions(node: object, org: str, module: str) -> Iterator[str]:
    """Yield the versions that an answer has for types of its own module."""
    if isinstance(node, list):
        for each in node:
            yield from versions(each, org, module)
    elif isinstance(node, dict):
        if (node.get("orgName"), node.get("moduleName", node.get("id"))) == (org, module):
            yield node["version"]
        yield from versions(list(node.values()), org, module)


def modules(folder: Path, package: str, exported: set[str]) -> Iterator[ModuleSource]:
    folders = {package: folder}
    if (folder / "modules").is_dir():
        folders |= {f"{package}.{each.name}": each for each in (folder / "modules").iterdir()}
    for name, each in folders.items():
        paths = sorted(each.glob("*.bal"))
        files = tuple(read_source(path.name, path.read_text("utf-8")) for path in paths)
        yield ModuleSource(name=name, files=files, is_exported=name in exported)


def decoded(answer: Node) -> Node:
    """Return a module whose lists are lists; GraphQL has them as strings of JSON."""
    texts = ("id", "summary", "description", "orgName", "version")
    return {
        name: json.loads(value) if isinstance(value, str) and name not in texts else value
        for name, value in answer.items()
    }


def main(sources: str, document: str) -> int:
    answer = decoded(json.loads(Path(document).read_text("utf-8"))["docsData"]["modules"][0])
    comparison = Comparison()
    comparison.module(our_document(Path(sources), answer), answer)
    for difference in comparison.differences:
        print(difference)
    for subject, total in comparison.total.items():
        same = comparison.same[subject]
        share = f"{same} of {total}, {same / total:.1%}" if subject in AIMS else str(total)
        print(f"{subject}: {share}")
    return 0 if comparison.is_reached else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
