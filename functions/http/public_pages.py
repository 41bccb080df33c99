"""Public pages: caches keep those for anonymous visitors; signed-in visitors see their menu.

A handler of `PublicPages()` returns `call.show(...)`, `call.json(...)` or `call.text(...)`. A
refusal that it raises becomes an HTML page, or a JSON problem where the client asked for JSON.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast

import orjson

from functions.http.answers import JSON, NO_STORE, problem_answer, repeat_until, unchanged_answer
from functions.http.operations import Operation
from functions.http.pages import HTML, PAGE_HEADERS, PageCall, Pages, RefusalPage, identify_visitor
from shared.domain.documents import etag_of
from shared.domain.errors.base import Refusal
from shared.domain.redaction import redact_tokens
from shared.domain.times import MS
from shared.runtime.answers import Answer
from shared.runtime.caching import SingleFlight

MARKDOWN, ATOM, SVG = "text/markdown", "application/atom+xml", "image/svg+xml"

# How long a cache may keep the page of an anonymous visitor. Withheld releases vanish within it.
PAGE_CACHE_TIME = timedelta(seconds=5)

# The answer depends on these headers: the media type and the credentials of the client.
_VARY = "Accept, Authorization, Cookie"
_CACHED_HEADERS = {
    "Cache-Control": f"public, max-age={int(PAGE_CACHE_TIME.total_seconds())}",
    "Vary": _VARY,
}
_OK = 200
_FORMS = {MARKDOWN: "markdown", JSON: "json"}  # Of the query parameter `form`.


class PublicPageCall(PageCall):
    """The call of a public page."""

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
    def target(self) -> str:
        """The path and query as they were sent, with tokens redacted."""
        return redact_tokens("/" + self.url.partition("://")[2].partition("/")[2])

    def wants(self, media_type: str) -> bool:
        """Return whether the client accepts this media type and not HTML, as programs do."""
        accepted = self.header("accept").lower()
        return media_type in accepted and HTML not in accepted

    def wants_form(self, media_type: str) -> bool:
        """Return whether the client accepts this media type, or the address asks for it."""
        return self.wants(media_type) or self.redacted_query.get("form") == _FORMS[media_type]

    def show(self, template: str, *, status: int = _OK, **values: object) -> Answer:
        """Return the rendered template; it can read `call` and `here`."""
        values = {"here": self.target, "call": self, "now_ms": self.now_ms, **values}
        return self._answer(self.rendered(template, **values), HTML, status)

    def json(self, value: object) -> Answer:
        return self._answer(orjson.dumps(value), JSON, _OK)

    def text(self, content: str | bytes, media_type: str, *, etag: str = "") -> Answer:
        """Return the page in another media type, such as Markdown, or a file, whose `etag` may be
        known without reading all of it."""
        body = content.encode() if isinstance(content, str) else content
        return self._answer(body, media_type, _OK, etag)

    def redirect(self, path: str) -> Answer:
        """Redirect to another page, as long as that is where the address leads."""
        return Answer(status=302, headers=PAGE_HEADERS | NO_STORE | {"Location": path})

    def _answer(self, body: bytes, media_type: str, status: int, etag: str = "") -> Answer:
        if status != _OK or not self.caller.is_anonymous:
            return Answer(body, status, PAGE_HEADERS | NO_STORE, media_type)
        etag = etag or etag_of(body)
        headers = PAGE_HEADERS | _CACHED_HEADERS | {"ETag": etag}
        if unchanged := unchanged_answer(self, headers, etag=etag):
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
        self._answers = SharedAnswers()

    async def answer_page(self, call: PublicPageCall, operation: Operation) -> Answer:
        number = call.registry.adapters.edition.number
        try:
            await self.identify(call)
            make = cast("AnswerFactory", partial(operation.handle, call))
            if not call.caller.is_anonymous:
                return await make()
            key = answer_key(operation, call, number)
            return _cached(call, await self._answers.answer(key, make), number)
        except Refusal as refusal:
            if self._explain and not call.wants_form(JSON):
                call.refusal_page = await self._explain(call, refusal)
            raise

    async def identify(self, call: PublicPageCall) -> None:
        """Identify the visitor by a token or a session; raise as `caller_of` does."""
        if call.headers.get("authorization"):
            await call.identify()
        elif await identify_visitor(call) is None:
            call.identify_as_anonymous()

    def refused(self, call: PublicPageCall, refusal: Refusal) -> Answer:
        if call.wants_form(JSON):
            return problem_answer(refusal)
        return super().refused(call, refusal)


class AnonymousPages(PublicPages):
    """Pages that ignore credentials, for what other sites keep and show: feeds."""

    async def identify(self, call: PublicPageCall) -> None:
        call.identify_as_anonymous()


def _cached(call: PublicPageCall, answer: Answer, number: int) -> Answer:
    """Let the answer cache repeat a public answer for as long as other caches may keep it."""
    is_public = answer.headers.get("Cache-Control") == _CACHED_HEADERS["Cache-Control"]
    if answer.status != _OK or not is_public:
        return answer
    # Its notices were read earlier than the rest, and must not be shown for longer either.
    since_ms = min(call.now_ms, call.registry.limits.notice_cache.read_ms)
    return repeat_until(call, answer, since_ms + PAGE_CACHE_TIME // MS, number)


AnswerKey = tuple[str, ...]
AnswerFactory = Callable[[], Coroutine[Any, Any, Answer]]


class SharedAnswers:
    """Makes one answer for all equal requests that arrive while it is made."""

    def __init__(self) -> None:
        self._answers = SingleFlight[Answer]()

    async def answer(self, key: AnswerKey, make: AnswerFactory) -> Answer:
        """Return the result of `make`, or of a call in progress for the same key."""
        made = await self._answers.answer(key, make)
        # A copy for each request: the operation writes the request's id on it.
        return Answer(made.body, made.status, dict(made.headers), made.media_type)


def answer_key(operation: Operation, call: PublicPageCall, number: int) -> AnswerKey:
    """Return everything that the answer to an anonymous request depends on; the number of the
    edition too, so that no answer is shared that was begun before a change that is known now."""
    accepted, known = call.header("accept"), call.header("if-none-match")
    return operation.name, call.method, call.url, accepted, known, str(number)
