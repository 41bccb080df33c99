"""Quotas: how many bytes and releases an organization may have, as a task counted them last.

A push pays nothing for it: what was counted is in the record of the organization, which a push
reads anyway. What came since the last count is added by whoever knows of it.
"""

from msgspec import Struct

from shared.domain.publishing_rules import OF_REGISTRY, EffectiveRules, RuleEffect, RuleFinding
from shared.domain.records import Record, stored_as
from shared.domain.times import StoredMs

QUOTA_REACHED = "quota-reached"
QUOTA_NEAR = "quota-near"
NEAR_PERCENT = 80  # Percent of a quota from which owners get mail.


class OrganizationUsage(Record):
    """What an organization had when a task counted it, and whether its owners were told since that
    it is near its limit."""

    bytes: int
    releases: int
    counted_ms: StoredMs
    is_mailed: bool = stored_as("is_told", False)


class Used(Struct, frozen=True):
    """Bytes and releases of an organization."""

    bytes: int = 0
    releases: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(self.bytes + other.bytes, self.releases + other.releases)


def used_percent(used: Used, max_bytes: int, max_releases: int) -> int:
    """Return how much is used of the limit that is nearer; 0 without a limit."""
    of_bytes = used.bytes * 100 // max_bytes if max_bytes else 0
    of_releases = used.releases * 100 // max_releases if max_releases else 0
    return max(of_bytes, of_releases)


def quota_finding(
    rules: EffectiveRules, used: Used, size_bytes: int, release: object, org: str
) -> RuleFinding | None:
    """Return what the limits say of one more release: refused if it does not fit, and a note when
    the organization is near its limit."""
    then = used + Used(size_bytes, 1)
    way = (
        f"Ask an administrator of this registry for a higher limit, or remove releases of {org}; "
        "what is removed is counted within an hour."
    )
    if rules.max_releases and then.releases > rules.max_releases:
        has = f"{org} has {used.releases:,} of the {rules.max_releases:,} releases that it may have"
        message = f"{has}, so {release} is not published. {way}"
        return RuleFinding(QUOTA_REACHED, RuleEffect.REFUSE, OF_REGISTRY, message)
    if rules.max_bytes and then.bytes > rules.max_bytes:
        has = f"{org} has {used.bytes:,} of the {rules.max_bytes:,} bytes that it may have"
        message = f"{has}, and {release} has {size_bytes:,}, so it is not published. {way}"
        return RuleFinding(QUOTA_REACHED, RuleEffect.REFUSE, OF_REGISTRY, message)
    percent = used_percent(then, rules.max_bytes, rules.max_releases)
    if percent < NEAR_PERCENT:
        return None
    message = f"{org} uses {percent} % of what it may have with {release}. {way}"
    return RuleFinding(QUOTA_NEAR, RuleEffect.NOTE, OF_REGISTRY, message)
