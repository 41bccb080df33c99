"""Check what the templates make against Azure's resource types: `check_types.py FILE.json…`.

Reads snapshots, as infra/snapshot.py and `bicep snapshot` write them: every resource with its final
values. The compiler accepts wrong values of enumerations that are declared open, and does not look
into `union()` and loops; here listed values, lengths, patterns, required and read-only properties
are all binding.

`--newest` asks the newest stable version of each type instead of the one that the template names.
Prints a line for each finding; exits 1 if there is one, 2 if a file cannot be read.

infra/types.json.gz has the types as Azure had published them on the day `PUBLISHED`: those that the
templates use, at the version that they named on that day and at the newest stable one.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

PUBLISHED = date(2026, 11, 27)
TYPES = json.loads(gzip.decompress((Path(__file__).parent / "types.json.gz").read_bytes()))
VERSIONS: Mapping[str, list[str]] = {
    kind: sorted(
        each.rpartition("@")[2] for each in TYPES["resources"] if each.startswith(kind + "@")
    )
    for kind in {each.rpartition("@")[0] for each in TYPES["resources"]}
}

# Types that types.json.gz lacks, with their newest stable version of that day. The compiler checks
# their properties.
UNLISTED: Mapping[str, str] = {
    "microsoft.authorization/locks": "2020-05-01",
    "microsoft.consumption/budgets": "2024-08-01",
    "microsoft.network/natgateways": "2026-03-01",
    "microsoft.network/publicipaddresses": "2026-03-01",
}

REQUIRED = 1  # Flags of a property.
READ_ONLY = 2
ENVELOPE = (
    "name",
    "type",
    "apiVersion",
    "location",
    "tags",
    "sku",
    "kind",
    "properties",
    "identity",
    "zones",
)

Shape = dict[str, Any]
Findings = Iterator[tuple[str, str]]


def main(arguments: list[str]) -> int:
    """Check snapshots; return the exit code."""
    newest = "--newest" in arguments
    found: dict[str, set[str]] = {}
    for name in [each for each in arguments if not each.startswith("--")]:
        try:
            resources = json.loads(Path(name).read_text("utf-8"))["predictedResources"]
        except (OSError, ValueError, KeyError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 2
        for resource in resources:
            for finding in check(resource, newest=newest):
                found.setdefault(finding, set()).add(Path(name).name.split(".")[0])
    for finding, where in sorted(found.items()):
        sys.stdout.write(f"{finding} ({', '.join(sorted(where))})\n")
    return int(bool(found))


def check(resource: Shape, *, newest: bool = False) -> Iterator[str]:
    """Yield what is wrong with a resource, each with the path of the value."""
    kind = resource["type"].lower()
    if kind in UNLISTED:
        return
    versions = VERSIONS.get(kind, [])
    version = versions[-1] if newest and versions else resource["apiVersion"]
    place = TYPES["resources"].get(f"{kind}@{version}")
    if place is None:
        known = ", ".join(versions) or "none"
        yield f"{resource['type']}@{version}: infra/types.json.gz lacks it, and has {known}"
        return
    file, index = place.split("#")
    types = TypeFile(TYPES["files"][file])
    body = {key: value for key, value in resource.items() if key in ENVELOPE}
    body |= {"name": resource["name"].rsplit("/", 1)[-1], "apiVersion": version}
    body_type = types.shapes[index]["body"]["$ref"]
    for path, problem in types.walk(body_type, body, ""):
        yield f"{resource['type']}@{version}{path}: {problem}"


class TypeFile:
    """The shapes of one file of types, which name each other."""

    def __init__(self, shapes: dict[str, Shape]) -> None:
        self.shapes = shapes

    def shape(self, reference: str) -> Shape:
        return self.shapes[reference.removeprefix("#/")]

    def walk(self, reference: str, value: Any, path: str) -> Findings:
        """Yield (path, problem) for each part of the value that its type refuses."""
        if value is None or is_expression(value):
            return
        shape = self.shape(reference)
        match shape["$type"]:
            case "ObjectType" | "DiscriminatedObjectType":
                yield from self._object(shape, value, path)
            case "ArrayType":
                yield from self._list(shape, value, path)
            case "UnionType":
                yield from self._union(shape, value, path)
            case _:
                yield from _simple(shape, value, path)

    def _object(self, shape: Shape, value: Any, path: str) -> Findings:
        if not isinstance(value, dict):
            yield path, f"{value!r} is not an object"
            return
        given = cast("Shape", value)
        properties: Shape = dict(shape.get("properties") or shape.get("baseProperties") or {})
        if "discriminator" in shape:
            chosen = given.get(shape["discriminator"])
            if chosen not in shape["elements"]:
                listed = sorted(shape["elements"])
                yield path, f"{shape['discriminator']} {chosen!r} is none of {listed}"
                return
            properties |= self.shape(shape["elements"][chosen]["$ref"])["properties"]
        others = shape.get("additionalProperties")
        for name, item in given.items():
            way = f"{path}.{name}"
            if name in properties:
                flags = properties[name].get("flags", 0)
                if flags & READ_ONLY and not flags & REQUIRED and name not in ENVELOPE:
                    yield way, "is read-only"
                yield from self.walk(properties[name]["type"]["$ref"], item, way)
            elif others:
                yield from self.walk(others["$ref"], item, way)
            else:
                yield way, "is no property of it"
        for name, each in properties.items():
            if each.get("flags", 0) & REQUIRED and name not in given:
                yield f"{path}.{name}", "is missing"

    def _list(self, shape: Shape, value: Any, path: str) -> Findings:
        if not isinstance(value, list):
            yield path, "is not a list"
            return
        items = cast("list[Any]", value)
        yield from _bounds(shape, len(items), path, "Length")
        for number, item in enumerate(items):
            yield from self.walk(shape["itemType"]["$ref"], item, f"{path}[{number}]")

    def _union(self, shape: Shape, value: Any, path: str) -> Findings:
        references = [each["$ref"] for each in shape["elements"]]
        kinds = [self.shape(each) for each in references]
        listed = [each["value"] for each in kinds if each["$type"] == "StringLiteralType"]
        if listed and isinstance(value, str):
            if value not in listed:
                yield path, f"{value!r} is none of {listed}"
            return
        tried = [list(self.walk(each, value, path)) for each in references]
        yield from min(tried, key=len)


def _simple(shape: Shape, value: Any, path: str) -> Findings:
    kind = shape["$type"]
    if kind == "StringType":
        if not isinstance(value, str):
            yield path, f"{value!r} is not a text"
            return
        yield from _bounds(shape, len(value), path, "Length")
        if shape.get("pattern") and not re.search(shape["pattern"], value):
            yield path, f"{value!r} does not match {shape['pattern']}"
    elif kind == "StringLiteralType":
        if value != shape["value"]:
            yield path, f"{value!r} is not {shape['value']!r}"
    elif kind == "IntegerType":
        if isinstance(value, bool) or not isinstance(value, int):
            yield path, f"{value!r} is not a whole number"
            return
        yield from _bounds(shape, value, path, "Value")
    elif kind == "BooleanType" and not isinstance(value, bool):
        yield path, f"{value!r} is neither true nor false"


def _bounds(shape: Shape, size: int, path: str, kind: str) -> Findings:
    least = shape.get(f"min{kind}")
    most = shape.get(f"max{kind}")
    if (least is not None and size < least) or (most is not None and size > most):
        yield path, f"{size} is outside {least} to {most}"


def is_expression(value: Any) -> bool:
    """Return whether only Azure knows the value: it is still an expression."""
    return isinstance(value, str) and value.startswith("[") and value.endswith("]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
