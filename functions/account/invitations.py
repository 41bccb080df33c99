"""/account/invitations: the page of an invitation, whose code is the fragment of its link."""

from http import HTTPStatus

from functions.account.overview import ORGANIZATIONS_PATH
from functions.html.anonymous_forms import browser_csrf_token, browser_form
from functions.html.pages import RefusalPage, see_other
from functions.html.signed_in_pages import (
    SIGN_IN_COOKIE_LIFETIME,
    FormProblem,
    SignedInCall,
    SignedInPages,
    sign_in_page,
)
from functions.http.operations import READ_METHODS
from shared.auth.authentication import RequestClient
from shared.auth.cookies import Cookie
from shared.domain.errors.base import NotFound, about_field
from shared.domain.errors.identity import InvitationNotFound
from shared.domain.one_time_links import INVITATION_PATH, code_of
from shared.registry import Registry
from shared.runtime.answers import Answer
from shared.services.organizations.invitations import InvitationDetails

FIELD = "code"
CODE_TEMPLATE = "account/invitation_code.html"


class InvitationPages(SignedInPages):
    """The page of an invitation, which tells those who are not signed in what they are invited
    to: whoever has the code may know. The browser keeps the code until they are."""

    async def signed_out(self, call: SignedInCall) -> Answer:
        cookie = _code_cookie(call.registry)
        if call.method in READ_METHODS:
            code = cookie.read(call.headers)
        else:
            code = code_of((await browser_form(call)).text(FIELD))
        if not code:
            return await _code_page(call)
        try:
            opened = await _opened(call, code)
        except InvitationNotFound as refusal:
            client = RequestClient.of(call.headers, call.registry.settings.proxies)
            await call.registry.limits.rate_limiter.count_failure(client.address, code)
            _forget_code(call)
            values = {"csrf": await browser_csrf_token(call), "problem": FormProblem.of(refusal)}
            call.refusal_page = RefusalPage(CODE_TEMPLATE, values)
            raise
        call.cookies.append(cookie.set(code, SIGN_IN_COOKIE_LIFETIME))
        return sign_in_page(
            call, status=HTTPStatus.UNAUTHORIZED, invitation=opened, to=INVITATION_PATH
        )


pages = InvitationPages()
FACES = (pages,)


@pages.read("account/invitations", serves_anonymous_always=True)
async def account_invitation(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    code = code_of(call.form.text(FIELD)) or _code_cookie(call.registry).read(call.headers)
    _forget_code(call)
    if not code:
        return await _code_page(call, problem)
    try:
        opened = await _opened(call, code)
    except InvitationNotFound as refusal:
        return await _code_page(call, FormProblem.of(refusal))
    return call.show("account/invitation.html", problem, opened=opened, code=code)


@pages.form(
    "account/invitations",
    account_invitation,
    done={
        "joined": "Invitation accepted. You are now a member of the organization.",
        "declined": "Invitation declined.",
    },
    serves_anonymous_always=True,
)
async def account_invitation_answer(call: SignedInCall) -> Answer:
    """Show the invitation with the code, and end it by a decision."""
    invitations = call.registry.organizations.invitations
    code = code_of(call.form.text(FIELD))
    match call.form.text("decision"):
        case "accept":
            await invitations.accept(code, by=call.caller)
            return see_other(f"{ORGANIZATIONS_PATH}?done=joined")
        case "decline":
            await invitations.decline(code, by=call.caller)
            return see_other(f"{ORGANIZATIONS_PATH}?done=declined")
        case _:
            return await account_invitation(call)


async def _opened(call: SignedInCall, code: str) -> InvitationDetails:
    with about_field(FIELD, NotFound):
        return await call.registry.organizations.invitations.peek(code)


async def _code_page(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    """Return the page with the field for the code."""
    csrf = call.visitor.csrf if call.visitor else await browser_csrf_token(call)
    return call.show(CODE_TEMPLATE, problem, csrf=csrf)


def _code_cookie(registry: Registry) -> Cookie:
    """Return the cookie with the code of an invitation that somebody opened before the sign-in."""
    return Cookie.named("ballroom-invitation", registry.settings.base_url)


def _forget_code(call: SignedInCall) -> None:
    cookie = _code_cookie(call.registry)
    if cookie.read(call.headers):
        call.cookies.append(cookie.delete())
