"""The rule that every release waits for an approval, as pushes ask it."""

from collections.abc import Sequence

from msgspec import Struct

from shared.domain.publishing_rules import (
    EffectiveRules,
    RuleFinding,
)
from shared.domain.rules.staged_rule import staged_findings
from shared.services.publishing.publishing_rules import Occasion, RuledArchive, RuledRelease


class StagedReleaseRule(Struct, frozen=True):
    """Holds every push where the rules say so."""

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        return () if archive.occasion is Occasion.MIRROR else staged_findings(rules)

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        return () if ruled.release.upstream else staged_findings(rules)
