"""Rules of organizations about what is published in them, and those of the registry, which no
organization loosens."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct
from pydantic import Field

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import Invalid, InvalidRequest, about_field
from shared.domain.licenses import parse_licenses
from shared.domain.records import Record
from shared.domain.searched_files import parse_allowed_files
from shared.domain.times import StoredMs

RulesT = TypeVar("RulesT", "OrganizationRules", "RegistryRules")
ValueT = TypeVar("ValueT")

OF_REGISTRY = "the registry"  # In sentences, the owner of a rule that the registry has set.
MAX_APPROVALS = 2


class VersionRule(Enum):
    """What becomes of a release that breaks callers, and does not raise its major version."""

    WARN = "warn"
    HOLD = "hold"
    REFUSE = "refuse"

    @property
    def strictness(self) -> int:
        """A number that is higher for what is stricter."""
        return list(VersionRule).index(self)


class VersionRuleChoice(Enum):
    """A `VersionRule` that somebody chooses; an organization may follow that of the registry."""

    REGISTRY = "registry"
    WARN = "warn"
    HOLD = "hold"
    REFUSE = "refuse"


class Retention(Record):
    """How long pre-releases of private packages stay: the `last` ones, or for `days`; 0 is off."""

    last: int = 0
    days: int = 0

    @property
    def is_on(self) -> bool:
        return bool(self.last or self.days)

    def __str__(self) -> str:
        """The text by which people ask for it: `last 5`, `30 days`, or both."""
        last = f"last {self.last}" if self.last else ""
        days = f"{self.days} days" if self.days else ""
        return ", ".join(filter(None, (last, days)))


class OrganizationRules(Record):
    """What an organization wants of the releases that are published in it."""

    licenses: tuple[str, ...] = ()
    refused_licenses: tuple[str, ...] = ()
    staged: bool = False
    approvals: int = 1
    version_rule: VersionRule | None = None  # None: that of the registry.
    secrets_allowed: tuple[str, ...] = ()
    approved_only: bool = False
    max_bytes: int = 0  # 0 is no limit.
    max_releases: int = 0
    retention: Retention = Field(default_factory=Retention)


class RegistryRules(Entity):
    """What the registry wants of all releases; organizations may want more."""

    kind: ClassVar[str] = "registry-rules"

    licenses: tuple[str, ...] = ()
    refused_licenses: tuple[str, ...] = ()
    staged: bool = False
    version_rule: VersionRule = VersionRule.WARN
    secrets: bool = True
    approved_only: bool = False  # Whether the whole mirror serves approved releases only.
    # Organizations, in lower case, that may use approved releases only. An organization is added
    # here before its own rule applies, so that nothing else is read while no organization has such
    # a rule.
    limited_organizations: tuple[str, ...] = ()
    changed_ms: StoredMs | None = None  # None: nobody changed them.

    @property
    def place(self) -> Place:
        return REGISTRY_RULES_PLACE


REGISTRY_RULES_OWNER = "rules"
REGISTRY_RULES_PLACE = Place(REGISTRY_RULES_OWNER, "registry")


class OwnedRule(Struct, Generic[ValueT], frozen=True):
    """The value of a rule that holds, and whose rule it is: `OF_REGISTRY`, or the name of the
    organization."""

    value: ValueT
    whose: str


class EffectiveRules(Struct, frozen=True):
    """The stricter of the rules of the registry and of an organization.

    All lists of licenses hold, each for itself.
    """

    licenses: tuple[OwnedRule[tuple[str, ...]], ...]
    refused_licenses: tuple[OwnedRule[tuple[str, ...]], ...]
    staged: OwnedRule[bool]
    approvals: OwnedRule[int]
    version_rule: OwnedRule[VersionRule]
    secrets: OwnedRule[bool]
    secrets_allowed: tuple[str, ...]
    approved_only: OwnedRule[bool]
    max_bytes: int
    max_releases: int
    retention: Retention


def stricter(
    registry: RegistryRules, organization: OrganizationRules | None, org: str
) -> EffectiveRules:
    """Return what holds in an organization; None is one that does not exist yet, or that packages
    of an upstream belong to."""
    own = organization or OrganizationRules()
    version_rule = OwnedRule(registry.version_rule, OF_REGISTRY)
    wanted = own.version_rule
    if wanted is not None and wanted.strictness > registry.version_rule.strictness:
        version_rule = OwnedRule(wanted, org)
    return EffectiveRules(
        licenses=_each((registry.licenses, OF_REGISTRY), (own.licenses, org)),
        refused_licenses=_each(
            (registry.refused_licenses, OF_REGISTRY), (own.refused_licenses, org)
        ),
        staged=_either(is_of_registry=registry.staged, is_of_organization=own.staged, org=org),
        approvals=OwnedRule(own.approvals, org),
        version_rule=version_rule,
        secrets=OwnedRule(registry.secrets, OF_REGISTRY),
        secrets_allowed=own.secrets_allowed,
        approved_only=_either(
            is_of_registry=registry.approved_only, is_of_organization=own.approved_only, org=org
        ),
        max_bytes=own.max_bytes,
        max_releases=own.max_releases,
        retention=own.retention,
    )


def _each(*lists: tuple[tuple[str, ...], str]) -> tuple[OwnedRule[tuple[str, ...]], ...]:
    return tuple(OwnedRule(names, whose) for names, whose in lists if names)


def _either(*, is_of_registry: bool, is_of_organization: bool, org: str) -> OwnedRule[bool]:
    if is_of_registry or not is_of_organization:
        return OwnedRule(is_of_registry, OF_REGISTRY)
    return OwnedRule(is_of_organization, org)


# --- What rules find ----------------------------------------------------------------------------


class RuleEffect(Enum):
    """What a finding means for a push, the most severe first."""

    REFUSE = "refuse"
    HOLD = "hold"
    WARN = "warn"
    NOTE = "note"


class RuleFinding(Struct, frozen=True):
    """What a rule says of a release: a code for programs, whose rule it is, and one sentence that
    says all of it to people, with the way out."""

    rule: str
    effect: RuleEffect
    whose: str
    message: str

    @property
    def refusal(self) -> Invalid:
        return Invalid(self.rule, self.message)


def first_with(effect: RuleEffect, findings: Iterable[RuleFinding]) -> RuleFinding | None:
    """Return the first finding with that effect, if there is one."""
    return next((each for each in findings if each.effect is effect), None)


def named_rule(whose: str) -> str:
    """Return whose a rule is, as the beginning of a clause: `the rules of acme`."""
    return f"the rules of {whose}"


# --- Changes ------------------------------------------------------------------------------------

RuleValues = Mapping[str, Any]  # New values of rules, by their names; what is not named stays.


def parse_approvals(count: int) -> int:
    """Return how many people have to approve a release, or raise `InvalidRequest`."""
    if not 1 <= count <= MAX_APPROVALS:
        message = f"{count} approvals cannot be asked for. Ask for 1 or {MAX_APPROVALS}."
        raise InvalidRequest(message)
    return count


def parse_version_rule(choice: VersionRuleChoice) -> VersionRule | None:
    """Return the rule that somebody chose; None is that of the registry."""
    return None if choice is VersionRuleChoice.REGISTRY else VersionRule(choice.value)


MAX_RETENTION = 10_000  # Pre-releases, or days.
_RETENTION = re.compile(r"(?:last (?P<last>\d{1,5}))?(?:, )?(?:(?P<days>\d{1,5}) days)?")


def parse_retention(text: str) -> Retention:
    """Return which pre-releases stay, from a text such as `last 5`, `30 days` or both; an empty one
    keeps all. Raises `InvalidRequest`."""
    plain = " ".join(text.replace(",", " , ").split()).replace(" ,", ",")
    found = _RETENTION.fullmatch(plain)
    last = int((found and found["last"]) or 0)
    days = int((found and found["days"]) or 0)
    is_readable = found is not None and (not plain or last or days)
    if not is_readable or max(last, days) > MAX_RETENTION:
        message = (
            f"{text[:80]!r} is no retention. Write last 5 or 30 days, or last 5, 30 days, which "
            f"keeps what either keeps, with at most {MAX_RETENTION:,}; nothing keeps all."
        )
        raise InvalidRequest(message)
    return Retention(last=last, days=days)


MAX_QUOTA = 10**15  # Bytes or releases: a number that JSON and forms keep exactly.


def parse_quota(number: int) -> int:
    """Return a limit of an organization, or raise `InvalidRequest`; 0 is no limit."""
    if not 0 <= number <= MAX_QUOTA:
        message = f"{number} is not a limit. Write a number of at most {MAX_QUOTA:,}; 0 means none."
        raise InvalidRequest(message)
    return number


# How a value that somebody wants for a rule is read. Rules without an entry are taken as they are.
PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "approvals": parse_approvals,
    "licenses": parse_licenses,
    "refused_licenses": parse_licenses,
    "secrets_allowed": parse_allowed_files,
    "version_rule": parse_version_rule,
    "retention": parse_retention,
    "max_bytes": parse_quota,
    "max_releases": parse_quota,
}


def with_values(rules: RulesT, wanted: RuleValues) -> RulesT:
    """Return the rules with these values; raise `InvalidRequest` about the field of one."""
    parsed = dict[str, Any]()
    for name, value in wanted.items():
        with about_field(name):
            parsed[name] = PARSERS[name](value) if name in PARSERS else value
    if isinstance(rules, RegistryRules) and parsed.get("version_rule", "") is None:
        with about_field("version_rule"):
            message = "The registry has no rule above its own. Choose warn, hold or refuse."
            raise InvalidRequest(message)
    return rules.model_copy(update=parsed)


def rule_differences(before: RulesT, after: RulesT) -> dict[str, str]:
    """Return the rules that differ, as the details of an event: their values before and after."""
    names = [
        name
        for name in type(before).model_fields
        if name not in _NO_RULES and getattr(before, name) != getattr(after, name)
    ]
    values = (("before", before), ("after", after))
    return {
        f"{name}_{when}": rule_text(getattr(rules, name))[:_MOST_IN_AN_EVENT]
        for name in names
        for when, rules in values
    }


_MOST_IN_AN_EVENT = 2_000  # Characters. Events are read in pages, so they are kept short.
_NO_RULES = frozenset(
    {"schema_version", "revision", "outbox", "changed_ms", "limited_organizations"}
)


def rule_text(value: object) -> str:
    """Return the value of a rule as people read it: words, a number, yes or no; empty for none."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case Enum():
            return str(value.value)
        case _:
            return str(value)
