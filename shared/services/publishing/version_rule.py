"""The rule about version numbers: compares the API of an archive with the API of the version
before, within the time that the rule allows."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.publishing_rules import EffectiveRules, RuleEffect, RuleFinding, VersionRule
from shared.domain.rules.version_rule import (
    API_NOT_COMPARED,
    VERSION_TOO_LOW,
    uncompared_finding,
    version_findings,
)
from shared.services.api_docs.version_checks import Compared, VersionChecks, VersionUnchecked
from shared.services.publishing.publishing_rules import Occasion, RuledArchive, RuledRelease

# How long a push waits for the comparison if the rule may hold or refuse it.
PUSH_WAITS = timedelta(seconds=5)

_BUSY = (
    "The API was not compared with that of the version before, because the registry is busy. Check "
    "the archive again in a minute."
)


class VersionNumberRule(Struct, frozen=True):
    """Finds releases that break callers and whose version does not say so.

    A push waits for the comparison only where the rules hold or refuse such releases. Where they
    warn, the comparison that is made of every release afterwards says the same.
    """

    authorization: Authorization
    version_checks: VersionChecks
    push_waits: timedelta = PUSH_WAITS

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        rule = rules.version_rule
        head = archive.head
        if head is None or head.upstream or not _is_asked(archive, rule.value):
            return ()
        is_push = archive.occasion is Occasion.PUSH
        names_changes = await self.authorization.may_read(archive.by, head)
        if not is_push and not names_changes:
            return ()
        try:
            compared = await self._compared(archive, is_push=is_push)
        except VersionUnchecked:
            if is_push:
                return [uncompared_finding(rule, archive.bala.coordinate)]
            return [RuleFinding(API_NOT_COMPARED, RuleEffect.NOTE, rule.whose, _BUSY)]
        if compared.waits and rule.value is not VersionRule.WARN:
            return [uncompared_finding(rule, archive.bala.coordinate)]
        found = version_findings(
            compared.verdict, rule, compared.versions, names_changes=names_changes
        )
        return [each for each in found if not is_push or each.rule == VERSION_TOO_LOW]

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        if ruled.release.upstream:
            return ()
        found = version_findings(ruled.verdict, rules.version_rule)
        return [each for each in found if each.rule == VERSION_TOO_LOW]

    async def _compared(self, archive: RuledArchive, *, is_push: bool) -> Compared:
        if is_push:
            return await self.version_checks.compare_within(
                archive.content, archive.bala, self.push_waits
            )
        return await self.version_checks.compare(archive.content, archive.bala)


def _is_asked(archive: RuledArchive, rule: VersionRule) -> bool:
    """Check whether an archive is compared at once: always in a dry run, and in a push where that
    may hold or refuse it. A pre-release may break anything."""
    match archive.occasion:
        case Occasion.PUSH:
            is_stable = archive.bala.coordinate.version.is_stable
            return is_stable and rule is not VersionRule.WARN
        case Occasion.DRY_RUN:
            return True
        case Occasion.MIRROR:
            return False
