"""/account/organizations/{org}/webhooks: webhooks of an organization with their last deliveries."""

from functions.account.organization import ORGANIZATION_ROUTE, organization_frame
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.webhooks import MAX_URL_LENGTH, Topic
from shared.runtime.answers import Answer
from shared.services.organizations.webhooks import RevealedWebhook

WEBHOOKS = f"{ORGANIZATION_ROUTE}/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{id}}"

# The choices of the form: value, label and description.
TOPIC_CHOICES = (
    (Topic.RELEASE.value, "Releases", "New releases of packages"),
    (Topic.DEPRECATION.value, "Deprecations", "Releases and packages deprecated or undeprecated"),
    (
        Topic.WITHDRAWAL.value,
        "Withdrawals",
        "Releases withheld or restored, packages made private or public",
    ),
    (Topic.MEMBER.value, "Members", "Members, roles and invitations"),
    (Topic.TOKEN.value, "Tokens", "Access tokens of the organization"),
    (
        Topic.AUDIT.value,
        "Audit log",
        "Every event, with the IP address and the credential of who caused it",
    ),
)

pages = SignedInPages()
FACES = (pages,)


@pages.read(WEBHOOKS)
async def account_organization_webhooks(
    call: SignedInCall, problem: FormProblem | None = None, revealed: RevealedWebhook | None = None
) -> Answer:
    frame = await organization_frame(call, "webhooks")
    webhooks = await call.registry.organizations.webhooks.of(call.org, by=call.caller)
    return frame.show(
        problem,
        webhooks=webhooks,
        revealed=revealed,
        topics=TOPIC_CHOICES,
        chosen=call.form.all("events") if problem else (Topic.RELEASE.value,),
        longest_url=MAX_URL_LENGTH,
    )


@pages.read(WEBHOOK)
async def account_organization_webhook_page(
    call: SignedInCall, problem: FormProblem | None = None, revealed: RevealedWebhook | None = None
) -> Answer:
    frame, webhook_id = await organization_frame(call, "webhooks"), call.route_params["id"]
    found = await call.registry.organizations.webhooks.show(call.org, webhook_id, by=call.caller)
    return frame.show(
        problem,
        "webhook",
        webhook=found.webhook,
        deliveries=found.deliveries,
        revealed=revealed,
        topics=TOPIC_CHOICES,
    )


@pages.form(f"{WEBHOOKS}/add", account_organization_webhooks)
async def account_organization_webhooks_add(call: SignedInCall) -> Answer:
    url, chosen = call.form.text("url"), call.form.all("events")
    topics = [each for each in Topic if each.value in chosen]
    webhooks = call.registry.organizations.webhooks
    added = await webhooks.add(call.org, url, topics, by=call.caller)
    # Shown by this answer alone, since it is a secret.
    return await account_organization_webhooks(call, revealed=added)


@pages.form(f"{WEBHOOK}/rotate", account_organization_webhook_page)
async def account_organization_webhook_rotate(call: SignedInCall) -> Answer:
    webhooks, webhook_id = call.registry.organizations.webhooks, call.route_params["id"]
    rotated = await webhooks.rotate(call.org, webhook_id, by=call.caller)
    return await account_organization_webhook_page(call, revealed=rotated)


@pages.form(
    f"{WEBHOOK}/remove",
    account_organization_webhook_page,
    done="Webhook removed. Its receiver gets no more events.",
    leads_to=WEBHOOKS,
)
async def account_organization_webhook_remove(call: SignedInCall) -> None:
    webhooks, webhook_id = call.registry.organizations.webhooks, call.route_params["id"]
    await webhooks.remove(call.org, webhook_id, by=call.caller)


@pages.form(
    f"{WEBHOOK}/replay",
    account_organization_webhook_page,
    done="The delivery is sent again within a minute.",
)
async def account_organization_webhook_replay(call: SignedInCall) -> None:
    webhooks, number = call.registry.organizations.webhooks, call.form.text("number")
    await webhooks.replay(call.org, call.route_params["id"], number, by=call.caller)
