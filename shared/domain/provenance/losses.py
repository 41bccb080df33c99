"""Which releases lost the provenance that their package had before."""

from collections.abc import Iterable, Mapping
from enum import Enum

from msgspec import Struct

from shared.domain.packages import ReleaseEntry
from shared.domain.release_states import SERVABLE


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


class LostKind(Enum):
    """What a release has not, although the one before it had it."""

    CI = "ci"
    SIGSTORE = "sigstore"


class ProvenanceLoss(Struct, frozen=True):
    """A release that lost its provenance, and the version before it, which had it."""

    entry: ReleaseEntry
    lost: LostKind
    before: str


def first_loss(entries: Iterable[ReleaseEntry], version: str) -> ProvenanceLoss | None:
    """Return which provenance of the release before it a version lacks; None if it lacks none, or
    the one before had lost it already. A release that was withdrawn since is not one before it.
    """
    before: ReleaseEntry | None = None
    for entry in sorted(entries, key=lambda each: each.created_ms):
        if entry.version == version:
            return _loss(before, entry) if before else None
        if entry.state in SERVABLE and not entry.refused:
            before = entry
    return None


def _loss(before: ReleaseEntry, entry: ReleaseEntry) -> ProvenanceLoss | None:
    if before.by_ci and not entry.by_ci:
        return ProvenanceLoss(entry, LostKind.CI, before.version)
    if before.sigstore and not entry.sigstore:
        return ProvenanceLoss(entry, LostKind.SIGSTORE, before.version)
    return None
