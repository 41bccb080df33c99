"""Withdrawals of other registries that are followed here: by a mirror, and by imports of bundles.

A release is quarantined, also if the other registry removed it: a removal deletes the archive for
good, which an administrator of this registry decides. It is served again when the other registry
serves it again, unless an administrator withheld it here.
"""

from enum import Enum

from shared.domain.mirror_rules import WAS_HELD
from shared.domain.packages import Release
from shared.domain.principals import MIRROR
from shared.domain.release_states import SERVABLE, State
from shared.domain.releases import Decision, with_decision
from shared.domain.withdrawal_reasons import PublicReason


class ToldBy(Enum):
    """Who told of a withdrawal: how the reason begins; no administrator writes so."""

    UPSTREAM = "Upstream: "
    BUNDLE = "Bundle: "


def with_withdrawal(
    release: Release,
    told_by: ToldBy,
    registry: str,
    public: PublicReason | None,
    *,
    is_final: bool,
    now_ms: int,
) -> Release:
    """Return the release quarantined, with the reasons of the other registry; unchanged if it is
    withheld for another reason, or says the same already."""
    is_followed = is_withheld(release, told_by)
    if release.state not in SERVABLE and not is_followed:
        return release
    was_held = release.state is State.HELD or release.state_reason.endswith(WAS_HELD)
    what = "removed it for good" if is_final else "withdrew it"
    reason = f"{told_by.value}{registry} {what}.{WAS_HELD if was_held else ''}"
    decision = Decision(State.QUARANTINED, reason, public)
    if is_followed and decision.reasons == (release.state_reason, release.public_reason):
        return release
    return with_decision(release, "release.quarantined", decision, by=MIRROR, now_ms=now_ms)


def without_withdrawal(release: Release, told_by: ToldBy, *, now_ms: int) -> Release:
    """Return the release as it is served again; unchanged if it was not withheld so, or was held
    before."""
    if not is_withheld(release, told_by) or release.state_reason.endswith(WAS_HELD):
        return release
    decision = Decision(State.LIVE)
    return with_decision(release, "release.live", decision, by=MIRROR, now_ms=now_ms)


def is_withheld(release: Release, told_by: ToldBy) -> bool:
    """Check whether the release is withheld because another registry withdrew it."""
    return release.state is State.QUARANTINED and release.state_reason.startswith(told_by.value)
