"""/account/organizations and /account/invitations: memberships, founding an organization,
answering invitations.
"""

import azure.functions as func

from functions.account.overview import ORGANIZATIONS_PATH
from functions.http.pages import see_other
from functions.http.pagination import Pager
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.names import parse_org

ORGANIZATIONS_PER_PAGE = 25  # A screen or two.
VISIBLE_TO_EVERYBODY = "everybody"  # To whom a member appears, else to members alone.


def memberships_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of organizations."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        organizations = await registry.organizations.list_own(by=visit.principal)
        pager = Pager.of(
            len(organizations), ORGANIZATIONS_PER_PAGE, ORGANIZATIONS_PATH, visit.query
        )
        return visit.show(
            "account/organizations.html",
            problem,
            organizations=organizations[pager.offset : pager.offset + ORGANIZATIONS_PER_PAGE],
            pager=pager,
            name=visit.form.text("name"),
            leaving=visit.form.text("org"),
        )

    @bp.route("account/organizations", methods=["GET", "HEAD"])
    @visits.page
    async def account_organizations(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/organizations", methods=["POST"])
    @visits.form(again=overview)
    async def account_organization_found(visit: SignedInRequest) -> func.HttpResponse:
        org = parse_org(visit.form.text("name"))
        await registry.organizations.create(org, visit.account, by=visit.principal)
        return see_other(ORGANIZATIONS_PATH)

    @bp.route("account/organizations/leave", methods=["POST"])
    @visits.form(again=overview)
    async def account_organization_leave(visit: SignedInRequest) -> func.HttpResponse:
        org = parse_org(visit.form.text("org"))
        await registry.organizations.remove_member(org, visit.account, by=visit.principal)
        return see_other(ORGANIZATIONS_PATH)

    @bp.route("account/organizations/appear", methods=["POST"])
    @visits.form(again=overview)
    async def account_organization_appear(visit: SignedInRequest) -> func.HttpResponse:
        org, by = parse_org(visit.form.text("org")), visit.principal
        if visit.form.text("to") == VISIBLE_TO_EVERYBODY:
            await registry.organizations.show_membership(org, by=by)
        else:
            await registry.organizations.hide_membership(org, by=by)
        return see_other(f"/orgs/{org}/people")

    return bp


INVITATIONS_PATH = "/account/invitations"
_ACCEPT = "accept"


def invitations_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of invitations."""
    bp = func.Blueprint()
    _add_list(bp, registry)
    _add_one(bp, registry)
    return bp


def _add_list(bp: func.Blueprint, registry: Registry) -> None:
    """Add what one has opened and not answered yet."""
    visits = SignedInPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        kept = await registry.opened_invitations.of(by=visit.principal)
        return visit.show("account/invitations.html", problem, kept=kept)

    @bp.route("account/invitations", methods=["GET", "HEAD"])
    @visits.page
    async def account_invitations(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/invitations", methods=["POST"])
    @visits.form(again=overview)
    async def account_invitations_answer(visit: SignedInRequest) -> func.HttpResponse:
        form, by = visit.form, visit.principal
        org, invitation_id = parse_org(form.text("org")), form.text("invitation")
        if form.text("decision") == _ACCEPT:
            await registry.opened_invitations.accept(org, invitation_id, by=by)
            return see_other(ORGANIZATIONS_PATH)
        await registry.opened_invitations.decline(org, invitation_id, by=by)
        return see_other(INVITATIONS_PATH)


def _add_one(bp: func.Blueprint, registry: Registry) -> None:
    """Add the page that the link of an invitation leads to."""
    visits = SignedInPages(registry)

    async def invitation(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        code = visit.route["code"]
        opened = await registry.opened_invitations.open(code, by=visit.principal)
        return visit.show("account/invitation.html", problem, opened=opened, code=code)

    @bp.route("account/invitations/{code}", methods=["GET", "HEAD"])
    @visits.page
    async def account_invitation(visit: SignedInRequest) -> func.HttpResponse:
        return await invitation(visit)

    @bp.route("account/invitations/{code}", methods=["POST"])
    @visits.form(again=invitation)
    async def account_invitation_answer(visit: SignedInRequest) -> func.HttpResponse:
        code, by = visit.route["code"], visit.principal
        if visit.form.text("decision") == _ACCEPT:
            await registry.invitations.accept(code, by=by)
        else:
            await registry.invitations.decline(code, by=by)
        return see_other(ORGANIZATIONS_PATH)
