"""Pages and forms for signed-in accounts and for administrators; other visitors get the sign-in
page. `_submitted_form` protects the forms from other sites (CSRF)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

from msgspec import Struct, field, structs

from functions.html.pages import (
    RECENT_SIGN_IN_ROUTES,
    PageCall,
    Pages,
    add_done_message,
    identify_visitor,
    see_other,
)
from functions.http.body_parsing import Form, form_of
from functions.http.json_answers import STATUS_BY_KIND, retry_headers
from functions.http.operations import READ_METHODS, WRITE_METHODS, Operation
from functions.http.return_paths import HOME_PATH, requested_return_path, return_path
from shared.auth.cookies import Cookie
from shared.domain.accounts import Account
from shared.domain.errors.base import Forbidden, Invalid, Refusal, about_field
from shared.domain.errors.identity import SignInAgain
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.rate_limits import RateLimitClass
from shared.domain.sign_in import SignInPurpose
from shared.domain.token_redaction import redact_tokens
from shared.registry import Registry
from shared.runtime.answers import Answer
from shared.services.organizations.invitations import InvitationDetails
from shared.use_cases.inputs import InputsT, inputs_of_form
from shared.use_cases.use_case import ResultT, SubjectT, UseCase, subject_of

# Shown if the sign-in was no longer recent when a form was sent.
SIGN_IN_FIRST = (
    "Nothing was changed: this takes a sign-in within the last ten minutes. Sign in again, then "
    "send the form again."
)

_ALERT = b'role="alert"'  # What templates mark the sentence of a refused form with.


class FormProblem(Struct, frozen=True):
    """Why a form was refused, as its page shows it."""

    sentence: str
    status: int
    asks_to_sign_in: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])  # When to try again.
    # The field at which the page shows the sentence; empty if it is about the whole form.
    field_name: str = ""
    path: str = ""  # The path of the form.

    @classmethod
    def of(cls, refusal: Refusal, path: str = "") -> "FormProblem":
        is_stale = isinstance(refusal, SignInAgain)
        status = STATUS_BY_KIND[refusal.kind]
        headers = retry_headers(refusal)
        sentence = SIGN_IN_FIRST if is_stale else str(refusal)
        return cls(sentence, status, is_stale, headers, refusal.field, path)


class SignedInCall(PageCall):
    """The call of a page by a signed-in account.

    `form` is the submitted form, whose CSRF token was checked; it is empty where a page is
    requested.
    """

    account: Account
    form = Form()

    def show(self, template: str, problem: FormProblem | None = None, **values: object) -> Answer:
        """Return the rendered template, with the status of the problem.

        It can read `now_ms`, `done`, the message after a form, and `typed`, the refused form.
        """
        typed = self.form if problem else Form()
        shown: dict[str, Any] = {"now_ms": self.now_ms, "done": self.done, "typed": typed, **values}
        if problem is None:
            return self.page(template, problem=None, **shown)
        sent: dict[str, Any] = {"status": problem.status, "headers": problem.headers}
        page = self.page(template, problem=problem, **sent, **shown)
        if problem.field_name and _ALERT not in page.body:
            # The page does not show the sentence beside the field, so it is about the whole form.
            of_whole_form = structs.replace(problem, field_name="")
            page = self.page(template, problem=of_whole_form, **sent, **shown)
        return page

    async def submit(self, case: UseCase[SubjectT, InputsT, ResultT], subject: SubjectT) -> ResultT:
        """Apply the rule of a use case to the inputs of the form, and return its result."""
        sent = inputs_of_form(case.inputs, self.form.values)
        return await case.rule(self.registry, subject, sent, self.caller)


FormHandler = Callable[[SignedInCall], Awaitable[Answer | None]]
FormHandlerT = TypeVar("FormHandlerT", bound=FormHandler)


class PageWithForms(Protocol):
    """Shows a page; `problem` is the refusal of a form on it, which the page shows."""

    def __call__(
        self, call: SignedInCall, problem: FormProblem | None = None, /
    ) -> Awaitable[Answer]: ...


class SignedInPages(Pages[SignedInCall]):
    """Pages that only signed-in accounts see; other visitors get the sign-in page."""

    call_type = SignedInCall
    forms_require_recent_sign_in = False  # The default for forms that do not say it.

    def form(
        self,
        route: str,
        show: PageWithForms,
        *,
        done: str | Mapping[str, str] = "",
        leads_to: str = "",
        name: str = "",
        works_in_read_only_mode: bool = False,
        serves_anonymous_always: bool = False,
        requires_recent_sign_in: bool | None = None,
    ) -> Callable[[FormHandlerT], FormHandlerT]:
        """Declare the decorated handler as a form; `show` shows its page with a refusal.

        If the handler returns no answer, the browser is redirected to the page of the form, or to
        the route `leads_to`, which shows `done`. If there are several messages, `done` has each by
        the value of `?done=` with which the handler redirects. A form without the CSRF token of the
        session is refused with `form-foreign`. If the form requires a recent sign-in, which its
        service checks, its page asks for the sign-in first.
        """
        if requires_recent_sign_in is None:
            requires_recent_sign_in = self.forms_require_recent_sign_in
        if requires_recent_sign_in:
            RECENT_SIGN_IN_ROUTES.add(route)
        limit = None if works_in_read_only_mode else RateLimitClass.WRITE

        def declare(handler: FormHandlerT) -> FormHandlerT:
            key = name or handler.__name__
            for each, message in ({key: done} if isinstance(done, str) else done).items():
                add_done_message(each, message)
            to = leads_to or next(each.route for each in self if each.handler is show)
            submit = partial(self._submit, handler, show, limit, f"/{to}?done={key}")
            self.change(route, name=key, serves_anonymous_always=serves_anonymous_always)(submit)
            return handler

        return declare

    def use_case(
        self,
        case: UseCase[SubjectT, InputsT, ResultT],
        route: str,
        show: PageWithForms,
        subject: Callable[[SignedInCall], SubjectT | Awaitable[SubjectT]],
        *,
        name: str,
        leads_to: str = "",
        requires_recent_sign_in: bool | None = None,
        then: Callable[[SignedInCall, ResultT], Awaitable[Answer | None]] | None = None,
    ) -> None:
        """Declare the form of a use case, which reads its inputs from the fields of the form.

        `subject` reads from the path or the form what the use case changes, or looks it up, and
        refuses a form that does not confirm what it has to. Afterwards `then` shows the result, if
        it is given and returns an answer; otherwise the sentence of success is shown. The rest is
        as for `form`.
        """

        async def submit(call: SignedInCall) -> Answer | None:
            result = await call.submit(case, await subject_of(subject, call))
            return await then(call, result) if then else None

        if requires_recent_sign_in is None and case.requires_recent_sign_in:
            requires_recent_sign_in = True
        self.form(
            route,
            show,
            done=case.done,
            leads_to=leads_to,
            name=name,
            requires_recent_sign_in=requires_recent_sign_in,
        )(submit)

    async def answer_page(self, call: SignedInCall, operation: Operation) -> Answer:
        account = await identify_visitor(call)
        if account is None:
            return await self.signed_out(call)
        call.account = account
        if call.method in WRITE_METHODS:
            call.form = self._submitted_form(call)
        else:
            self.require_access(call)
        return await operation.handle(call)

    async def signed_out(self, call: SignedInCall) -> Answer:
        """Return the sign-in page for a visitor who is not signed in."""
        return sign_in_page(call, status=HTTPStatus.UNAUTHORIZED)

    def require_access(self, call: SignedInCall) -> None:
        """Raise a refusal unless the account may see the pages."""

    async def _submit(
        self,
        handler: FormHandler,
        show: PageWithForms,
        limit: RateLimitClass | None,
        to: str,
        call: SignedInCall,
    ) -> Answer:
        try:
            if limit is not None:
                await call.count(limit)
            self.require_access(call)
            answer = await handler(call)
        except Refusal as refusal:
            self.require_access(call)
            try:
                return await show(call, FormProblem.of(refusal, call.path))
            except Refusal:  # The page of the form cannot be shown either, for the same reason.
                raise refusal from None
        if isinstance(answer, Answer):
            return answer
        names = {name: quote(value, safe="") for name, value in call.route_params.items()}
        return see_other(to.format_map(names))

    def _submitted_form(self, call: SignedInCall) -> Form:
        form = form_of(call)
        authentication = call.registry.identity.session_authentication
        if not authentication.is_csrf_token_valid(call.caller, form.text("csrf")):
            raise Forbidden(
                "form-foreign",
                "This form does not belong to your session, so nothing was changed. Reload the "
                "page and send the form again.",
            )
        return form


class AdministratorPages(SignedInPages):
    """Pages for administrators, which auditors read as well; other accounts get a 404.

    The services check the rights; this hides the pages, and refuses each form of an auditor. It
    must be possible to find out later what somebody read here, so each read has a line in the log.
    """

    records_reads = True
    forms_require_recent_sign_in = True

    def require_access(self, call: SignedInCall) -> None:
        if call.account.administers_at(call.now_ms):
            return
        if not call.account.audits_at(call.now_ms):
            raise PageNotFound(redact_tokens(call.path))
        if call.method in WRITE_METHODS:
            raise Forbidden(
                "auditor-reads-only",
                "Nothing was changed: auditors read these pages, and administrators alone send "
                "their forms.",
            )


def require_confirmation(call: SignedInCall, name: str) -> None:
    """Raise `not-meant` unless the administrator typed the name of what the form changes."""
    with about_field("name"):
        if call.form.text("name") != name:
            raise Invalid("not-meant", f"To confirm, type the name, {name}, exactly as shown.")


SIGN_IN_COOKIE_LIFETIME = timedelta(hours=1)  # Enough time for somebody to send the sign-in link.


def return_cookie(registry: Registry) -> Cookie:
    """Return the cookie that keeps the page to open after a sign-in by a link, because the link
    does not name the page."""
    return Cookie.named("ballroom-return", registry.settings.base_url)


def sign_in_page(
    call: PageCall,
    purpose: SignInPurpose = SignInPurpose.ENTER,
    *,
    status: int = 200,
    invitation: InvitationDetails | None = None,
    to: str = "",
    has_links_alone: bool = False,
) -> Answer:
    """Return the page with every sign-in method; signing in leads to the page `to`, by default back
    to the requested page.

    With another purpose than to enter, the caller is signed in and signs in again for that purpose.
    An account without identities can do so only by a sign-in link.
    """
    registry = call.registry
    query = {"to": to or return_page(call)}
    _remember(query["to"], call)
    if purpose is not SignInPurpose.ENTER:
        # Without the ticket, somebody could forge this link, and so have their own identity linked
        # to the account of whoever opens it.
        ticket = registry.identity.session_authentication.ticket(call.caller, purpose)
        query |= {"for": purpose.value, "ticket": ticket}
    offers = [
        (provider.label, f"/sign-in/{quote(name)}?{urlencode(query)}")
        for name, provider in registry.identity.sign_in_flow.providers.items()
        if not has_links_alone
    ]
    return call.page(
        "sign_in.html",
        status=status,
        offers=offers,
        purpose=purpose.value,
        is_form_lost=call.method in WRITE_METHODS and invitation is None,
        needs_strong=registry.settings.require_strong,
        signs_up=registry.settings.sign_up == "anyone",
        operator_program=registry.settings.operator_program,
        invitation=invitation,
    )


def _remember(page: str, call: PageCall) -> None:
    cookie = return_cookie(call.registry)
    if page != HOME_PATH and cookie.is_allowed:
        # Some hosts change cookies with other characters.
        value = urlsafe_b64encode(page.encode()).decode().rstrip("=")
        call.cookies.append(cookie.set(value, SIGN_IN_COOKIE_LIFETIME))


def remembered_page(call: PageCall) -> str:
    """Return the page that the visitor asked for before the sign-in, and forget it."""
    cookie = return_cookie(call.registry)
    value = cookie.read(call.headers)
    if not value:
        return HOME_PATH
    call.cookies.append(cookie.delete())
    try:
        page = urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:
        return HOME_PATH
    return return_path(page)


def return_page(call: PageCall) -> str:
    """Return the path and query of the page of this registry to open after a sign-in."""
    if to := call.params.get("to", ""):
        return return_path(to)
    return requested_return_path(call.target) if call.method in READ_METHODS else HOME_PATH
