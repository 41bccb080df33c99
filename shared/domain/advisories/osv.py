"""Advisories as OSV (https://ossf.github.io/osv-schema/, version 1.7.5), read and printed.

What is printed validates against its schema, with one deviation: the ecosystem
`Ballerina:{address}`, which is on none of its lists. Fields of the schema that are read are kept,
and others are dropped.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from shared.domain.advisories.advisories import (
    MAX_ADVISORY_BYTES,
    MAX_AFFECTED,
    MAX_ALIASES,
    MAX_CREDITS,
    MAX_DETAILS,
    MAX_EVENTS,
    MAX_REFERENCES,
    MAX_SUMMARY,
    MAX_VERSIONS,
    Advisory,
    AdvisoryState,
    Affected,
    AffectedRange,
    Credit,
    EventKind,
    RangeEvent,
    RangeType,
    Reference,
    Severity,
    is_ballerina,
    is_package_name,
    parse_advisory_id,
)
from shared.domain.advisories.matching import unordered_versions
from shared.domain.bounded_parsing import has_at_most_values, is_shallow
from shared.domain.errors.base import Invalid, printable, quoted

SCHEMA_VERSION = "1.7.5"
MAX_VALUES = 60_000  # Values in one record: 10,000 versions and the other fields.

REFERENCE_TYPES = (
    "ADVISORY",
    "ARTICLE",
    "DETECTION",
    "DISCUSSION",
    "REPORT",
    "FIX",
    "INTRODUCED",
    "GIT",
    "PACKAGE",
    "EVIDENCE",
    "WEB",
)
CREDIT_TYPES = (
    "FINDER",
    "REPORTER",
    "ANALYST",
    "COORDINATOR",
    "REMEDIATION_DEVELOPER",
    "REMEDIATION_REVIEWER",
    "REMEDIATION_VERIFIER",
    "TOOL",
    "SPONSOR",
    "OTHER",
)
SEVERITY_TYPES = ("CVSS_V2", "CVSS_V3", "CVSS_V4", "Ubuntu")

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", re.ASCII)
_COMMIT = re.compile(r"0|[a-f0-9]{40}|[a-f0-9]{64}", re.ASCII)
_URL = re.compile(r"[a-z][a-z0-9+.-]*:[^\s\x00-\x1f<>\"]+", re.ASCII | re.IGNORECASE)
# The metrics of a vector; which of them a version of CVSS has is checked where it is computed.
_CVSS_V2 = re.compile(r"[A-Za-z]{1,3}:[A-Z]{1,3}(/[A-Za-z]{1,3}:[A-Z]{1,3})*", re.ASCII)
_CVSS_V3 = re.compile(r"CVSS:3[.][01](/[A-Z]{1,3}:[A-Z])+", re.ASCII)
_CVSS_V4 = re.compile(r"CVSS:4[.]0(/[A-Z]{1,3}:[A-Za-z]+)+", re.ASCII)
_SCORES = {"CVSS_V2": _CVSS_V2, "CVSS_V3": _CVSS_V3, "CVSS_V4": _CVSS_V4}

_Object = dict[str, Any]


class _Package(Struct):
    ecosystem: str
    name: str
    purl: str = ""


class _Range(Struct):
    type: RangeType
    events: list[dict[str, str]]
    repo: str = ""


class _Severity(Struct):
    type: str
    score: str


class _Affected(Struct):
    package: _Package | None = None
    severity: list[_Severity] | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    ecosystem_specific: _Object | None = None
    database_specific: _Object | None = None


class _Reference(Struct):
    type: str
    url: str


class _Credit(Struct):
    name: str
    contact: list[str] | None = None
    type: str = ""


class _Record(Struct):
    """A record as it comes. Databases write null for lists that are empty."""

    id: str
    modified: str
    published: str | None = None
    withdrawn: str | None = None
    aliases: list[str] | None = None
    related: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Severity] | None = None
    affected: list[_Affected] | None = None
    references: list[_Reference] | None = None
    credits: list[_Credit] | None = None
    database_specific: _Object | None = None


# --- Reading -------------------------------------------------------------------------------------


def parse_osv(content: bytes) -> Advisory:
    """Return a record that somebody sent, or raise `Invalid`.

    The id may be any. It is published, or withdrawn if the record says so.
    """
    if len(content) > MAX_ADVISORY_BYTES:
        raise _invalid(reason=f"it has more than {MAX_ADVISORY_BYTES // 1024:,} KiB")
    if not has_at_most_values(MAX_VALUES, content):
        raise _invalid(reason=f"it has more than {MAX_VALUES:,} values")
    try:
        record = msgspec.json.decode(content, type=_Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(reason=printable(str(error))) from None
    except RecursionError:
        raise _invalid(reason="its values are nested too deeply") from None
    advisory_id = parse_advisory_id(record.id)
    withdrawn_ms = _time("withdrawn", record.withdrawn) if record.withdrawn else None
    affected = _bounded("affected", record.affected, MAX_AFFECTED)
    return Advisory(
        id=advisory_id,
        modified_ms=_time("modified", record.modified),
        published_ms=_time("published", record.published) if record.published else None,
        withdrawn_ms=withdrawn_ms,
        state=AdvisoryState.PUBLISHED if withdrawn_ms is None else AdvisoryState.WITHDRAWN,
        summary=_text("summary", record.summary, MAX_SUMMARY),
        details=_text("details", record.details, MAX_DETAILS),
        aliases=_names("aliases", record.aliases, advisory_id),
        related=_names("related", record.related, advisory_id),
        upstream=_names("upstream", record.upstream, advisory_id),
        severity=_severity("severity", record.severity),
        affected=tuple(_affected(f"affected[{at}]", each) for at, each in enumerate(affected)),
        references=_references(record.references),
        credits=_credits(record.credits),
        database_specific=_object("database_specific", record.database_specific),
    )


def _affected(where: str, found: _Affected) -> Affected:
    package = found.package or _Package("", "")
    versions = _bounded(f"{where}.versions", found.versions, MAX_VERSIONS)
    ranges = _bounded(f"{where}.ranges", found.ranges, MAX_EVENTS)
    if sum(len(each.events) for each in ranges) > MAX_EVENTS:
        raise _invalid(reason=f"{where}.ranges has more than {MAX_EVENTS:,} events")
    affected = Affected(
        ecosystem=package.ecosystem,
        name=package.name,
        purl=package.purl,
        ranges=tuple(_range(f"{where}.ranges[{at}]", each) for at, each in enumerate(ranges)),
        versions=tuple(dict.fromkeys(versions)),
        severity=_severity(f"{where}.severity", found.severity),
        ecosystem_specific=_object(f"{where}.ecosystem_specific", found.ecosystem_specific),
        database_specific=_object(f"{where}.database_specific", found.database_specific),
    )
    if found.package is not None and not (package.ecosystem and package.name):
        raise _invalid(reason=f"{where}.package has no ecosystem or no name")
    if is_ballerina(package.ecosystem) and not is_package_name(package.name):
        name = quoted(package.name)
        raise _invalid(
            reason=f"{where}.package.name is org/name, such as acme/greet, and not {name}"
        )
    for version in unordered_versions(affected):
        raise _invalid(
            reason=f"{quoted(version)} in {where}.ranges is no version of {package.ecosystem}"
        )
    return affected


def _range(where: str, found: _Range) -> AffectedRange:
    events = tuple(_event(where, each) for each in found.events)
    kinds = {each.kind for each in events}
    if EventKind.INTRODUCED not in kinds:
        raise _invalid(
            reason=f"{where} has no event introduced, which is 0 if all versions before are"
        )
    if {EventKind.FIXED, EventKind.LAST_AFFECTED} <= kinds:
        raise _invalid(reason=f"{where} has both fixed and last_affected")
    if found.type is RangeType.GIT:
        if not found.repo:
            raise _invalid(reason=f"{where} is of the type GIT and has no repo")
        if not all(_COMMIT.fullmatch(each.version) for each in events):
            raise _invalid(reason=f"{where} is of the type GIT and has events that are no commits")
    return AffectedRange(found.type, events, found.repo)


def _event(where: str, found: Mapping[str, str]) -> RangeEvent:
    kinds = [each for each in EventKind if each.value in found]
    if len(kinds) != 1 or not found[kinds[0].value]:
        raise _invalid(
            reason=f"an event of {where} is one of introduced, fixed, last_affected and limit, "
            "with its version"
        )
    return RangeEvent(kinds[0], found[kinds[0].value])


def _severity(where: str, found: Sequence[_Severity] | None) -> tuple[Severity, ...]:
    listed = _bounded(where, found, len(SEVERITY_TYPES) * 2)
    for each in listed:
        pattern = _SCORES.get(each.type)
        if each.type not in SEVERITY_TYPES:
            raise _invalid(
                reason=f"{where} has the type {quoted(each.type)}, which OSV does not have"
            )
        if pattern and not pattern.fullmatch(each.score):
            raise _invalid(reason=f"{quoted(each.score)} in {where} is no vector of {each.type}")
    return tuple(Severity(each.type, ordered_vector(each.score)) for each in listed)


_CVSS_4_PREFIX = "CVSS:4.0"
# The metrics in the order that the CVSS schema requires.
_CVSS_4_METRICS = re.findall(
    "[A-Z]+",
    "AV AC AT PR UI VC VI VA SC SI SA E CR IR AR MAV MAC MAT MPR MUI MVC MVI MVA MSC MSI MSA "
    "S AU R V RE U",
)


def ordered_vector(vector: str) -> str:
    """Return a vector of CVSS 4 with its metrics in the order of the schema; those of other
    versions are returned as they are, since the schema takes any order of them."""
    version, *metrics = vector.split("/")
    if version != _CVSS_4_PREFIX:
        return vector
    places = {name: place for place, name in enumerate(_CVSS_4_METRICS)}
    last = len(places)
    metrics.sort(key=lambda each: places.get(each.partition(":")[0], last))
    return "/".join([version, *metrics])


def _references(found: Sequence[_Reference] | None) -> tuple[Reference, ...]:
    listed = _bounded("references", found, MAX_REFERENCES)
    for each in listed:
        if each.type not in REFERENCE_TYPES:
            raise _invalid(
                reason=f"references has the type {quoted(each.type)}, which OSV does not have"
            )
        if not _URL.fullmatch(each.url):
            raise _invalid(reason=f"{quoted(each.url)} in references is no address")
    return tuple(Reference(each.type, each.url) for each in listed)


def _credits(found: Sequence[_Credit] | None) -> tuple[Credit, ...]:
    listed = _bounded("credits", found, MAX_CREDITS)
    for each in listed:
        if each.type and each.type not in CREDIT_TYPES:
            raise _invalid(
                reason=f"credits has the type {quoted(each.type)}, which OSV does not have"
            )
    return tuple(Credit(each.name, tuple(each.contact or ()), each.type) for each in listed)


def _names(where: str, found: Sequence[str] | None, own: str) -> tuple[str, ...]:
    """Return the ids of other records. They are never followed, so that cycles do no harm; one that
    names the record itself is left out."""
    listed = _bounded(where, found, MAX_ALIASES)
    return tuple(dict.fromkeys(parse_advisory_id(each) for each in listed if each != own))


def _text(where: str, found: str | None, longest: int) -> str:
    text = found or ""
    if len(text) > longest:
        raise _invalid(reason=f"{where} has {len(text):,} characters, and may have {longest:,}")
    return text


def _time(where: str, text: str) -> int:
    try:
        if _TIME.fullmatch(text):
            return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        pass  # A date that does not exist, such as one in a thirteenth month.
    raise _invalid(reason=f"{quoted(text)} in {where} is no time such as 2026-11-20T10:00:00Z")


def _object(where: str, found: _Object | None) -> _Object:
    if found is not None and not is_shallow(found):
        raise _invalid(reason=f"{where} is nested too deeply")
    return found or {}


T = TypeVar("T")


def _bounded(where: str, found: Sequence[T] | None, most: int) -> Sequence[T]:
    listed = found or ()
    if len(listed) > most:
        raise _invalid(reason=f"{where} has {len(listed):,} entries, and may have {most:,}")
    return listed


def _invalid(reason: str) -> Invalid:
    return Invalid(
        "invalid-advisory", f"The record is no OSV: {reason}. Correct it and send it again."
    )


# --- Printing ------------------------------------------------------------------------------------


def osv_of(advisory: Advisory) -> dict[str, object]:
    """Return an advisory as OSV, without fields that are empty."""
    # A record has severities of its own, or of what is affected, and never both.
    is_by_affected = any(each.severity for each in advisory.affected)
    general = () if is_by_affected else advisory.severity
    fields: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "id": advisory.id,
        "modified": osv_time(advisory.modified_ms),
        "published": _optional_time(advisory.published_ms),
        "withdrawn": _optional_time(advisory.withdrawn_ms),
        "aliases": advisory.aliases,
        "related": advisory.related,
        "upstream": advisory.upstream,
        "summary": advisory.summary,
        "details": advisory.details,
        "severity": _printed(general),
        "affected": [
            _affected_of(each, advisory.severity if is_by_affected else ())
            for each in advisory.affected
        ],
        "references": _printed(advisory.references),
        "credits": [_credit_of(each) for each in advisory.credits],
        "database_specific": advisory.database_specific,
    }
    return _filled(fields)


def osv_json(advisory: Advisory) -> bytes:
    return msgspec.json.encode(osv_of(advisory))


def osv_time(at_ms: int) -> str:
    """Return a time as OSV has it, with its milliseconds if there are any."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    fraction = f".{at_ms % 1000:03}" if at_ms % 1000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _optional_time(at_ms: int | None) -> str:
    return "" if at_ms is None else osv_time(at_ms)


def _affected_of(affected: Affected, general: Sequence[Severity]) -> dict[str, object]:
    package = {"ecosystem": affected.ecosystem, "name": affected.name, "purl": affected.purl}
    fields: dict[str, object] = {
        "package": _filled(package) if affected.ecosystem else {},
        "severity": _printed(affected.severity or general),
        "ranges": [_range_of(each) for each in affected.ranges],
        "versions": affected.versions,
        "ecosystem_specific": affected.ecosystem_specific,
        "database_specific": affected.database_specific,
    }
    return _filled(fields)


def _range_of(affected: AffectedRange) -> dict[str, object]:
    fields: dict[str, object] = {"type": affected.type.value, "repo": affected.repo}
    events = [{each.kind.value: each.version} for each in affected.events]
    return {**_filled(fields), "events": events}


def _credit_of(credit: Credit) -> dict[str, object]:
    return _filled({"name": credit.name, "contact": credit.contact, "type": credit.type})


def _printed(found: Sequence[Severity] | Sequence[Reference]) -> list[dict[str, str]]:
    return [msgspec.structs.asdict(each) for each in found]


def _filled(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value}
