"""The trusted publishers of organizations in a registry file."""

from functools import partial

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.domain.registry_files.sections import OrganizationSection, PublisherSection
from shared.domain.registry_files.toml_lines import KeyPath
from shared.domain.trusted_publishing.jobs import PROVIDER_SERVERS, Provider
from shared.domain.trusted_publishing.publisher_rules import PublisherRules
from shared.domain.trusted_publishing.publishers import Publisher, PublisherReads, PublisherScopes
from shared.services.registry_files.plans import REASON, Draft, added, removed
from shared.services.tokens.trusted_publishers import (
    PublisherRequest,
    TrustedPublishers,
    publisher_identity,
)


class PublisherSections(Struct, frozen=True):
    """Plans changes of trusted publishers. One that is changed is another one, and what a file
    cannot say, such as a publisher of an earlier version, is never removed."""

    publishers: TrustedPublishers

    async def plan(
        self, draft: Draft, stored: Organization | None, name: str, section: OrganizationSection
    ) -> None:
        """Plan the changes of an organization, or of a new one where none is stored."""
        if section.publishers is None:
            return
        path = ("organizations", name, "publishers")
        org = OrgName(stored.name if stored else name)
        publishers = await self.publishers.of_organization(org, by=draft.by) if stored else []
        known = {_fingerprint(each): each for each in publishers}
        missing = list[tuple[KeyPath, PublisherSection]]()
        for number, each in enumerate(section.publishers):
            with draft.about((*path, number)):
                wanted = await self.publishers.described(_request(org, each), by=draft.by)
                if known.pop(_fingerprint(wanted), None) is None:
                    missing.append(((*path, number), each))
        # Old ones are removed first: a new one that differs only in what it reads would be refused
        # while the old one exists.
        if draft.prunes:
            for each in known.values():
                if await self._section(org, each) is not None:
                    line = removed((*path, each.id), str(each.target))
                    remove = partial(
                        self.publishers.remove, org, each.id, by=draft.by, reason=REASON
                    )
                    draft.step([line], remove)
        for where, each in missing:
            add = partial(self.publishers.add, _request(org, each), by=draft.by)
            draft.step([added(where, _title(org, each))], add)

    async def sections(self, org: OrgName) -> list[PublisherSection]:
        """Return the publishers of an organization that a file can say."""
        stored = await self.publishers.of_organization(org, by=OPERATOR)
        ordered = sorted(stored, key=lambda each: (each.created_ms, each.id))
        found = [await self._section(org, each) for each in ordered]
        return [each for each in found if each is not None]

    async def _section(self, org: OrgName, publisher: Publisher) -> PublisherSection | None:
        """Return the section from which the same publisher would be made, or None."""
        section = _section(publisher, self.publishers.base_url)
        try:
            made = await self.publishers.described(_request(org, section), by=OPERATOR)
        except Unavailable:
            raise  # Otherwise a file would lack publishers while a store does not answer.
        except Refusal:
            return None
        return section if _fingerprint(made) == _fingerprint(publisher) else None


def _fingerprint(publisher: Publisher) -> str:
    ordered = publisher.model_copy(update={"claims": dict(sorted(publisher.claims.items()))})
    return repr((publisher_identity(ordered), publisher.reads))


def _title(org: OrgName, section: PublisherSection) -> str:
    target = f"{org}/{section.package}" if section.package else org
    return f"{target} by {section.repository or section.issuer or section.provider.value}"


def _request(org: OrgName, section: PublisherSection) -> PublisherRequest:
    rules = section.model_dump(include=set(PublisherRules.model_fields))
    return PublisherRequest(
        package=Package.parse(org, section.package) if section.package else org,
        provider=section.provider,
        ids=section.ids,
        server=section.issuer or section.server,
        repository=section.repository,
        rules=rules,
        audience=section.audience,
        claims=section.claims,
        scopes=section.scopes,
        reads=section.reads,
    )


def _section(publisher: Publisher, base_url: str) -> PublisherSection:
    is_reader = publisher.scopes is PublisherScopes.READ
    default_reads = PublisherReads.ORGANIZATION if is_reader else PublisherReads.NONE
    is_default_server = publisher.server == PROVIDER_SERVERS.get(publisher.provider)
    is_oidc = publisher.provider is Provider.OIDC
    rules = publisher.rules
    return PublisherSection(
        package="" if is_reader else publisher.package,
        provider=publisher.provider,
        server="" if is_oidc or is_default_server else publisher.server,
        ids=dict(publisher.ids),
        issuer=publisher.issuer,
        audience="" if publisher.audience == base_url else publisher.audience,
        claims=dict(publisher.claims),
        scopes=publisher.scopes,
        reads=None if publisher.reads is default_reads else publisher.reads,
        repository=publisher.repository,
        workflow=rules.workflow,
        reusable_workflow=rules.reusable_workflow,
        refs=[*rules.refs],
        tag_version=rules.tag_version,
        environment=rules.environment,
        protected=rules.protected,
        runner=rules.runner,
    )
