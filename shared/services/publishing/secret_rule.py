"""The rule about secrets, as pushes and dry runs ask it: in the confined process, and only about
files that may have one."""

from collections.abc import Sequence

from msgspec import Struct

from shared.domain.errors.base import Unavailable
from shared.domain.publishing_rules import EffectiveRules, RuleEffect, RuleFinding
from shared.domain.rules.secret_rule import (
    RULE,
    searched_files,
    secret_findings,
    unread_finding,
)
from shared.services.publishing.publishing_rules import Occasion, RuledArchive, RuledRelease
from shared.services.publishing.secret_scan import SecretScan, SecretsUnread


class SecretRule(Struct, frozen=True):
    """Searches an archive for secrets."""

    scan: SecretScan

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        """Return what is found; raise `Unavailable` if a push cannot be searched now."""
        bala = archive.bala
        coordinate = bala.coordinate
        files = searched_files(bala.suspects, coordinate.package, rules)
        is_push = archive.occasion is Occasion.PUSH
        search = self.scan.find if is_push else self.scan.find_on_demand
        try:
            found = await search(archive.content, coordinate, files)
        except SecretsUnread as reason:
            return [unread_finding(str(reason), coordinate, rules)]
        except Unavailable as failure:
            if is_push:
                raise
            return [RuleFinding(RULE, RuleEffect.NOTE, rules.secrets.whose, str(failure))]
        return list(secret_findings(found, coordinate, rules))

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:  # noqa: ARG002 - its archive would have to be read.
        """Return nothing: what its files have is shown on the page of the release."""
        return []
