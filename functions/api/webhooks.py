"""/api/v1/orgs/{org}/webhooks, and /api/v1/webhooks for administrators: webhooks and deliveries."""

from collections.abc import Callable, Collection
from typing import Any, Self, cast

from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, Show, UtcTime
from shared.domain.makers import MADE_BY_MEANING, STOPPED_MEANING, MakerStop
from shared.domain.names import OrgName
from shared.domain.webhooks import Delivery, DeliveryState, RevealedWebhook, Topic, Webhook
from shared.services.tokens.makers import Maker
from shared.use_cases import webhooks
from shared.use_cases.inputs import InputsT
from shared.use_cases.use_case import ResultT, SubjectT, UseCase
from shared.use_cases.webhooks import NamedDelivery, NamedWebhook


class WebhookView(ResponseModel):
    """A webhook without its secret, which was shown once."""

    id: str
    url: str
    events: list[Topic] = Field(validation_alias="topics")
    created_at: UtcTime
    made_by: str | None = Field(default=None, description=MADE_BY_MEANING)
    stopped: MakerStop | None = Field(default=None, description=STOPPED_MEANING)
    needs_secret: bool = Field(
        default=False,
        description="Its secret is not there, as after the restore of a snapshot, so it delivers "
        "nothing until its secret is rotated.",
    )

    @classmethod
    def of(cls, webhook: Webhook, maker: Maker, missing: Collection[str]) -> Self:
        """`missing` are the ids of the webhooks that need a secret."""
        made = {"made_by": maker.name or None, "stopped": maker.stop}
        needs = {"needs_secret": webhook.id in missing}
        return cls.model_validate(webhook).model_copy(update=made | needs)


class WebhookList(ResponseModel):
    """Webhooks, oldest first."""

    webhooks: list[WebhookView]


class RevealedWebhookView(WebhookView):
    """A webhook with its secret, which is shown this once."""

    secret: str

    @classmethod
    def revealing(cls, revealed: RevealedWebhook, maker: Maker) -> Self:
        shown = dict(WebhookView.of(revealed.webhook, maker, ()))
        return cls.model_construct(**shown, secret=revealed.secret)


class DeliveryView(ResponseModel):
    """An event for the receiver, and how the receiver answered last."""

    number: int = Field(description="The number of the event; webhook-id is evt_ and this number.")
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


def _org(call: ApiCall) -> OrgName | None:
    """Return whose webhooks the path names: those of an organization or of the registry."""
    return call.org if call.route_params.get("org") else None


def _webhook(call: ApiCall) -> NamedWebhook:
    return NamedWebhook(_org(call), call.route_params["id"])


def _delivery(call: ApiCall) -> NamedDelivery:
    return NamedDelivery(_webhook(call), call.route_params["number"])


async def _maker(call: ApiCall, webhook: Webhook) -> Maker:
    return (await call.registry.organizations.webhooks.makers_of([webhook]))[webhook.by]


_THEIRS = "an organization; for its owners"
_OF_REGISTRY = "the registry; for administrators"


@webhooks_api.operation(
    "GET", "api/v1/webhooks", f"List the webhooks of {_OF_REGISTRY}.", also=(403,)
)
@organization_webhooks_api.operation(
    "GET",
    "api/v1/orgs/{org}/webhooks",
    f"List the webhooks of {_THEIRS}.",
    name="api_org_webhooks_list",
)
async def api_webhooks_list(call: ApiCall) -> WebhookList:
    service = call.registry.organizations.webhooks
    found = await service.of(_org(call), by=call.caller)
    makers = await service.makers_of(found)
    missing = await call.registry.organizations.webhook_secrets.missing(found)
    return WebhookList(webhooks=[WebhookView.of(each, makers[each.by], missing) for each in found])


def _of_both_owners(
    case: UseCase[SubjectT, InputsT, ResultT],
    method: str,
    path: str,
    subject: Callable[[ApiCall], SubjectT],
    *,
    status: int = 200,
) -> Callable[[Show[ResultT]], Show[ResultT]]:
    """Declare the operation of a use case for webhooks of the registry, and for those of an
    organization."""

    def declare(show: Show[ResultT]) -> Show[ResultT]:
        name = cast("Any", show).__name__
        organization_webhooks_api.use_case(
            case,
            method,
            f"api/v1/orgs/{{org}}/webhooks{path}",
            subject,
            whose=_THEIRS,
            status=status,
            name=name.replace("api_", "api_org_", 1),
        )(show)
        return webhooks_api.use_case(
            case,
            method,
            f"api/v1/webhooks{path}",
            subject,
            whose=_OF_REGISTRY,
            status=status,
        )(show)

    return declare


@_of_both_owners(webhooks.add, "POST", "", _org, status=201)
async def api_webhooks_add(call: ApiCall, added: RevealedWebhook) -> RevealedWebhookView:
    return RevealedWebhookView.revealing(added, await _maker(call, added.webhook))


@webhooks_api.operation(
    "GET",
    "api/v1/webhooks/{id}",
    f"Show a webhook with the last 100 deliveries, of {_OF_REGISTRY}.",
)
@organization_webhooks_api.operation(
    "GET",
    "api/v1/orgs/{org}/webhooks/{id}",
    f"Show a webhook with the last 100 deliveries, of {_THEIRS}.",
    name="api_org_webhooks_show",
)
async def api_webhooks_show(call: ApiCall) -> ShownWebhookView:
    named = _webhook(call)
    service = call.registry.organizations.webhooks
    webhook, log = await service.show_log(named.org, named.id, by=call.caller)
    missing = await call.registry.organizations.webhook_secrets.missing([webhook])
    return ShownWebhookView.model_validate(
        {
            "webhook": WebhookView.of(webhook, await _maker(call, webhook), missing),
            "paused_ms": log.paused_ms if log else None,
            "deliveries": log.deliveries[::-1] if log else (),
        }
    )


@_of_both_owners(webhooks.rotate, "POST", "/{id}/rotate", _webhook)
async def api_webhooks_rotate(call: ApiCall, rotated: RevealedWebhook) -> RevealedWebhookView:
    return RevealedWebhookView.revealing(rotated, await _maker(call, rotated.webhook))


@_of_both_owners(webhooks.confirm, "POST", "/{id}/confirm", _webhook)
async def api_webhooks_confirm(call: ApiCall, confirmed: Webhook) -> WebhookView:
    missing = await call.registry.organizations.webhook_secrets.missing([confirmed])
    return WebhookView.of(confirmed, await _maker(call, confirmed), missing)


@_of_both_owners(webhooks.remove, "DELETE", "/{id}", _webhook)
async def api_webhooks_remove(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


@_of_both_owners(webhooks.replay, "POST", "/{id}/deliveries/{number}/replay", _delivery)
async def api_webhooks_replay(_: ApiCall, replayed: Delivery) -> DeliveryView:
    return DeliveryView.model_validate(replayed)
