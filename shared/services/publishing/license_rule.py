"""The rule about licenses, as pushes and dry runs ask it."""

from collections.abc import Sequence

from msgspec import Struct

from shared.domain.publishing_rules import EffectiveRules, RuleFinding
from shared.domain.rules.license_rule import LicensedRelease, license_findings
from shared.services.publishing.publishing_rules import RuledArchive, RuledRelease


class LicenseRule(Struct, frozen=True):
    """Compares the licenses of a manifest with those that are allowed and refused."""

    async def of_archive(
        self, archive: RuledArchive, rules: EffectiveRules
    ) -> Sequence[RuleFinding]:
        bala = archive.bala
        return list(license_findings(LicensedRelease(str(bala.coordinate), bala.licenses), rules))

    def of_release(self, ruled: RuledRelease, rules: EffectiveRules) -> Sequence[RuleFinding]:
        release = ruled.release
        is_mirrored = release.upstream is not None
        asked = LicensedRelease(str(release.coordinate), release.licenses, is_mirrored=is_mirrored)
        return list(license_findings(asked, rules))
