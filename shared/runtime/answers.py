"""What an operation answers, and how the answer cache of the local host may serve it again.

A cached answer is served without a call of its Function, while what it depends on is unchanged
(docs/decisions/0008 and 0020). What clients and proxies may cache is another matter: headers of the
answer say that.
"""

import asyncio
import gzip
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import azure.functions as func
from msgspec import Struct

from shared.domain.principals import Principal
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.editions import Edition

REQUEST_ID_HEADER = "X-Request-Id"  # New in every answer, also in one from the answer cache.
PLAIN_TEXT = "text/plain"
WITHOUT_BODY = frozenset((204, 304))  # Statuses of answers that have no body.


class KnownCaller(Struct, frozen=True):
    """The caller, identified from this process's caches.

    `readers_among(orgs)` returns those of the organizations (lower case), and staff, for whom the
    caller may read every package.
    """

    principal: Principal
    readers_among: Callable[[Iterable[str]], Iterable[str]]


class RecognizedRequest(func.HttpRequest):
    """A request of a host that recognizes callers before it calls a Function."""

    @property
    def known_caller(self) -> KnownCaller | None:
        """The sender, if the host recognized them by the headers of this request."""
        raise NotImplementedError


# Returns None where the Function has to identify the caller.
RecognizeCaller = Callable[[func.HttpRequest], KnownCaller | None]

# Records a request that the answer cache answers, and returns the headers to add: the request id,
# and others that the cached answer lacks. Returns None if the Function has to be called.
RecordHit = Callable[[func.HttpRequest, KnownCaller], Mapping[str, str] | None]


class AnswerCachePolicy(Struct, frozen=True):
    """How the answer cache may serve an answer again. The answer depends only on the method, path,
    query and headers of its request, and on these packages."""

    record_hit: RecordHit
    edition_number: int  # From before anything was read for the answer.
    packages: Collection[str]  # By their keys; `EVERYTHING` if it depends on more of the stores.
    readers_of: str = ""  # The organization whose private packages it takes to read; "" for none.

    def is_valid(self, edition: Edition) -> bool:
        """Check whether the packages are unchanged. The edition must be current."""
        return edition.is_unchanged_since(self.edition_number, self.packages)


@dataclass(slots=True)
class Answer:
    """The status, headers and body of a response; `cookies` are values of `Set-Cookie`.

    The local host decompresses a `gzipped_body` while it sends it. Then the `Content-Length` is
    that of the decompressed body, and `body` is empty. The Functions host takes only whole bodies,
    which `decompress_body` makes. A 304 has no body, and a 206 a part of one; their `length` is
    that of the body of the 200 that they replace.

    The answer cache serves the answer until `cacheable_until_ms` of the monotonic clock (0 for
    never), and while what it `depends_on` is unchanged. An answer without `depends_on` is never
    cached. `on_cache_hit` is called with the call of each request that a cached answer is served
    to, for example to count a pull.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    media_type: str = PLAIN_TEXT
    cookies: list[str] = field(default_factory=list[str], repr=False)
    gzipped_body: bytes = b""
    on_cache_hit: Callable[[Any], None] | None = None
    cacheable_until_ms: float = inf
    cache_policy: AnswerCachePolicy | None = None  # Set by its operation, for the host.
    length: int | None = None
    depends_on: Dependencies | None = None

    def __post_init__(self) -> None:
        self.headers = dict(self.headers)  # Callers share theirs, and more are added here.

    async def decompress_body(self) -> None:
        """Replace `gzipped_body` by a `body`."""
        self.body = await asyncio.to_thread(gzip.decompress, self.gzipped_body)
        self.gzipped_body = b""

    def add_length(self, method: str) -> None:
        """Add the `Content-Length`: without one the Functions host sends a body in chunks, which
        clients of archives reject."""
        headers = self.headers
        is_known = self.gzipped_body or "Content-Length" in headers or self.status in WITHOUT_BODY
        if not is_known and not (method == "HEAD" and "Content-Encoding" in headers):
            headers["Content-Length"] = str(len(self.body))

    @property
    def content_type(self) -> str:
        """The media type that is sent."""
        return self.headers.get("Content-Type", self.media_type)


class FunctionResponse(func.HttpResponse):
    """An answer as the Functions host sends it. The local host reads the answer itself, so the
    parts for the worker of the other one are made when that asks for them."""

    # The constructor of the base class makes every part, so it is not called.
    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    @property
    def status_code(self) -> int:
        return self.answer.status

    @property
    def mimetype(self) -> str:
        return self.answer.media_type

    @property
    def charset(self) -> str:
        return "utf-8"

    @cached_property  # The worker adds the type to them.
    def headers(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The headers, with a `Set-Cookie` for each cookie."""
        headers: Any = func.HttpResponse(headers=self.answer.headers).headers
        for cookie in self.answer.cookies:
            headers.add("Set-Cookie", cookie)
        return headers

    def get_body(self) -> bytes:
        return self.answer.body
