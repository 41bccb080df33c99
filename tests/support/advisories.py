"""Advisories for tests."""

from typing import Any

from shared.domain.advisories.advisories import (
    Advisory,
    AdvisoryState,
    Affected,
    AffectedRange,
    EventKind,
    PackageVersion,
    RangeEvent,
    RangeType,
)

ECOSYSTEM = "Ballerina:registry.test"  # Of the registry of a `World`.


def affected(name: str, *events: str, ecosystem: str = ECOSYSTEM, **fields: Any) -> Affected:
    """Return versions of a package in one range: `affected("acme/greet", "introduced 0", "fixed
    1.2.0")`."""
    kind = RangeType.ECOSYSTEM if ecosystem == "Maven" else RangeType.SEMVER
    pairs = [each.split(" ") for each in events]
    listed = tuple(RangeEvent(EventKind(name), version) for name, version in pairs)
    ranges = (AffectedRange(kind, listed),) if listed else ()
    return Affected(ecosystem, name, ranges, **fields)


def advisory(*versions: Affected, **fields: Any) -> Advisory:
    """Return a published advisory, which is new unless it is given an id."""
    given: dict[str, Any] = {"id": "", "modified_ms": 0, "summary": "Greets strangers", **fields}
    return Advisory(affected=versions, state=given.pop("state", AdvisoryState.PUBLISHED), **given)


def asked(name: str, version: str = "", **fields: str) -> PackageVersion:
    return PackageVersion(fields.pop("ecosystem", ECOSYSTEM), name, version, **fields)
