"""The rule about licenses: which ones a release may be under, and which ones not."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from shared.domain.errors.base import printable
from shared.domain.licenses import (
    NO_LICENSE,
    Alternative,
    License,
    LicenseExpression,
    LicenseUnreadable,
    parse_license,
)
from shared.domain.publishing_rules import OF_REGISTRY, EffectiveRules, RuleEffect, RuleFinding
from shared.domain.sentences import named

LICENSE_REFUSED = "license-refused"
LICENSE_UNKNOWN = "license-unknown"
_SHOWN = 10  # Allowed expressions in a sentence.


class LicensedRelease(Struct, frozen=True):
    """A release as the rule sees it: its name for sentences, and the licenses of its manifest."""

    name: str
    licenses: tuple[str, ...]
    is_mirrored: bool = False  # Nobody here can publish it under another license.


def license_findings(release: LicensedRelease, rules: EffectiveRules) -> Iterator[RuleFinding]:
    """Yield what the rules say of a release.

    All licenses that a manifest names hold at the same time. Of an expression with OR, one
    alternative that the rules allow is enough. The lists of the registry and those of the
    organization each hold for themselves.
    """
    allowed = {each.whose: each.value for each in rules.licenses}
    refused = {each.whose: each.value for each in rules.refused_licenses}
    for whose in dict.fromkeys((*allowed, *refused)):
        lists = _Lists(whose, allowed.get(whose, ()), refused.get(whose, ()))
        if finding := lists.finding(release):
            yield finding


class _Lists:
    """The allowed and refused licenses of the registry, or of an organization."""

    def __init__(self, whose: str, allowed: Sequence[str], refused: Sequence[str]) -> None:
        self._whose = whose
        self._named = allowed
        self._allowed = _alternatives(allowed)
        self._refused = _alternatives(refused)

    def finding(self, release: LicensedRelease) -> RuleFinding | None:
        """Return what the lists say of a release, if it is anything."""
        texts = [each for each in release.licenses if each.strip()]
        expressions = list[LicenseExpression]()
        for each in texts:
            try:
                expressions.append(parse_license(each))
            except LicenseUnreadable as reason:
                clause = f"its license {printable(each)} cannot be compared with them, as {reason}"
                way_out = "Write it as SPDX does, such as Apache-2.0 or MIT OR BSD-3-Clause"
                return self._refusal(release, clause, way_out)
        if not expressions or expressions[0].text == NO_LICENSE:
            return self._without_license(release)
        for each in expressions:
            if not any(map(self._accepts, each.alternatives)):
                return self._not_accepted(release, each)
        unknown = [name for each in expressions for name in each.unknown]
        return self._unknown(release, unknown[0]) if unknown else None

    def _accepts(self, alternative: Alternative) -> bool:
        """Check whether a release may be under all of these licenses at the same time."""
        return not self._refused_in(alternative) and not self._missing(alternative)

    def _refused_in(self, alternative: Alternative) -> Alternative | None:
        """Return licenses that are refused together, and of which the alternative has all."""
        for each in self._refused:
            if all(self._has(alternative, wanted) for wanted in each):
                return each
        return None

    def _has(self, alternative: Alternative, refused: License) -> bool:
        """Check for a license that is refused. It is with an exception as well, unless the same
        lists allow it with that one."""
        allowed = {each.key for part in self._allowed for each in part}
        return any(
            each.key == refused.key
            or (each.without_exception.key == refused.key and each.key not in allowed)
            for each in alternative
        )

    def _missing(self, alternative: Alternative) -> list[License]:
        """Return the licenses that no allowed expression covers. An allowed license is allowed with
        an exception as well, which only adds permissions."""
        if not self._named:
            return []
        keys = {each.key for each in alternative}
        keys |= {each.without_exception.key for each in alternative}
        parts = [part for part in self._allowed if all(each.key in keys for each in part)]
        covered = {each.key for part in parts for each in part}
        missing = (
            each for each in alternative if not covered & {each.key, each.without_exception.key}
        )
        return sorted(missing, key=str)

    def _not_accepted(self, release: LicensedRelease, expression: LicenseExpression) -> RuleFinding:
        alternative = expression.alternatives[0]
        declared = f"its license is {printable(expression.text)}"
        if refused := self._refused_in(alternative):
            together = " AND ".join(sorted(map(str, refused)))
            clause = f"{declared}, and they refuse {together}"
            return self._refusal(release, clause, "Publish it under another license")
        missing = self._missing(alternative)
        names = ", ".join(printable(str(each)) for each in missing)
        clause = f"{declared}, and they do not allow {names}: they allow {self._allowed_text}"
        way_out = "Publish it under one of these"
        if not all(each.is_known for each in missing):
            way_out = "Name it in Ballerina.toml as SPDX does, such as Apache-2.0"
        return self._refusal(release, clause, way_out)

    def _without_license(self, release: LicensedRelease) -> RuleFinding | None:
        if self._accepts(frozenset({License(NO_LICENSE)})):
            return None
        listed = f": they allow {self._allowed_text}" if self._named else ""
        clause = f"its manifest names no license, and they ask for one{listed}"
        way_out = 'Name it in Ballerina.toml, such as license = ["Apache-2.0"]'
        return self._refusal(release, clause, way_out)

    def _unknown(self, release: LicensedRelease, name: str) -> RuleFinding | None:
        """Warn of a license that SPDX does not have: that it is none of the refused ones is not
        known. Where licenses are allowed by name, it is one of these."""
        if self._named:
            return None
        message = (
            f"{self._rules} about licenses refuse some, and the license {printable(name)} of "
            f"{release.name} is none that SPDX has, so it cannot be compared with them. Name it in "
            "Ballerina.toml as SPDX does, such as Apache-2.0."
        )
        return RuleFinding(LICENSE_UNKNOWN, RuleEffect.WARN, self._whose, message)

    def _refusal(self, release: LicensedRelease, clause: str, way_out: str) -> RuleFinding:
        ask = f"sk {who_changes(self._whose)} to change the rule."
        ending = f"A{ask}" if release.is_mirrored else f"{way_out}, or a{ask}"
        message = f"{self._rules} about licenses keep {release.name} out: {clause}. {ending}"
        return RuleFinding(LICENSE_REFUSED, RuleEffect.REFUSE, self._whose, message)

    @property
    def _rules(self) -> str:
        return f"The rules of {self._whose}"

    @property
    def _allowed_text(self) -> str:
        return named(self._named, _SHOWN)


def _alternatives(texts: Sequence[str]) -> list[Alternative]:
    """Return the alternatives of the expressions of a list, which were read when it was set."""
    return [part for each in texts for part in parse_license(each).alternatives]


def who_changes(whose: str) -> str:
    """Return who changes the rules of `whose`, for the end of a sentence."""
    return "an administrator" if whose == OF_REGISTRY else f"an owner of {whose}"
