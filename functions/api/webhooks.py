"""/api/v1/orgs/{org}/webhooks, and /api/v1/webhooks for administrators: webhooks and deliveries."""

from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from pydantic import Field

from functions.api.operations import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from shared.domain.makers import MADE_BY_MEANING, STOPPED_MEANING, MakerStop
from shared.domain.names import OrgName
from shared.domain.webhooks import MAX_URL_LENGTH, DeliveryState, Topic, Webhook
from shared.services.organizations.webhooks import Webhooks
from shared.services.tokens.makers import Maker
from shared.use_cases.inputs import Reason

HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[Any]])


class NewWebhook(RequestModel):
    """Where events are sent, and which."""

    url: str = Field(max_length=MAX_URL_LENGTH, description="An https address.")
    events: list[Topic] = Field(
        max_length=len(Topic),
        strict=False,
        description="audit: every event, with address and credential.",
    )


class WebhookView(ResponseModel):
    """A webhook without its secret, which was shown once."""

    id: str
    url: str
    events: list[Topic] = Field(validation_alias="topics")
    created_at: UtcTime
    made_by: str | None = Field(default=None, description=MADE_BY_MEANING)
    stopped: MakerStop | None = Field(default=None, description=STOPPED_MEANING)

    @classmethod
    def of(cls, webhook: Webhook, maker: Maker) -> Self:
        made = {"made_by": maker.name or None, "stopped": maker.stop}
        return cls.model_validate(webhook).model_copy(update=made)


class WebhookList(ResponseModel):
    """Webhooks, oldest first."""

    webhooks: list[WebhookView]


class RevealedWebhookView(WebhookView):
    """A webhook with its secret, which is shown this once."""

    secret: str


class DeliveryView(ResponseModel):
    """An event for the receiver, and how the receiver answered last."""

    number: int = Field(description="Of the event; webhook-id is evt_ and this number.")
    event: str
    subject: str
    state: DeliveryState
    attempts: int
    tried_at: UtcTime = Field(description="Null before the first attempt.")
    due_at: UtcTime = Field(description="When it is tried again; null at the end.")
    status: int | None = Field(description="Null without an answer.")
    answer: str = Field(description="How the answer begins, or why there was none.")


class ShownWebhookView(ResponseModel):
    """A webhook and its last deliveries, newest first."""

    webhook: WebhookView
    paused_at: UtcTime = Field(
        description="Since when it delivers nothing, with its maker; events wait until then."
    )
    deliveries: list[DeliveryView]


webhooks_api = ApiFace()
organization_webhooks_api = ApiFace()


def _of_both_owners(
    method: str, path: str, summary: str, **options: Any
) -> Callable[[HandlerT], HandlerT]:
    """Declare an operation on the webhooks of the registry, and the same of an organization; the
    summary has a place for whose webhooks they are."""

    def declare(handler: HandlerT) -> HandlerT:
        name = handler.__name__.replace("api_", "api_org_", 1)
        theirs = summary.format("an organization; for its owners")
        route = "api/v1/orgs/{org}"
        organization_webhooks_api.operation(
            method, f"{route}/webhooks{path}", theirs, name=name, **options
        )(handler)
        also = options.pop("also", ())
        whole = summary.format("the registry; for administrators")
        return webhooks_api.operation(
            method, f"api/v1/webhooks{path}", whole, also=(*also, 403), **options
        )(handler)

    return declare


def _subject(call: ApiCall) -> tuple[Webhooks, OrgName | None, str]:
    """Return the service, whose webhooks the path names, and the id of one if it names it."""
    org = call.org if call.route_params.get("org") else None
    return call.registry.organizations.webhooks, org, call.route_params.get("id", "")


@_of_both_owners("GET", "", "List the webhooks of {}.")
async def api_webhooks_list(call: ApiCall) -> WebhookList:
    webhooks, org, _ = _subject(call)
    found = await webhooks.of(org, by=call.caller)
    makers = await webhooks.makers_of(found)
    return WebhookList(webhooks=[WebhookView.of(each, makers[each.by]) for each in found])


@_of_both_owners("POST", "", "Add a webhook of {} who signed in recently.", status=201)
async def api_webhooks_add(call: ApiCall, new: NewWebhook) -> RevealedWebhookView:
    webhooks, org, _ = _subject(call)
    added = await webhooks.add(org, new.url, new.events, by=call.caller)
    return RevealedWebhookView.of(added, await _maker(webhooks, added))


@_of_both_owners("GET", "/{id}", "Show a webhook with the last 100 deliveries, of {}.")
async def api_webhooks_show(call: ApiCall) -> ShownWebhookView:
    webhooks, org, webhook_id = _subject(call)
    webhook, log = await webhooks.show_log(org, webhook_id, by=call.caller)
    return ShownWebhookView.model_validate(
        {
            "webhook": WebhookView.of(webhook, await _maker(webhooks, webhook)),
            "paused_ms": log.paused_ms if log else None,
            "deliveries": log.deliveries[::-1] if log else (),
        }
    )


@_of_both_owners(
    "POST", "/{id}/rotate", "Rotate the secret of a webhook of {} who signed in recently."
)
async def api_webhooks_rotate(call: ApiCall, sent: Reason) -> RevealedWebhookView:
    webhooks, org, webhook_id = _subject(call)
    rotated = await webhooks.rotate(org, webhook_id, by=call.caller, reason=sent.reason)
    return RevealedWebhookView.of(rotated, await _maker(webhooks, rotated))


@_of_both_owners(
    "POST", "/{id}/confirm", "Become the maker of a webhook of {} who signed in recently."
)
async def api_webhooks_confirm(call: ApiCall) -> WebhookView:
    webhooks, org, webhook_id = _subject(call)
    confirmed = await webhooks.confirm(org, webhook_id, by=call.caller)
    return WebhookView.of(confirmed, await _maker(webhooks, confirmed))


async def _maker(webhooks: Webhooks, webhook: Webhook) -> Maker:
    return (await webhooks.makers_of([webhook]))[webhook.by]


@_of_both_owners("DELETE", "/{id}", "Remove a webhook of {} who signed in recently.")
async def api_webhooks_remove(call: ApiCall, sent: Reason) -> None:
    webhooks, org, webhook_id = _subject(call)
    await webhooks.remove(org, webhook_id, by=call.caller, reason=sent.reason)


@_of_both_owners(
    "POST", "/{id}/deliveries/{number}/replay", "Send a delivery again, of a webhook of {}."
)
async def api_webhooks_replay(call: ApiCall) -> DeliveryView:
    webhooks, org, webhook_id = _subject(call)
    number = call.route_params["number"]
    replayed = await webhooks.replay(org, webhook_id, number, by=call.caller)
    return DeliveryView.model_validate(replayed)
