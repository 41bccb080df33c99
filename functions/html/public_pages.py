"""Pages that everybody may read, and that caches may keep for a few seconds."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus

from functions.html.pages import (
    HTML,
    PAGE_HEADERS,
    RELOAD,
    PageCall,
    Pages,
    RefusalPage,
    identify_visitor,
)
from functions.http.answer_caching import allow_answer_caching_until
from functions.http.caching_headers import NO_STORE
from functions.http.operations import Operation
from functions.http.representations import unchanged_answer
from shared.domain.documents import etag_of
from shared.domain.errors.base import Refusal
from shared.domain.times import MS
from shared.domain.token_redaction import redact_tokens
from shared.domain.visibility import Readers
from shared.runtime.answers import Answer

MARKDOWN = "text/markdown"

# How long a cache may keep the page of an anonymous visitor. Withheld releases vanish within it.
PAGE_CACHE_TIME = timedelta(seconds=5)

# The answer depends on these headers: the media type and the credentials of the client.
_VARY = "Accept, Authorization, Cookie"
_CACHED_HEADERS = {
    "Cache-Control": f"public, max-age={int(PAGE_CACHE_TIME.total_seconds())}",
    "Vary": _VARY,
}
_OK = HTTPStatus.OK  # Looked up once, as in conditional_requests.py.


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

    @cached_property
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
        edition_number = call.registry.edition.number
        try:
            await self.identify(call)
            answer = await operation.handle(call)
            return _cached(call, answer, edition_number) if call.caller.is_anonymous else answer
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


def _cached(call: PublicPageCall, answer: Answer, edition_number: int) -> Answer:
    """Let the answer cache of the local host store a public answer for as long as other caches may
    store it."""
    is_public = answer.headers.get("Cache-Control") == _CACHED_HEADERS["Cache-Control"]
    if answer.status != _OK or not is_public:
        return answer
    # The notices were read before the rest of the page, and must not be shown for longer either.
    since_ms = min(call.now_ms, call.registry.limits.notice_cache.read_ms)
    return allow_answer_caching_until(
        call, answer, since_ms + PAGE_CACHE_TIME // MS, edition_number
    )
