"""The documentation of Ballerina sources that tests write."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.ballerina.declarations import read_source
from shared.domain.api_docs.generator import DocsGenerator, ModuleSource
from shared.domain.api_docs.model import DocsModel, ModuleDocs, Type
from shared.domain.api_docs.records import UnreadLines
from shared.domain.coordinates import Coordinate, Package
from shared.domain.dependency_graphs import Graph, GraphNode
from shared.domain.names import OrgName, PackageName
from shared.domain.versions import Version

SHOP = Coordinate(Package(OrgName("acme"), PackageName("shop")), Version.parse("1.2.0"))
GRAPH = Graph(
    nodes=(
        GraphNode(org="acme", name="shop", version="1.2.0"),
        GraphNode(org="ballerina", name="http", version="2.12.1"),
        GraphNode(org="ballerina", name="data", version="3.0.0"),
        GraphNode(org="ballerina", name="data.csv", version="0.4.0"),
    )
)


@dataclass(frozen=True)
class PackageDocs:
    """The documentation of a release: its exported modules, the default module first."""

    modules: tuple[ModuleDocs, ...]
    unread: tuple[UnreadLines, ...]


def module_of(
    source: str | Mapping[str, str], name: str = "shop", *, exported: bool = True
) -> ModuleSource:
    """Return a module of one file, or of files by their paths."""
    files = {"main.bal": source} if isinstance(source, str) else source
    read = tuple(read_source(path, text) for path, text in files.items())
    return ModuleSource(name=name, files=read, is_exported=exported)


def package_docs(
    *modules: ModuleSource, graph: Graph = GRAPH, release: Coordinate = SHOP
) -> PackageDocs:
    """Return the documentation of the package `acme/shop:1.2.0`, or of another one."""
    generator = DocsGenerator(release, modules, graph)
    made = [generator.module(each) for each in generator.exported]
    unread = tuple(line for _, lines in made for line in lines)
    return PackageDocs(tuple(docs for docs, _ in made), unread)


def documented(source: str | Mapping[str, str], name: str = "shop") -> ModuleDocs:
    """Return the documentation of a package of one module."""
    return package_docs(module_of(source, name)).modules[0]


def type_of(text: str) -> Type:
    """Return a documented type; `Item` is a record of its module, and `Problem` an error."""
    source = f"public type Item record {{}}; public type Problem error; public {text} value;"
    (variable,) = documented(source).variables
    assert variable.type
    return variable.type


def documented_release(release: str, source: str) -> ModuleDocs:
    """Return the documentation of a package of one module, by `org/name:version`."""
    org, name, version = re.split("[/:]", release)
    made = package_docs(module_of(source, name), release=Coordinate.parse(org, name, version))
    return made.modules[0]


def said(part: Any) -> Any:
    """Return what a part of a documentation says besides the defaults, without lines of sources."""
    if isinstance(part, tuple):
        return [said(each) for each in part]
    if not isinstance(part, DocsModel):
        return part
    defaults = {name: field.default for name, field in type(part).model_fields.items()}
    differing = ((name, value) for name, value in part if value != defaults[name])
    return {name: said(value) for name, value in differing if name != "position"}


def shown(part: DocsModel) -> list[str]:
    """Return the same as lines, one for each value and each part of a list."""
    return [
        f"{name}: {json.dumps(each)}"
        for name, value in said(part).items()
        for each in (value if value and isinstance(value, list) else [value])
    ]
