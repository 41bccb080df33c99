"""How the index answers: validators, compression and caching."""

from collections.abc import Mapping
from email.utils import formatdate

import azure.functions as func

from functions._http import headers_of
from shared.domain.document import Document
from shared.ranges import is_known

PUBLIC = "public, max-age=60"  # What is withdrawn is gone from shared caches within a minute.
PRIVATE = "private, no-store"


def document_answer(
    req: func.HttpRequest, document: Document, *, mimetype: str, caching: str
) -> func.HttpResponse:
    """Return the document, compressed where the client can read that, or a 304."""
    headers = _headers(document, caching)
    if is_known(headers_of(req), etag=document.tag):
        return func.HttpResponse(status_code=304, headers=headers)
    body = document.content
    if len(document.gzipped) < len(body) and _takes_gzip(headers_of(req)):
        headers["Content-Encoding"] = "gzip"
        body = document.gzipped
    headers["Content-Length"] = str(len(body))  # The host counts only bodies that are sent.
    sent = b"" if req.method == "HEAD" else body
    return func.HttpResponse(sent, headers=headers, mimetype=mimetype)


def _headers(document: Document, caching: str) -> dict[str, str]:
    # The tag is weak because it stands for the plain and the compressed bytes.
    headers = {
        "ETag": f"W/{document.tag}",
        "Cache-Control": caching,
        "Vary": "Accept-Encoding",
    }
    if document.changed_ms is not None:
        headers["Last-Modified"] = formatdate(document.changed_ms // 1000, usegmt=True)
    return headers


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    for coding in headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = coding.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
