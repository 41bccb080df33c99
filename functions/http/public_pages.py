"""Pages for everybody: a signed-in visitor sees the site's menu, and caches keep the page of all
others.

A page Function is made by `PublicPages(registry).page` from `async def page(look: PageRequest)`. It
answers with `look.show(...)`, `look.json(...)` or `look.text(...)`, and raises refusals: what is
missing becomes a page, or a problem for programs, with the request's id.
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

# Pages for everybody: who is signed in sees them in their frame, and caches keep the others.
#
# A page Function is made by `PublicPages(registry).page` from `async def page(look: Look)`. It
# answers with `look.show(...)`, `look.json(...)` or `look.text(...)`, and raises refusals as they
# come: what is missing becomes a page, or a problem for programs, with the request's id.

READ_METHODS = ["GET", "HEAD"]
WRITE_METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]  # All others that the host knows.
HTML, MARKDOWN, ATOM, SVG = "text/html", "text/markdown", "application/atom+xml", "image/svg+xml"

# How long a cache may show what strangers see. Whatever is withdrawn is gone within five seconds.
PAGE_CACHE_TIME = timedelta(seconds=5)
_PAGE_CACHE_TIME_MS = PAGE_CACHE_TIME // timedelta(milliseconds=1)

# What an answer depends on beside its address: who asks, and in which form.
_VARY = "Accept, Authorization, Cookie"
_CACHED_HEADERS = {
    "Cache-Control": f"public, max-age={int(PAGE_CACHE_TIME.total_seconds())}",
    "Vary": _VARY,
}
_OK = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request for a public page: by whom, and for what.

    `principal` is who asks, for services; `visitor` is who is signed in, None for everybody else.
    """

    registry: Registry
    req: func.HttpRequest = field(repr=False)
    principal: Principal
    visitor: Visitor | None
    now_ms: int

    @property
    def route(self) -> Mapping[str, str]:
        """Return the parts of the path that have names; pages show none that is a token."""
        return {name: redact_tokens(each) for name, each in self.req.route_params.items()}

    @property
    def query(self) -> Mapping[str, str]:
        """Return what stands behind the `?`, without tokens as well."""
        return {name: redact_tokens(each) for name, each in self.req.params.items()}

    @property
    def url(self) -> str:
        """Return the address of the registry, without a slash at its end."""
        return self.registry.settings.base_url

    @property
    def path(self) -> str:
        """Return the path that was asked for, with its query, as it was written but for tokens."""
        return redact_tokens("/" + self.req.url.partition("://")[2].partition("/")[2])

    def wants(self, media_type: str) -> bool:
        """Say whether a program asks for this form, and not a browser for a page."""
        asked = str(headers_of(self.req).get("accept", "")).lower()
        return media_type in asked and HTML not in asked

    def show(self, template: str, *, status: int = _OK, **values: object) -> func.HttpResponse:
        """Return a page made from a template; `look` and `here` are among its values."""
        frame = {"visitor": self.visitor, "here": self.path, "look": self, "now_ms": self.now_ms}
        return self._answer(render_template(template, {**frame, **values}).encode(), HTML, status)

    def json(self, value: object) -> func.HttpResponse:
        """Return the page's twin for programs."""
        return self._answer(orjson.dumps(value), JSON, _OK)

    def text(self, content: str | bytes, media_type: str) -> func.HttpResponse:
        """Return another twin of the page, or a file: Markdown, a feed, a picture."""
        body = content.encode() if isinstance(content, str) else content
        return self._answer(body, media_type, _OK)

    def _answer(self, body: bytes, media_type: str, status: int) -> func.HttpResponse:
        if status != _OK or not self.principal.is_anonymous:
            headers = PAGE_HEADERS | NO_STORE
            return func.HttpResponse(body, status_code=status, headers=headers, mimetype=media_type)
        etag = etag_of(body)
        headers = PAGE_HEADERS | _CACHED_HEADERS | {"ETag": etag}
        if is_known(headers_of(self.req), etag=etag):
            return func.HttpResponse(status_code=304, headers=headers)
        headers["Content-Length"] = str(len(body))
        sent = b"" if self.req.method == "HEAD" else body
        return func.HttpResponse(sent, headers=headers, mimetype=media_type)


PublicPageHandler = Callable[[PageRequest], Coroutine[object, object, func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class PublicPages:
    """Makes Functions of pages that are for everybody."""

    registry: Registry

    def page(self, page: PublicPageHandler) -> Handler:
        """Answer whoever asks; a refusal is a page, or a problem where JSON is asked for."""
        return self._function(page, self._look)

    def anonymous_page(self, page: PublicPageHandler) -> Handler:
        """Answer everybody as a stranger: for what others keep and show, such as a feed."""
        return self._function(page, self._stranger)

    def _function(
        self, page: PublicPageHandler, who: Callable[[func.HttpRequest], Awaitable[PageRequest]]
    ) -> Handler:
        flights = SharedResponses()

        async def looked(req: func.HttpRequest) -> func.HttpResponse:
            look = await who(req)
            try:
                if not look.principal.is_anonymous:
                    return await page(look)
                return _cached(look, await flights.answer(request_key(req), partial(page, look)))
            except Refusal as refusal:
                if look.wants(JSON):
                    return problem_response(refusal)
                raise

        # By hand: the host would look through `functools.wraps` and miss the request.
        looked.__name__ = page.__name__
        return page_decorator(self.registry)(looked)

    async def _stranger(self, req: func.HttpRequest) -> PageRequest:
        registry, now_ms = self.registry, self.registry.clock.now_ms()
        return PageRequest(registry, req, anonymous_caller(headers_of(req), registry), None, now_ms)

    async def _look(self, req: func.HttpRequest) -> PageRequest:
        """Return who asks: by a token, in a session, or nobody known.

        Raises as `caller_of` does: credentials that are no good are told so.
        """
        registry, headers, now_ms = self.registry, headers_of(req), self.registry.clock.now_ms()
        if headers.get("authorization"):
            return PageRequest(registry, req, await caller_of(headers, registry), None, now_ms)
        found = await signed_in_account(headers, registry)
        if found is None:
            return PageRequest(registry, req, anonymous_caller(headers, registry), None, now_ms)
        return PageRequest(registry, req, found.principal, found.visitor, now_ms)


def _cached(look: PageRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Let an answer stand for as long as caches may keep it, if it is one of ours to keep."""
    is_kept = answer.headers.get("Cache-Control") == _CACHED_HEADERS["Cache-Control"]
    if answer.status_code != _OK or not is_kept:
        return answer
    # What it announces was read a moment before, and is to be as old as the rest of it at most.
    since_ms = min(look.now_ms, look.registry.notice_cache.read_ms)
    return cache_response_until(answer, look.registry, since_ms + _PAGE_CACHE_TIME_MS)


# Answers under way: those who ask the same meanwhile get the same answer.
#
# Else everybody who looks just when a page has to be made anew would have it made.

RequestKey = tuple[str, ...]
ResponseFactory = Callable[[], Coroutine[object, object, func.HttpResponse]]


class SharedResponses:
    """The answers of one Function that are under way."""

    def __init__(self) -> None:
        """Begin with none."""
        self._answers = SingleFlight[func.HttpResponse]()

    async def answer(self, question: RequestKey, make: ResponseFactory) -> func.HttpResponse:
        """Return what `make` returns, or what a call under way for the same question returns."""
        answer = await self._answers.answer(question, make)
        # Each gets one of their own: the edge writes the id of the request on it.
        return func.HttpResponse(
            answer.get_body(),
            status_code=answer.status_code,
            headers=dict(answer.headers),
            mimetype=answer.mimetype,
        )


def request_key(req: func.HttpRequest) -> RequestKey:
    """Return all of a request that the answer to a stranger is made of."""
    headers = headers_of(req)
    return req.method, req.url, headers.get("accept", ""), headers.get("if-none-match", "")
