"""/account/organizations and /account/invitations: memberships, new organizations, invitations."""

import azure.functions as func

from functions.account.overview import ORGANIZATIONS_PATH
from functions.http.pages import see_other
from functions.http.pagination import Pager
from functions.http.requests import READ_METHODS
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.names import parse_org

INVITATIONS_PATH = "/account/invitations"
ORGANIZATIONS_PER_PAGE = 25  # A screen or two.
VISIBLE_TO_EVERYBODY = "everybody"  # The other choice of the form is members.
_ACCEPT = "accept"

# The messages after forms, by the names of their actions.
ORGANIZATION_DONE_MESSAGES = {
    "created": "Organization created. Open it to invite members and add trusted publishers.",
    "left": "You left the organization.",
    "joined": "Invitation accepted. You are now a member of the organization.",
}
INVITATION_DONE_MESSAGES = {"declined": "Invitation declined."}
VISIBILITY_DONE_MESSAGES = {
    VISIBLE_TO_EVERYBODY: "Your membership is now public.",
    "members": "Your membership is now private.",
}


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_memberships(bp, registry)
    _add_invitations(bp, registry)
    return bp


def _add_memberships(bp: func.Blueprint, registry: Registry) -> None:
    pages = SignedInPages(registry)
    bp.route("account/organizations", methods=READ_METHODS)(pages.page(account_organizations))

    @bp.route("account/organizations", methods=["POST"])
    @pages.form(account_organizations)
    async def account_organization_found(request: SignedInRequest) -> func.HttpResponse:
        org = parse_org(request.form.text("name"))
        await registry.organizations.create(org, request.account, by=request.principal)
        return see_other(f"{ORGANIZATIONS_PATH}?done=created")

    @bp.route("account/organizations/leave", methods=["POST"])
    @pages.form(account_organizations)
    async def account_organization_leave(request: SignedInRequest) -> func.HttpResponse:
        org = parse_org(request.form.text("org"))
        await registry.organizations.remove_member(org, request.account, by=request.principal)
        return see_other(f"{ORGANIZATIONS_PATH}?done=left")

    @bp.route("account/organizations/appear", methods=["POST"])
    @pages.form(account_organizations)
    async def account_organization_appear(request: SignedInRequest) -> func.HttpResponse:
        org, by = parse_org(request.form.text("org")), request.principal
        if request.form.text("to") == VISIBLE_TO_EVERYBODY:
            await registry.organizations.show_membership(org, by=by)
        else:
            await registry.organizations.hide_membership(org, by=by)
        done = (
            VISIBLE_TO_EVERYBODY if request.form.text("to") == VISIBLE_TO_EVERYBODY else "members"
        )
        return see_other(f"/orgs/{org}/people?done={done}")


async def account_organizations(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    organizations = await request.registry.organizations.list_own(by=request.principal)
    pager = Pager.of(len(organizations), ORGANIZATIONS_PER_PAGE, ORGANIZATIONS_PATH, request.query)
    return request.show(
        "account/organizations.html",
        problem,
        organizations=pager.slice(organizations),
        pager=pager,
        name=request.form.text("name"),
        leaving=request.form.text("org"),
        done=request.done(ORGANIZATION_DONE_MESSAGES),
    )


def _add_invitations(bp: func.Blueprint, registry: Registry) -> None:
    pages = SignedInPages(registry)
    bp.route("account/invitations", methods=READ_METHODS)(pages.page(account_invitations))
    bp.route("account/invitations/{code}", methods=READ_METHODS)(pages.page(account_invitation))

    @bp.route("account/invitations", methods=["POST"])
    @pages.form(account_invitations)
    async def account_invitations_answer(request: SignedInRequest) -> func.HttpResponse:
        form, by = request.form, request.principal
        org, invitation_id = parse_org(form.text("org")), form.text("invitation")
        if form.text("decision") == _ACCEPT:
            await registry.invitations.accept_opened(org, invitation_id, by=by)
            return see_other(f"{ORGANIZATIONS_PATH}?done=joined")
        await registry.invitations.decline_opened(org, invitation_id, by=by)
        return see_other(f"{INVITATIONS_PATH}?done=declined")

    @bp.route("account/invitations/{code}", methods=["POST"])
    @pages.form(account_invitation)
    async def account_invitation_answer(request: SignedInRequest) -> func.HttpResponse:
        code, by = request.route["code"], request.principal
        if request.form.text("decision") == _ACCEPT:
            await registry.invitations.accept(code, by=by)
            return see_other(f"{ORGANIZATIONS_PATH}?done=joined")
        await registry.invitations.decline(code, by=by)
        return see_other(f"{INVITATIONS_PATH}?done=declined")


async def account_invitations(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    invitations = await request.registry.invitations.list_opened(by=request.principal)
    done = request.done(INVITATION_DONE_MESSAGES)
    return request.show("account/invitations.html", problem, invitations=invitations, done=done)


async def account_invitation(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    code = request.route["code"]
    opened = await request.registry.invitations.open(code, by=request.principal)
    return request.show("account/invitation.html", problem, opened=opened, code=code)
