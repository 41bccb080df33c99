"""/sign-in/… and /sign-out: with a provider of identities or by a link, and out again."""

import json

import azure.functions as func

from functions._forms import form_of, is_form
from functions._http import arrived, headers_of, proven
from functions._pages import pages_of, render, see_other
from functions._sign_in import Again, arrival_of, purpose_of, sign_in_page, wanted_page
from functions._visitors import visitor_of
from shared.auth.browsers import Arrival
from shared.auth.client import Client
from shared.auth.cookies import leave
from shared.domain.accounts import Account
from shared.domain.addresses import neighbourhood
from shared.domain.identity import Principal
from shared.domain.rates import Keys, OperationClass
from shared.domain.return_paths import HOME
from shared.domain.sign_in_errors import FormOfAnotherPage, SignInExpired
from shared.domain.sign_ins import Purpose
from shared.registry import Registry
from shared.services.signing_in import Errand


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of signing in and out."""
    bp, page = func.Blueprint(), pages_of(registry)

    @bp.route("sign-in", methods=["GET", "HEAD"])
    @page
    async def sign_in_page_shown(req: func.HttpRequest) -> func.HttpResponse:
        return await _offers(req, registry)

    @bp.route("sign-in/{provider}", methods=["GET"])
    @page
    async def sign_in_begin(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(await _begun(req, registry))

    @bp.route("sign-in/callback/{provider}", methods=["GET", "POST"])
    @page
    async def sign_in_callback(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(await _finished(req, registry))

    @bp.route("sign-in/link/{code}", methods=["GET", "HEAD"])
    @page
    async def sign_in_link_page(req: func.HttpRequest) -> func.HttpResponse:
        return await _link_shown(req, registry)

    @bp.route("sign-in/link/{code}", methods=["POST"])
    @page
    async def sign_in_link_used(req: func.HttpRequest) -> func.HttpResponse:
        await _link_used(req, registry)
        return see_other(HOME)

    @bp.route("sign-out", methods=["POST"])
    @page
    async def sign_in_out(req: func.HttpRequest) -> func.HttpResponse:
        await _signed_out(req, registry)
        return see_other("/sign-in")

    return bp


async def _offers(req: func.HttpRequest, registry: Registry) -> func.HttpResponse:
    caller = await _caller(req, registry)
    purpose = purpose_of(req)
    if caller.is_anonymous:
        return sign_in_page(req, registry)
    if purpose is Purpose.ENTER:
        return see_other(wanted_page(req))
    account = (await registry.accounts.profile(caller)).account
    visitor = visitor_of(account, caller, registry)
    return sign_in_page(req, registry, Again(purpose, caller, visitor))


async def _begun(req: func.HttpRequest, registry: Registry) -> str:
    browser = registry.sign_in.browsers.named(headers_of(req))
    arrival = arrival_of(req, registry, browser)
    await _counted(arrival, registry)
    errand = Errand(purpose_of(req), wanted_page(req), await _caller(req, registry))
    if errand.purpose is not Purpose.ENTER:
        _check_ticket(req, registry, errand)
    return await registry.sign_in.signing_in.begin(req.route_params["provider"], errand, arrival)


async def _finished(req: func.HttpRequest, registry: Registry) -> str:
    arrival = arrival_of(req, registry, registry.sign_in.browsers.known(headers_of(req)))
    provider, answer = req.route_params["provider"], _answer(req)
    finish = registry.sign_in.signing_in.finish
    return await proven(
        lambda: finish(provider, answer, arrival),
        json.dumps(answer),
        registry,
        address=arrival.address,
    )


def _check_ticket(req: func.HttpRequest, registry: Registry, errand: Errand) -> None:
    ticket = req.params.get("ticket", "")
    if not registry.sessions.ticket_fits(errand.by, errand.purpose, ticket):
        raise SignInExpired


def _answer(req: func.HttpRequest) -> dict[str, str]:
    """Return what a provider answers, in the address or in a form."""
    if req.method == "POST" and is_form(req):
        form = form_of(req)
        return {name: form.text(name) for name in form.values}
    return dict(req.params)


async def _link_shown(req: func.HttpRequest, registry: Registry) -> func.HttpResponse:
    """Show a button, since programs that preview a link open it as well."""
    browsers = registry.sign_in.browsers
    await browsers.ready()
    arrival = arrival_of(req, registry, browsers.known(headers_of(req)))
    account = await _linked(req, registry, arrival)
    csrf = browsers.csrf(browsers.named(headers_of(req)))
    code = req.route_params["code"]
    return render("sign_in_link.html", account=account.name, code=code, csrf=csrf)


async def _linked(req: func.HttpRequest, registry: Registry, arrival: Arrival) -> Account:
    await _counted(arrival, registry)
    look, code = registry.sign_in_links.look, req.route_params["code"]
    account_id = await proven(lambda: look(code), code, registry, address=arrival.address)
    return await registry.accounts.with_id(account_id)


async def _link_used(req: func.HttpRequest, registry: Registry) -> None:
    browser = registry.sign_in.browsers.known(headers_of(req))
    arrival = arrival_of(req, registry, browser)
    await registry.sign_in.browsers.ready()
    if not registry.sign_in.browsers.csrf_fits(browser, form_of(req).text("csrf")):
        raise FormOfAnotherPage
    enter, code = registry.sign_in.signing_in.by_link, req.route_params["code"]
    await proven(lambda: enter(code, arrival), code, registry, address=arrival.address)


async def _signed_out(req: func.HttpRequest, registry: Registry) -> None:
    caller = await _caller(req, registry)
    if not caller.is_anonymous:
        if not registry.sessions.csrf_fits(caller, form_of(req).text("csrf")):
            raise FormOfAnotherPage
        session = await registry.sign_in.signing_out.sign_out(by=caller)
        if session is not None:
            registry.sessions.forget(session)
    if registry.sessions.may_be_forgotten(headers_of(req)):
        leave(registry.sessions.farewell())


async def _counted(arrival: Arrival, registry: Registry) -> None:
    keys = Keys(address=neighbourhood(arrival.address))
    await registry.limiting.check(OperationClass.SIGN_IN, keys)


async def _caller(req: func.HttpRequest, registry: Registry) -> Principal:
    headers = headers_of(req)
    session = await registry.sessions.recognize(headers)
    return arrived(session, Client.of(headers, registry.settings.proxies), registry)
