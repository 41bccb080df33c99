"""Version numbers tell the truth: a release that breaks callers of the version before raises its
major version, or before 1.0.0 its minor version."""

from collections.abc import Collection

from shared.domain.api_docs.records import ApiVerdict
from shared.domain.publishing_rules import (
    OwnedRule,
    RuleEffect,
    RuleFinding,
    VersionRule,
    named_rule,
)
from shared.domain.sentences import named
from shared.domain.versions import Version

VERSION_TOO_LOW = "version-too-low"
API_NOT_COMPARED = "api-not-compared"
BREAKING_CHANGES = "breaking-changes"

_EFFECTS = {
    VersionRule.WARN: RuleEffect.WARN,
    VersionRule.HOLD: RuleEffect.HOLD,
    VersionRule.REFUSE: RuleEffect.REFUSE,
}
_UNANNOUNCED = "releases with breaking changes that their version does not announce"


def version_findings(
    verdict: ApiVerdict | None,
    rule: OwnedRule[VersionRule],
    taken: Collection[str] = (),
    *,
    names_changes: bool = True,
) -> list[RuleFinding]:
    """Return what the rule finds in a verdict. `taken` are versions of the package, which do not
    fit; the changes are named where `names_changes`."""
    if verdict is None or not verdict.breaking:
        return []
    if not verdict.is_version_too_low:
        message = f"{_count(verdict)} since {verdict.compared_with} can break callers."
        return (
            [RuleFinding(BREAKING_CHANGES, RuleEffect.NOTE, rule.whose, message)]
            if names_changes
            else []
        )
    fits = fitting_version(verdict, taken)
    changes = f": {_changes(verdict)}" if names_changes and verdict.examples else ""
    message = (
        f"{verdict.org}/{verdict.name}:{verdict.version} breaks callers of "
        f"{verdict.compared_with}, and its version does not say so{changes}. {fits} would fit: "
        "publish it as that, or keep what callers use."
    )
    if rule.value is not VersionRule.WARN:
        message += f" {_said(rule)} {_UNANNOUNCED}."
    return [RuleFinding(VERSION_TOO_LOW, _EFFECTS[rule.value], rule.whose, message)]


def uncompared_finding(rule: OwnedRule[VersionRule], release: object) -> RuleFinding:
    """Return what the rule says of a push whose comparison was not made in time: it is held, by the
    rules that hold or refuse what would be found."""
    message = (
        f"The API of {release} could not be compared with that of the version before in time, and "
        f"{_said(rule, begins=False)} {_UNANNOUNCED}."
    )
    return RuleFinding(API_NOT_COMPARED, RuleEffect.HOLD, rule.whose, message)


def fitting_version(verdict: ApiVerdict, taken: Collection[str]) -> str:
    """Return the lowest version that says that callers of the version before break, and that the
    package does not have."""
    before = Version.parse(verdict.compared_with)
    if before.major == 0 and verdict.version.startswith("0."):
        minor = before.minor + 1
        while f"0.{minor}.0" in taken:
            minor += 1
        return f"0.{minor}.0"
    major = before.major + 1
    while f"{major}.0.0" in taken:
        major += 1
    return f"{major}.0.0"


def _said(rule: OwnedRule[VersionRule], *, begins: bool = True) -> str:
    whose = named_rule(rule.whose)
    return f"{whose[:1].upper() + whose[1:] if begins else whose} {rule.value.value}"


def _count(verdict: ApiVerdict) -> str:
    return "1 change" if verdict.breaking == 1 else f"{verdict.breaking} changes"


def _changes(verdict: ApiVerdict) -> str:
    return named(verdict.examples, len(verdict.examples), count=verdict.breaking)
