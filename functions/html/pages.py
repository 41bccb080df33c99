"""HTML pages: the call of a page, its visitor, its security headers, the notices above it, and
refusals as pages.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlencode

from msgspec import Struct, structs

from functions.html.operator_links import operator_links
from functions.html.page_templates import render_template
from functions.http.calls import Call
from functions.http.json_answers import STATUS_BY_KIND, retry_headers
from functions.http.operations import READ_METHODS, Effect, Face, HandlerT, Operation
from functions.http.return_paths import add_return_page, requested_return_path
from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import SignInToRead
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.notices import Banner
from shared.domain.principals import Principal
from shared.domain.recent_sign_in import is_recently_signed_in
from shared.domain.token_redaction import redact_tokens
from shared.registry import Registry
from shared.runtime.answers import Answer
from shared.services.packages.source import PackageSource

HTML = "text/html"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MAX_SEARCH_LENGTH = 254  # Characters of a search by administrators: the longest mail address.

PAGE_HEADERS = {
    # Styles, pictures and the one script are our own files, and the script requests suggestions
    # here; nothing else is run, and nothing framed; forms lead back here.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
}


class Visitor(Struct, frozen=True):
    """Who looks at a page, as its header shows them. `csrf` is sent with every form, and
    administrators and auditors get a link to `/manage`.

    `signs_in_again_to` is the page that a new sign-in returns to. It is empty where the forms of
    the page are shown: the last sign-in is recent, or a form was sent and is shown as typed.
    """

    name: str
    csrf: str
    administrator: bool = False
    signs_in_again_to: str = ""
    audits: bool = False  # An auditor, who may be an administrator as well.

    def signs_in_before(self, path: str) -> bool:
        """Check whether the form at `path` requires a sign-in that is more recent than the one of
        the visitor."""
        return bool(self.signs_in_again_to) and requires_recent_sign_in(path)

    @property
    def only_audits(self) -> bool:
        """Whether the visitor reads the pages below `/manage` and sends none of their forms."""
        return self.audits and not self.administrator

    def is_shown_form(self, path: str) -> bool:
        """Check whether the form at `path` is shown to the visitor."""
        return not (self.only_audits and path.startswith("/manage"))


class RefusalPage(Struct, frozen=True):
    """A template that shows a refusal, and the values that it reads besides the usual ones."""

    template: str
    values: Mapping[str, object]


# The messages that are shown after a form was accepted, by the values of `?done=`.
_done_messages: dict[str, str] = {}


def add_done_message(key: str, shown: str) -> None:
    """Add what a page shows for this value of `?done=`; raise `ValueError` for another text.

    A module whose import failed is imported again, and adds the same message a second time.
    """
    if _done_messages.setdefault(key, shown) != shown:
        message = f"Two forms show a message for ?done={key}. Give one of them another name."
        raise ValueError(message)


# The routes of forms that require a recent sign-in. Their pages ask for it before somebody fills
# them in.
RECENT_SIGN_IN_ROUTES: set[str] = set()


def requires_recent_sign_in(path: str) -> bool:
    """Check whether the form at this path requires a recent sign-in."""
    return _recent_sign_in_paths(frozenset(RECENT_SIGN_IN_ROUTES)).fullmatch(path) is not None


@lru_cache(maxsize=1)
def _recent_sign_in_paths(routes: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.sub(r"\{\w+\}", "[^/]+", f"/{each}") for each in sorted(routes)))


USUAL_REFUSAL_PAGE = RefusalPage("web/refused.html", MappingProxyType({}))


class PageCall(Call):
    """The call of a page; `visitor` is None unless it comes from a signed-in session.

    `banners` are the notices above the page. A refusal is shown by `refusal_page`, if there is one.
    """

    visitor: Visitor | None = None
    banners: tuple[Banner, ...] = ()
    refusal_page: RefusalPage | None = None

    @property
    def package_source(self) -> PackageSource:
        """The packages as people read about them: of a package that is not approved they read, and
        ask for it."""
        mirroring = self.registry.mirroring
        if mirroring is None:
            return self.registry.packages.hosted
        return mirroring.source_of_readers(self.caller, self.via)

    @cached_property
    def target(self) -> str:
        """The path and query as they were sent, with tokens redacted."""
        return redact_tokens("/" + self.url.partition("://")[2].partition("/")[2])

    @cached_property
    def now_ms(self) -> int:
        """The time of the page, the same in all its parts."""
        return self.registry.clock.now_ms()

    @property
    def done(self) -> str:
        """The message of the form that redirected here, by `?done=` and the name of the form.

        It is empty for links of other sites: a page would show them a message about a change that
        nobody made. Browsers that send no `Sec-Fetch-Site` cannot tell.
        """
        is_ours = self.header("sec-fetch-site") in ("", "same-origin")
        return _done_messages.get(self.params.get("done", ""), "") if is_ours else ""

    def rendered(self, template: str, **values: object) -> bytes:
        """Return a template of `functions/templates` filled in, in the frame of the visitor."""
        frame = {
            "visitor": self.visitor,
            "announcements": self.banners,
            "operator_links": operator_links(self.registry.settings),
        }
        return render_template(template, {**frame, **values}).encode()

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = NO_HEADERS,
        **values: object,
    ) -> Answer:
        """Return a page that no cache may store."""
        sent = {**PAGE_HEADERS, **headers}
        if status == HTTPStatus.UNAUTHORIZED:
            # A 401 must name a scheme; for this one browsers show no dialog.
            sent["WWW-Authenticate"] = "Bearer"
        return Answer(self.rendered(template, **values), status, sent, HTML)

    def message(self, title: str, *sentences: str) -> Answer:
        """Return a page that says a few sentences, and nothing else."""
        return self.page("message.html", title=title, sentences=sentences)


async def identify_visitor(call: PageCall) -> Account | None:
    """Identify the account of the session that sends the request; return None if there is none.

    Pages of this request, error pages included, then show its menu.
    """
    if not await call.identify_by_session():
        return None
    account = (await call.registry.identity.accounts.profile(call.caller)).account
    visitor = visitor_of(account, call.caller, call.registry)
    if call.method in READ_METHODS and not is_recently_signed_in(call.caller, call.now_ms):
        visitor = structs.replace(visitor, signs_in_again_to=requested_return_path(call.target))
    call.visitor = visitor
    return account


def visitor_of(account: Account, session: Principal, registry: Registry) -> Visitor:
    """Return the session's account as page headers show it."""
    return Visitor(
        account.name,
        registry.identity.session_authentication.csrf_token(session),
        account.administers_at(registry.clock.now_ms()),
        audits=account.audits_at(registry.clock.now_ms()),
    )


def see_other(path: str) -> Answer:
    """Redirect to a page of this registry."""
    return Answer(status=303, headers={**PAGE_HEADERS, "Location": path})


PageCallT = TypeVar("PageCallT", bound=PageCall)


class Pages(Face[PageCallT]):
    """Operations that answer with pages; refusals are pages as well."""

    may_be_returned_to = True  # Whether a sign-in may return to the pages.

    def add(
        self,
        route: str,
        methods: Sequence[str],
        effect: Effect,
        handler: HandlerT,
        *,
        name: str = "",
        **options: Any,
    ) -> HandlerT:
        if self.may_be_returned_to and "GET" in methods:
            add_return_page(route)
        return super().add(route, methods, effect, handler, name=name, **options)

    async def answer(self, call: PageCallT, operation: Operation) -> Answer:
        if operation.ignores_credentials and not operation.needs_credentials(call):
            return await operation.handle(call)
        board = await call.registry.limits.notice_cache.current()
        call.banners = board.banners
        return await self.answer_page(call, operation)

    async def answer_page(self, call: PageCallT, operation: Operation) -> Answer:
        """Let the handler answer; the notices are read."""
        return await operation.handle(call)

    def page_of(self, call: PageCallT) -> str:
        """Return the path and query of the page that a call is for."""
        return call.target

    def refused(self, call: PageCallT, refusal: Refusal) -> Answer:
        """Return the refusal as a page with its sentence and the id of the request."""
        if isinstance(refusal, SignInToRead) and call.method == "GET" and _is_browser(call):
            return see_other(f"/sign-in?{urlencode({'to': self.page_of(call)})}")
        status = STATUS_BY_KIND[refusal.kind]
        title = _TITLES.get(status, "Request failed")
        page = call.refusal_page or USUAL_REFUSAL_PAGE
        values = {"title": title, "sentence": str(refusal), "again": "", **page.values}
        if status == HTTPStatus.TOO_MANY_REQUESTS and call.method == "GET":
            values["again"] = call.target
        headers = retry_headers(refusal) | (RELOAD if isinstance(refusal, ApiDocsPending) else {})
        return self._problem(call, page.template, status, headers, values)

    def failed(self, call: PageCallT) -> Answer:
        """Return a page with the id of the request, which its reader can quote, and nothing of the
        exception."""
        sentence = "The registry had an internal error, which was logged. Try again in a minute."
        values = {"title": "Internal error", "sentence": sentence}
        return self._problem(call, USUAL_REFUSAL_PAGE.template, 500, NO_HEADERS, values)

    def _problem(
        self,
        call: PageCallT,
        template: str,
        status: int,
        headers: Mapping[str, str],
        values: Mapping[str, object],
    ) -> Answer:
        own = {"refused": status, "request_id": call.exchange.request_id, **values}
        return call.page(template, status=status, headers=headers, **own)


def _is_browser(call: PageCall) -> bool:
    return HTML in call.header("accept").lower() and not call.header("authorization")


_TITLES: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "Page not found",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
}


# The header of a page on which something is being made: browsers reload it by themselves.
RELOAD = {"Refresh": "3"}
