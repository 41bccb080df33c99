"""Retention: which pre-releases of private packages go by the rule of their organization.

A stable release never goes, and nothing of a package that others than its members may read.
"""

from datetime import timedelta

from shared.domain.packages import ReleaseEntry, Survey
from shared.domain.publishing_rules import Retention
from shared.domain.release_states import State
from shared.domain.times import MS
from shared.domain.visibility import Visibility
from shared.domain.withdrawal_reasons import PublicReason
from shared.domain.withdrawal_reasons import WithdrawalReason as Why


def expired_prereleases(survey: Survey, retention: Retention, *, now_ms: int) -> list[ReleaseEntry]:
    """Return the pre-releases that go unless something uses them, the oldest first. Those stay that
    are withheld or held, and that are among the `last` ones or younger than `days`."""
    if not retention.is_on or survey.head.visibility is not Visibility.PRIVATE:
        return []
    newest_first = sorted(
        (e for e in survey.entries if e.state is State.LIVE and not e.parsed.is_stable),
        key=lambda each: (each.created_ms, each.parsed),
        reverse=True,
    )
    old = newest_first[retention.last :]
    if retention.days:
        since_ms = now_ms - timedelta(days=retention.days) // MS
        old = [each for each in old if each.created_ms < since_ms]
    return old[::-1]


def retention_reason(retention: Retention, org: str) -> PublicReason:
    """Return the reason that members read in place of a pre-release that went."""
    return PublicReason(
        why=Why.OWNER_REQUEST, note=f"The rules of {org} keep pre-releases: {retention}."
    )
