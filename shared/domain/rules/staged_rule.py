"""Staged releases: every push is held until people approve it, whoever pushes."""

from shared.domain.publishing_rules import EffectiveRules, RuleEffect, RuleFinding, named_rule

STAGED = "staged-release"
_COUNTS = {1: "an owner or a maintainer approves it", 2: "two owners or maintainers approve it"}


def staged_findings(rules: EffectiveRules) -> list[RuleFinding]:
    """Return that a push is held, where the rules say so."""
    if not rules.staged.value:
        return []
    whose = rules.staged.whose
    sentence = f"{named_rule(whose)} hold every release until {_COUNTS[rules.approvals.value]}."
    return [RuleFinding(STAGED, RuleEffect.HOLD, whose, sentence[:1].upper() + sentence[1:])]
