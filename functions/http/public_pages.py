"""Public pages: caches keep those for anonymous visitors; signed-in visitors see their menu.

`PublicPages(registry).page` makes a Function from `async def handler(request: PageRequest)`, which
returns `request.show(...)`, `request.json(...)` or `request.text(...)`. A refusal that it raises
becomes an HTML page, or a JSON problem where the client asked for JSON.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import azure.functions as func
import orjson

from functions.http.answer_cache import cache_response_until
from functions.http.callers import anonymous_caller, caller_of
from functions.http.handlers import Handler, problem_response
from functions.http.pages import PAGE_HEADERS, Visitor, page_decorator, render_template
from functions.http.requests import headers_of
from functions.http.responses import JSON, NO_STORE
from functions.http.signed_in_pages import signed_in_account
from shared.caching import SingleFlight
from shared.composition import Registry
from shared.conditional_requests import is_known
from shared.domain.documents import etag_of
from shared.domain.errors.base import Refusal
from shared.domain.identity import Principal
from shared.domain.secrets import redact_tokens

HTML, MARKDOWN, ATOM, SVG = "text/html", "text/markdown", "application/atom+xml", "image/svg+xml"

# How long a cache may keep the page of an anonymous visitor. Withheld releases vanish within it.
PAGE_CACHE_TIME = timedelta(seconds=5)
_PAGE_CACHE_TIME_MS = PAGE_CACHE_TIME // timedelta(milliseconds=1)

# The response depends on these headers: the media type and the credentials of the client.
_VARY = "Accept, Authorization, Cookie"
_CACHED_HEADERS = {
    "Cache-Control": f"public, max-age={int(PAGE_CACHE_TIME.total_seconds())}",
    "Vary": _VARY,
}
_OK = 200
_FORMS = {MARKDOWN: "markdown", JSON: "json"}  # Of the query parameter `form`.


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for a public page.

    `visitor` is None unless the request comes from a signed-in session.
    """

    registry: Registry
    req: func.HttpRequest = field(repr=False)
    principal: Principal
    visitor: Visitor | None
    now_ms: int

    @property
    def route(self) -> Mapping[str, str]:
        """Return the route parameters, with tokens redacted, since pages show them."""
        return {name: redact_tokens(each) for name, each in self.req.route_params.items()}

    @property
    def query(self) -> Mapping[str, str]:
        """Return the query parameters, with tokens redacted."""
        return {name: redact_tokens(each) for name, each in self.req.params.items()}

    @property
    def url(self) -> str:
        """Return the base URL of the registry, without a trailing slash."""
        return self.registry.settings.base_url

    @property
    def path(self) -> str:
        """Return the path and query as they were sent, with tokens redacted."""
        return redact_tokens("/" + self.req.url.partition("://")[2].partition("/")[2])

    def wants(self, media_type: str) -> bool:
        """Return whether the client accepts this media type and not HTML, as programs do."""
        accepted = str(headers_of(self.req).get("accept", "")).lower()
        return media_type in accepted and HTML not in accepted

    def wants_form(self, media_type: str) -> bool:
        """Return whether the client accepts this media type, or the address asks for it."""
        return self.wants(media_type) or self.query.get("form") == _FORMS[media_type]

    def show(self, template: str, *, status: int = _OK, **values: object) -> func.HttpResponse:
        """Return the rendered template; it can read `request` and `here`."""
        values = {
            "visitor": self.visitor,
            "here": self.path,
            "request": self,
            "now_ms": self.now_ms,
            **values,
        }
        return self._response(render_template(template, values).encode(), HTML, status)

    def json(self, value: object) -> func.HttpResponse:
        """Return the page as JSON."""
        return self._response(orjson.dumps(value), JSON, _OK)

    def text(self, content: str | bytes, media_type: str, *, etag: str = "") -> func.HttpResponse:
        """Return the page in another media type, such as Markdown, or a file, whose `etag` may be
        known without reading all of it."""
        body = content.encode() if isinstance(content, str) else content
        return self._response(body, media_type, _OK, etag)

    def redirect(self, path: str) -> func.HttpResponse:
        """Redirect to another page, as long as that is where the address leads."""
        headers = PAGE_HEADERS | NO_STORE | {"Location": path}
        return func.HttpResponse(status_code=302, headers=headers)

    def _response(
        self, body: bytes, media_type: str, status: int, etag: str = ""
    ) -> func.HttpResponse:
        if status != _OK or not self.principal.is_anonymous:
            headers = PAGE_HEADERS | NO_STORE
            return func.HttpResponse(body, status_code=status, headers=headers, mimetype=media_type)
        etag = etag or etag_of(body)
        headers = PAGE_HEADERS | _CACHED_HEADERS | {"ETag": etag}
        if is_known(headers_of(self.req), etag=etag):
            return func.HttpResponse(status_code=304, headers=headers)
        headers["Content-Length"] = str(len(body))
        sent = b"" if self.req.method == "HEAD" else body
        return func.HttpResponse(sent, headers=headers, mimetype=media_type)


PublicPageHandler = Callable[[PageRequest], Coroutine[object, object, func.HttpResponse]]
RefusalExplainer = Callable[[PageRequest, Refusal], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PublicPages:
    """Makes Functions of public pages; `explain` may choose a page for a refusal, by
    `set_refusal_template`."""

    registry: Registry
    explain: RefusalExplainer | None = None

    def page(self, handler: PublicPageHandler) -> Handler:
        """Make a Function of a page that may depend on the visitor."""
        return self._function(handler, self._request)

    def anonymous_page(self, handler: PublicPageHandler) -> Handler:
        """Make a Function that ignores credentials, for what other sites keep and show: feeds."""
        return self._function(handler, self._anonymous_request)

    def _function(
        self,
        handler: PublicPageHandler,
        request_of: Callable[[func.HttpRequest], Awaitable[PageRequest]],
    ) -> Handler:
        shared = SharedResponses()

        async def respond(req: func.HttpRequest) -> func.HttpResponse:
            number = self.registry.adapters.edition.number
            request = await request_of(req)
            make = partial(handler, request)
            try:
                if not request.principal.is_anonymous:
                    return await make()
                response = await shared.response(request_key(req, number), make)
                return _cached(request, response, number)
            except Refusal as refusal:
                if request.wants_form(JSON):
                    return problem_response(refusal)
                if self.explain:
                    await self.explain(request, refusal)
                raise

        # By hand: the host would look through `functools.wraps` and miss the request.
        respond.__name__ = handler.__name__
        return page_decorator(self.registry)(respond)

    async def _anonymous_request(self, req: func.HttpRequest) -> PageRequest:
        registry, now_ms = self.registry, self.registry.clock.now_ms()
        return PageRequest(registry, req, anonymous_caller(headers_of(req), registry), None, now_ms)

    async def _request(self, req: func.HttpRequest) -> PageRequest:
        """Identify the visitor by a token or a session; raise as `caller_of` does."""
        headers, now_ms = headers_of(req), self.registry.clock.now_ms()
        if headers.get("authorization"):
            caller = await caller_of(headers, self.registry)
            return PageRequest(self.registry, req, caller, None, now_ms)
        found = await signed_in_account(headers, self.registry)
        if found is None:
            return await self._anonymous_request(req)
        return PageRequest(self.registry, req, found.principal, found.visitor, now_ms)


def _cached(request: PageRequest, response: func.HttpResponse, number: int) -> func.HttpResponse:
    """Let the answer cache repeat a public response for as long as other caches may keep it."""
    is_public = response.headers.get("Cache-Control") == _CACHED_HEADERS["Cache-Control"]
    if response.status_code != _OK or not is_public:
        return response
    # Its notices were read earlier than the rest, and must not be shown for longer either.
    since_ms = min(request.now_ms, request.registry.notice_cache.read_ms)
    end_ms = since_ms + _PAGE_CACHE_TIME_MS
    return cache_response_until(response, request.registry, end_ms, number)


RequestKey = tuple[str, ...]
ResponseFactory = Callable[[], Coroutine[object, object, func.HttpResponse]]


class SharedResponses:
    """Makes one response for all equal requests to a Function that arrive while it is made."""

    def __init__(self) -> None:
        self._responses = SingleFlight[func.HttpResponse]()

    async def response(self, key: RequestKey, make: ResponseFactory) -> func.HttpResponse:
        """Return what `make` returns, or what a call in progress for the same key returns."""
        made = await self._responses.answer(key, make)
        # A copy for each request: the handler decorator writes the request's id on it.
        return func.HttpResponse(
            made.get_body(),
            status_code=made.status_code,
            headers=dict(made.headers),
            mimetype=made.mimetype,
        )


def request_key(req: func.HttpRequest, number: int) -> RequestKey:
    """Return everything that the response to an anonymous request depends on; the number of the
    edition too, so that no response is shared that was begun before a change that is known now."""
    headers = headers_of(req)
    accepted, known = headers.get("accept", ""), headers.get("if-none-match", "")
    return req.method, req.url, accepted, known, str(number)
