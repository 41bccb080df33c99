"""Webhooks of an organization and of the registry: adding, rotating, confirming and removing one,
and sending a delivery again."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct
from pydantic import Field

from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.webhooks import MAX_URL_LENGTH, Delivery, RevealedWebhook, Topic, Webhook
from shared.registry import Registry
from shared.use_cases.inputs import FormField, Inputs, Nothing, Reason
from shared.use_cases.use_case import use_case


def _topics(values: Sequence[str]) -> list[Topic]:
    return [each for each in Topic if each.value in values]


class NewWebhook(Inputs):
    """Where events are sent, and which."""

    url: Annotated[
        str, FormField("Receiver", hint="An https address that this registry can reach")
    ] = Field(max_length=MAX_URL_LENGTH, description="An https address.")
    events: Annotated[list[Topic], FormField("Events", read=_topics)] = Field(
        max_length=len(Topic),
        strict=False,
        description="audit: every event, with address and credential.",
    )


class NamedWebhook(Struct, frozen=True):
    """The webhook of an organization, or of the registry, with this id."""

    org: OrgName | None
    id: str


class NamedDelivery(Struct, frozen=True):
    """The delivery of a webhook with this number."""

    webhook: NamedWebhook
    number: str


@use_case(
    "Add a webhook of {} who signed in recently.",
    inputs=NewWebhook,
    right=Action.GOVERN,
    shown_once="secret",
)
async def add(
    registry: Registry, org: OrgName | None, new: NewWebhook, by: Principal
) -> RevealedWebhook:
    return await registry.organizations.webhooks.add(org, new.url, new.events, by=by)


@use_case(
    "Rotate the secret of a webhook of {} who signed in recently.",
    inputs=Reason,
    right=Action.GOVERN,
    shown_once="secret",
)
async def rotate(
    registry: Registry, webhook: NamedWebhook, sent: Reason, by: Principal
) -> RevealedWebhook:
    webhooks = registry.organizations.webhooks
    return await webhooks.rotate(webhook.org, webhook.id, by=by, reason=sent.reason)


@use_case(
    "Become the maker of a webhook of {} who signed in recently.",
    inputs=Nothing,
    right=Action.GOVERN,
    done="Webhook confirmed. You are its maker now; what waited is sent within a minute.",
    printed="Confirmed {id}. The operator is its maker.",
)
async def confirm(registry: Registry, webhook: NamedWebhook, _: Nothing, by: Principal) -> Webhook:
    return await registry.organizations.webhooks.confirm(webhook.org, webhook.id, by=by)


@use_case(
    "Remove a webhook of {} who signed in recently.",
    inputs=Reason,
    right=Action.GOVERN,
    done="Webhook removed. Its receiver no longer gets events.",
    printed="Removed.",
)
async def remove(registry: Registry, webhook: NamedWebhook, sent: Reason, by: Principal) -> None:
    webhooks = registry.organizations.webhooks
    await webhooks.remove(webhook.org, webhook.id, by=by, reason=sent.reason)


@use_case(
    "Send a delivery again, of a webhook of {}.",
    inputs=Nothing,
    right=Action.MANAGE,
    done="The delivery is sent again within a minute.",
    printed="Delivery {number} is sent again within a minute.",
)
async def replay(
    registry: Registry, delivery: NamedDelivery, _: Nothing, by: Principal
) -> Delivery:
    webhooks = registry.organizations.webhooks
    webhook = delivery.webhook
    return await webhooks.replay(webhook.org, webhook.id, delivery.number, by=by)
