"""/sign-in/… and /sign-out: with an identity provider or by a link, and out again."""

import json

import azure.functions as func

from functions.http.callers import identified_caller, verify_credential
from functions.http.pages import page_decorator, render_page, see_other
from functions.http.requests import READ_METHODS, form_of, headers_of, is_form
from functions.http.signed_in_pages import Reauthentication, return_page, sign_in_page, visitor_of
from shared.auth.authentication import RequestClient
from shared.auth.cookies import SignInBrowser, send_cookie
from shared.composition import Registry
from shared.domain.accounts import Account
from shared.domain.addresses import caller_network
from shared.domain.errors.identity import FormOfAnotherPage, SignInExpired
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.sign_in import HOME_PATH, SignInPurpose
from shared.services.sign_in import SignInRequest


def blueprint(registry: Registry) -> func.Blueprint:
    bp, page = func.Blueprint(), page_decorator(registry)

    @bp.route("sign-in", methods=READ_METHODS)
    @page
    async def sign_in_page_shown(req: func.HttpRequest) -> func.HttpResponse:
        return await _sign_in_page(req, registry)

    @bp.route("sign-in/{provider}", methods=["GET"])
    @page
    async def sign_in_begin(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(await _begin(req, registry))

    @bp.route("sign-in/callback/{provider}", methods=["GET", "POST"])
    @page
    async def sign_in_callback(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(await _finish(req, registry))

    @bp.route("sign-in/link/{code}", methods=READ_METHODS)
    @page
    async def sign_in_link_page(req: func.HttpRequest) -> func.HttpResponse:
        return await _show_link(req, registry)

    @bp.route("sign-in/link/{code}", methods=["POST"])
    @page
    async def sign_in_link_used(req: func.HttpRequest) -> func.HttpResponse:
        await _use_link(req, registry)
        return see_other(HOME_PATH)

    @bp.route("sign-out", methods=["POST"])
    @page
    async def sign_in_out(req: func.HttpRequest) -> func.HttpResponse:
        await _sign_out(req, registry)
        return see_other("/sign-in")

    return bp


async def _sign_in_page(req: func.HttpRequest, registry: Registry) -> func.HttpResponse:
    caller = await _caller(req, registry)
    purpose = purpose_of(req)
    if caller.is_anonymous:
        return sign_in_page(req, registry)
    if purpose is SignInPurpose.ENTER:
        return see_other(return_page(req))
    account = (await registry.accounts.profile(caller)).account
    visitor = visitor_of(account, caller, registry)
    return sign_in_page(req, registry, Reauthentication(purpose, caller, visitor))


async def _begin(req: func.HttpRequest, registry: Registry) -> str:
    name = registry.browsers.name_or_create(headers_of(req))
    browser = browser_of(req, registry, name)
    await _check_rate_limit(browser, registry)
    sign_in = SignInRequest(purpose_of(req), return_page(req), await _caller(req, registry))
    if sign_in.purpose is not SignInPurpose.ENTER:
        _check_ticket(req, registry, sign_in)
    return await registry.sign_in_flow.begin(req.route_params["provider"], sign_in, browser)


async def _finish(req: func.HttpRequest, registry: Registry) -> str:
    browser = browser_of(req, registry, registry.browsers.name(headers_of(req)))
    provider, answer = req.route_params["provider"], _provider_response(req)
    finish = registry.sign_in_flow.finish
    return await verify_credential(
        lambda: finish(provider, answer, browser),
        json.dumps(answer),
        registry,
        address=browser.address,
    )


def _check_ticket(req: func.HttpRequest, registry: Registry, sign_in: SignInRequest) -> None:
    ticket = req.params.get("ticket", "")
    if not registry.session_authentication.is_ticket_valid(sign_in.by, sign_in.purpose, ticket):
        raise SignInExpired


def _provider_response(req: func.HttpRequest) -> dict[str, str]:
    """Return the parameters of the provider's response, from the query or from a form."""
    if req.method == "POST" and is_form(req):
        form = form_of(req)
        return {name: form.text(name) for name in form.values}
    return dict(req.params)


async def _show_link(req: func.HttpRequest, registry: Registry) -> func.HttpResponse:
    """Show a button, since programs that preview links would use the link up."""
    browsers = registry.browsers
    await browsers.ready()
    browser = browser_of(req, registry, browsers.name(headers_of(req)))
    account = await _link_account(req, registry, browser)
    csrf = browsers.csrf_token(browsers.name_or_create(headers_of(req)))
    code = req.route_params["code"]
    return render_page("sign_in_link.html", account=account.name, code=code, csrf=csrf)


async def _link_account(
    req: func.HttpRequest, registry: Registry, browser: SignInBrowser
) -> Account:
    await _check_rate_limit(browser, registry)
    peek, code = registry.sign_in_links.peek, req.route_params["code"]
    account_id = await verify_credential(
        lambda: peek(code), code, registry, address=browser.address
    )
    return await registry.accounts.by_id(account_id)


async def _use_link(req: func.HttpRequest, registry: Registry) -> None:
    name = registry.browsers.name(headers_of(req))
    browser = browser_of(req, registry, name)
    await registry.browsers.ready()
    if not registry.browsers.is_csrf_token_valid(name, form_of(req).text("csrf")):
        raise FormOfAnotherPage
    enter, code = registry.sign_in_flow.finish_link, req.route_params["code"]
    await verify_credential(lambda: enter(code, browser), code, registry, address=browser.address)


async def _sign_out(req: func.HttpRequest, registry: Registry) -> None:
    caller = await _caller(req, registry)
    if not caller.is_anonymous:
        if not registry.session_authentication.is_csrf_token_valid(
            caller, form_of(req).text("csrf")
        ):
            raise FormOfAnotherPage
        session = await registry.sessions.sign_out(by=caller)
        if session is not None:
            registry.session_authentication.invalidate(session)
    if registry.session_authentication.should_delete_cookie(headers_of(req)):
        send_cookie(registry.session_authentication.expired_cookie())


async def _check_rate_limit(browser: SignInBrowser, registry: Registry) -> None:
    keys = RateLimitKeys(address=caller_network(browser.address))
    await registry.rate_limiter.check(RateLimitClass.SIGN_IN, keys)


async def _caller(req: func.HttpRequest, registry: Registry) -> Principal:
    headers = headers_of(req)
    session = await registry.session_authentication.recognize(headers)
    return identified_caller(
        session, RequestClient.of(headers, registry.settings.proxies), registry
    )


def purpose_of(req: func.HttpRequest) -> SignInPurpose:
    """Return the purpose of the sign-in; unknown values mean `ENTER`."""
    asked = req.params.get("for", "")
    known = {each.value: each for each in SignInPurpose}
    return known.get(asked, SignInPurpose.ENTER)


def browser_of(req: func.HttpRequest, registry: Registry, name: str) -> SignInBrowser:
    headers = headers_of(req)
    client = RequestClient.of(headers, registry.settings.proxies)
    device = registry.known_browsers.read(headers)
    return SignInBrowser(client.address, client.agent, name, device)
