"""How grave an advisory is, in one word."""

from collections.abc import Iterable
from enum import Enum

from shared.cvss import cvss_rating, cvss_score
from shared.domain.advisories.advisories import Advisory, Severity


class Gravity(Enum):
    """From the gravest on."""

    MALWARE = "malware"
    CRITICAL = "critical"
    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"
    UNKNOWN = "unknown"  # The advisory has neither a word nor a vector of CVSS.


_WORDS = {each.value: each for each in Gravity} | {"medium": Gravity.MODERATE}
_ORDER = {each: place for place, each in enumerate(Gravity)}


def gravity(advisory: Advisory) -> Gravity:
    """Return what the advisory says in a word, or what its highest score of CVSS comes to."""
    if advisory.is_malware:
        return Gravity.MALWARE
    said = advisory.database_specific.get("severity")
    if isinstance(said, str) and said.lower() in _WORDS:
        return _WORDS[said.lower()]
    score = max(_scores(advisory), default=None)
    return Gravity.UNKNOWN if score is None else Gravity(cvss_rating(score))


def by_gravity(advisories: Iterable[Advisory]) -> list[Advisory]:
    """Return advisories with the gravest first, those of equal gravity by their ids."""
    return sorted(advisories, key=lambda each: (_ORDER[gravity(each)], each.id))


def _scores(advisory: Advisory) -> Iterable[float]:
    vectors: list[Severity] = [*advisory.severity]
    for affected in advisory.affected:
        vectors += affected.severity
    for each in vectors:
        if (score := cvss_score(each.score)) is not None:
            yield score
