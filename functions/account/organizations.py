"""/account/organizations and /account/invitations: memberships, new organizations, invitations."""

from functions.account.overview import ORGANIZATIONS_PATH
from functions.http.pages import UNAUTHORIZED, see_other
from functions.http.pagination import Pager
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages, sign_in_page
from shared.auth.authentication import RequestClient
from shared.domain.errors.base import Conflict, about_field
from shared.domain.errors.identity import InvitationNotFound
from shared.domain.names import parse_org
from shared.runtime.answers import Answer

INVITATIONS_PATH = "/account/invitations"
ORGANIZATIONS_PER_PAGE = 25  # A screen or two.
_ACCEPT = "accept"

ALSO_ELSEWHERE = "created-also-elsewhere"  # After a form, in place of its own message.
NAME_ALSO_ELSEWHERE = (
    "Organization created. An upstream registry has an organization of this name, too, or did not "
    "answer. Its packages cannot be pulled here, because the name belongs to this registry now. If "
    "you meant theirs, ask an administrator to move the name."
)


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


@pages.read("account/invitations")
async def account_invitations(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    invitations = await call.registry.organizations.invitations.list_opened(by=call.caller)
    return call.show("account/invitations.html", problem, invitations=invitations)


@invitation_pages.read("account/invitations/{code}")
async def account_invitation(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    code = call.route_params["code"]
    opened = await call.registry.organizations.invitations.open(code, by=call.caller)
    return call.show("account/invitation.html", problem, opened=opened, code=code)


@pages.form(
    "account/organizations",
    account_organizations,
    done={
        "created": "Organization created. Open it to invite members and add trusted publishers.",
        ALSO_ELSEWHERE: NAME_ALSO_ELSEWHERE,
    },
)
async def account_organization_found(call: SignedInCall) -> Answer:
    organizations = call.registry.organizations.organizations
    with about_field("name", Conflict):
        org = parse_org(call.form.text("name"))
        await organizations.create(org, call.account, by=call.caller)
    done = ALSO_ELSEWHERE if await organizations.name_warning(org) else "created"
    return see_other(f"{ORGANIZATIONS_PATH}?done={done}")


@pages.form("account/organizations/leave", account_organizations, done="You left the organization.")
async def account_organization_leave(call: SignedInCall) -> None:
    org = parse_org(call.form.text("org"))
    await call.registry.organizations.memberships.remove_member(org, call.account, by=call.caller)


@pages.form(
    "account/organizations/appear",
    account_organizations,
    done={
        "everybody": "Your membership is now public.",
        "members": "Your membership is now private.",
    },
)
async def account_organization_appear(call: SignedInCall) -> Answer:
    org, memberships = parse_org(call.form.text("org")), call.registry.organizations.memberships
    shown_to = "everybody" if call.form.text("to") == "everybody" else "members"
    change = memberships.show_membership if shown_to == "everybody" else memberships.hide_membership
    await change(org, by=call.caller)
    return see_other(f"/orgs/{org}/people?done={shown_to}")


INVITATION_DONE = {
    "joined": "Invitation accepted. You are now a member of the organization.",
    "declined": "Invitation declined.",
}


def _answered(call: SignedInCall) -> Answer:
    if call.form.text("decision") == _ACCEPT:
        return see_other(f"{ORGANIZATIONS_PATH}?done=joined")
    return see_other(f"{INVITATIONS_PATH}?done=declined")


@pages.form("account/invitations", account_invitations, done=INVITATION_DONE)
async def account_invitations_answer(call: SignedInCall) -> Answer:
    org, invitations = parse_org(call.form.text("org")), call.registry.organizations.invitations
    accepts = call.form.text("decision") == _ACCEPT
    answer = invitations.accept_opened if accepts else invitations.decline_opened
    await answer(org, call.form.text("invitation"), by=call.caller)
    return _answered(call)


@invitation_pages.form("account/invitations/{code}", account_invitation, done=INVITATION_DONE)
async def account_invitation_answer(call: SignedInCall) -> Answer:
    invitations, accepts = call.registry.organizations.invitations, call.form.text("decision")
    answer = invitations.accept if accepts == _ACCEPT else invitations.decline
    await answer(call.route_params["code"], by=call.caller)
    return _answered(call)


FACES = (pages, invitation_pages)
