"""HTML pages: templates rendered with escaping, security headers, refusals as pages, notices above
each page.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import cache, cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from msgspec import Struct, structs

from functions.http import formatting
from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.json_answers import STATUS_BY_KIND, retry_headers
from functions.http.operations import READ_METHODS, Face, Operation
from functions.http.operator_links import contact_address, operator_links
from functions.http.repeats import repeat_until
from functions.http.representations import unchanged_answer
from shared.composition import Registry
from shared.domain.accounts import Account
from shared.domain.documents import etag_of
from shared.domain.errors.base import Refusal
from shared.domain.errors.identity import SignInToRead
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.principals import Principal
from shared.domain.releases import reason_text, withdrawal_text, withdrawal_title
from shared.domain.sign_in import is_recently_signed_in, return_path
from shared.domain.status import Banner
from shared.domain.times import MS
from shared.domain.token_redaction import redact_tokens
from shared.domain.visibility import Readers
from shared.prose.safe_html import show_bidi_characters
from shared.runtime.answers import Answer
from shared.services.packages.source import PackageSource

if TYPE_CHECKING:
    from jinja2 import Environment

UNAUTHORIZED = 401  # A 401 must name a scheme; for this one browsers show no dialog.
NOT_FOUND = 404
TOO_MANY = 429
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
        return bool(self.signs_in_again_to) and takes_recent_sign_in(path)

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
DONE_MESSAGES: dict[str, str] = {}

# The routes of forms that require a recent sign-in. Their pages ask for it before somebody fills
# them in.
RECENT_SIGN_IN_ROUTES: set[str] = set()


def takes_recent_sign_in(path: str) -> bool:
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

    @property
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
        return DONE_MESSAGES.get(self.params.get("done", ""), "") if is_ours else ""

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
        if status == UNAUTHORIZED:
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
        visitor = structs.replace(visitor, signs_in_again_to=return_path(call.target))
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

    async def answer(self, call: PageCallT, operation: Operation) -> Answer:
        if operation.ignores_credentials:
            return await operation.handle(call)
        board = await call.registry.limits.notice_cache.current()
        call.banners = board.banners
        return await self.answer_page(call, operation)

    async def answer_page(self, call: PageCallT, operation: Operation) -> Answer:
        """Read the notices, and let the handler answer."""
        return await operation.handle(call)

    def refused(self, call: PageCallT, refusal: Refusal) -> Answer:
        """Return the refusal as a page with its sentence and the id of the request."""
        if isinstance(refusal, SignInToRead) and call.method == "GET" and _is_browser(call):
            return see_other(f"/sign-in?{urlencode({'to': call.target})}")
        status = STATUS_BY_KIND[refusal.kind]
        title = _TITLES.get(status, "Request failed")
        page = call.refusal_page or USUAL_REFUSAL_PAGE
        values = {"title": title, "sentence": str(refusal), "again": "", **page.values}
        if status == TOO_MANY and call.method == "GET":
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


_TITLES = {NOT_FOUND: "Page not found", TOO_MANY: "Too many requests"}
TEMPLATES = Path(__file__).parents[1] / "templates"
STATIC = Path(__file__).parents[1] / "static"
HOME = "/"  # Where the logo of the site leads.

# The links to the pages of an account, which are beside each of these pages and in the menu of the
# header.
ACCOUNT_PAGES = (
    ("/account", "Overview"),
    ("/account/tokens", "Access tokens"),
    ("/account/organizations", "Organizations"),
    ("/account/advisories", "Affected packages"),
    ("/account/following", "Following"),
    ("/device", "Devices"),
    ("/account/sessions", "Sessions"),
    ("/account/identities", "Sign-in methods"),
    ("/account/security", "Security events"),
    ("/account/data", "Your data"),
)

# The links to the pages of administrators, beside each of these pages, in this order.
MANAGE_PAGES = (
    ("/manage", "Overview"),
    ("/manage/releases", "Releases"),
    ("/manage/reports", "Reports"),
    ("/manage/advisories", "Advisories"),
    ("/manage/accounts", "Accounts"),
    ("/manage/groups", "Groups"),
    ("/manage/directory-locks", "Directory locks"),
    ("/manage/scim", "Provisioning"),
    ("/manage/organizations", "Organizations"),
    ("/manage/ownership", "Ownership"),
    ("/manage/names", "Reserved names"),
    ("/manage/notices", "Notice"),
    ("/manage/read-only", "Read-only mode"),
    ("/manage/rules", "Rules"),
    ("/manage/mirror", "Mirror"),
    ("/manage/approvals", "Approvals"),
    ("/manage/tasks", "Maintenance tasks"),
)

# The links above every page, beside the search field.
HEADER_LINKS = (("/search", "Browse"), ("/symbols", "Symbols"), ("/docs", "Docs"))

# The links below every page.
FOOTER = (
    ("/about", "Getting started"),
    ("/docs", "Docs"),
    ("/about/api", "API"),
    ("/about/policies", "Policies"),
    ("/about/log", "Transparency log"),
    ("/about/trust", "Trust"),
    ("/about/status", "Status"),
    ("/api/v1/settings.toml", "Settings.toml"),
)

# What a page may tell its frame, with the defaults.
_FRAME = {
    "home": HOME,
    "header_links": HEADER_LINKS,
    "footer": FOOTER,
    "account_pages": ACCOUNT_PAGES,
    "manage_pages": MANAGE_PAGES,
    "sought": "",
    "here": "",
    "announcements": (),
    "note": "",
    "operator_links": (),
}

# Filters of the templates.
_FILTERS: tuple[Callable[..., str], ...] = (
    formatting.ago,
    formatting.counted,
    formatting.day,
    formatting.breakable,
    formatting.grouped,
    formatting.lasting,
    formatting.linked,
    formatting.machine_moment,
    formatting.moment,
    formatting.short,
    formatting.sized,
    contact_address,
    reason_text,
    show_bidi_characters,
    withdrawal_text,
    withdrawal_title,
)

FRAGMENTS_KEPT = 8_192  # Fragments in memory; they take about 6 MB.
_HASH_DIGITS = 12  # 48 bits tell the versions of one file apart.


def render_template(template: str, values: Mapping[str, object]) -> str:
    """Return the rendered template; a missing value raises an error, and never becomes an empty
    text."""
    frame = {"static": static_path, **_FRAME}
    return _environment().get_template(template).render({**frame, **values})


@lru_cache(maxsize=FRAGMENTS_KEPT)
def fragment(template: str, macro: str, *values: str | int | tuple[object, ...]) -> str:
    """Return the HTML of a macro that depends only on these plain values.

    Lists of packages repeat the same names and summaries on thousands of pages.
    """
    made: str = getattr(_environment().get_template(template).module, macro)(*values)
    return made


def prepare_templates() -> None:
    """Import the library of templates, and read or compile each template."""
    environment = _environment()
    for template in environment.list_templates(["html"]):
        environment.get_template(template)


@cache
def static_path(name: str) -> str:
    """Return the address of a static file; it changes with every byte of it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_HASH_DIGITS]
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{digest}.{kind}"


@cache
def _environment() -> "Environment":
    # Imported after the start, or when the first page is shown: few clients request one.
    from jinja2 import FileSystemLoader  # noqa: PLC0415

    from shared.prose.template_engine import CompiledTemplates, page_environment  # noqa: PLC0415

    environment = page_environment(FileSystemLoader(TEMPLATES), CompiledTemplates())
    for word in _FILTERS:
        environment.filters[word.__name__] = word
    environment.globals["fragment"] = fragment
    return environment


MARKDOWN = "text/markdown"

# The header of a page on which something is being made: browsers reload it by themselves.
RELOAD = {"Refresh": "3"}

# How long a cache may keep the page of an anonymous visitor. Withheld releases vanish within it.
PAGE_CACHE_TIME = timedelta(seconds=5)

# The answer depends on these headers: the media type and the credentials of the client.
_VARY = "Accept, Authorization, Cookie"
_CACHED_HEADERS = {
    "Cache-Control": f"public, max-age={int(PAGE_CACHE_TIME.total_seconds())}",
    "Vary": _VARY,
}
_OK = 200


class PublicPageCall(PageCall):
    """The call of a public page."""

    _is_incomplete = False

    def reload_soon(self) -> None:
        """Let browsers reload the page soon, because a part of it is being made; no cache keeps
        it."""
        self._is_incomplete = True

    @property
    def redacted_route(self) -> Mapping[str, str]:
        """The route parameters, with tokens redacted, since pages show them."""
        return {name: redact_tokens(each) for name, each in self.route_params.items()}

    @property
    def redacted_query(self) -> Mapping[str, str]:
        """The query parameters, with tokens redacted."""
        return {name: redact_tokens(each) for name, each in self.params.items()}

    @property
    def base_url(self) -> str:
        """The address of the registry, without a trailing slash."""
        return self.registry.settings.base_url

    @property
    def wants_markdown(self) -> bool:
        """Whether the client accepts Markdown and not HTML, as programs do, or the address asks
        for it."""
        accepted = self.header("accept").lower()
        is_accepted = MARKDOWN in accepted and HTML not in accepted
        return is_accepted or self.params.get("form") == "markdown"

    def show(self, template: str, *, status: int = _OK, **values: object) -> Answer:
        """Return the rendered template; it can read `call` and `here`."""
        values = {"here": self.target, "call": self, "now_ms": self.now_ms, **values}
        return self._answer(self.rendered(template, **values), HTML, status)

    def text(self, content: str | bytes, media_type: str, *, etag: str = "") -> Answer:
        """Return the page in another media type, such as Markdown, or a file, whose `etag` may be
        known without reading all of it."""
        body = content.encode() if isinstance(content, str) else content
        return self._answer(body, media_type, _OK, etag)

    def redirect(self, path: str) -> Answer:
        """Redirect to another page for now; no cache keeps the redirect, because the address may
        lead elsewhere later."""
        return Answer(status=302, headers=PAGE_HEADERS | NO_STORE | {"Location": path})

    def _answer(self, body: bytes, media_type: str, status: int, etag: str = "") -> Answer:
        if status != _OK or not self.caller.is_anonymous or self._is_incomplete:
            headers = PAGE_HEADERS | NO_STORE | (RELOAD if self._is_incomplete else {})
            return Answer(body, status, headers, media_type)
        etag = etag or etag_of(body)
        headers = PAGE_HEADERS | _CACHED_HEADERS | {"ETag": etag}
        whole = Answer(headers=headers, media_type=media_type, length=len(body))
        if unchanged := unchanged_answer(self, whole, etag=etag):
            return unchanged
        headers["Content-Length"] = str(len(body))
        return Answer(b"" if self.is_head else body, _OK, headers, media_type)


RefusalExplainer = Callable[[PublicPageCall, Refusal], Awaitable[RefusalPage | None]]


class PublicPages(Pages[PublicPageCall]):
    """Pages that may depend on the visitor; `explain` may choose the page of a refusal."""

    call_type = PublicPageCall

    def __init__(self, explain: RefusalExplainer | None = None) -> None:
        super().__init__()
        self._explain = explain

    async def answer_page(self, call: PublicPageCall, operation: Operation) -> Answer:
        number = call.registry.adapters.edition.number
        try:
            await self.identify(call)
            answer = await operation.handle(call)
            return _cached(call, answer, number) if call.caller.is_anonymous else answer
        except Refusal as refusal:
            if self._explain:
                call.refusal_page = await self._explain(call, refusal)
            raise

    async def identify(self, call: PublicPageCall) -> None:
        """Identify the visitor by a token or a session; raise as `caller_of` does."""
        if call.headers.get("authorization"):
            await call.identify()
        elif await identify_visitor(call) is None:
            call.identify_as_anonymous()


class AnonymousPages(PublicPages):
    """Pages that ignore credentials where everybody reads, such as lists for programs."""

    async def identify(self, call: PublicPageCall) -> None:
        if call.registry.settings.readers is Readers.SIGNED_IN:
            await super().identify(call)
        else:
            call.identify_as_anonymous()


def _cached(call: PublicPageCall, answer: Answer, number: int) -> Answer:
    """Let the answer cache of the local host repeat a public answer for as long as other caches may
    keep it."""
    is_public = answer.headers.get("Cache-Control") == _CACHED_HEADERS["Cache-Control"]
    if answer.status != _OK or not is_public:
        return answer
    # The notices were read before the rest of the page, and must not be shown for longer either.
    since_ms = min(call.now_ms, call.registry.limits.notice_cache.read_ms)
    return repeat_until(call, answer, since_ms + PAGE_CACHE_TIME // MS, number)
