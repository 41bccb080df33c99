"""/account/organizations and the link of an invitation: memberships, new organizations."""

from functions.account.overview import ORGANIZATIONS_PATH
from functions.http.pages import UNAUTHORIZED, see_other
from functions.http.pagination import Pager
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages, sign_in_page
from shared.auth.authentication import RequestClient
from shared.domain.errors.base import Conflict, about_field
from shared.domain.errors.identity import InvitationNotFound
from shared.domain.names import parse_org
from shared.runtime.answers import Answer

ORGANIZATIONS_PER_PAGE = 25  # A screen or two.


class InvitationPages(SignedInPages):
    """The page of an invitation, which tells those who are not signed in what they are invited
    to: whoever has the link may know."""

    async def signed_out(self, call: SignedInCall) -> Answer:
        registry, code = call.registry, call.route_params["code"]
        try:
            opened = await registry.organizations.invitations.peek(code)
        except InvitationNotFound:
            client = RequestClient.of(call.headers, registry.settings.proxies)
            await registry.limits.rate_limiter.count_failure(client.address, code)
            return await super().signed_out(call)
        return sign_in_page(call, status=UNAUTHORIZED, invitation=opened)


pages = SignedInPages()
invitation_pages = InvitationPages()


@pages.read("account/organizations")
async def account_organizations(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    organizations = await call.registry.organizations.memberships.list_own(by=call.caller)
    pager = Pager.of(len(organizations), ORGANIZATIONS_PER_PAGE, ORGANIZATIONS_PATH, call.params)
    return call.show(
        "account/organizations.html",
        problem,
        organizations=pager.slice(organizations),
        pager=pager,
        name=call.form.text("name"),
        leaving=call.form.text("org"),
    )


@invitation_pages.read("account/invitations/{code}")
async def account_invitation(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    code = call.route_params["code"]
    opened = await call.registry.organizations.invitations.show(code, by=call.caller)
    return call.show("account/invitation.html", problem, opened=opened, code=code)


@pages.form(
    "account/organizations",
    account_organizations,
    done="Organization created. Open it to invite members and add trusted publishers.",
)
async def account_organization_found(call: SignedInCall) -> None:
    organizations = call.registry.organizations.organizations
    with about_field("name", Conflict):
        org = parse_org(call.form.text("name"))
        await organizations.create(org, call.account, by=call.caller)


@pages.form("account/organizations/leave", account_organizations, done="You left the organization.")
async def account_organization_leave(call: SignedInCall) -> None:
    org = parse_org(call.form.text("org"))
    await call.registry.organizations.memberships.remove_member(org, call.account, by=call.caller)


@invitation_pages.form(
    "account/invitations/{code}",
    account_invitation,
    done={
        "joined": "Invitation accepted. You are now a member of the organization.",
        "declined": "Invitation declined.",
    },
)
async def account_invitation_answer(call: SignedInCall) -> Answer:
    invitations = call.registry.organizations.invitations
    accepts = call.form.text("decision") == "accept"
    answer = invitations.accept if accepts else invitations.decline
    await answer(call.route_params["code"], by=call.caller)
    return see_other(f"{ORGANIZATIONS_PATH}?done={'joined' if accepts else 'declined'}")


FACES = (pages, invitation_pages)
