"""Documents as answers: with an ETag, by RFC 9110."""

from dataclasses import replace
from math import inf

from msgspec import Struct

from functions.http.caching_headers import CACHE_PRIVATE, REVALIDATE
from functions.http.calls import Call
from shared.domain.documents import etag_of
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.answers import Answer
from shared.runtime.conditional_requests import NOT_MODIFIED, has_current_copy, select


class Representation(Struct, frozen=True):
    """A document as it is sent. If it is public, shared caches may keep it as `caching` says; no
    cache keeps a refusal to send it. `depends_on` and `cacheable_until_ms` are those of its
    answers."""

    content: bytes
    media_type: str
    is_public: bool
    depends_on: Dependencies | None = None
    cacheable_until_ms: float = inf
    caching: str = REVALIDATE

    @property
    def etag(self) -> str:
        return etag_of(self.content)


def conditional_answer(call: Call, document: Representation) -> Answer:
    """Return the document, the requested range, only the headers for a `HEAD`, a 304 or a 412."""
    answer = _conditional_answer(call, document)
    answer.depends_on = document.depends_on
    answer.cacheable_until_ms = document.cacheable_until_ms
    return answer


def _conditional_answer(call: Call, document: Representation) -> Answer:
    content = document.content
    tag = document.etag
    selected = select(call.headers, tag=tag, length=len(content), method=call.method)
    headers = selected.headers(
        {
            "ETag": tag,
            "Accept-Ranges": "bytes",
            "Cache-Control": document.caching if document.is_public else CACHE_PRIVATE,
        }
    )
    if selected.is_refusal:
        return Answer(status=selected.status, headers=headers)
    if selected.status == NOT_MODIFIED:
        return Answer(
            status=selected.status,
            headers=headers,
            media_type=document.media_type,
            length=len(content),
        )
    body = b"" if call.is_head else content[selected.span.start : selected.span.stop]
    return Answer(
        body, selected.status, headers, media_type=document.media_type, length=len(content)
    )


def unchanged_answer(call: Call, whole: Answer, *, etag: str) -> Answer | None:
    """Return a 304 if the client holds the document with this tag, otherwise None.

    `whole` is the answer with status 200 that the 304 replaces, and `length` the length of its
    body. The 304 has the headers and the type of `whole`, because caches copy them to the answer
    that they keep.
    """
    return (
        replace(whole, status=304, body=b"") if has_current_copy(call.headers, tag=etag) else None
    )
