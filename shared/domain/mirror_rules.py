"""Rules of the mirror: the upstream registries in order, and which packages come from which.

The first rule that matches a package decides. Without one, the upstreams are asked in their order.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import ClassVar, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import Field

from shared.domain.client_addresses import is_loopback
from shared.domain.coordinates import Package
from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import Release
from shared.domain.principals import MIRROR
from shared.domain.records import Record
from shared.domain.release_states import SERVABLE, State
from shared.domain.releases import Decision, with_decision
from shared.domain.sentences import counted
from shared.domain.times import MS, parse_time, utc_text

CENTRAL_NAME = "central"
CENTRAL_URL = "https://api.central.ballerina.io/2.0/registry"
CENTRAL_PAGES = "https://central.ballerina.io"  # With the name of a module and a version.
CENTRAL_ORGS = ("ballerina", "ballerinax", "wso2")  # Every build needs packages of these.

MAX_UPSTREAMS = 10  # A request for an unknown organization asks all of them.
MAX_RULES = 500  # All are compared with the package of a request.
MAX_AGE_DAYS = 3650

# Targets of a rule in addition to the names of upstreams.
ALLOW = "allow"
DENY = "deny"
HERE = "here"  # The word for this registry if an operator says which registry owns a name.

REGISTRY_PATH = "/2.0/registry"
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?")
_PATTERN = re.compile(r"[A-Za-z0-9_*?]+(?:/[A-Za-z0-9_.*?]+)?")
_AGE_RULE = re.compile(
    r"(?:(?P<pattern>\S+)\s+)??(?P<age>\d{1,6}|\d{4}-\S{1,30})(?:\s+(?P<upstream>\S+))?"
)
_LONGEST_PATTERN = 200  # Characters: a pattern matches the whole of an organization and a name.
_LONGEST_ADDRESS = 300


class UpstreamAddress(Record):
    """An upstream registry: its name, by which rules know it, and its base URL."""

    name: str
    url: str

    @property
    def given(self) -> str:
        """The text by which an operator names the upstream: its name, or its address."""
        return CENTRAL_NAME if self.name == CENTRAL_NAME else self.url.removesuffix(REGISTRY_PATH)

    @property
    def host(self) -> str:
        """The host of the address, with its port if it has one."""
        return urlsplit(self.url).netloc


def parse_upstream(text: str) -> UpstreamAddress:
    """Return the registry that a setting or an operator names: `central`, or an address. Raises
    `ValueError`, whose text is a part of a sentence."""
    if text == CENTRAL_NAME:
        return UpstreamAddress(name=CENTRAL_NAME, url=CENTRAL_URL)
    if not _ADDRESS.fullmatch(text) or len(text) > _LONGEST_ADDRESS:
        reason = "it is not a valid URL, such as https://ballroom.example.org"
        raise ValueError(reason)
    address = urlsplit(text)
    if address.scheme == "http" and not is_loopback(address.hostname or ""):
        reason = "it is plain http, which is allowed on this machine only. Use https"
        raise ValueError(reason)
    url = text.rstrip("/").removesuffix(REGISTRY_PATH) + REGISTRY_PATH
    return UpstreamAddress(name=address.netloc, url=url)


def parse_upstreams(texts: Sequence[str]) -> tuple[UpstreamAddress, ...]:
    """Return the registries in order; raise `ValueError` as `parse_upstream` does."""
    found = tuple(map(parse_upstream, texts))
    if len({each.name.lower() for each in found}) < len(found):
        reason = "it names one host twice. Name each once"
        raise ValueError(reason)
    if len(found) > MAX_UPSTREAMS:
        reason = f"it names more than {MAX_UPSTREAMS} registries. Name fewer"
        raise ValueError(reason)
    return found


class _PackageRule(Record):
    """A rule about packages that match a pattern: `org` or `org/name`, with the wildcards `*` and
    `?`, in any spelling."""

    pattern: str

    def matches(self, package: Package) -> bool:
        return self.matches_org(package.org) and fnmatchcase(package.name.lower(), self.names)

    def matches_org(self, org: str) -> bool:
        """Check whether the pattern matches packages of the organization."""
        return fnmatchcase(org.lower(), self.orgs)

    @property
    def orgs(self) -> str:
        """The pattern of organizations."""
        return self.pattern.partition("/")[0].lower()

    @property
    def names(self) -> str:
        """The pattern of names in these organizations."""
        return self.pattern.partition("/")[2].lower() or "*"


class MirrorRule(_PackageRule):
    """Where packages that match a pattern come from: `target` is the name of an upstream, `allow`
    for the upstreams in their order, or `deny` for none."""

    target: str

    @property
    def upstream(self) -> str:
        """The name of the upstream that the rule names; empty for `allow` and `deny`."""
        return "" if self.target in (ALLOW, DENY) else self.target

    @property
    def denies(self) -> bool:
        """Whether nothing that matches comes from an upstream."""
        return self.target == DENY

    @property
    def denial(self) -> str:
        """Why it serves nothing, as a part of a sentence; empty if it does not deny."""
        return f"the rule `{self}` denies it." if self.denies else ""

    def __str__(self) -> str:
        return f"{self.pattern} {self.target}"


class AgeRule(_PackageRule):
    """How old releases of an upstream have to be before they are served: `days`, or older than
    `as_of_ms`, which is the same rule with a clock that stands still. 0 days is an exception."""

    days: int = 0
    as_of_ms: int | None = None
    upstream: str = ""  # Empty: of all.

    def newest_ms(self, now_ms: int) -> int:
        """Return the time after which releases were published too late to be served now."""
        return now_ms - timedelta(days=self.days) // MS if self.as_of_ms is None else self.as_of_ms

    def served_from_ms(self, public_since_ms: int) -> int | None:
        """Return when the rule ends for a release; None if it does not."""
        age_ms = timedelta(days=self.days) // MS
        return public_since_ms + age_ms if self.as_of_ms is None else None

    def refusal(self, public_since_ms: int, now_ms: int) -> str:
        """Return why a release is not served, by which rule, and until when; empty if it is."""
        if public_since_ms <= self.newest_ms(now_ms):
            return ""
        clause = f"it was published at {utc_text(public_since_ms)}, and the rule `{self}` serves"
        end_ms = self.served_from_ms(public_since_ms)
        if end_ms is None:
            return f"{clause} nothing later."
        age = counted(self.days, "day")
        return f"{clause} releases after {age}: this one from {utc_text(end_ms)} on."

    def __str__(self) -> str:
        age = self.days if self.as_of_ms is None else utc_text(self.as_of_ms)
        return f"{self.pattern} {age} {self.upstream}".rstrip()


def public_since(
    published_ms: int | None, first_seen_ms: int, previous_look_ms: int | None = None
) -> int:
    """Return since when a release is public: its time of publication, or when it was first seen
    here if that time is missing, is later, or lies before the last look, which did not show it."""
    told_ms = published_ms or 0
    return min(told_ms, first_seen_ms) if told_ms > (previous_look_ms or 0) else first_seen_ms


def _lines(texts: Sequence[str]) -> list[str]:
    lines = [each.strip() for each in texts if each.strip()]
    if len(lines) > MAX_RULES:
        message = f"There can be {MAX_RULES} rules. Combine some with a pattern, such as acme*."
        raise InvalidRequest(message)
    return lines


def _rule(line: str, targets: Mapping[str, str]) -> MirrorRule:
    pattern, _, target = (part.strip() for part in line.partition(" "))
    if not _PATTERN.fullmatch(pattern) or len(pattern) > _LONGEST_PATTERN:
        message = f"{line[:100]!r} is no rule. Write a pattern and its target: acme/* deny."
        raise InvalidRequest(message)
    if target.lower() not in targets:
        known = ", ".join(targets.values())
        message = f"The target {target[:100]!r} of {pattern} is unknown. There are: {known}."
        raise InvalidRequest(message)
    return MirrorRule(pattern=pattern, target=targets[target.lower()])


def _age_rule(line: str, upstreams: Mapping[str, str]) -> AgeRule:
    """Parse `[PATTERN] AGE [UPSTREAM]`, such as `7`, `acme/* 14`, `7 central` and `2026-06-01`: no
    pattern that matches anything begins with a digit."""
    parts = _AGE_RULE.fullmatch(line)
    pattern = parts["pattern"] or "*" if parts else ""
    if parts is None or len(pattern) > _LONGEST_PATTERN or not _PATTERN.fullmatch(pattern):
        message = f"{line[:100]!r} is no minimum age. Write a pattern and days or a time: acme/* 7."
        raise InvalidRequest(message)
    upstream = parts["upstream"] or ""
    if upstream and upstream.lower() not in upstreams:
        known = ", ".join(upstreams.values())
        message = f"The upstream {upstream[:99]!r} of {line[:99]!r} is unknown. There are: {known}."
        raise InvalidRequest(message)
    age = parts["age"]
    upstream = upstreams.get(upstream.lower(), "")
    if not age.isdecimal():
        return AgeRule(pattern=pattern, as_of_ms=parse_time("minimum age", age), upstream=upstream)
    if int(age) > MAX_AGE_DAYS:
        message = f"A minimum age has {MAX_AGE_DAYS:,} days at most. Deny the package instead."
        raise InvalidRequest(message)
    return AgeRule(pattern=pattern, days=int(age), upstream=upstream)


def _upstreams(texts: Sequence[str]) -> tuple[UpstreamAddress, ...]:
    """Return the registries that an operator names; one that is named again is one."""
    try:
        return parse_upstreams(list(dict.fromkeys(each.strip() for each in texts if each.strip())))
    except ValueError as error:
        message = f"The list of upstream registries cannot be used: {error}."
        raise InvalidRequest(message) from None


class MirrorRules(Entity):
    """The upstream registries of this one in order, its rules, and the minimum ages of releases, in
    one record.

    `default_days` is the minimum age of the setting, which holds where no rule matches.
    """

    kind: ClassVar[str] = "mirror-rules"

    upstreams: tuple[UpstreamAddress, ...] = ()
    rules: tuple[MirrorRule, ...] = ()
    ages: tuple[AgeRule, ...] = ()
    default_days: int = Field(default=0, exclude=True)
    changed_ms: int | None = None  # None: the registries of the setting, without rules.

    @property
    def place(self) -> Place:
        return MIRROR_RULES_PLACE

    @property
    def default_rules(self) -> tuple[MirrorRule, ...]:
        """The rules after those of operators: organizations of Central come from it, or from the
        first upstream if Central is none."""
        names = [each.name for each in self.upstreams]
        target = CENTRAL_NAME if CENTRAL_NAME in names else names[0]
        return tuple(MirrorRule(pattern=org, target=target) for org in CENTRAL_ORGS)

    @property
    def _rules(self) -> tuple[MirrorRule, ...]:
        return (*self.rules, *self.default_rules)

    @classmethod
    def parse(
        cls, upstreams: Sequence[str], rules: Sequence[str], ages: Sequence[str] = ()
    ) -> "MirrorRules":
        """Parse what an operator wants: addresses, rules such as `acme/* deny`, and minimum ages
        such as `acme/* 14`. Raises `InvalidRequest`."""
        parsed = _upstreams(upstreams)
        if not parsed:
            message = "Name an upstream registry: central, or an address. To end mirroring, empty "
            raise InvalidRequest(message + "BALLROOM_UPSTREAM and restart the registry.")
        names = {each.name.lower(): each.name for each in parsed}
        known = {ALLOW: ALLOW, DENY: DENY, **names}
        return cls(
            upstreams=parsed,
            rules=tuple(_rule(each, known) for each in _lines(rules)),
            ages=tuple(_age_rule(each, names) for each in _lines(ages)),
        )

    def with_wanted(self, wanted: "MirrorRules", *, now_ms: int) -> "MirrorRules":
        """Return the record with what an operator wants."""
        update = {"upstreams": wanted.upstreams, "rules": wanted.rules, "ages": wanted.ages}
        return self.model_copy(update=update | {"changed_ms": now_ms})

    def rule(self, package: Package) -> MirrorRule | None:
        """Return the first rule that matches the package: it decides."""
        return next((each for each in self._rules if each.matches(package)), None)

    def reserving_rule(self, org: str) -> MirrorRule | None:
        """Return the rule by which nobody creates the organization, because packages of it come
        from an upstream; None without one, or behind one that denies all of the organization. A
        rule for everything reserves nothing."""
        for rule in self._rules:
            if rule.matches_org(org) and rule.denies and rule.names == "*":
                return None
            if rule.matches_org(org) and not rule.denies and rule.orgs.strip("*?"):
                return rule
        return None

    def age_rule(self, package: Package, upstream: str) -> AgeRule | None:
        """Return the first rule about the age of releases of the package; None if they may be as
        young as they like."""
        rules = (*self.ages, AgeRule(pattern="*", days=self.default_days))
        found = next(
            each for each in rules if each.upstream in ("", upstream) and each.matches(package)
        )
        return found if found.days or found.as_of_ms is not None else None

    def reason_to_refuse(self, release: Release, public_since_ms: int, now_ms: int) -> str:
        """Return why the rules do not serve a release of an upstream; empty if they do."""
        package = release.coordinate.package
        upstream = release.upstream
        rule = self.rule(package)
        if rule and rule.denies:
            return rule.denial
        age = self.age_rule(package, upstream.name if upstream else "")
        return age.refusal(public_since_ms, now_ms) if age else ""


class RuleLists(Struct, frozen=True):
    """Lists that take the place of the stored ones; None leaves a list as it is."""

    upstreams: Sequence[str] | None = None
    rules: Sequence[str] | None = None
    ages: Sequence[str] | None = None

    def applied_to(self, stored: MirrorRules) -> MirrorRules:
        """Return what the lists make of the stored rules; raise `InvalidRequest`."""
        lines = _RuleLines.of(stored)
        return MirrorRules.parse(
            lines.upstreams if self.upstreams is None else self.upstreams,
            lines.rules if self.rules is None else self.rules,
            lines.ages if self.ages is None else self.ages,
        )


class RuleEdits(Struct, frozen=True):
    """Upstreams, rules and minimum ages to add, and those to remove, as they are listed.

    A rule takes the place of the one for the same pattern, and a minimum age that of the one for
    the same pattern and upstream. A new one comes before the first for a pattern that contains its
    own, so that it has an effect, and else comes last. Everything else stays.
    """

    upstreams: Sequence[str] = ()
    rules: Sequence[str] = ()
    ages: Sequence[str] = ()
    removed: Sequence[str] = ()

    def applied_to(self, stored: MirrorRules) -> MirrorRules:
        """Return what the edits make of the stored rules; raise `InvalidRequest`."""
        lines = self._without_removed(_RuleLines.of(stored))
        upstreams = [*lines.upstreams, *self.upstreams]
        known = {each.url: each for each in _upstreams(upstreams)}
        given = [each.given for each in known.values()]
        kept = MirrorRules.parse(given, lines.rules, lines.ages)
        added = MirrorRules.parse(given, self.rules, self.ages)
        rules = list(kept.rules)
        ages = list(kept.ages)
        for rule in added.rules:
            _put(rules, rule, lambda each, rule=rule: _same(each, rule))
        for age in added.ages:
            _put(
                ages, age, lambda each, age=age: _same(each, age) and each.upstream == age.upstream
            )
        return MirrorRules.parse(given, list(map(str, rules)), list(map(str, ages)))

    def _without_removed(self, lines: "_RuleLines") -> "_RuleLines":
        removed = {" ".join(each.split()).lower() for each in self.removed}
        listed = {each.lower() for each in (*lines.upstreams, *lines.rules, *lines.ages)}
        for each in sorted(removed - listed):
            message = f"There is no upstream, rule or minimum age {each[:100]!r} to remove."
            raise InvalidRequest(message)

        def kept(texts: Sequence[str]) -> tuple[str, ...]:
            return tuple(each for each in texts if each.lower() not in removed)

        return _RuleLines(kept(lines.upstreams), kept(lines.rules), kept(lines.ages))


class _RuleLines(Struct, frozen=True):
    """Rules as an operator writes them."""

    upstreams: Sequence[str]
    rules: Sequence[str]
    ages: Sequence[str]

    @classmethod
    def of(cls, rules: MirrorRules) -> "_RuleLines":
        upstreams = [each.given for each in rules.upstreams]
        return cls(upstreams, list(map(str, rules.rules)), list(map(str, rules.ages)))


def removed_rules(before: MirrorRules, after: MirrorRules) -> list[str]:
    """Return what a change removes, such as `rule acme/* deny`."""
    old = _RuleLines.of(before)
    new = _RuleLines.of(after)
    return [
        f"{what} {line}"
        for what, earlier, later in (
            ("upstream", old.upstreams, new.upstreams),
            ("rule", old.rules, new.rules),
            ("minimum age", old.ages, new.ages),
        )
        for line in earlier
        if line not in later
    ]


_PatternT = TypeVar("_PatternT", bound=_PackageRule)


def _same(one: _PackageRule, other: _PackageRule) -> bool:
    return (one.orgs, one.names) == (other.orgs, other.names)


def _put(rules: list[_PatternT], rule: _PatternT, is_same: Callable[[_PatternT], bool]) -> None:
    """Put a rule in the place of the same one, or before the first for a pattern around its own."""
    for at, each in enumerate(rules):
        if is_same(each):
            rules[at] = rule
            return
    wider = (
        at
        for at, each in enumerate(rules)
        if fnmatchcase(rule.orgs, each.orgs) and fnmatchcase(rule.names, each.names)
    )
    rules.insert(next(wider, len(rules)), rule)


MIRROR_RULES_PLACE = Place("registry", "mirror")

# The beginning of reasons that rules cause; no administrator's reason begins so.
_WITHHELD_BY_RULES = "Mirror: "
WAS_HELD = " It was held before."  # Such a release is not served again by itself.


def apply_mirror_rules(
    rules: MirrorRules,
    release: Release,
    owner: str | None,
    *,
    now_ms: int,
    public_since_ms: int = 0,
) -> Release:
    """Return the release withheld, served again, or unchanged.

    `owner` is that of the name: a release of another side is withheld. Only what was withheld for a
    reason of this module is served again.
    """
    origin = release.upstream
    state = release.state
    reason = ""
    decision = None
    if owner is not None and owner != (origin.name if origin else ""):
        reason = f"the name belongs to {owner or 'this registry'} now."
    elif origin:
        reason = rules.reason_to_refuse(release, public_since_ms, now_ms)
    if reason and state in SERVABLE:
        before = WAS_HELD if state is State.HELD else ""
        decision = Decision(State.QUARANTINED, f"{_WITHHELD_BY_RULES}{reason}{before}")
    elif not reason and state is State.QUARANTINED:
        state_reason = release.state_reason
        if state_reason.startswith(_WITHHELD_BY_RULES) and not state_reason.endswith(WAS_HELD):
            decision = Decision(State.LIVE)
    if decision is None:
        return release
    kind = f"release.{decision.state.value}"
    return with_decision(release, kind, decision, by=MIRROR, now_ms=now_ms)


def is_withheld_by_rules(release: Release) -> bool:
    """Check whether the rules of this mirror withhold the release, which nobody withdrew."""
    is_withheld = release.state is State.QUARANTINED
    return is_withheld and release.state_reason.startswith(_WITHHELD_BY_RULES)
