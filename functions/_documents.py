"""Derived documents as they are sent: whole or in part, with a tag that stays while they do."""

from dataclasses import dataclass

import azure.functions as func

from functions._http import headers_of
from shared.domain.document import tag_of
from shared.ranges import Unsatisfiable, is_known, requested_range

PUBLIC = "no-cache"  # Builds need what was pushed a moment ago; to ask again with the tag is cheap.
PRIVATE = "private, no-store"


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes of a media type, and whether anybody may keep them in a shared cache."""

    content: bytes
    media_type: str
    is_public: bool
    stands: bool = False  # Whether nothing but records of packages went into it.

    @property
    def etag(self) -> str:
        """Return the tag of these bytes."""
        return tag_of(self.content)


def document_answer(req: func.HttpRequest, document: Document) -> func.HttpResponse:
    """Return the document or the part that is asked for, its headers alone, or a 304."""
    etag = document.etag
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": PUBLIC if document.is_public else PRIVATE,
    }
    if is_known(headers_of(req), etag=etag):
        return func.HttpResponse(status_code=304, headers=headers)
    content, status = document.content, 200
    try:
        span = requested_range(headers_of(req), size=len(content), etag=etag)
    except Unsatisfiable:
        headers |= {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"}
        return func.HttpResponse(status_code=416, headers=headers)
    if span is not None and req.method == "GET":
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{len(content)}"
        content, status = content[span.start : span.stop], 206
    headers["Content-Length"] = str(len(content))  # The host counts only bodies that are sent.
    body = b"" if req.method == "HEAD" else content
    return func.HttpResponse(
        body, status_code=status, headers=headers, mimetype=document.media_type
    )
