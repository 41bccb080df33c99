"""Which versions an advisory affects, and in which it is fixed.

The algorithm is that of the schema of OSV (https://ossf.github.io/osv-schema/#evaluation). Versions
of Ballerina packages have our order and those of Maven the order of Maven. Of other ecosystems
ranges of the type SEMVER are compared, and versions that are listed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from shared.domain.advisories.advisories import (
    MAVEN,
    Affected,
    AffectedRange,
    EventKind,
    PackageVersion,
    RangeType,
    is_ballerina,
    package_key,
)
from shared.domain.advisories.maven_versions import parse_maven_version
from shared.domain.errors.base import InvalidVersion
from shared.domain.versions import Version

BEFORE_ALL = "0"
NO_LIMIT = "*"

# Parses a version to a value that is comparable by `<` and `<=` within its ecosystem; returns None
# if it cannot be ordered.
Parse = Callable[[str], Any]

_BUILD = re.compile(r"\+[0-9A-Za-z.-]*\Z", re.ASCII)


def order_of(ecosystem: str, range_type: RangeType) -> Parse | None:
    """Return what gives a version its place in the order; None if this order is not known."""
    if range_type is RangeType.GIT:
        return None
    if is_ballerina(ecosystem):
        return parse_semantic_version
    if ecosystem.partition(":")[0] == MAVEN:
        return parse_maven_version
    return parse_semantic_version if range_type is RangeType.SEMVER else None


def parse_semantic_version(text: str) -> Version | None:
    """Return the version without what follows a plus; None if it is none."""
    try:
        return Version.parse(_BUILD.sub("", text))
    except InvalidVersion:
        return None


def is_affected(affected: Affected, version: str) -> bool:
    """Check whether a version is listed, or in one of the ranges."""
    if version in affected.versions:
        return True
    return any(_contains(affected.ecosystem, each, version) for each in affected.ranges)


def matches(affected: Affected, asked: PackageVersion) -> bool:
    """Check whether this is about what is asked: a file with one of its digests, or a version of
    the package, or the package if no version is given."""
    if asked.sha256 and asked.sha256 in affected.sha256:
        return True
    if affected.key != package_key(asked.ecosystem, asked.name):
        return False
    return not asked.version or is_affected(affected, asked.version)


def fixed_versions(affected: Affected, version: str = "") -> tuple[str, ...]:
    """Return the versions in which it is fixed, lowest first; of the ranges that contain `version`,
    if one is given and any range does."""
    ranges = affected.ranges
    if version:
        containing = [each for each in ranges if _contains(affected.ecosystem, each, version)]
        ranges = tuple(containing) or ranges
    found = list[str]()
    for each in ranges:
        parse = order_of(affected.ecosystem, each.type)
        fixed = [event.version for event in each.events if event.kind is EventKind.FIXED]
        at = parse(version) if parse and version else None
        if parse is not None and at is not None:
            above = [text for text in fixed if (place := parse(text)) is not None and at < place]
            fixed = _lowest(parse, above)  # Within one range, only the next fixed version counts.
        found += fixed
    return tuple(dict.fromkeys(found))


def _lowest(parse: Parse, texts: Sequence[str]) -> list[str]:
    lowest = ""
    for text in texts:
        if not lowest or parse(text) < parse(lowest):
            lowest = text
    return [lowest] if lowest else []


def unordered_versions(affected: Affected) -> Iterator[str]:
    """Yield the versions of ranges that have no place in the order of the ecosystem."""
    for each in affected.ranges:
        parse = order_of(affected.ecosystem, each.type)
        for event in each.events if parse else ():
            is_special = event.version in {BEFORE_ALL, NO_LIMIT}
            if parse and not is_special and parse(event.version) is None:
                yield event.version


def _contains(ecosystem: str, affected: AffectedRange, version: str) -> bool:
    parse = order_of(ecosystem, affected.type)
    at = parse(version) if parse else None
    if parse is None or at is None:
        return False
    limits = [event.version for event in affected.events if event.kind is EventKind.LIMIT]
    if limits and not any(_is_before(parse, at, limit) for limit in limits):
        return False
    return _is_within(parse, affected, at)


def _is_before(parse: Parse, at: Any, limit: str) -> bool:
    if limit == NO_LIMIT:
        return True
    place = parse(limit)
    return place is not None and at < place


def _is_within(parse: Parse, affected: AffectedRange, at: Any) -> bool:
    """Check whether the last event at or before the version, in the order of versions, begins to be
    affected."""
    is_within = False
    last: Any = None
    for event in affected.events:
        if event.kind is EventKind.LIMIT:
            continue
        if event.version == BEFORE_ALL and event.kind is EventKind.INTRODUCED:
            is_within = is_within if last is not None else True
            continue
        place = parse(event.version)
        if place is None:
            # An unreadable version was reported when the record was read; it cannot be ordered.
            continue
        is_reached = place < at if event.kind is EventKind.LAST_AFFECTED else place <= at
        if is_reached and (last is None or last <= place):
            last = place
            is_within = event.kind is EventKind.INTRODUCED
    return is_within
