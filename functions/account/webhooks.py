"""/account/organizations/{org}/webhooks: webhooks of an organization with their last deliveries."""

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.webhooks import MAX_URL_LENGTH, Topic, Webhook
from shared.runtime.answers import Answer

WEBHOOKS = f"{ORGANIZATION_ROUTE}/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{id}}"

pages = SignedInPages()
FACES = (pages,)


@pages.read(WEBHOOKS)
async def account_organization_webhooks(
    call: SignedInCall, problem: FormProblem | None = None, revealed: Webhook | None = None
) -> Answer:
    frame = await organization_frame(call, "webhooks")
    webhooks = await call.registry.organizations.webhooks.of(call.org, by=call.caller)
    return frame.show(
        problem,
        webhooks=webhooks,
        makers=await call.registry.organizations.webhooks.makers_of(webhooks),
        revealed=revealed,
        chosen=call.form.all("events") if problem else [Topic.RELEASE.value],
        longest_url=MAX_URL_LENGTH,
    )


@pages.read(WEBHOOK)
async def account_organization_webhook_page(
    call: SignedInCall, problem: FormProblem | None = None, revealed: Webhook | None = None
) -> Answer:
    frame = await organization_frame(call, "webhooks")
    webhook_id = call.route_params["id"]
    service = call.registry.organizations.webhooks
    webhook, log = await service.show_log(call.org, webhook_id, by=call.caller)
    return frame.show(
        problem,
        "webhook",
        webhook=webhook,
        maker=(await service.makers_of([webhook]))[webhook.by],
        paused_ms=log.paused_ms if log else None,
        deliveries=log.deliveries[::-1] if log else (),
        revealed=revealed,
    )


@pages.form(f"{WEBHOOKS}/add", account_organization_webhooks, takes_recent_sign_in=True)
async def account_organization_webhooks_add(call: SignedInCall) -> Answer:
    url = call.form.text("url")
    chosen = call.form.all("events")
    topics = [each for each in Topic if each.value in chosen]
    webhooks = call.registry.organizations.webhooks
    added = await webhooks.add(call.org, url, topics, by=call.caller)
    # Shown by this answer alone, since it is a secret.
    return await account_organization_webhooks(call, revealed=added)


@pages.form(f"{WEBHOOK}/rotate", account_organization_webhook_page, takes_recent_sign_in=True)
async def account_organization_webhook_rotate(call: SignedInCall) -> Answer:
    webhooks = call.registry.organizations.webhooks
    webhook_id = call.route_params["id"]
    reason = call.form.text("reason")
    rotated = await webhooks.rotate(call.org, webhook_id, by=call.caller, reason=reason)
    return await account_organization_webhook_page(call, revealed=rotated)


@pages.form(
    f"{WEBHOOK}/confirm",
    account_organization_webhook_page,
    done="Webhook confirmed. You are its maker now; what waited is sent within a minute.",
    takes_recent_sign_in=True,
)
async def account_organization_webhook_confirm(call: SignedInCall) -> None:
    webhooks = call.registry.organizations.webhooks
    webhook_id = call.route_params["id"]
    await webhooks.confirm(call.org, webhook_id, by=call.caller)


@pages.form(
    f"{WEBHOOK}/remove",
    account_organization_webhook_page,
    done="Webhook removed. Its receiver gets no more events.",
    leads_to=WEBHOOKS,
    takes_recent_sign_in=True,
)
async def account_organization_webhook_remove(call: SignedInCall) -> None:
    webhooks = call.registry.organizations.webhooks
    webhook_id = call.route_params["id"]
    reason = call.form.text("reason")
    await webhooks.remove(call.org, webhook_id, by=call.caller, reason=reason)


@pages.form(
    f"{WEBHOOK}/replay",
    account_organization_webhook_page,
    done="The delivery is sent again within a minute.",
)
async def account_organization_webhook_replay(call: SignedInCall) -> None:
    webhooks = call.registry.organizations.webhooks
    number = call.form.text("number")
    await webhooks.replay(call.org, call.route_params["id"], number, by=call.caller)
