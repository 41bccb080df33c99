"""Advisories as pages and answers show them beside the releases that they affect."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.domain.advisories.advisories import Advisory, PackageVersion, package_key
from shared.domain.advisories.matching import fixed_versions, matches
from shared.domain.advisories.severity_levels import SeverityLevel, by_severity, severity_level
from shared.domain.packages import ReleaseEntry
from shared.domain.text_lines import MAX_DESCRIPTION

_SEVERE = (SeverityLevel.MALWARE, SeverityLevel.CRITICAL, SeverityLevel.HIGH)


class ShownAdvisory(Struct, frozen=True):
    """An advisory beside a release or library that it affects, with the versions that fix it."""

    id: str
    severity: str
    is_severe: bool
    summary: str
    fixed: tuple[str, ...]

    @classmethod
    def of(cls, advisory: Advisory, affected: PackageVersion) -> "ShownAdvisory":
        level = severity_level(advisory)
        key = package_key(affected.ecosystem, affected.name)
        fixed = [
            version
            for each in advisory.affected
            if each.key == key and matches(each, affected)
            for version in fixed_versions(each, affected.version)
        ]
        return cls(
            id=advisory.id,
            severity=level.value,
            is_severe=level in _SEVERE,
            summary=" ".join((advisory.summary or advisory.details).split())[:MAX_DESCRIPTION],
            fixed=tuple(dict.fromkeys(fixed)),
        )

    @property
    def sentence(self) -> str:
        """What it says in one line, for readers of texts."""
        fixed = f"Fixed in {', '.join(self.fixed)}." if self.fixed else "No version fixes it yet."
        summary = self.summary.rstrip(".")
        return f"{self.id} ({self.severity}){f': {summary}' if summary else ''}. {fixed}"


def shown_advisories(
    advisories: Iterable[Advisory], affected: PackageVersion
) -> tuple[ShownAdvisory, ...]:
    """Return advisories that affect a version, the most severe first."""
    return tuple(ShownAdvisory.of(each, affected) for each in by_severity(advisories))


def mark_of(advisories: Sequence[Advisory]) -> str:
    """Return the word that marks a release in lists; empty if no advisory affects it."""
    if not advisories:
        return ""
    return "Malware" if any(each.is_malware for each in advisories) else "Vulnerable"


def better_version(version: str, entries: Iterable[ReleaseEntry], affected: Iterable[str]) -> str:
    """Return the lowest version above one that no advisory affects; empty without any."""
    left_out = {version, *affected}
    own = next((each for each in entries if each.version == version), None)
    above = [
        each
        for each in entries
        if each.version not in left_out and own is not None and each.parsed > own.parsed
    ]
    stable = [each for each in above if each.parsed.is_stable]
    lowest = min(stable or above, key=lambda each: each.parsed, default=None)
    return lowest.version if lowest else ""
