"""The compression of texts that every cache may keep."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace

from functions.http.caching_headers import is_publicly_cacheable
from functions.http.calls import Call
from shared.domain.documents import gzipped
from shared.runtime.answers import Answer
from shared.runtime.conditional_requests import NOT_MODIFIED, OK, PARTIAL_CONTENT

# Such a text is the same for everybody, so it contains no secret that the length of the compressed
# text could reveal to an attacker who makes a browser request it (BREACH). Pages of signed-in
# people, answers to tokens and refusals are `private` or `no-store`, and are sent uncompressed; so
# is what clients of Central read. Archives are no texts. A compressed text has a weak ETag: it
# means the same as the plain one, and differs in its bytes.

SMALLEST_BYTES = 1_024  # A smaller text fits into a packet.
LARGEST_BYTES = 1024 * 1024  # A larger text takes a processor longer than 20 ms, each time.
ON_THE_LOOP_BYTES = 64 * 1024  # Compressed in less than a millisecond.

# Other answers are sent as they are. A range is of the plain text, and has the `Vary` of the whole
# (RFC 9110, section 15.3.7).
COMPRESSED_STATUSES = frozenset((OK, PARTIAL_CONTENT, NOT_MODIFIED))

_READING = frozenset(("GET", "HEAD"))
_TEXT = re.compile(r"text/|(application|image)/([\w.-]+\+)?(json|xml|x-ndjson)\b")
_NO_QUALITY = re.compile(r"q=0(\.0{0,3})?")


async def compressed(call: Call, answer: Answer) -> Answer:
    """Return an answer of one of the `COMPRESSED_STATUSES` as this client gets it: compressed if
    the client accepts that, with the headers that caches need for an answer that may be
    compressed."""
    is_shared = call.method in _READING and is_publicly_cacheable(answer)
    if not is_shared or not _is_long_text(answer):
        return answer
    _add_vary(answer)
    if answer.status == PARTIAL_CONTENT:
        return answer
    if answer.status == NOT_MODIFIED:
        # It has the ETag of the encoding that the client holds.
        if f"W/{answer.headers.get('ETag')}" in call.header("if-none-match"):
            _weaken(answer)
            answer.headers.pop("Accept-Ranges", None)
        return answer
    return await _gzipped_answer(answer) if accepts_gzip(call.headers) else answer


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Check whether the `Accept-Encoding` names gzip, or any encoding, and does not exclude it."""
    accepted: dict[str, bool] = {}
    for coding in headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = coding.partition(";")
        accepted.setdefault(name.strip(), not _NO_QUALITY.fullmatch(quality.replace(" ", "")))
    return accepted.get("gzip", accepted.get("*", False))


def _is_long_text(answer: Answer) -> bool:
    headers = answer.headers
    if "Content-Encoding" in headers or not _TEXT.match(answer.content_type):
        return False
    length = answer.length
    if length is None:  # The answer to a HEAD has the length of the text, and no body.
        length = int(headers.get("Content-Length", len(answer.body)))
    return SMALLEST_BYTES < length <= LARGEST_BYTES


def _add_vary(answer: Answer) -> None:
    varied = answer.headers.get("Vary", "")
    if "accept-encoding" not in varied.lower():
        answer.headers["Vary"] = f"{varied}, Accept-Encoding".removeprefix(", ")


def _weaken(answer: Answer) -> None:
    """Make the ETag weak, because the compressed and the plain text differ in their bytes."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        answer.headers["ETag"] = f"W/{tag}"


async def _gzipped_answer(answer: Answer) -> Answer:
    headers = dict(answer.headers)
    # The length of the compressed text is not known for a HEAD, whose text is not made.
    headers.pop("Content-Length", None)
    headers.pop("Accept-Ranges", None)  # Ranges are offered of the plain text only.
    body = answer.body and await _gzip(answer.body)
    made = replace(answer, body=body, headers={**headers, "Content-Encoding": "gzip"})
    _weaken(made)
    return made


async def _gzip(body: bytes) -> bytes:
    if len(body) <= ON_THE_LOOP_BYTES:
        return gzipped(body)
    return await asyncio.to_thread(gzipped, body)
