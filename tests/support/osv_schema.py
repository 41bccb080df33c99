"""The JSON schema of OSV 1.7.5, as far as it says something of what this registry prints: fields
and their types, required fields, lists of values and patterns. Written by hand from its
documentation (https://ossf.github.io/osv-schema/).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from shared.domain.advisories.osv import CREDIT_TYPES, REFERENCE_TYPES

# Some of those in its definition `ecosystemName`.
ECOSYSTEMS = ("crates.io", "Go", "Hex", "Maven", "npm", "NuGet", "Packagist", "Pub", "PyPI")
PREFIXES = ("x_", "CVE-", "GHSA-", "MAL-", "OSV-", "PYSEC-", "GO-", "RUSTSEC-")  # Some of them.
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")

FIELDS: dict[str, type] = {
    "schema_version": str,
    "id": str,
    "modified": str,
    "published": str,
    "withdrawn": str,
    "aliases": list,
    "related": list,
    "upstream": list,
    "summary": str,
    "details": str,
    "severity": list,
    "affected": list,
    "references": list,
    "credits": list,
    "database_specific": dict,
}
AFFECTED: dict[str, type] = {
    "package": dict,
    "severity": list,
    "ranges": list,
    "versions": list,
    "ecosystem_specific": dict,
    "database_specific": dict,
}


def deviations(record: Mapping[str, object]) -> list[str]:
    """Return where a record deviates from the schema."""
    import json

    return list(_deviations(json.loads(json.dumps(record))))


def _deviations(record: dict[str, Any]) -> Iterator[str]:
    yield from _typed("", record, FIELDS)
    yield from (f"{name} is missing" for name in ("id", "modified") if name not in record)
    if not record["id"].startswith(PREFIXES):
        yield f"id: {record['id']}"
    for name in ("modified", "published", "withdrawn"):
        if name in record and not TIME.search(record[name]):
            yield f"{name}: {record[name]}"
    for name, types in (("references", REFERENCE_TYPES), ("credits", CREDIT_TYPES)):
        for each in record.get(name, []):
            if each.get("type", types[0]) not in types:
                yield f"{name}: {each['type']}"
    for at, each in enumerate(record.get("affected", [])):
        yield from _deviations_of_affected(f"affected[{at}]", each)


def _deviations_of_affected(where: str, affected: dict[str, Any]) -> Iterator[str]:
    yield from _typed(where, affected, AFFECTED)
    package = affected.get("package")
    if package is not None:
        yield from (
            f"{where}.package.{each}" for each in package.keys() - {"ecosystem", "name", "purl"}
        )
        if package["ecosystem"].partition(":")[0] not in ECOSYSTEMS:
            yield f"{where}.package.ecosystem: {package['ecosystem']}"
    for each in affected.get("ranges", []):
        kinds = [kind for event in each["events"] for kind in event]
        if "introduced" not in kinds or {"fixed", "last_affected"} <= set(kinds):
            yield f"{where}.ranges: {kinds}"
        if each["type"] not in ("GIT", "SEMVER", "ECOSYSTEM") or (each["type"] == "GIT") > (
            "repo" in each
        ):
            yield f"{where}.ranges: {each['type']}"


def _typed(where: str, found: Mapping[str, object], fields: Mapping[str, type]) -> Iterator[str]:
    for name, value in found.items():
        if name not in fields or not isinstance(value, fields[name]):
            yield f"{where}.{name}"
        elif fields[name] is list and not cast("list[object]", value):
            yield f"{where}.{name} is empty"
