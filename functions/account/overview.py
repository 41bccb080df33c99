"""/account: the account's first page, the settings of `bal`, everything that is stored about a
person, and account deletion; /dashboard, which Ballerina's documentation names."""

from collections.abc import Sequence

from msgspec import Struct

from functions.account.personal_data import personal_data_answer
from functions.html.pages import PAGE_HEADERS, see_other
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName
from shared.domain.scopes import Role
from shared.runtime.answers import Answer
from shared.services.organizations.memberships import OrganizationMembership

ACCOUNT_PATH = "/account"
TOKENS_PATH = f"{ACCOUNT_PATH}/tokens"
ORGANIZATIONS_PATH = f"{ACCOUNT_PATH}/organizations"

# Where the tabs of Central's dashboard are here, which Ballerina's documentation links to.
_DASHBOARD_TABS = {"token": TOKENS_PATH, "tokens": TOKENS_PATH, "organizations": ORGANIZATIONS_PATH}
_TOML = "application/toml"
# Organizations that are searched for waiting releases; each costs some reads.
ORGANIZATIONS_LOOKED_AT = 3


pages = SignedInPages()
FACES = (pages,)


@pages.read("account/settings.toml")
async def account_settings(call: SignedInCall) -> Answer:
    text = call.registry.client_settings(call.account.name)
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
    return Answer(text.encode(), headers=headers, media_type=_TOML)


# Visitors who are not signed in are redirected to a page where they sign in.
@pages.read("dashboard", ignores_credentials=True)
async def account_dashboard(call: SignedInCall) -> Answer:
    return see_other(_DASHBOARD_TABS.get(call.params.get("tab", ""), ACCOUNT_PATH))


@pages.read("account")
async def account_page(call: SignedInCall) -> Answer:
    registry = call.registry
    by = call.caller
    # One after the other, so that the order of the calls tells nothing of what there is.
    organizations = await registry.organizations.memberships.list_own(by=by)
    tokens = await registry.tokens.access_tokens.list(by.id, by=by)
    waiting = await _waiting(call, organizations)
    roles = registry.administration.group_rules.roles_by_groups
    now_ms = call.now_ms
    by_groups = await roles.ends_of(call.account)
    return call.show(
        "account/overview.html",
        account=call.account,
        organizations=organizations,
        tokens=tokens,
        waiting=waiting,
        ending=(*by_groups.ended_at(now_ms), *by_groups.ending_within(now_ms, roles.notice)),
        expiring=[each.token for each in tokens if each.token.expires_soon(call.now_ms)],
        url=registry.settings.base_url,
        settings=registry.client_settings(call.account.name),
    )


class WaitingReleases(Struct, frozen=True):
    """The organizations of an owner with releases that wait, and how many; and those in which more
    may wait, because not all of their packages were looked at. One may be in both."""

    counts: Sequence[tuple[str, int]]
    others: Sequence[str]


async def _waiting(
    call: SignedInCall, organizations: Sequence[OrganizationMembership]
) -> WaitingReleases:
    """Look at the first organizations, and of those at the first packages, since the page of each
    has all."""
    owned = [each.organization.name for each in organizations if each.role is Role.OWNER]
    counts: list[tuple[str, int]] = []
    others: list[str] = []
    for name in owned[:ORGANIZATIONS_LOOKED_AT]:
        held_releases = call.registry.publishing.held_releases
        page = await held_releases.page(OrgName(name), by=call.caller)
        if page.releases:
            counts.append((name, len(page.releases)))
        if page.next:
            others.append(name)
    return WaitingReleases(counts, [*others, *owned[ORGANIZATIONS_LOOKED_AT:]])


@pages.read("account/data.json")
async def account_data_export(call: SignedInCall) -> Answer:
    data = await call.registry.administration.account_deletion.export(by=call.caller)
    return personal_data_answer(data, call.caller)


@pages.read("account/data")
async def account_data(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    typed = call.form.text("name")
    return call.show(
        "account/data.html",
        problem,
        account=call.account,
        typed=typed,
        erasure=await call.registry.administration.account_erasures.pending(call.account.id),
    )


@pages.form("account/delete", account_data, requires_recent_sign_in=True)
async def account_delete(call: SignedInCall) -> Answer:
    name = call.account.name
    if call.form.text("name") != name:
        message = f"To delete your account, type its name, {name}, exactly as shown."
        with about_field("name"):
            raise InvalidRequest(message)
    for session in await call.registry.administration.account_deletion.delete(by=call.caller):
        call.registry.identity.session_authentication.invalidate(session)
    call.cookies.append(call.registry.identity.session_authentication.expired_cookie())
    sentence = f"The account {name} was deleted. Nobody can use its name again."
    return call.message("Account deleted", sentence, "Releases that you published stay.")


@pages.form("account/keep", account_data, done="The erasure was canceled. Your account stays.")
async def account_keep(call: SignedInCall) -> None:
    await call.registry.administration.account_erasures.cancel(call.account, by=call.caller)
