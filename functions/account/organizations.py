"""/account/organizations: memberships, new organizations."""

from functions.account.overview import ORGANIZATIONS_PATH
from functions.http.pagination import Pager
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.base import Conflict, about_field
from shared.domain.names import parse_org
from shared.runtime.answers import Answer

ORGANIZATIONS_PER_PAGE = 25  # A screen or two.


pages = SignedInPages()
FACES = (pages,)


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
