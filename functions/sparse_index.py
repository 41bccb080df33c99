"""GET /index/…: one file for each package, its configuration, and the feed of changes."""

import re
from email.utils import formatdate

import orjson

from functions.http.caching_headers import CACHE_PRIVATE, NO_STORE
from functions.http.calls import Call
from functions.http.compression import accepts_gzip
from functions.http.json_answers import JSON, withdrawal_model
from functions.http.operations import JsonFace
from functions.http.representations import unchanged_answer
from shared.domain.change_feed import PackageChange
from shared.domain.documents import DerivedDocument
from shared.domain.errors.base import InvalidRequest
from shared.domain.sparse_index import INDEX_TYPE, index_config
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED
from shared.runtime.answers import Answer
from shared.services.packages.sparse_index import PackageChanges

DEFAULT_CHANGES = 100
MAX_CHANGES = 500

_NUMBER = re.compile(r"\d{1,15}", re.ASCII)  # Every store can hold a number of that length.


class IndexFace(JsonFace[Call]):
    """Operations of the index."""

    call_type = Call


api = IndexFace()
FACES = (api,)


@api.read("index/config.json", ignores_credentials=True)
async def index_settings(call: Call) -> Answer:
    config = DerivedDocument.of(index_config(call.registry.settings.base_url))
    return index_answer(call, config, media_type=JSON, caching=INDEX_CACHE_PUBLIC)


@api.read("index/{org}/{name}/index.json", uses_answer_cache=True)
async def index_file(call: Call) -> Answer:
    return await _file(call, INDEX_TYPE)


@api.read("index/{org}/{name}/index.txt", uses_answer_cache=True)
async def index_text(call: Call) -> Answer:
    """Return the same lines for tools that accept only text, such as Renovate."""
    return await _file(call, "text/plain")


async def _file(call: Call, media_type: str) -> Answer:
    index = call.registry.packages.index
    package = call.package
    found = await index.file(package, call.package_source, by=call.caller)
    caching = INDEX_CACHE_PUBLIC if found.is_public else CACHE_PRIVATE
    answer = index_answer(call, found.document, media_type=media_type, caching=caching)
    answer.depends_on = found.depends_on
    answer.cacheable_until_ms = found.cacheable_until_ms
    return answer


@api.read("index/changes", uses_answer_cache=True)
async def index_changes(call: Call) -> Answer:
    since = _number(call, "since", 0)
    limit = _number(call, "limit", DEFAULT_CHANGES)
    count = min(max(limit, 1), MAX_CHANGES)
    found = await call.registry.packages.index.changes(since, count, by=call.caller)
    return _changes_answer(found)


def _number(call: Call, name: str, default: int) -> int:
    text = call.params.get(name, str(default))
    if not _NUMBER.fullmatch(text):
        reason = f"{name} is not a whole number. Send only digits, such as {name}={default}."
        raise InvalidRequest(reason)
    return int(text)


def _changes_answer(found: PackageChanges) -> Answer:
    model = {"changes": [_change_model(each) for each in found.changes], "next": found.next}
    body = orjson.dumps(model)
    headers = {**NO_STORE, "Content-Length": str(len(body))}
    return Answer(body, headers=headers, media_type=JSON, depends_on=ALL_THAT_IS_STORED)


def _change_model(change: PackageChange) -> dict[str, object]:
    return {
        "seq": change.number,
        "time": change.at_ms,
        "kind": change.change.value,
        "org": change.package.org,
        "name": change.package.name,
        "version": change.version,
        **(withdrawal_model(change.withdrawal) if change.withdrawal else {}),
    }


# Withheld releases vanish from shared caches within a minute.
INDEX_CACHE_PUBLIC = "public, max-age=60"


def index_answer(call: Call, document: DerivedDocument, *, media_type: str, caching: str) -> Answer:
    """Return the document, compressed if the client accepts gzip, or a 304."""
    headers = _headers(document, caching)
    if unchanged := unchanged_answer(
        call, Answer(headers=headers, media_type=media_type), etag=document.tag
    ):
        return unchanged
    body = document.content
    if accepts_gzip(call.headers) and len(document.gzipped) < len(body):
        headers["Content-Encoding"] = "gzip"
        body = document.gzipped
    headers["Content-Length"] = str(len(body))  # The host counts only bodies that are sent.
    sent = b"" if call.is_head else body
    return Answer(sent, headers=headers, media_type=media_type)


def _headers(document: DerivedDocument, caching: str) -> dict[str, str]:
    # The ETag is weak, since it is that of the plain and of the compressed bytes.
    headers = {"ETag": f"W/{document.tag}", "Cache-Control": caching, "Vary": "Accept-Encoding"}
    if document.changed_ms is not None:
        headers["Last-Modified"] = formatdate(document.changed_ms // 1000, usegmt=True)
    return headers
