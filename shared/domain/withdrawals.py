"""Withdrawals of releases: their public reasons, and what everybody who may see the package reads
of them.
"""

from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.packages import ReleaseNotFound, Withdrawal, withdrawn_by
from shared.domain.packages import (
    Release,
    ReleaseEntry,
)
from shared.domain.reasons import parse_reason
from shared.domain.release_states import Holder, State
from shared.domain.withdrawal_reasons import (
    WITHDRAWAL_TITLES,
    PublicReason,
    WithdrawalReason,
    reason_text,
)


def is_removed_by_owner(record: Release | ReleaseEntry) -> bool:
    """Check whether an owner removed it, or asked an administrator to: owners delete what is left
    of it."""
    public = record.public_reason
    is_wanted = public is not None and public.why is WithdrawalReason.OWNER_REQUEST
    return record.state is State.REMOVED and (record.refused or is_wanted)


def withdrawal_of(record: Release | ReleaseEntry) -> Withdrawal:
    """Return what everybody who may see the package is told of a withheld release.

    `why` is empty without a public reason, as of a release that is held, or served again.
    """
    public = record.public_reason
    return Withdrawal(
        version=record.version,
        is_final=record.state is State.REMOVED,
        at_ms=record.changed_ms or record.created_ms,
        published_ms=record.created_ms,
        why=public.why.value if public else "",
        note=public.note if public else "",
        is_held_by_owner=record.is_held_by_owner,
        is_by_reports=record.state is State.QUARANTINED and record.holder is Holder.REPORTS,
        digest=record.digest,
    )


def withdrawal_title(withdrawal: Withdrawal) -> str:
    """Return what the public reason of a withdrawal is called; empty without one."""
    return WITHDRAWAL_TITLES[WithdrawalReason(withdrawal.why)][0] if withdrawal.why else ""


def withdrawal_text(withdrawal: Withdrawal) -> str:
    """Return the public reason of a withdrawal in sentences; empty without one."""
    if not withdrawal.why:
        return ""
    return f"{reason_text(WithdrawalReason(withdrawal.why))} {withdrawal.note}".rstrip()


def release_withdrawn(release: Release) -> ReleaseNotFound:
    """Return the refusal of an exact version that was withdrawn: the one of a missing version,
    which clients know, with the reason behind it."""
    withdrawal = withdrawal_of(release)
    reason = withdrawal_text(withdrawal)
    return ReleaseNotFound(
        release.coordinate.package,
        release.version,
        withdrawal,
        f". {withdrawn_by(withdrawal, 'it')}{f' {reason}' if reason else ''}",
    )


def parse_public_reason(why: str, note: str) -> PublicReason | None:
    """Read a public reason, or None if there is neither a category nor a note.

    Raises `InvalidRequest`.
    """
    line = parse_reason(note, "public explanation")
    if not (why or line):
        return None
    try:
        return PublicReason(why=WithdrawalReason(why or "other"), note=line)
    except ValueError:
        known = ", ".join(each.value for each in WithdrawalReason)
        message = f"{why[:80]!r} is not a public reason. Choose one of {known}."
        raise InvalidRequest(message) from None
