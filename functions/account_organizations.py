"""/account/organizations: where one belongs, founding another one, and leaving."""

import azure.functions as func

from functions._pages import see_other
from functions._paging import Pager
from functions._visits import Problem, Visit, Visits
from functions.account import ORGANIZATIONS
from shared.domain.names import parse_org
from shared.registry import Registry

SHOWN = 25  # A screen or two.
EVERYBODY = "everybody"  # To whom a member appears, else to members alone.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of organizations."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        organizations = await registry.organizations.mine(by=visit.principal)
        pager = Pager.of(len(organizations), SHOWN, ORGANIZATIONS, visit.query)
        return visit.show(
            "account/organizations.html",
            problem,
            organizations=organizations[pager.offset : pager.offset + SHOWN],
            pager=pager,
            name=visit.form.text("name"),
            leaving=visit.form.text("org"),
        )

    @bp.route("account/organizations", methods=["GET", "HEAD"])
    @visits.page
    async def account_organizations(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/organizations", methods=["POST"])
    @visits.form(again=overview)
    async def account_organization_found(visit: Visit) -> func.HttpResponse:
        org = parse_org(visit.form.text("name"))
        await registry.organizations.found(org, visit.account, by=visit.principal)
        return see_other(ORGANIZATIONS)

    @bp.route("account/organizations/leave", methods=["POST"])
    @visits.form(again=overview)
    async def account_organization_leave(visit: Visit) -> func.HttpResponse:
        org = parse_org(visit.form.text("org"))
        await registry.organizations.remove_member(org, visit.account, by=visit.principal)
        return see_other(ORGANIZATIONS)

    @bp.route("account/organizations/appear", methods=["POST"])
    @visits.form(again=overview)
    async def account_organization_appear(visit: Visit) -> func.HttpResponse:
        org, by = parse_org(visit.form.text("org")), visit.principal
        if visit.form.text("to") == EVERYBODY:
            await registry.organizations.show_membership(org, by=by)
        else:
            await registry.organizations.hide_membership(org, by=by)
        return see_other(f"/orgs/{org}/people")

    return bp
