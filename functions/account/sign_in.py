"""/sign-in/… and /sign-out: with an identity provider or by a link, and out again."""

import json
from collections.abc import Awaitable, Callable
from functools import partial

from functions.html.anonymous_forms import (
    browser_csrf_token,
    browser_form,
    browser_name,
    form_of_another_page,
)
from functions.html.pages import PageCall, Pages, RefusalPage, see_other, visitor_of
from functions.html.signed_in_pages import FormProblem, remembered_page, return_page, sign_in_page
from functions.http.body_parsing import form_of, is_form
from functions.http.calls import VerifiedT, verify_credential
from shared.auth.authentication import RequestClient
from shared.auth.browsers import SignInBrowser
from shared.auth.identity_providers import PROVIDERS
from shared.domain.client_addresses import caller_network
from shared.domain.errors.base import Unauthenticated, about_field
from shared.domain.errors.identity import sign_in_expired
from shared.domain.one_time_links import code_of
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.sign_in import SignInPurpose
from shared.runtime.answers import Answer
from shared.services.identity.sign_in import SignInRequest


class SignInPages(Pages[PageCall]):
    """Pages of those who are not signed in yet; each request is a line in the log."""

    call_type = PageCall
    records_reads = True
    may_be_returned_to = False


pages = SignInPages()
FACES = (pages,)


@pages.read("sign-in", serves_anonymous_always=True)
async def sign_in_page_shown(call: PageCall) -> Answer:
    await _identify(call)
    purpose = purpose_of(call)
    if call.caller.is_anonymous:
        return sign_in_page(call)
    if purpose is SignInPurpose.ENTER:
        return see_other(return_page(call))
    account = (await call.registry.identity.accounts.profile(call.caller)).account
    call.visitor = visitor_of(account, call.caller, call.registry)
    again = purpose is SignInPurpose.AGAIN
    identities = await call.registry.identity.identities.of(by=call.caller) if again else ()
    return sign_in_page(call, purpose, has_links_alone=again and not identities)


async def _begin(provider: str, call: PageCall) -> Answer:
    browser = browser_of(call, browser_name(call))
    await _count(call, browser)
    await _identify(call)
    sign_in = SignInRequest(purpose_of(call), return_page(call), call.caller)
    if sign_in.purpose is not SignInPurpose.ENTER:
        _check_ticket(call, sign_in)
    begin = call.registry.identity.sign_in_flow.begin
    return see_other(await begin(provider, sign_in, browser))


# Each provider has its own route, because no route template may also match `sign-in/link`.
for _provider in PROVIDERS:
    _route = f"sign-in/{_provider}"
    _name = f"sign_in_begin_{_provider}"
    pages.read(_route, ["GET"], serves_anonymous_always=True, name=_name)(
        partial(_begin, _provider)
    )


def _check_ticket(call: PageCall, sign_in: SignInRequest) -> None:
    ticket = call.params.get("ticket", "")
    authentication = call.registry.identity.session_authentication
    if not authentication.is_ticket_valid(sign_in.by, sign_in.purpose, ticket):
        raise sign_in_expired()


@pages.change("sign-in/callback/{provider}", ["GET", "POST"], serves_anonymous_always=True)
async def sign_in_callback(call: PageCall) -> Answer:
    browser = browser_of(call, call.registry.identity.browsers.name(call.headers))
    provider = call.route_params["provider"]
    answered = _provider_answer(call)
    finish = call.registry.identity.sign_in_flow.finish
    finished = await verify_credential(
        lambda: finish(provider, answered, browser),
        json.dumps(answered),
        call.registry,
        address=browser.address,
    )
    call.cookies += finished.cookies
    return see_other(finished.to)


def _provider_answer(call: PageCall) -> dict[str, str]:
    """Return the parameters of the provider's answer, from the query or from a form."""
    if call.method == "POST" and is_form(call):
        form = form_of(call)
        return {name: form.text(name) for name in form.values}
    return dict(call.params)


@pages.read("sign-in/link", serves_anonymous_always=True)
async def sign_in_link_page(call: PageCall) -> Answer:
    """Show the field for the code, which the script fills in from the fragment and posts."""
    return call.page(_LINK_TEMPLATE, problem=None, csrf=await browser_csrf_token(call))


_LINK_TEMPLATE = "sign_in_link.html"


@pages.change("sign-in/link", serves_anonymous_always=True)
async def sign_in_link_used(call: PageCall) -> Answer:
    """Sign in with the code, or show whom it signs in.

    A posted page must not use the link up: programs that check links run the scripts of pages.
    """
    form = await browser_form(call)
    browser = browser_of(call, call.registry.identity.browsers.name(call.headers))
    code = code_of(form.text("code"))
    is_question = form.text("step") == "show"
    try:
        with about_field("code", Unauthenticated):
            if is_question:
                return await _link_account_page(call, code, browser)
            enter = call.registry.identity.sign_in_flow.finish_link
            call.cookies += await _verified(call, code, browser, partial(enter, code, browser))
    except Unauthenticated as refusal:
        values = {"csrf": await browser_csrf_token(call), "problem": FormProblem.of(refusal)}
        call.refusal_page = RefusalPage(_LINK_TEMPLATE, values)
        raise
    return see_other(remembered_page(call))


async def _link_account_page(call: PageCall, code: str, browser: SignInBrowser) -> Answer:
    await _count(call, browser)
    identity = call.registry.identity
    peek = partial(identity.sign_in_links.peek, code)
    account = await identity.accounts.by_id(await _verified(call, code, browser, peek))
    csrf = identity.browsers.csrf_token(browser.name)
    return call.page("sign_in_link_account.html", account=account.name, code=code, csrf=csrf)


async def _verified(
    call: PageCall, code: str, browser: SignInBrowser, verify: Callable[[], Awaitable[VerifiedT]]
) -> VerifiedT:
    return await verify_credential(verify, code, call.registry, address=browser.address)


@pages.change("sign-out", serves_anonymous_always=True)
async def sign_in_out(call: PageCall) -> Answer:
    await _identify(call)
    authentication = call.registry.identity.session_authentication
    if not call.caller.is_anonymous:
        if not authentication.is_csrf_token_valid(call.caller, form_of(call).text("csrf")):
            raise form_of_another_page()
        session = await call.registry.identity.sessions.sign_out(by=call.caller)
        if session is not None:
            authentication.invalidate(session)
    if authentication.should_delete_cookie(call.headers):
        call.cookies.append(authentication.expired_cookie())
    return see_other("/sign-in")


async def _count(call: PageCall, browser: SignInBrowser) -> None:
    keys = RateLimitKeys(address=caller_network(browser.address))
    await call.count(RateLimitClass.SIGN_IN, keys)


async def _identify(call: PageCall) -> None:
    """Identify the caller by the session of the browser, if there is one."""
    if not await call.identify_by_session():
        call.identify_as_anonymous()


def purpose_of(call: PageCall) -> SignInPurpose:
    """Return the purpose of the sign-in; unknown values mean `ENTER`."""
    asked = call.params.get("for", "")
    known = {each.value: each for each in SignInPurpose}
    return known.get(asked, SignInPurpose.ENTER)


def browser_of(call: PageCall, name: str) -> SignInBrowser:
    client = RequestClient.of(call.headers, call.registry.settings.proxies)
    known = call.registry.identity.known_browsers.read(call.headers)
    return SignInBrowser(client.address, client.agent, name, known)
