"""The severity of an advisory, in one word."""

from collections.abc import Iterable
from enum import Enum

from shared.cvss import cvss_rating, cvss_score
from shared.domain.advisories.advisories import Advisory, Severity


class SeverityLevel(Enum):
    """The most severe first."""

    MALWARE = "malware"
    CRITICAL = "critical"
    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"
    UNKNOWN = "unknown"  # The advisory has neither a word nor a vector of CVSS.


_WORDS = {each.value: each for each in SeverityLevel} | {"medium": SeverityLevel.MODERATE}
_ORDER = {each: place for place, each in enumerate(SeverityLevel)}


def severity_level(advisory: Advisory) -> SeverityLevel:
    """Return what the advisory says in a word, or what its highest score of CVSS comes to."""
    if advisory.is_malware:
        return SeverityLevel.MALWARE
    level = advisory.database_specific.get("severity")
    if isinstance(level, str) and level.lower() in _WORDS:
        return _WORDS[level.lower()]
    score = max(_scores(advisory), default=None)
    return SeverityLevel.UNKNOWN if score is None else SeverityLevel(cvss_rating(score))


def by_severity(advisories: Iterable[Advisory]) -> list[Advisory]:
    """Return advisories with the most severe first, those of equal severity by their ids."""
    return sorted(advisories, key=lambda each: (_ORDER[severity_level(each)], each.id))


def _scores(advisory: Advisory) -> Iterable[float]:
    vectors: list[Severity] = [*advisory.severity]
    for affected in advisory.affected:
        vectors += affected.severity
    for each in vectors:
        if (score := cvss_score(each.score)) is not None:
            yield score
