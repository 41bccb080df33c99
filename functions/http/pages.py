"""HTML pages: templates rendered with escaping, security headers, refusals as pages, notices above
each page.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import azure.functions as func

from functions.http import formatting
from functions.http.handlers import STATUS_BY_KIND, Handler, handler_decorator, request_id
from functions.http.responses import retry_headers
from shared.composition import Registry
from shared.domain.errors.base import Refusal
from shared.domain.notices import Banner
from shared.prose.safe_html import show_bidi_characters

if TYPE_CHECKING:
    from jinja2 import Environment

UNAUTHORIZED = 401  # Its answers have to name a scheme; browsers ask nothing for this one.
NOT_FOUND = 404
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


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page, as its header shows them; `csrf` goes into every form, and
    administrators find the way to `/manage`."""

    name: str
    csrf: str
    administrator: bool = False


_ERROR_TEMPLATE = "web/refused.html"


@dataclass(frozen=True, slots=True)
class _ErrorView:
    """How a refusal of one request is shown: in the frame of its visitor, by a template."""

    request_id: str
    visitor: Visitor | None = None
    template: str = _ERROR_TEMPLATE
    values: Mapping[str, object] = field(default_factory=dict[str, object])


_error_view: ContextVar[_ErrorView | None] = ContextVar("error_view", default=None)


def set_current_visitor(visitor: Visitor | None) -> None:
    """Note who has sent the request that is answered now."""
    _error_view.set(replace(_current_error_view(), visitor=visitor))


def set_refusal_template(template: str, **values: object) -> None:
    """Show this template if the current request is refused, instead of the usual page."""
    _error_view.set(replace(_current_error_view(), template=template, values=values))


def _current_error_view() -> _ErrorView:
    """Return what was set for the current request, and nothing that an earlier one left behind."""
    view = _error_view.get()
    return view if view and view.request_id == request_id() else _ErrorView(request_id())


def render_page(
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    visitor: Visitor | None = None,
    **values: object,
) -> func.HttpResponse:
    """Return a page made from a template of `functions/templates`."""
    body = render_template(template, {**values, "visitor": visitor})
    return _html_response(body, status, headers or {})


def _html_response(body: str, status: int, headers: Mapping[str, str]) -> func.HttpResponse:
    sent = {**PAGE_HEADERS, **headers}
    if status == UNAUTHORIZED:
        sent["WWW-Authenticate"] = "Bearer"
    return func.HttpResponse(body, status_code=status, headers=sent, mimetype="text/html")


def see_other(path: str, cookie: str = "") -> func.HttpResponse:
    """Redirect to a page of this registry; `cookie` is a Set-Cookie value."""
    headers = {**PAGE_HEADERS, "Location": path}
    if cookie:
        headers["Set-Cookie"] = cookie
    return func.HttpResponse(status_code=303, headers=headers)


def message_page(title: str, *sentences: str, status: int = 200) -> func.HttpResponse:
    """Return a page that says a few sentences, and nothing else."""
    return render_page("message.html", status=status, title=title, sentences=sentences)


def refusal_page(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal as a page with its sentence and the id of the request."""
    status = STATUS_BY_KIND[refusal.kind]
    title = "Page not found" if status == NOT_FOUND else "Request failed"
    view = _current_error_view()
    values = {"title": title, "sentence": str(refusal), **view.values}
    answer = _error_page(view.template, status, request_id(), values)
    for name, value in retry_headers(refusal).items():
        answer.headers[name] = value
    return answer


def failure_page(failed: str) -> func.HttpResponse:
    """Return a page that tells its reader what to quote, and nothing of the inside."""
    sentence = "The registry had an internal error, which was logged. Try again in a minute."
    values = {"title": "Internal error", "sentence": sentence}
    return _error_page(_ERROR_TEMPLATE, 500, failed, values)


def _error_page(
    template: str, status: int, quoted: str, values: Mapping[str, object]
) -> func.HttpResponse:
    visitor = _current_error_view().visitor
    own = {"refused": status, "request_id": quoted, "visitor": visitor}
    body = render_template(template, {**own, **values})
    return _html_response(body, status, {})


page_errors = handler_decorator(refusal_page, failure_page)


def page_decorator(registry: Registry) -> Callable[[Handler], Handler]:
    """Return a decorator for Functions of pages: `page_errors`, and the current notices."""

    def decorate(handler: Handler) -> Handler:
        async def answered(req: func.HttpRequest) -> func.HttpResponse:
            board = await registry.notice_cache.current()
            current_notices.set(board.banners(registry.clock.now_ms()))
            return await handler(req)

        # By hand: the host would look through `functools.wraps` and miss the request.
        answered.__name__ = handler.__name__
        return page_errors(answered)

    return decorate


TEMPLATES = Path(__file__).parents[1] / "templates"
STATIC = Path(__file__).parents[1] / "static"
HOME = "/"  # Where the mark of the site leads.

# The places of an account, beside each of its pages and in the menu of the header.
ACCOUNT_PAGES = (
    ("/account", "Overview"),
    ("/account/tokens", "Access tokens"),
    ("/account/organizations", "Organizations"),
    ("/account/packages", "Packages"),
    ("/account/invitations", "Invitations"),
    ("/device", "Devices"),
    ("/account/sessions", "Sessions"),
    ("/account/identities", "Sign-in methods"),
    ("/account/security", "Security events"),
    ("/account/data", "Your data"),
)

# The places of the administrators, beside each of their pages, in this order.
MANAGE_PAGES = (
    ("/manage", "Overview"),
    ("/manage/releases", "Releases"),
    ("/manage/accounts", "Accounts"),
    ("/manage/organizations", "Organizations"),
    ("/manage/names", "Reserved names"),
    ("/manage/notices", "Notices"),
    ("/manage/read-only", "Read-only mode"),
    ("/manage/tasks", "Maintenance tasks"),
    ("/manage/limits", "Rate limits"),
)

# What stands below every page.
FOOTER = (
    ("/about", "Getting started"),
    ("/about/api", "API"),
    ("/about/policies", "Policies"),
    ("/about/status", "Status"),
    ("/api/v1/settings.toml", "Settings.toml"),
)

# What every page may say to its frame; those that say nothing are like this.
_FRAME = {
    "home": HOME,
    "footer": FOOTER,
    "account_pages": ACCOUNT_PAGES,
    "manage_pages": MANAGE_PAGES,
    "sought": "",
    "here": "",
}

# What is announced above the page that is made now.
current_notices: ContextVar[tuple[Banner, ...]] = ContextVar("announced", default=())

# Filters of the templates.
_FILTERS: tuple[Callable[..., str], ...] = (
    formatting.ago,
    formatting.counted,
    formatting.day,
    formatting.breakable,
    formatting.grouped,
    formatting.lasting,
    formatting.machine_moment,
    formatting.moment,
    formatting.short,
    formatting.sized,
    formatting.typed_moment,
    show_bidi_characters,
)

FRAGMENTS_KEPT = 4_096  # Some 4 MB.
_HASH_DIGITS = 12  # 48 bits tell the versions of one file apart.


def render_template(template: str, values: Mapping[str, object]) -> str:
    """Return the template filled in; a value that it lacks is an error, never an empty text."""
    frame = {"static": static_path, "announcements": current_notices.get(), **_FRAME}
    return _environment().get_template(template).render({**frame, **values})


@lru_cache(maxsize=FRAGMENTS_KEPT)
def fragment(template: str, macro: str, *values: str | bool) -> str:
    """Return the HTML of a macro that depends only on these plain values.

    Lists of packages repeat the same names and summaries on thousands of pages.
    """
    made: str = getattr(_environment().get_template(template).module, macro)(*values)
    return made


@cache
def static_path(name: str) -> str:
    """Return the address of a static file; it changes with every byte of it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_HASH_DIGITS]
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{digest}.{kind}"


@cache
def _environment() -> "Environment":
    # Imported by the first page: most processes serve clients that never ask for one.
    from jinja2 import FileSystemLoader  # noqa: PLC0415

    from shared.prose.template_engine import PageEnvironment  # noqa: PLC0415

    environment = PageEnvironment(FileSystemLoader(TEMPLATES))
    for word in _FILTERS:
        environment.filters[word.__name__] = word
    environment.globals["fragment"] = fragment
    return environment
