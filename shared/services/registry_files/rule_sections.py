"""The rules about what is published, as a registry file says them: those of organizations, and
those of the registry."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import cast

from msgspec import Struct

from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.domain.publishing_rules import (
    OrganizationRules,
    RegistryRules,
    Retention,
    RulesT,
    RuleValues,
    VersionRule,
    VersionRuleChoice,
    with_values,
)
from shared.domain.registry_files.sections import (
    OrganizationSection,
    RegistrySection,
    RetentionSection,
)
from shared.domain.registry_files.toml_lines import KeyPath
from shared.services.publishing.rule_changes import PublishingRuleChanges
from shared.services.registry_files.plans import Draft, changed

_OF_ORGANIZATION = [
    name for name in OrganizationRules.model_fields if name in OrganizationSection.model_fields
]
_OF_REGISTRY = [name for name in RegistryRules.model_fields if name in RegistrySection.model_fields]


class RuleSections(Struct, frozen=True):
    """Plans changes of rules, and reads them as keys of the file."""

    changes: PublishingRuleChanges

    def plan_organization(
        self, draft: Draft, stored: Organization | None, name: str, section: OrganizationSection
    ) -> None:
        """Plan the rules of an organization, or of a new one where none is stored."""
        path = ("organizations", name)
        rules = stored.rules if stored else OrganizationRules()
        wanted = _wanted(section, _OF_ORGANIZATION)
        lines = _lines(draft, path, rules, wanted)
        org = OrgName(stored.name if stored else name)
        change = partial(self.changes.change_organization, org, wanted, by=draft.by)
        draft.step(lines, change)

    async def plan_registry(self, draft: Draft) -> None:
        """Plan the rules of the registry."""
        section = draft.parsed.content.registry
        wanted = _wanted(section, _OF_REGISTRY) if section else {}
        if wanted:
            stored = await self.changes.of_registry(by=draft.by)
            lines = _lines(draft, ("registry",), stored, wanted)
            draft.step(lines, partial(self.changes.change_registry, wanted, by=draft.by))

    def of_organization(self, organization: Organization) -> Mapping[str, object]:
        """Return the rules of an organization that are not those of a new one, by their keys."""
        return _said(organization.rules, OrganizationRules(), _OF_ORGANIZATION)

    async def of_registry(self) -> Mapping[str, object]:
        """Return the rules of the registry that are not those of a new one, by their keys."""
        stored = await self.changes.of_registry(by=OPERATOR)
        return _said(stored, RegistryRules(), _OF_REGISTRY)


def _wanted(
    section: OrganizationSection | RegistrySection, names: Iterable[str]
) -> dict[str, object]:
    return {
        name: _value(name, getattr(section, name))
        for name in names
        if getattr(section, name) is not None
    }


def _value(name: str, value: object) -> object:
    match value:
        case list():
            return tuple(cast(list[object], value))
        case RetentionSection():
            return _retention_text(value)
        case str() if name == "version_rule":
            return VersionRuleChoice(value)
        case _:
            return value


def _retention_text(section: RetentionSection) -> str:
    """Return a retention as people write it, which the rule reads."""
    parts = [
        f"last {section.last}" if section.last else "",
        f"{section.days} days" if section.days else "",
    ]
    return ", ".join(filter(None, parts))


def _lines(draft: Draft, path: KeyPath, rules: RulesT, wanted: RuleValues) -> list[str]:
    """Return the lines of the rules that differ, and note values that cannot be taken."""
    lines = list[str]()
    for name, value in wanted.items():
        where = (*path, name)
        with draft.about(where):
            after = with_values(rules, {name: value})
            before = getattr(rules, name)
            if before != getattr(after, name):
                lines.append(changed(where, _plain(before), _plain(getattr(after, name))))
    return lines


def _said(rules: RulesT, defaults: RulesT, names: Iterable[str]) -> dict[str, object]:
    return {
        name: _plain(getattr(rules, name))
        for name in names
        if getattr(rules, name) != getattr(defaults, name)
    }


def _plain(value: object) -> object:
    match value:
        case tuple():
            return list(cast(tuple[object, ...], value))
        case Retention():
            return {"last": value.last, "days": value.days}
        case VersionRule():
            return value.value
        case _:
            return value
