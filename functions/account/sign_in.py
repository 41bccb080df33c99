"""/sign-in/… and /sign-out: with an identity provider or by a link, and out again."""

import json

from functions.http.calls import verify_credential
from functions.http.pages import PageCall, Pages, see_other, visitor_of
from functions.http.requests import form_of, is_form
from functions.http.signed_in_pages import remembered_page, return_page, sign_in_page
from shared.auth.authentication import RequestClient
from shared.auth.sessions import SignInBrowser
from shared.domain.accounts import Account
from shared.domain.client_addresses import caller_network
from shared.domain.errors.base import Invalid
from shared.domain.errors.identity import sign_in_expired
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.sign_in import SignInPurpose
from shared.runtime.answers import Answer
from shared.services.identity.sign_in import SignInRequest


class SignInPages(Pages[PageCall]):
    """Pages of those who are not signed in yet; each request is a line in the log."""

    call_type = PageCall
    records_reads = True


pages = SignInPages()
FACES = (pages,)


@pages.read("sign-in", stays_public=True)
async def sign_in_page_shown(call: PageCall) -> Answer:
    await _identify(call)
    purpose = purpose_of(call)
    if call.caller.is_anonymous:
        return sign_in_page(call)
    if purpose is SignInPurpose.ENTER:
        return see_other(return_page(call))
    account = (await call.registry.identity.accounts.profile(call.caller)).account
    call.visitor = visitor_of(account, call.caller, call.registry)
    return sign_in_page(call, purpose)


@pages.read("sign-in/{provider}", ["GET"], stays_public=True)
async def sign_in_begin(call: PageCall) -> Answer:
    browser = browser_of(call, _browser_name(call))
    await _count(call, browser)
    await _identify(call)
    sign_in = SignInRequest(purpose_of(call), return_page(call), call.caller)
    if sign_in.purpose is not SignInPurpose.ENTER:
        _check_ticket(call, sign_in)
    begin, provider = call.registry.identity.sign_in_flow.begin, call.route_params["provider"]
    return see_other(await begin(provider, sign_in, browser))


def _check_ticket(call: PageCall, sign_in: SignInRequest) -> None:
    ticket, authentication = (
        call.params.get("ticket", ""),
        call.registry.identity.session_authentication,
    )
    if not authentication.is_ticket_valid(sign_in.by, sign_in.purpose, ticket):
        raise sign_in_expired()


@pages.change("sign-in/callback/{provider}", ["GET", "POST"], stays_public=True)
async def sign_in_callback(call: PageCall) -> Answer:
    browser = browser_of(call, call.registry.identity.browsers.name(call.headers))
    provider, answered = call.route_params["provider"], _provider_answer(call)
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


@pages.read("sign-in/link/{code}", stays_public=True)
async def sign_in_link_page(call: PageCall) -> Answer:
    """Show a button, since programs that preview links would use the link up."""
    browsers, code = call.registry.identity.browsers, call.route_params["code"]
    await browsers.ready()
    account = await _link_account(call, browser_of(call, browsers.name(call.headers)))
    csrf = browsers.csrf_token(_browser_name(call))
    return call.page("sign_in_link.html", account=account.name, code=code, csrf=csrf)


async def _link_account(call: PageCall, browser: SignInBrowser) -> Account:
    await _count(call, browser)
    peek, code = call.registry.identity.sign_in_links.peek, call.route_params["code"]
    account_id = await verify_credential(
        lambda: peek(code), code, call.registry, address=browser.address
    )
    return await call.registry.identity.accounts.by_id(account_id)


@pages.change("sign-in/link/{code}", stays_public=True)
async def sign_in_link_used(call: PageCall) -> Answer:
    registry, code = call.registry, call.route_params["code"]
    browser = browser_of(call, registry.identity.browsers.name(call.headers))
    await registry.identity.browsers.ready()
    if not registry.identity.browsers.is_csrf_token_valid(browser.name, form_of(call).text("csrf")):
        raise _form_of_another_page()
    enter = registry.identity.sign_in_flow.finish_link
    call.cookies += await verify_credential(
        lambda: enter(code, browser), code, registry, address=browser.address
    )
    return see_other(remembered_page(call))


@pages.change("sign-out", stays_public=True)
async def sign_in_out(call: PageCall) -> Answer:
    await _identify(call)
    authentication = call.registry.identity.session_authentication
    if not call.caller.is_anonymous:
        if not authentication.is_csrf_token_valid(call.caller, form_of(call).text("csrf")):
            raise _form_of_another_page()
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


def _browser_name(call: PageCall) -> str:
    """Return the name of the browser, which the answer gives it if it has none."""
    name, cookie = call.registry.identity.browsers.name_or_create(call.headers)
    call.cookies.append(cookie)
    return name


def browser_of(call: PageCall, name: str) -> SignInBrowser:
    client = RequestClient.of(call.headers, call.registry.settings.proxies)
    known = call.registry.identity.known_browsers.read(call.headers)
    return SignInBrowser(client.address, client.agent, name, known)


def _form_of_another_page() -> Invalid:
    return Invalid(
        "form-of-another-page",
        "This form is not from a page of this browser, or the page was open for too long. Reload "
        "the page, and allow cookies of this registry.",
    )
