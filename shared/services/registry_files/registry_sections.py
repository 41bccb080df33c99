"""The registry itself in a registry file: reserved names, and upstreams with their rules."""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct

from shared.domain.errors.base import NotFound
from shared.domain.mirror_rules import MirrorRules, RuleEdits, RuleLists, removed_rules
from shared.domain.principals import OPERATOR
from shared.domain.registry_files.sections import RegistrySection, UpstreamSection
from shared.domain.reserved_names import ReservedName, parse_reserved_name
from shared.ports.directory import DirectoryStore
from shared.services.mirroring.mirror_rules import MirrorRuleChanges
from shared.services.organizations.reserved_names import ReservedNames, stored_patterns
from shared.services.registry_files.plans import REASON, Draft, added, removed
from shared.services.registry_files.rule_sections import RuleSections


class RegistrySections(Struct, frozen=True):
    """Plans changes of the registry itself, and reads its section."""

    directory: DirectoryStore
    reserved_names: ReservedNames
    rules: RuleSections
    mirror_rules: MirrorRuleChanges | None  # None without an upstream in the settings.

    async def section(self) -> RegistrySection:
        stored = await stored_patterns(self.directory)
        names = sorted((each.pattern for each in stored), key=str.lower)
        values: dict[str, object] = {**await self.rules.of_registry()}
        if names:
            values["reserved_names"] = names
        return RegistrySection.model_validate(values)

    async def upstreams(self) -> list[UpstreamSection] | None:
        """Return the upstreams in order; the first has the rules of all of them, whose order
        decides. None if there are none, or if only the settings name them."""
        if self.mirror_rules is None:
            return None
        rules = await self.mirror_rules.current(by=OPERATOR)
        if rules.changed_ms is None:
            return None
        first, *others = [each.given for each in rules.upstreams]
        lines = list(map(str, rules.rules))
        ages = list(map(str, rules.ages))
        return [
            UpstreamSection(address=first, rules=lines, minimum_ages=ages),
            *(UpstreamSection(address=each) for each in others),
        ]

    async def plan(self, draft: Draft) -> None:
        """Plan the rules of the registry and the reserved names, which come before
        organizations."""
        await self.rules.plan_registry(draft)
        section = draft.parsed.content.registry
        if section is None or section.reserved_names is None:
            return
        path = ("registry", "reserved_names")
        known = {each.id: each for each in await stored_patterns(self.directory)}
        for number, each in enumerate(section.reserved_names):
            with draft.about((*path, number)):
                pattern = parse_reserved_name(each)
                wanted = ReservedName(pattern=pattern, reason=REASON, by="", since_ms=0)
                if known.pop(wanted.id, None) is None:
                    add = partial(self.reserved_names.add, pattern, REASON, by=draft.by)
                    draft.step([added(path, pattern)], add)
        for each in known.values() if draft.prunes else ():
            remove = partial(self.reserved_names.remove, each.pattern, by=draft.by)
            draft.step([removed(path, each.pattern)], remove)

    async def plan_upstreams(self, draft: Draft) -> None:
        """Plan the upstreams and their rules. Without pruning what is new is added as by hand, and
        with it the lists of the file take the place of the others."""
        sections = draft.parsed.content.upstreams
        if sections is None:
            return
        with draft.about(("upstreams",)):
            if self.mirror_rules is None:
                raise NotFound(
                    "no-upstream",
                    "This registry mirrors no upstream. Set BALLROOM_UPSTREAM and restart it, or "
                    "leave the upstreams out.",
                )
            stored = await self.mirror_rules.current(by=draft.by)
            apply = _change_of(sections, prunes=draft.prunes)
            after = apply(stored)
            lines = [f"+ upstreams: {each}" for each in removed_rules(after, stored)]
            lines += [f"- upstreams: {each}" for each in removed_rules(stored, after)]
            if not lines and _order(stored) != _order(after):
                lines = ["~ upstreams: the order of the upstreams or of their rules"]
            draft.step(lines, partial(self.mirror_rules.change, apply, by=draft.by))


def _change_of(
    sections: Sequence[UpstreamSection], *, prunes: bool
) -> Callable[[MirrorRules], MirrorRules]:
    upstreams = [each.address for each in sections]
    rules = [line for each in sections for line in each.rules]
    ages = [line for each in sections for line in each.minimum_ages]
    if prunes:
        return RuleLists(upstreams, rules, ages).applied_to
    return RuleEdits(upstreams, rules, ages).applied_to


def _order(rules: MirrorRules) -> object:
    return rules.upstreams, rules.rules, rules.ages
