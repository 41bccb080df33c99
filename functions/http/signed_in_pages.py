"""Pages and forms for signed-in accounts and for administrators; others get the sign-in page."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
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
from functions.http.requests import Form, finished_action, form_of, headers_of, path_of
from functions.http.responses import retry_headers
from shared.auth.authentication import RequestClient
from shared.composition import Registry
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import FormForeign, SignInAgain
from shared.domain.errors.organizations import NotMeant
from shared.domain.errors.requests import PageNotFound
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.secrets import redact_tokens
from shared.domain.sign_in import HOME_PATH, SignInPurpose, return_path


@dataclass(frozen=True, slots=True)
class FormProblem:
    """Why a form was refused, as its page shows it."""

    sentence: str
    status: int
    asks_to_sign_in: bool = False
    headers: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # When to try reauthentication.

    @classmethod
    def of(cls, refusal: Refusal) -> "FormProblem":
        is_stale = isinstance(refusal, SignInAgain)
        return cls(str(refusal), STATUS_BY_KIND[refusal.kind], is_stale, retry_headers(refusal))


@dataclass(frozen=True, slots=True)
class SignedInRequest:
    """A request from a signed-in account.

    `path` has no query. `form` is the submitted form, whose CSRF token was checked; it is empty
    where a page is requested. `finished` is the action whose form redirected here.
    """

    registry: Registry = field(repr=False)
    account: Account
    principal: Principal
    visitor: Visitor
    path: str
    route: Mapping[str, str]
    query: Mapping[str, str]
    form: Form
    finished: str = ""

    @property
    def now_ms(self) -> int:
        return self.registry.clock.now_ms()

    def show(
        self, template: str, problem: FormProblem | None = None, **values: object
    ) -> func.HttpResponse:
        """Return the rendered template, with the status of the problem.

        It can read `now_ms`, and `done`: the message after a form.
        """
        return render_page(
            template,
            status=problem.status if problem else 200,
            headers=problem.headers if problem else None,
            visitor=self.visitor,
            problem=problem,
            **{"now_ms": self.now_ms, "done": "", **values},
        )

    def done(self, messages: Mapping[str, str]) -> str:
        """Return the message of the form that redirected here."""
        return messages.get(self.finished, "")


SignedInPageHandler = Callable[[SignedInRequest], Awaitable[func.HttpResponse]]


class PageWithForms(Protocol):
    """Shows a page; `problem` is the refusal of a form on it, which the page shows."""

    __name__: str

    def __call__(
        self, request: SignedInRequest, problem: FormProblem | None = None, /
    ) -> Awaitable[func.HttpResponse]: ...


@dataclass(frozen=True, slots=True)
class SignedInPages:
    """Makes Functions of pages that only signed-in accounts see."""

    registry: Registry

    def page(self, handler: SignedInPageHandler) -> Handler:
        """Make the Function of a page; other visitors get the sign-in page."""
        return self._function(self._restricted(handler), lambda _req, _by: Form())

    def form(self, show: PageWithForms) -> Callable[[SignedInPageHandler], Handler]:
        """Return a decorator for the handler of a form; `show` shows its page with a refusal.

        The Function refuses with `FormForeign` a form without the CSRF token of the session.
        """
        return lambda handler: self._form(self._rate_limited(self._restricted(handler)), show)

    def form_in_read_only_mode(
        self, show: PageWithForms
    ) -> Callable[[SignedInPageHandler], Handler]:
        """Return a decorator as `form` does, for a form that works in read-only mode as well."""
        return lambda handler: self._form(self._restricted(handler), show)

    def _require_access(self, request: SignedInRequest) -> None:
        """Raise a refusal unless the account may see the pages."""

    def _restricted(self, handler: SignedInPageHandler) -> SignedInPageHandler:
        async def respond(request: SignedInRequest) -> func.HttpResponse:
            self._require_access(request)
            return await handler(request)

        respond.__name__ = handler.__name__
        return respond

    def _rate_limited(self, handler: SignedInPageHandler) -> SignedInPageHandler:
        async def respond(request: SignedInRequest) -> func.HttpResponse:
            keys = RateLimitKeys.of(request.principal)
            await self.registry.rate_limiter.check(RateLimitClass.WRITE, keys)
            return await handler(request)

        respond.__name__ = handler.__name__
        return respond

    def _form(self, handler: SignedInPageHandler, show: PageWithForms) -> Handler:
        async def respond(request: SignedInRequest) -> func.HttpResponse:
            try:
                return await handler(request)
            except Refusal as refusal:
                self._require_access(request)
                try:
                    return await show(request, FormProblem.of(refusal))
                except Refusal:  # The page of the form needs what the form names, too.
                    raise refusal from None

        respond.__name__ = handler.__name__
        return self._function(respond, self._submitted_form)

    def _function(
        self, handler: SignedInPageHandler, read_form: Callable[[func.HttpRequest, Principal], Form]
    ) -> Handler:
        async def respond(req: func.HttpRequest) -> func.HttpResponse:
            found = await signed_in_account(headers_of(req), self.registry)
            if found is None:
                return sign_in_page(req, self.registry, status=UNAUTHORIZED)
            request = SignedInRequest(
                registry=self.registry,
                account=found.account,
                principal=found.principal,
                visitor=found.visitor,
                path=path_of(req),
                route=dict(req.route_params),
                query=dict(req.params),
                form=read_form(req, found.principal),
                finished=finished_action(req),
            )
            return await handler(request)

        # By hand: the host would look through `functools.wraps` and miss the request.
        respond.__name__ = handler.__name__
        return page_decorator(self.registry)(respond)

    def _submitted_form(self, req: func.HttpRequest, by: Principal) -> Form:
        form = form_of(req)
        if not self.registry.session_authentication.is_csrf_token_valid(by, form.text("csrf")):
            raise FormForeign
        return form


class AdministratorPages(SignedInPages):
    """Makes Functions of pages for administrators; other accounts get a 404.

    The services check the rights; this only hides the pages.
    """

    def _require_access(self, request: SignedInRequest) -> None:
        if not request.account.administrator:
            raise PageNotFound(redact_tokens(request.path))


def require_confirmation(request: SignedInRequest, name: str) -> None:
    """Raise `NotMeant` unless the form repeats the name of what an administrator acts on."""
    if request.form.text("name") != name:
        raise NotMeant(name)


@dataclass(frozen=True, slots=True)
class SignedInAccount:
    """The account of a session: for services, and as the page header shows it."""

    account: Account
    principal: Principal
    visitor: Visitor


async def signed_in_account(
    headers: Mapping[str, str], registry: Registry
) -> SignedInAccount | None:
    """Return the account of the session that sends these headers, or None.

    Pages of this request, error pages included, then show its menu.
    """
    session = await registry.session_authentication.recognize(headers)
    if session.is_anonymous:
        return None
    client = RequestClient.of(headers, registry.settings.proxies)
    principal = identified_caller(session, client, registry)
    account = (await registry.accounts.profile(principal)).account
    visitor = visitor_of(account, principal, registry)
    set_current_visitor(visitor)
    return SignedInAccount(account, principal, visitor)


def visitor_of(account: Account, session: Principal, registry: Registry) -> Visitor:
    """Return what page headers show of the session's account."""
    return Visitor(
        account.name, registry.session_authentication.csrf_token(session), account.administrator
    )


@dataclass(frozen=True, slots=True)
class Reauthentication:
    """A signed-in account that has to sign in again, and why."""

    purpose: SignInPurpose
    caller: Principal
    visitor: Visitor


def sign_in_page(
    req: func.HttpRequest,
    registry: Registry,
    reauthentication: Reauthentication | None = None,
    *,
    status: int = 200,
) -> func.HttpResponse:
    """Return the page with every sign-in method; signing in leads back to the requested page."""
    query = {"to": return_page(req)}
    if reauthentication:
        # The ticket keeps others from forging this link, which would link their identity.
        ticket = registry.session_authentication.ticket(
            reauthentication.caller, reauthentication.purpose
        )
        query |= {"for": reauthentication.purpose.value, "ticket": ticket}
    offers = [
        (provider.label, f"/sign-in/{quote(name)}?{urlencode(query)}")
        for name, provider in registry.sign_in_flow.providers.items()
    ]
    return render_page(
        "sign_in.html",
        status=status,
        visitor=reauthentication.visitor if reauthentication else None,
        offers=offers,
        purpose=(reauthentication.purpose if reauthentication else SignInPurpose.ENTER).value,
        needs_strong=registry.settings.require_strong,
        signs_up=registry.settings.sign_up == "anyone",
    )


def return_page(req: func.HttpRequest) -> str:
    """Return the path of our own to open after a sign-in."""
    if to := req.params.get("to", ""):
        return return_path(to)
    return return_path(path_of(req)) if req.method == "GET" else HOME_PATH
