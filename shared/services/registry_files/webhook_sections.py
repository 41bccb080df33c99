"""The webhooks of organizations in a registry file."""

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from shared.domain.errors.base import InvalidRequest
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.domain.registry_files.sections import (
    OrganizationSection,
    WebhookSection,
    parse_webhook_secret,
)
from shared.domain.webhooks import Topic, Webhook
from shared.services.organizations.webhooks import Webhooks
from shared.services.registry_files.plans import REASON, Draft, ShownSecret, added, changed, removed


class WebhookSections(Struct, frozen=True):
    """Plans changes of webhooks, which a file names by their addresses. If two have the same
    address, the file means the older one, and the other is not changed."""

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
                    draft.step([line], partial(self._add, draft, org, each, secret))
            elif webhook.topics != _ordered(each.events):
                line = changed((*where, "events"), _topics(webhook.topics), _topics(each.events))
                change = partial(
                    self.webhooks.change_topics, org, webhook.id, each.events, by=draft.by
                )
                draft.step([line], change)
        for webhook in known.values() if draft.prunes else ():
            line = removed((*path, webhook.id), webhook.url)
            remove = partial(self.webhooks.remove, org, webhook.id, by=draft.by, reason=REASON)
            draft.step([line], remove)

    async def sections(self, org: OrgName) -> list[WebhookSection]:
        """Return the webhooks of an organization, without their secrets."""
        stored = await self.webhooks.of(org, by=OPERATOR)
        by_url = {each.url: each for each in reversed(stored)}
        kept = [each for each in stored if by_url[each.url] is each]
        return [WebhookSection(url=each.url, events=[*each.topics]) for each in kept]

    async def _known(self, org: OrgName, draft: Draft) -> dict[str, Webhook]:
        stored = await self.webhooks.of(org, by=draft.by)
        return {each.url: each for each in reversed(stored)}

    async def _add(
        self, draft: Draft, org: OrgName, section: WebhookSection, secret: str
    ) -> ShownSecret | None:
        made = await self.webhooks.add(org, section.url, section.events, by=draft.by, secret=secret)
        return None if secret else ShownSecret(f"{org} {section.url}", made.secret)


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
