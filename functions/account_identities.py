"""/account/identities: who at which provider can sign in to one's account."""

import azure.functions as func

from functions._pages import see_other
from functions._visits import Problem, Visit, Visits
from shared.registry import Registry

PAGE = "/account/identities"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of identities."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        providers = registry.sign_in.signing_in.providers
        return visit.show(
            "account/identities.html",
            problem,
            identities=await registry.sign_in.identities.of(by=visit.principal),
            labels={name: provider.label for name, provider in providers.items()},
        )

    @bp.route("account/identities", methods=["GET", "HEAD"])
    @visits.page
    async def account_identities(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/identities/remove", methods=["POST"])
    @visits.form(again=overview)
    async def account_identity_remove(visit: Visit) -> func.HttpResponse:
        identity = visit.form.text("identity")
        await registry.sign_in.identities.remove(identity, by=visit.principal)
        return see_other(PAGE)

    return bp
