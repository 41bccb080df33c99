"""/account/organizations/{org}/webhooks: webhooks of an organization with their last deliveries."""

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.webhooks import RevealedWebhook, Topic
from shared.runtime.answers import Answer
from shared.use_cases import webhooks
from shared.use_cases.inputs import shown_fields
from shared.use_cases.webhooks import NamedDelivery, NamedWebhook

WEBHOOKS = f"{ORGANIZATION_ROUTE}/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{id}}"

pages = SignedInPages()
FACES = (pages,)


@pages.read(WEBHOOKS)
async def account_organization_webhooks(
    call: SignedInCall, problem: FormProblem | None = None, revealed: RevealedWebhook | None = None
) -> Answer:
    frame = await organization_frame(call, "webhooks")
    service = call.registry.organizations.webhooks
    found = await service.of(call.org, by=call.caller)
    return frame.show(
        problem,
        webhooks=found,
        secretless=await call.registry.organizations.webhook_secrets.missing(found),
        makers=await service.makers_of(found),
        revealed=revealed,
        chosen=call.form.all("events") if problem else [Topic.RELEASE.value],
        fields=shown_fields(webhooks.NewWebhook),
    )


@pages.read(WEBHOOK)
async def account_organization_webhook_page(
    call: SignedInCall, problem: FormProblem | None = None, revealed: RevealedWebhook | None = None
) -> Answer:
    frame = await organization_frame(call, "webhooks")
    webhook_id = call.route_params["id"]
    organizations = call.registry.organizations
    service = organizations.webhooks
    webhook, log = await service.show_log(call.org, webhook_id, by=call.caller)
    return frame.show(
        problem,
        "webhook",
        webhook=webhook,
        needs_secret=bool(await organizations.webhook_secrets.missing([webhook])),
        maker=(await service.makers_of([webhook]))[webhook.by],
        paused_ms=log.paused_ms if log else None,
        deliveries=log.deliveries[::-1] if log else (),
        revealed=revealed,
    )


def _webhook(call: SignedInCall) -> NamedWebhook:
    return NamedWebhook(call.org, call.route_params["id"])


def _delivery(call: SignedInCall) -> NamedDelivery:
    return NamedDelivery(_webhook(call), call.form.text("number"))


# Only the answer to the form shows the secret.
async def _show_added(call: SignedInCall, added: RevealedWebhook) -> Answer:
    return await account_organization_webhooks(call, revealed=added)


async def _show_rotated(call: SignedInCall, rotated: RevealedWebhook) -> Answer:
    return await account_organization_webhook_page(call, revealed=rotated)


pages.use_case(
    webhooks.add,
    f"{WEBHOOKS}/add",
    account_organization_webhooks,
    lambda call: call.org,
    name="account_organization_webhooks_add",
    then=_show_added,
)
pages.use_case(
    webhooks.rotate,
    f"{WEBHOOK}/rotate",
    account_organization_webhook_page,
    _webhook,
    name="account_organization_webhook_rotate",
    then=_show_rotated,
)
pages.use_case(
    webhooks.confirm,
    f"{WEBHOOK}/confirm",
    account_organization_webhook_page,
    _webhook,
    name="account_organization_webhook_confirm",
)
pages.use_case(
    webhooks.remove,
    f"{WEBHOOK}/remove",
    account_organization_webhook_page,
    _webhook,
    name="account_organization_webhook_remove",
    leads_to=WEBHOOKS,
)
pages.use_case(
    webhooks.replay,
    f"{WEBHOOK}/replay",
    account_organization_webhook_page,
    _delivery,
    name="account_organization_webhook_replay",
)
