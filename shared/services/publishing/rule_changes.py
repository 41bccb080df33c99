"""Changes of the rules about what is published, and what other rules would have said of the
releases of the last month."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.coordinates import release_place
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Survey
from shared.domain.principals import Principal
from shared.domain.publishing_rules import (
    EffectiveRules,
    OrganizationRules,
    RegistryRules,
    RuleFinding,
    RuleValues,
    rule_differences,
    stricter,
    with_values,
)
from shared.domain.release_states import State
from shared.domain.scopes import Action
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.existing_organizations import require_organization
from shared.services.publishing.publishing_rules import (
    PublishingRules,
    RegistryRuleReader,
    RuledRelease,
)
from shared.services.record_batches import PACKAGES_READ_AT_ONCE, all_entities, package_batches

RULES_DRY_RUN_PERIOD = timedelta(days=30)
_RELEASES_READ_AT_ONCE = 10

_WHAT = "the rules of the registry"


class CountsUsage(Protocol):
    """Counts what an organization has."""

    async def count(self, organization: Organization) -> bool:
        """Count it, and store the result in its record; say whether that changed."""
        ...


class RulesOfOrganization(Struct, frozen=True):
    """The rules of an organization, and what holds in it by those of the registry as well."""

    organization: Organization
    rules: OrganizationRules
    effective: EffectiveRules


class ReleaseRuleFindings(Struct, frozen=True):
    """What the rules would say of a stored release that they say nothing of now."""

    release: str
    findings: tuple[RuleFinding, ...]


class PublishingRuleDryRun(Struct, frozen=True):
    """What other rules would have said of the releases of the last month, the newest first, and how
    many releases were read."""

    releases: tuple[ReleaseRuleFindings, ...]
    releases_read: int


class PublishingRuleChanges(Struct, frozen=True):
    """Shows, tries and changes rules: those of an organization for its owners, and those of the
    registry for administrators, who signed in recently where they change something."""

    authorization: Authorization
    registry_authorization: RegistryAuthorization
    rules: PublishingRules
    metadata: MetadataStore
    directory: DirectoryStore
    audited_writer: AuditedWriter
    usage_counts: CountsUsage
    clock: Clock

    @property
    def reader(self) -> RegistryRuleReader:
        return self.rules.reader

    async def of_organization(self, org: OrgName, *, by: Principal) -> RulesOfOrganization:
        """Return the rules of an organization to its members."""
        access = await self.authorization.require_to_read(by, Action.READ, org)
        return await self._shown(access.require_organization(org))

    @retried_when_stale
    async def change_organization(
        self, org: OrgName, wanted: RuleValues, *, by: Principal
    ) -> RulesOfOrganization:
        """Store other values of rules; a repeat changes nothing. What is published already stays.
        Raises `InvalidRequest`."""
        access = await self.authorization.require_in_organization(by, Action.GOVERN, org)
        organization = access.require_organization(org)
        rules = with_values(organization.rules, wanted)
        details = rule_differences(organization.rules, rules)
        if not details:
            return await self._shown(organization)
        if rules.approved_only:
            await self._note_limited(organization, by)
        name = organization.name
        change = EntityChange("organization.rules-changed", name, org=name, details=details)
        changed = organization.model_copy(update={"rules": rules})
        return await self._shown(await self.audited_writer.replace(changed, change=change, by=by))

    async def _note_limited(self, organization: Organization, by: Principal) -> None:
        """Name an organization among those that may take only what is approved, before its own
        record says so."""
        stored = await self.reader.stored()
        if organization.key in stored.limited_organizations:
            return
        noted = stored.model_copy(
            update={"limited_organizations": (*stored.limited_organizations, organization.key)}
        )
        name = organization.name
        change = EntityChange("registry.limited", name, org=name)
        await self.audited_writer.put(noted, stored=stored, change=change, by=by)
        self.reader.invalidate()

    async def dry_run_organization(
        self, org: OrgName, wanted: RuleValues, *, by: Principal
    ) -> PublishingRuleDryRun:
        """Return what other values would have said of the releases of the last month; nothing is
        stored. For owners."""
        access = await self.authorization.require_to_read(by, Action.MANAGE, org)
        organization = access.require_organization(org)
        of_registry = await self.reader.stored()
        name = organization.name
        now = stricter(of_registry, organization.rules, name)
        then = stricter(of_registry, with_values(organization.rules, wanted), name)
        found = list[tuple[int, ReleaseRuleFindings]]()
        seen = 0
        async for survey in self._surveys(f"{name.lower()}/"):
            read, findings = await self._said(survey, now, then)
            found += findings
            seen += read
        return _dry_run(found, seen)

    async def change_quota(
        self, org: OrgName, wanted: RuleValues, *, by: Principal
    ) -> RulesOfOrganization:
        """Store other limits of an organization, and count what it has; for administrators. What is
        published already stays, also above a limit. Raises `InvalidRequest`."""
        await self.registry_authorization.require_fresh(by, "change", f"the limits of {org}")
        organization = await self._with_quota(org, wanted, by)
        await self.usage_counts.count(organization)
        stored = await self.directory.get(Organization, organization.place)
        return await self._shown(stored or organization)

    @retried_when_stale
    async def _with_quota(self, org: OrgName, wanted: RuleValues, by: Principal) -> Organization:
        stored = await require_organization(self.directory, org, self.clock.now_ms())
        rules = with_values(stored.rules, wanted)
        details = rule_differences(stored.rules, rules)
        if not details:
            return stored
        name = stored.name
        change = EntityChange("organization.quota-changed", name, org=name, details=details)
        changed = stored.model_copy(update={"rules": rules})
        return await self.audited_writer.replace(changed, change=change, by=by)

    async def of_registry(self, *, by: Principal) -> RegistryRules:
        """Return the rules of the registry to an administrator or auditor."""
        await self.registry_authorization.require_auditor(by, "look at", _WHAT)
        return await self.reader.stored()

    @retried_when_stale
    async def change_registry(self, wanted: RuleValues, *, by: Principal) -> RegistryRules:
        """Store other values of the rules of the registry, which hold in all organizations within
        five seconds; a repeat changes nothing. Raises `InvalidRequest`."""
        await self.registry_authorization.require_fresh(by, "change", _WHAT)
        stored = await self.reader.stored()
        rules = with_values(stored, wanted)
        details = rule_differences(stored, rules)
        if not details:
            return stored
        changed = rules.model_copy(update={"changed_ms": self.clock.now_ms()})
        change = EntityChange("registry.rules-changed", "registry", account=by.id, details=details)
        written = await self.audited_writer.put(changed, stored=stored, change=change, by=by)
        self.reader.invalidate()
        return written

    async def dry_run_registry(self, wanted: RuleValues, *, by: Principal) -> PublishingRuleDryRun:
        """Return what other values would have said of the releases of the last month, whoever
        published them; nothing is stored. Its cost grows with the number of packages."""
        await self.registry_authorization.require(by, "look at", _WHAT)
        now = await self.reader.stored()
        then = with_values(now, wanted)
        organizations = {
            each.key: each for each in await all_entities(self.directory, Organization)
        }
        found = list[tuple[int, ReleaseRuleFindings]]()
        seen = 0
        async for survey in self._surveys(""):
            org = survey.head.org
            known = None if survey.head.upstream else organizations.get(org.lower())
            own = known.rules if known else None
            read, findings = await self._said(
                survey, stricter(now, own, org), stricter(then, own, org)
            )
            found += findings
            seen += read
        return _dry_run(found, seen)

    async def _shown(self, organization: Organization) -> RulesOfOrganization:
        effective = stricter(await self.reader.stored(), organization.rules, organization.name)
        return RulesOfOrganization(organization, organization.rules, effective)

    async def _surveys(self, prefix: str) -> AsyncIterator[Survey]:
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for survey in await self.metadata.survey([head.package for head in heads]):
                if survey:
                    yield survey

    async def _said(
        self, survey: Survey, now: EffectiveRules, then: EffectiveRules
    ) -> tuple[int, list[tuple[int, ReleaseRuleFindings]]]:
        """Return how many releases of the last month the package has, and what the rules would say
        of each that they do not say now, with its time."""
        since_ms = self.clock.now_ms() - RULES_DRY_RUN_PERIOD // MS
        package = survey.head.package
        young = [
            package.at(entry.parsed)
            for entry in survey.entries
            if entry.created_ms >= since_ms and entry.state is not State.REMOVED
        ]
        found = list[tuple[int, ReleaseRuleFindings]]()
        for start in range(0, len(young), _RELEASES_READ_AT_ONCE):
            together = young[start : start + _RELEASES_READ_AT_ONCE]
            releases = await asyncio.gather(*map(self.metadata.find, together))
            verdicts = await asyncio.gather(
                *(self.directory.get(ApiVerdict, release_place(each)) for each in together)
            )
            for stored, verdict in zip(releases, verdicts, strict=True):
                if stored.release is None:
                    continue
                ruled = RuledRelease(survey.head, stored.release, verdict)
                before = self.rules.findings_of_release(ruled, now)
                after = self.rules.findings_of_release(ruled, then)
                if new := tuple(each for each in after if each not in before):
                    findings = ReleaseRuleFindings(str(stored.release.coordinate), new)
                    found.append((stored.release.created_ms, findings))
        return len(young), found


def _dry_run(found: list[tuple[int, ReleaseRuleFindings]], seen: int) -> PublishingRuleDryRun:
    newest_first = sorted(found, key=lambda each: (-each[0], each[1].release))
    return PublishingRuleDryRun(tuple(findings for _, findings in newest_first), seen)
