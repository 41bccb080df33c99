"""What an owner or an administrator writes of an advisory, and the advisory that becomes of it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from shared.domain.advisories.advisories import (
    MALWARE,
    MAX_ALIASES,
    MAX_CREDITS,
    MAX_REFERENCES,
    Advisory,
    Affected,
    AffectedRange,
    Credit,
    EventKind,
    RangeEvent,
    RangeType,
    Reference,
    Severity,
    parse_advisory_id,
)
from shared.domain.advisories.osv import CREDIT_TYPES, REFERENCE_TYPES, ordered_vector
from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, about_field, quoted
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME, parse_line
from shared.domain.versions import MAX_VERSION_LENGTH, Version

MAX_WRITTEN_DETAILS = 20_000  # Characters, as many as a policy may have.
MAX_WRITTEN_RANGES = 10
MAX_RANGE = 2 * MAX_VERSION_LENGTH + 2  # Characters: two versions and the dots.
MAX_LINE = 1_000  # Characters of a reference.
MAX_VECTOR = 200  # Characters. The longest vector of CVSS 4.0 with optional metrics has 190.
FROM_THE_FIRST = "0"  # In OSV this stands for the time before every version.
RANGE_DOTS = ".."


class Level(Enum):
    """How severe an advisory is, where its writer gives no vector."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    CRITICAL = "critical"


# The metrics that a vector has to have, with their values.
_CVSS_3 = {
    "AV": "NALP",
    "AC": "LH",
    "PR": "NLH",
    "UI": "NR",
    "S": "UC",
    "C": "HLN",
    "I": "HLN",
    "A": "HLN",
}
_CVSS_4 = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}
_VECTORS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "CVSS:3.0": ("CVSS_V3", _CVSS_3),
    "CVSS:3.1": ("CVSS_V3", _CVSS_3),
    "CVSS:4.0": ("CVSS_V4", _CVSS_4),
}
_METRIC = re.compile(r"([A-Z]{1,3}):([A-Za-z]{1,6})", re.ASCII)
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!-~]*)?", re.ASCII)


class WrittenRange(Struct, frozen=True):
    """Versions that are affected: from `introduced`, which is `0` for the first one, to before
    `fixed`; without it to the end."""

    introduced: str
    fixed: str = ""

    @classmethod
    def parse(cls, text: str) -> "WrittenRange":
        """Read `1.0.0..1.2.4`; without the first version it begins with all, and without the
        last one nothing is fixed. Raises `InvalidRequest`."""
        introduced, dots, fixed = (each.strip() for each in text.partition(RANGE_DOTS))
        if not dots:
            message = (
                f"{quoted(text)} is no range of versions. Write the first version that is "
                "affected, two dots, and the version that fixes it, such as 1.0.0..1.2.4."
            )
            raise InvalidRequest(message)
        return cls(introduced or FROM_THE_FIRST, fixed)

    def __str__(self) -> str:
        introduced = "" if self.introduced == FROM_THE_FIRST else self.introduced
        return f"{introduced}{RANGE_DOTS}{self.fixed}"


class WrittenAdvisory(Struct, frozen=True):
    """The text of an advisory about one package, as somebody sent it."""

    package: str
    summary: str
    details: str
    severity: str
    ranges: tuple[WrittenRange, ...]
    aliases: tuple[str, ...]
    references: tuple[str, ...]
    credits: tuple[str, ...]
    is_malware: bool

    @classmethod
    def of(cls, advisory: Advisory) -> "WrittenAdvisory":
        """Return what a form shows of an advisory."""
        affected = advisory.affected[0] if advisory.affected else None
        return cls(
            package=affected.name if affected else "",
            summary=advisory.summary,
            details=advisory.details,
            severity=severity_text(advisory),
            ranges=tuple(_written(affected.ranges)) if affected else (),
            aliases=advisory.aliases,
            references=tuple(f"{each.type} {each.url}" for each in advisory.references),
            credits=tuple(f"{each.type} {each.name}".strip() for each in advisory.credits),
            is_malware=advisory.is_malware,
        )


class AdvisoryBody(Struct, frozen=True):
    """What was written, as an advisory has it."""

    summary: str
    details: str
    aliases: tuple[str, ...]
    severity: tuple[Severity, ...]
    affected: tuple[Affected, ...]
    references: tuple[Reference, ...]
    credits: tuple[Credit, ...]
    database_specific: Mapping[str, object]


def advisory_body(
    written: WrittenAdvisory, package: Package, known: Sequence[str], ecosystem: str
) -> AdvisoryBody:
    """Return what was written about the package, with those of its `known` versions that are
    affected; raise `InvalidRequest` or `InvalidVersion` about a field of the form."""
    with about_field("summary"):
        summary = parse_line("summary", written.summary, MAX_DESCRIPTION)
        if not summary:
            message = "Say in one line what is wrong: lists show it."
            raise InvalidRequest(message)
    with about_field("severity"):
        scores, level = parse_severity(written.severity)
    with about_field("ranges"):
        events = _events(written.ranges)
    specific: dict[str, object] = {"severity": level.name} if level else {}
    if written.is_malware:
        specific["kind"] = MALWARE
    affected = Affected(
        ecosystem=ecosystem,
        name=str(package),
        ranges=(AffectedRange(RangeType.SEMVER, events),),
        versions=tuple(each for each in known if _contains(written.ranges, each)),
    )
    return AdvisoryBody(
        summary=summary,
        details=_parse_details(written.details),
        aliases=_parse_aliases(written.aliases),
        severity=scores,
        affected=(affected,),
        references=_parse_references(written.references),
        credits=_parse_credits(written.credits),
        database_specific=specific,
    )


def parse_severity(text: str) -> tuple[tuple[Severity, ...], Level | None]:
    """Return the score of a vector of CVSS 3 or 4, or the level, or nothing of an empty text; raise
    `InvalidRequest`."""
    stripped = text.strip()
    if not stripped:
        return (), None
    level = next((each for each in Level if each.value == stripped.lower()), None)
    if level is not None:
        return (), level
    beginning, _, rest = stripped.partition("/")
    kind, metrics = _VECTORS.get(beginning.upper(), ("", {}))
    if not kind or len(stripped) > MAX_VECTOR or not _has_metrics(rest, metrics):
        levels = ", ".join(each.value for each in Level)
        message = (
            f"{quoted(stripped)} is no severity. Write a whole vector, such as "
            f"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H, or a level: {levels}."
        )
        raise InvalidRequest(message)
    return (Severity(kind, ordered_vector(f"{beginning.upper()}/{rest}")),), None


def _has_metrics(vector: str, needed: Mapping[str, str]) -> bool:
    """Check whether a vector has each metric once, and all that are needed."""
    found = dict[str, str]()
    for part in vector.split("/"):
        match = _METRIC.fullmatch(part)
        if match is None or match[1] in found:
            return False
        found[match[1]] = match[2]
    return all(found.get(name, "") in list(values) for name, values in needed.items())


def severity_text(advisory: Advisory) -> str:
    """Return the vector of an advisory, or its level in lower case; empty without both."""
    if advisory.severity:
        return advisory.severity[-1].score
    level = advisory.database_specific.get("severity")
    return level.lower() if isinstance(level, str) else ""


def _events(ranges: Sequence[WrittenRange]) -> tuple[RangeEvent, ...]:
    """Return the events of ranges that neither overlap nor are turned around."""
    if not ranges:
        message = "Choose the versions that are affected, from the first of them on."
        raise InvalidRequest(message)
    if len(ranges) > MAX_WRITTEN_RANGES:
        message = f"An advisory has up to {MAX_WRITTEN_RANGES} ranges of versions. Join some."
        raise InvalidRequest(message)
    ordered = sorted(ranges, key=_begin)
    events = list[RangeEvent]()
    open_since = ""
    last_fixed: Version | None = None
    for each in ordered:
        begin = None if each.introduced == FROM_THE_FIRST else Version.parse(each.introduced)
        if open_since or (last_fixed and (begin is None or begin < last_fixed)):
            message = (
                f"The range from {each.introduced} overlaps with the one before it. Say of each "
                "range where it ends, and let the next one begin there or later."
            )
            raise InvalidRequest(message)
        events.append(RangeEvent(EventKind.INTRODUCED, each.introduced))
        if not each.fixed:
            open_since = each.introduced
            continue
        last_fixed = Version.parse(each.fixed)
        if begin is not None and last_fixed <= begin:
            message = (
                f"{each.fixed} is not above {each.introduced}, so it cannot fix what begins there. "
                "Choose a later version, or none."
            )
            raise InvalidRequest(message)
        events.append(RangeEvent(EventKind.FIXED, each.fixed))
    return tuple(events)


def _begin(each: WrittenRange) -> tuple[int, object]:
    if each.introduced == FROM_THE_FIRST:
        return (0, ())
    return (1, Version.parse(each.introduced).precedence)


def _contains(ranges: Iterable[WrittenRange], text: str) -> bool:
    version = Version.parse(text)
    return any(
        (each.introduced == FROM_THE_FIRST or Version.parse(each.introduced) <= version)
        and (not each.fixed or version < Version.parse(each.fixed))
        for each in ranges
    )


def _written(ranges: Iterable[AffectedRange]) -> Iterable[WrittenRange]:
    for each in ranges:
        introduced = ""
        for event in each.events:
            if event.kind is EventKind.INTRODUCED:
                introduced = event.version
            elif event.kind is EventKind.FIXED and introduced:
                yield WrittenRange(introduced, event.version)
                introduced = ""
        if introduced:
            yield WrittenRange(introduced)


def _parse_details(text: str) -> str:
    with about_field("details"):
        plain = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()
        if len(plain) > MAX_WRITTEN_DETAILS:
            message = (
                f"The details have {len(plain):,} characters, and {MAX_WRITTEN_DETAILS:,} fit. "
                "Shorten them, and link to the rest."
            )
            raise InvalidRequest(message)
        if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in plain):
            message = "The details hold characters that nobody sees. Write them with visible ones."
            raise InvalidRequest(message)
        return plain


def _parse_aliases(texts: Sequence[str]) -> tuple[str, ...]:
    with about_field("aliases"):
        _require_fitting(texts, MAX_ALIASES, "aliases")
        return tuple(
            dict.fromkeys(parse_advisory_id(each.strip()) for each in texts if each.strip())
        )


def _parse_references(texts: Sequence[str]) -> tuple[Reference, ...]:
    with about_field("references"):
        _require_fitting(texts, MAX_REFERENCES, "references")
        return tuple(_parse_reference(each.strip()) for each in texts if each.strip())


def _parse_reference(text: str) -> Reference:
    kind, url = _typed(text, REFERENCE_TYPES)
    if len(url) > MAX_LINE or _URL.fullmatch(url) is None:
        types = ", ".join(REFERENCE_TYPES)
        message = (
            f"{quoted(text)} is no reference. Write an address that begins with https://, on a "
            f"line of its own, after its type if you know it: {types}."
        )
        raise InvalidRequest(message)
    return Reference(kind or "WEB", url)


def _parse_credits(texts: Sequence[str]) -> tuple[Credit, ...]:
    with about_field("credits"):
        _require_fitting(texts, MAX_CREDITS, "credits")
        return tuple(_parse_credit(each.strip()) for each in texts if each.strip())


def _parse_credit(text: str) -> Credit:
    kind, name = _typed(text, CREDIT_TYPES)
    return Credit(parse_line("name", name, MAX_DISPLAY_NAME), type=kind)


def _typed(text: str, types: Sequence[str]) -> tuple[str, str]:
    """Return the type before a text, empty if there is none, and the text."""
    first, _, rest = text.partition(" ")
    return (first, rest.strip()) if first in types and rest.strip() else ("", text)


def _require_fitting(texts: Sequence[str], most: int, what: str) -> None:
    if len(texts) > most:
        message = f"An advisory has up to {most} {what}, and these are {len(texts)}. Remove some."
        raise InvalidRequest(message)
