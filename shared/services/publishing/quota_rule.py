"""The rule about quotas: what was counted of an organization, and what this process published in it
since then."""

from collections.abc import Sequence

from msgspec import Struct, field

from shared.domain.organizations import Organization
from shared.domain.publishing_rules import EffectiveRules, RuleEffect, RuleFinding
from shared.domain.rules.quota_rule import Used, quota_finding
from shared.ports.system import Clock
from shared.runtime.lru_cache import LruCache
from shared.services.publishing.publishing_rules import Occasion, RuledArchive, RuledRelease

ORGANIZATIONS_REMEMBERED = 1_000  # Organizations with a limit and a push since their last count.


class _Pushed(Struct, frozen=True):
    """An archive that was admitted, and when."""

    size_bytes: int
    at_ms: int


class QuotaRule(Struct, frozen=True):
    """Refuses releases above the limits of an organization.

    Each process adds what it admitted since the last count, also what is published at the same
    time, so that one process never exceeds a limit. N of them exceed it, until the next count, by
    at most N - 1 times what was left at the last one. A write that decides would make pushes of an
    organization wait for each other, for a limit that is about money and not about safety.
    """

    clock: Clock
    _pushed: LruCache[str, dict[str, _Pushed]] = field(
        default_factory=lambda: LruCache[str, dict[str, _Pushed]](ORGANIZATIONS_REMEMBERED)
    )

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        organization = archive.organization
        if organization is None or not (rules.max_bytes or rules.max_releases):
            return ()
        if archive.occasion is Occasion.MIRROR:
            return ()
        coordinate = archive.bala.coordinate
        since = self._since(organization)
        others = [each for key, each in since.items() if key != coordinate.key]
        counted = organization.usage
        used = Used(counted.bytes, counted.releases) if counted else Used()
        used += Used(sum(each.size_bytes for each in others), len(others))
        size_bytes = len(archive.content)
        found = quota_finding(rules, used, size_bytes, coordinate, organization.name)
        is_refused = found is not None and found.effect is RuleEffect.REFUSE
        if archive.occasion is Occasion.PUSH and not is_refused:
            # Before anything is awaited, so that of two at once the second counts the first.
            since[coordinate.key] = _Pushed(size_bytes, self.clock.now_ms())
            self._pushed.put(organization.key, since)
        return (found,) if found else ()

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:  # noqa: ARG002 - what is there is counted, and stays.
        return ()

    def _since(self, organization: Organization) -> dict[str, _Pushed]:
        """Return the usage that this process admitted since the last count."""
        counted_ms = organization.usage.counted_ms if organization.usage else 0
        known = self._pushed.get(organization.key) or {}
        return {key: each for key, each in known.items() if each.at_ms >= counted_ms}
