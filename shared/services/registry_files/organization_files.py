"""Organizations in a registry file: their profiles, and what belongs to each."""

from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.errors.base import Conflict
from shared.domain.group_rules import GroupRule, GroupRules
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import OPERATOR
from shared.domain.registry_files.sections import OrganizationSection
from shared.domain.registry_files.toml_lines import KeyPath
from shared.domain.scopes import Role
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.administration.group_roles import GroupRuleChanges
from shared.services.organizations.organizations import OrganizationProfile, Organizations
from shared.services.record_batches import all_entities
from shared.services.registry_files.member_sections import MemberSections
from shared.services.registry_files.plans import Draft, added, changed, removed
from shared.services.registry_files.publisher_sections import PublisherSections
from shared.services.registry_files.rule_sections import RuleSections
from shared.services.registry_files.webhook_sections import WebhookSections

# The keys of a profile in the file, and in the record of an organization.
_PROFILE = {
    "display_name": "display_name",
    "description": "description",
    "links": "links",
    "visibility": "default_visibility",
    "requires_provenance": "requires_provenance",
}


class OrganizationFiles(Struct, frozen=True):
    """Plans changes of organizations, and reads their sections."""

    directory: DirectoryStore
    organizations: Organizations
    members: MemberSections
    publishers: PublisherSections
    webhooks: WebhookSections
    rules: RuleSections
    group_rules: GroupRuleChanges
    clock: Clock

    async def plan(self, draft: Draft) -> None:
        """Plan each organization of the file, and then the rules about groups of all of them."""
        for name, section in draft.parsed.content.organizations.items():
            with draft.about(("organizations", name)):
                await self._plan_organization(draft, parse_org(name), section)
        await self._plan_groups(draft)

    async def sections(self) -> dict[str, OrganizationSection]:
        """Return the sections of all organizations that are not deleted, by name. The cost grows
        with their number."""
        now_ms = self.clock.now_ms()
        rules = await self.group_rules.current(by=OPERATOR)
        found = await all_entities(self.directory, Organization)
        live = [each for each in found if not each.is_deleted_at(now_ms) and not each.upstream]
        ordered = sorted(live, key=lambda each: each.key)
        return {each.name: await self._section(each, rules) for each in ordered}

    async def _plan_organization(
        self, draft: Draft, org: OrgName, section: OrganizationSection
    ) -> None:
        path = ("organizations", org)
        stored = await self.directory.get(Organization, organization_place(org))
        if stored is not None and stored.is_deleted_at(self.clock.now_ms()):
            raise Conflict(
                "organization-deleted",
                f"{stored.name} is deleted, and its name becomes available a day later. Apply the "
                "file again then, or leave it out.",
            )
        with draft.about(path):
            profile = _profile(section)
            if stored is None:
                await self._plan_new(draft, org, section, profile)
            else:
                lines = _profile_lines(path, stored, profile.applied_to(stored))
                change = partial(
                    self.organizations.change, OrgName(stored.name), profile, by=draft.by
                )
                draft.step(lines, change)
                await self.members.plan(draft, stored, org, section)
        self.rules.plan_organization(draft, stored, org, section)
        await self.publishers.plan(draft, stored, org, section)
        await self.webhooks.plan(draft, stored, org, section)

    async def _plan_new(
        self,
        draft: Draft,
        org: OrgName,
        section: OrganizationSection,
        profile: OrganizationProfile,
    ) -> None:
        path = ("organizations", org)
        owners = await self.members.founders(draft, org, section)
        new = Organization(name=org, founder="", created_ms=0)
        names = [each.name for each in owners]
        lines = [added((*path, "owners"), names)]
        lines += _profile_lines(path, new, profile.applied_to(new))
        if owners:
            first, *others = owners
            create = partial(
                self.organizations.create,
                org,
                first,
                by=draft.by,
                profile=profile,
                other_owners=others,
            )
            draft.step(lines, create)
        await self.members.plan_new(draft, org, section)

    async def _plan_groups(self, draft: Draft) -> None:
        """Plan one change of the rules about groups, which are one record."""
        stored = await self.group_rules.current(by=draft.by)
        wanted = dict[str, Mapping[str, Role]]()
        for name, section in draft.parsed.content.organizations.items():
            for source, role in (section.groups or {}).items():
                with draft.about(("organizations", name, "groups", source)):
                    GroupRules.parse([f"{source} -> {name}, {role.value}"])
            if section.groups is not None:
                wanted[name] = section.groups
        if not draft.problems:
            after = _with_groups(stored, wanted, prunes=draft.prunes)
            lines = _group_lines(stored, after, wanted)
            draft.step(lines, partial(self._replace_groups, draft, wanted))

    async def _replace_groups(self, draft: Draft, wanted: Mapping[str, Mapping[str, Role]]) -> None:
        stored = await self.group_rules.current(by=draft.by)
        after = _with_groups(stored, wanted, prunes=draft.prunes)
        await self.group_rules.replace(after, by=draft.by)

    async def _section(self, organization: Organization, rules: GroupRules) -> OrganizationSection:
        org = OrgName(organization.name)
        roles = await self.members.roles(organization)
        owners = [name for name, role in roles.items() if role is Role.OWNER]
        members = {name: role.value for name, role in roles.items() if role is not Role.OWNER}
        groups = {
            each.source: each.role
            for each in rules.rules
            if each.role and each.target == organization.key
        }
        values: dict[str, object] = {
            "display_name": organization.display_name,
            "description": organization.description,
            "links": [*organization.links],
            "visibility": organization.default_visibility,
            "requires_provenance": organization.requires_provenance,
            "owners": owners,
            "members": members,
            "groups": groups,
            **self.rules.of_organization(organization),
            "publishers": await self.publishers.sections(org),
            "webhooks": await self.webhooks.sections(org),
        }
        defaults = Organization(name=organization.name, founder="", created_ms=0)
        is_default = {
            key
            for key, field in _PROFILE.items()
            if values[key] == _plain(getattr(defaults, field))
        }
        section = {
            k: each for k, each in values.items() if each and k not in is_default - {"visibility"}
        }
        return OrganizationSection.model_validate(section)


def _profile(section: OrganizationSection) -> OrganizationProfile:
    profile = OrganizationProfile.parse(
        section.display_name, section.description, section.visibility, section.links
    )
    return replace(profile, requires_provenance=section.requires_provenance)


def _plain(value: object) -> object:
    return [*value] if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownVariableType] - of texts.


def _profile_lines(path: KeyPath, before: Organization, after: Organization) -> list[str]:
    return [
        changed((*path, key), _plain(getattr(before, field)), _plain(getattr(after, field)))
        for key, field in _PROFILE.items()
        if getattr(before, field) != getattr(after, field)
    ]


def _with_groups(
    stored: GroupRules, wanted: Mapping[str, Mapping[str, Role]], *, prunes: bool
) -> GroupRules:
    """Return the rules with those of the file, which take the place of others for the same group
    and organization; new ones come last."""
    asked = {
        (each.source, each.target): each
        for org, groups in wanted.items()
        for each in GroupRules.parse([f"{s} -> {org}, {r.value}" for s, r in groups.items()]).rules
    }
    orgs = {org.lower() for org in wanted}
    kept = list[GroupRule]()
    for rule in stored.rules:
        is_of_file = rule.role is not None and rule.target in orgs
        found = asked.pop((rule.source, rule.target), None) if is_of_file else rule
        if found is not None or not prunes:
            kept.append(found or rule)
    return stored.model_copy(update={"rules": (*kept, *asked.values())})


def _group_lines(
    before: GroupRules, after: GroupRules, wanted: Mapping[str, Mapping[str, Role]]
) -> list[str]:
    names = {org.lower(): org for org in wanted}

    def by_place(rules: GroupRules) -> dict[KeyPath, Role]:
        return {
            ("organizations", names[each.target], "groups", each.source): each.role
            for each in rules.rules
            if each.role and each.target in names
        }

    old = by_place(before)
    new = by_place(after)
    return [
        *(added(path, role) for path, role in new.items() if path not in old),
        *(changed(p, old[p], role) for p, role in new.items() if p in old and old[p] is not role),
        *(removed(path, role) for path, role in old.items() if path not in new),
    ]
