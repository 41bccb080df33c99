"""The rule of the registry about licenses, for what comes from upstreams."""

from typing import Protocol

from msgspec import Struct

from shared.domain.errors.packages import UpstreamReleaseRefused
from shared.domain.packages import ArchiveFacts
from shared.domain.publishing_rules import RegistryRules, RuleEffect, first_with, stricter
from shared.domain.rules.license_rule import LicensedRelease, license_findings


class CurrentRules(Protocol):
    """The rules of the registry, which a service of publishing keeps in memory."""

    async def current(self) -> RegistryRules:
        """Return those that hold now."""
        ...


class MirroredLicenses(Struct, frozen=True):
    """Keeps releases of upstreams out whose license the registry does not allow. What is stored
    already stays, and a refusal ends with the rule."""

    rules: CurrentRules

    async def require(self, release: ArchiveFacts, upstream: str) -> None:
        """Raise `UpstreamReleaseRefused` unless the rule lets the release in."""
        rules = stricter(await self.rules.current(), None, release.org)
        asked = LicensedRelease(str(release.coordinate), release.licenses, is_mirrored=True)
        found = first_with(RuleEffect.REFUSE, license_findings(asked, rules))
        if found:
            raise UpstreamReleaseRefused(release.coordinate, upstream, found.message)
