"""Which releases lost the provenance that their package had before."""

from collections.abc import Iterable, Mapping

from shared.domain.packages import ReleaseEntry


def lost_provenance(entries: Iterable[ReleaseEntry]) -> Mapping[str, str]:
    """Return the versions that no CI job published, although one published a release before them,
    each with the last such version. A stolen token can publish what looks like the next release.
    """
    lost: dict[str, str] = {}
    last_by_ci = ""
    for entry in sorted(entries, key=lambda each: each.created_ms):
        if entry.by_ci:
            last_by_ci = entry.version
        elif last_by_ci:
            lost[entry.version] = last_by_ci
    return lost
