"""The trusted publishers and webhooks of organizations in a registry file."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.domain.registry_files.sections import (
    OrganizationSection,
    PublisherSection,
    WebhookSection,
    parse_webhook_secret,
)
from shared.domain.registry_files.toml_lines import KeyPath
from shared.domain.trusted_publishing.jobs import PROVIDER_SERVERS, Provider
from shared.domain.trusted_publishing.publishers import (
    Publisher,
    PublisherReads,
    PublisherRules,
    PublisherScopes,
)
from shared.domain.webhooks import Topic, Webhook
from shared.services.organizations.webhooks import Webhooks
from shared.services.registry_files.plans import REASON, Draft, Secrets, added, changed, removed
from shared.services.tokens.trusted_publishers import (
    PublisherRequest,
    TrustedPublishers,
    publisher_identity,
)


class PublishersOfOrganizations(Struct, frozen=True):
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
                    draft.step([line], self._remove(draft, org, each))
        for where, each in missing:
            draft.step([added(where, _title(org, each))], self._add(draft, org, each))

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
        except Refusal:
            return None
        return section if _fingerprint(made) == _fingerprint(publisher) else None

    def _add(
        self, draft: Draft, org: OrgName, section: PublisherSection
    ) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.publishers.add(_request(org, section), by=draft.by)

        return run

    def _remove(
        self, draft: Draft, org: OrgName, publisher: Publisher
    ) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.publishers.remove(org, publisher.id, by=draft.by, reason=REASON)

        return run


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


class WebhooksOfOrganizations(Struct, frozen=True):
    """Plans changes of webhooks, which are known by their addresses. Of two with the same address a
    file means the older one, and the other is left alone."""

    webhooks: Webhooks

    async def plan(
        self, draft: Draft, stored: Organization | None, name: str, section: OrganizationSection
    ) -> None:
        """Plan the changes of an organization, or of a new one where none is stored."""
        if section.webhooks is None:
            return
        path = ("organizations", name, "webhooks")
        org = OrgName(stored.name if stored else name)
        known = await self._known(org, draft) if stored else {}
        for number, each in enumerate(section.webhooks):
            where = (*path, number)
            webhook = known.pop(each.url, None)
            if webhook is None:
                with draft.about((*where, "url")):
                    self.webhooks.parse_url(each.url)
                with draft.about((*where, "secret_from")):
                    secret = _given_secret(draft, each)
                    line = added(where, f"{each.url} {_topics(each.events)}")
                    draft.step([line], self._add(draft, org, each, secret))
            elif webhook.topics != _ordered(each.events):
                line = changed((*where, "events"), _topics(webhook.topics), _topics(each.events))
                draft.step([line], self._change(draft, org, webhook, each))
        for webhook in known.values() if draft.prunes else ():
            line = removed((*path, webhook.id), webhook.url)
            draft.step([line], self._remove(draft, org, webhook))

    async def sections(self, org: OrgName) -> list[WebhookSection]:
        """Return the webhooks of an organization, without their secrets."""
        stored = await self.webhooks.of(org, by=OPERATOR)
        by_url = {each.url: each for each in reversed(stored)}
        kept = [each for each in stored if by_url[each.url] is each]
        return [WebhookSection(url=each.url, events=[*each.topics]) for each in kept]

    async def _known(self, org: OrgName, draft: Draft) -> dict[str, Webhook]:
        stored = await self.webhooks.of(org, by=draft.by)
        return {each.url: each for each in reversed(stored)}

    def _add(
        self, draft: Draft, org: OrgName, section: WebhookSection, secret: str
    ) -> Callable[[], Awaitable[Secrets]]:
        async def run() -> Secrets:
            made = await self.webhooks.add(
                org, section.url, section.events, by=draft.by, secret=secret
            )
            return {} if secret else {f"{org} {section.url}": made.secret}

        return run

    def _change(
        self, draft: Draft, org: OrgName, stored: Webhook, section: WebhookSection
    ) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.webhooks.change_topics(org, stored.id, section.events, by=draft.by)

        return run

    def _remove(self, draft: Draft, org: OrgName, stored: Webhook) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            await self.webhooks.remove(org, stored.id, by=draft.by, reason=REASON)

        return run


def _given_secret(draft: Draft, section: WebhookSection) -> str:
    name = section.secret_from
    if not name:
        return ""
    if name not in draft.given_secrets:
        message = (
            f"The secret {name} was not given. Set the variable {name} where the file is applied, "
            "or send it in `secrets`; or leave secret_from out, and the registry makes one."
        )
        raise InvalidRequest(message)
    return parse_webhook_secret(draft.given_secrets[name], name)


def _ordered(topics: Sequence[Topic]) -> tuple[Topic, ...]:
    return tuple(each for each in Topic if each in topics)


def _topics(topics: Sequence[Topic]) -> list[str]:
    return [each.value for each in _ordered(topics)]
