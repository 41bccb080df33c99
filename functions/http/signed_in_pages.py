"""Pages for signed-in people and the forms on them; everybody else gets the sign-in page."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import azure.functions as func

from functions.http.callers import identified_caller
from functions.http.handlers import STATUS_BY_KIND, Handler
from functions.http.pages import (
    UNAUTHORIZED,
    Visitor,
    page_decorator,
    render_page,
    set_current_visitor,
)
from functions.http.requests import Form, form_of, headers_of, path_of
from functions.http.responses import retry_headers
from shared.auth.authentication import RequestClient
from shared.composition import Registry
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import FormForeign, SignInAgain
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.sign_in import HOME_PATH, SignInPurpose, return_path


@dataclass(frozen=True, slots=True)
class FormProblem:
    """Why a form was refused, as its page shows it."""

    sentence: str
    status: int
    asks_to_sign_in: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])  # When to come again.

    @classmethod
    def of(cls, refusal: Refusal) -> "FormProblem":
        """Show a refusal."""
        is_stale = isinstance(refusal, SignInAgain)
        return cls(str(refusal), STATUS_BY_KIND[refusal.kind], is_stale, retry_headers(refusal))


@dataclass(frozen=True, slots=True)
class SignedInRequest:
    """A request of somebody signed in: who they are, and what they ask for.

    `path` is the address without its query. `form` is what they have sent, from a page of this
    session; empty where a page is asked for.
    """

    account: Account
    principal: Principal
    visitor: Visitor
    path: str
    route: Mapping[str, str]
    query: Mapping[str, str]
    form: Form

    def show(
        self, template: str, problem: FormProblem | None = None, **values: object
    ) -> func.HttpResponse:
        """Return a page of theirs; a problem gives it its status."""
        return render_page(
            template,
            status=problem.status if problem else 200,
            headers=problem.headers if problem else None,
            visitor=self.visitor,
            problem=problem,
            **values,
        )


SignedInPageHandler = Callable[[SignedInRequest], Awaitable[func.HttpResponse]]
RefusedFormHandler = Callable[[SignedInRequest, FormProblem], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class SignedInPages:
    """Makes Functions of pages that are somebody's own."""

    registry: Registry

    def page(self, page: SignedInPageHandler) -> Handler:
        """Show the page to whoever is signed in, and to everybody else how to."""
        return self._function(page, lambda _req, _by: Form())

    def form(self, again: RefusedFormHandler) -> Callable[[SignedInPageHandler], Handler]:
        """Return a decorator for what takes a form: a refusal is shown beside it, `again`.

        Raises `FormForeign` for a form that no page of the session has shown.
        """
        return lambda page: self._form(self._counted(page), again)

    def form_in_read_only_mode(
        self, again: RefusedFormHandler
    ) -> Callable[[SignedInPageHandler], Handler]:
        """Return a decorator as `form` does, for what works while no changes are taken as well."""
        return lambda page: self._form(page, again)

    def _counted(self, page: SignedInPageHandler) -> SignedInPageHandler:
        async def counted(visit: SignedInRequest) -> func.HttpResponse:
            await self.registry.rate_limiter.check(
                RateLimitClass.WRITE, RateLimitKeys.of(visit.principal)
            )
            return await page(visit)

        counted.__name__ = page.__name__
        return counted

    def _form(self, page: SignedInPageHandler, again: RefusedFormHandler) -> Handler:
        async def answered(visit: SignedInRequest) -> func.HttpResponse:
            try:
                return await page(visit)
            except Refusal as refusal:
                return await again(visit, FormProblem.of(refusal))

        answered.__name__ = page.__name__
        return self._function(answered, self._sent)

    def _function(
        self, page: SignedInPageHandler, read: Callable[[func.HttpRequest, Principal], Form]
    ) -> Handler:
        async def visited(req: func.HttpRequest) -> func.HttpResponse:
            found = await signed_in_account(headers_of(req), self.registry)
            if found is None:
                return sign_in_page(req, self.registry)
            form = read(req, found.principal)
            who = (found.account, found.principal, found.visitor)
            asked = (path_of(req), dict(req.route_params), dict(req.params))
            return await page(SignedInRequest(*who, *asked, form))

        # By hand: the host would look through `functools.wraps` and miss the request.
        visited.__name__ = page.__name__
        return page_decorator(self.registry)(visited)

    def _sent(self, req: func.HttpRequest, by: Principal) -> Form:
        form = form_of(req)
        if not self.registry.sessions.is_csrf_token_valid(by, form.text("csrf")):
            raise FormForeign
        return form


@dataclass(frozen=True, slots=True)
class SignedInAccount:
    """An account in a session: as services know it, and as pages show it."""

    account: Account
    principal: Principal
    visitor: Visitor


async def signed_in_account(
    headers: Mapping[str, str], registry: Registry
) -> SignedInAccount | None:
    """Return who sends these headers in a session, in whose frame pages are from now on; or
    None."""
    session = await registry.sessions.recognize(headers)
    if session.is_anonymous:
        return None
    client = RequestClient.of(headers, registry.settings.proxies)
    principal = identified_caller(session, client, registry)
    account = (await registry.accounts.profile(principal)).account
    visitor = visitor_of(account, principal, registry)
    set_current_visitor(visitor)
    return SignedInAccount(account, principal, visitor)


def visitor_of(account: Account, session: Principal, registry: Registry) -> Visitor:
    """Return how pages show the account that the session is of."""
    return Visitor(account.name, registry.sessions.csrf_token(session), account.administrator)


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """Somebody signed in who is to show once more who they are, and what for."""

    purpose: SignInPurpose
    caller: Principal
    visitor: Visitor


def sign_in_page(
    req: func.HttpRequest, registry: Registry, again: Reauthentication | None = None
) -> func.HttpResponse:
    """Return the page that offers every way to sign in; it leads back to where one wanted to go."""
    query = {"to": return_page(req)}
    if again:
        # Nobody else can make this address, and so have an identity of theirs linked.
        ticket = registry.sessions.ticket(again.caller, again.purpose)
        query |= {"for": again.purpose.value, "ticket": ticket}
    offers = [
        (provider.label, f"/sign-in/{quote(name)}?{urlencode(query)}")
        for name, provider in registry.sign_in.flow.providers.items()
    ]
    return render_page(
        "sign_in.html",
        status=200 if again else UNAUTHORIZED,
        visitor=again.visitor if again else None,
        offers=offers,
        purpose=(again.purpose if again else SignInPurpose.ENTER).value,
        needs_strong=registry.settings.require_strong,
        signs_up=registry.settings.sign_up == "anyone",
    )


def return_page(req: func.HttpRequest) -> str:
    """Return which page of ours a request wants to come to, in the end."""
    asked = req.params.get("to", "")
    return return_path(asked) if asked else _requested_path(req)


def _requested_path(req: func.HttpRequest) -> str:
    """Return the page itself that was asked for, if it is one to come back to."""
    return return_path(path_of(req)) if req.method == "GET" else HOME_PATH
