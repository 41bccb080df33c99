"""/account/organizations: memberships, new organizations."""

from functions.account.overview import ORGANIZATIONS_PATH
from functions.html.numbered_pages import Pager
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.accounts import Account
from shared.domain.names import parse_org
from shared.runtime.answers import Answer
from shared.use_cases import organizations
from shared.use_cases.inputs import shown_fields

ORGANIZATIONS_PER_PAGE = 25  # A screen or two.

pages = SignedInPages()
FACES = (pages,)


@pages.read("account/organizations")
async def account_organizations(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    own = await call.registry.organizations.memberships.list_own(by=call.caller)
    pager = Pager.of(len(own), ORGANIZATIONS_PER_PAGE, ORGANIZATIONS_PATH, call.params)
    return call.show(
        "account/organizations.html",
        problem,
        organizations=pager.slice(own),
        pager=pager,
        fields=shown_fields(organizations.NewOrganization),
        name=call.form.text("name"),
        leaving=call.form.text("org"),
    )


def _founder(call: SignedInCall) -> Account:
    return call.account


pages.use_case(
    organizations.create,
    "account/organizations",
    account_organizations,
    _founder,
    name="account_organization_found",
)


@pages.form("account/organizations/leave", account_organizations, done="You left the organization.")
async def account_organization_leave(call: SignedInCall) -> None:
    org = parse_org(call.form.text("org"))
    await call.registry.organizations.memberships.remove_member(org, call.account, by=call.caller)
