"""A double of Blob Storage in the process of its client: block blobs, conditions, copies and signed
links.

It answers what the registry asks for, and refuses all else. `tests/contract` passes over it as it
does over Azurite.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from functools import cached_property
from itertools import count
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from azure.storage.blob import generate_blob_sas

ACCOUNT = "ballroom"
KEY = b64encode(b"the key of the account of the double").decode()
ADDRESS = f"https://{ACCOUNT}.blob.core.windows.net"
CONNECTION = (
    f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={ADDRESS};"
)

META = "x-ms-meta-"
# The headers that a blob is sent with, and what a request sets them with.
CONTENT_HEADERS = {
    name: f"x-ms-blob-{name.lower()}"
    for name in (
        "Content-Type",
        "Content-Encoding",
        "Content-Language",
        "Content-MD5",
        "Cache-Control",
        "Content-Disposition",
    )
}
# Parameters of a signed link that set headers of the answer.
_OVERRIDES = {"rscc": "Cache-Control", "rscd": "Content-Disposition", "rsct": "Content-Type"}


@dataclass(frozen=True)
class BlobRequest:
    """A request, its header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def container(self) -> str:
        return self._path.partition("/")[0]

    @cached_property
    def blob(self) -> str:
        return unquote(self._path.partition("/")[2])

    @cached_property
    def query(self) -> Mapping[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def operation(self) -> str:
        """Return what is asked for: the method and `comp`, as in `PUT metadata`."""
        return f"{self.method} {self.query.get('comp', '')}".strip()

    @property
    def metadata(self) -> dict[str, str]:
        return {
            name.removeprefix(META): value
            for name, value in self.headers.items()
            if name.startswith(META)
        }

    @property
    def content_headers(self) -> dict[str, str]:
        sent = {name: self.headers.get(header, "") for name, header in CONTENT_HEADERS.items()}
        return {name: value for name, value in sent.items() if value}

    @cached_property
    def _path(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")


@dataclass(frozen=True)
class BlobAnswer:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""


@dataclass(frozen=True)
class StoredBlob:
    """A blob, which is never changed, but replaced."""

    content: bytes
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    etag: str
    changed_ms: int

    @property
    def version_headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Last-Modified": formatdate(self.changed_ms / 1000, usegmt=True)}


@dataclass(frozen=True)
class KeptVersion:
    """A version of a blob that was overwritten or deleted."""

    id: str
    blob: StoredBlob
    deleted_ms: int | None = None  # When it was deleted itself, so that it can be brought back.


UNDELETE_DAYS = 14
A_DAY_MS = 24 * 60 * 60 * 1000


class Refused(Exception):
    """A request that the service refuses, with its status and the code of the error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


NO_BLOB = (404, "BlobNotFound")
NO_CONTAINER = (404, "ContainerNotFound")
NO_SOURCE = (404, "CannotVerifyCopySource")
EXISTS = (409, "BlobAlreadyExists")
CONDITION = (412, "ConditionNotMet")
UNMODIFIED = (304, "ConditionNotMet")
OTHER_CONTENT = (400, "Md5Mismatch")
RANGE = (416, "InvalidRange")
NOT_ALLOWED = (403, "AuthorizationPermissionMismatch")
NOT_SIGNED = (403, "AuthenticationFailed")
UNKNOWN = (501, "NotImplemented")
ANONYMOUS = (403, "AuthorizationFailure")


@dataclass
class BlobDouble:
    """An account with its containers, over a settable clock."""

    now_ms: Callable[[], int]
    containers: dict[str, dict[str, StoredBlob]] = field(
        default_factory=dict[str, dict[str, StoredBlob]]
    )
    # What it keeps of blobs, by container and name; None where it keeps nothing, as an emulator.
    history: dict[tuple[str, str], list[KeptVersion]] | None = None
    deletes_versions: bool = True  # Whether its clients have the right to.
    _blocks: dict[tuple[str, str], dict[str, bytes]] = field(
        default_factory=dict[tuple[str, str], dict[str, bytes]]
    )
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def copy(self) -> "BlobDouble":
        """Return an account of its own that stores the same."""
        containers = {name: dict(blobs) for name, blobs in self.containers.items()}
        return BlobDouble(self.now_ms, containers, _numbers=self._numbers)

    def answer(self, request: BlobRequest) -> BlobAnswer:
        """Return what the service answers; blobs change before this returns, or not at all."""
        try:
            self._check_rights(request)
            answer = self._routed(request)
        except Refused as refused:
            answer = _refusal(refused)
        if request.method == "HEAD":
            return replace(answer, content=b"")
        return answer

    # --- rights --------------------------------------------------------------------------------

    def _check_rights(self, request: BlobRequest) -> None:
        """Refuse who neither has the key nor a link; signatures of the key are not checked."""
        if "authorization" in request.headers:
            return
        if "sig" not in request.query:
            raise Refused(*ANONYMOUS)
        self._check_link(request)
        if request.method not in ("GET", "HEAD"):
            raise Refused(*NOT_ALLOWED)

    def _check_link(self, request: BlobRequest) -> None:
        """Refuse a link that was not signed for this blob, or is not valid now."""
        query = request.query
        signed = generate_blob_sas(
            ACCOUNT,
            request.container,
            request.blob,
            account_key=KEY,
            permission=query["sp"],
            start=query["st"],
            expiry=query["se"],
            cache_control=query.get("rscc"),
            content_disposition=query.get("rscd"),
            content_type=query.get("rsct"),
        )
        now = self.now_ms() / 1000
        is_valid = _seconds(query["st"]) <= now <= _seconds(query["se"])
        if parse_qs(signed)["sig"] != [query["sig"]] or not is_valid:
            raise Refused(*NOT_SIGNED)

    # --- containers ----------------------------------------------------------------------------

    def _routed(self, request: BlobRequest) -> BlobAnswer:
        if request.query.get("restype") == "container":
            return self._container(request)
        operations: Mapping[str, Callable[[BlobRequest, dict[str, StoredBlob]], BlobAnswer]] = {
            "GET": self._read,
            "HEAD": self._read,
            "PUT": self._put,
            "PUT block": self._put_block,
            "PUT blocklist": self._put_block_list,
            "PUT metadata": self._set_metadata,
            "PUT properties": self._set_headers,
            "DELETE": self._delete,
        }
        if request.operation not in operations:
            raise Refused(*UNKNOWN)
        return operations[request.operation](request, self._existing(request.container))

    def _container(self, request: BlobRequest) -> BlobAnswer:
        blobs = self._existing(request.container)
        match request.operation:
            case "GET" | "HEAD":
                return BlobAnswer(200, {"ETag": '"0x1"', "Last-Modified": formatdate(usegmt=True)})
            case "GET list":
                return _listing(request, blobs, self._versions(request))
            case _:
                raise Refused(*UNKNOWN)

    def _versions(self, request: BlobRequest) -> str:
        """Return the versions that a listing asks for, as it shows them."""
        include = request.query.get("include", "").split(",")
        if self.history is None or "versions" not in include:
            return ""
        return "".join(
            _listed_version(name, each, self.now_ms())
            for (container, name), kept in sorted(self.history.items())
            if container == request.container and name.startswith(request.query.get("prefix", ""))
            for each in kept
            if each.deleted_ms is None or "deleted" in include
        )

    def _existing(self, container: str) -> dict[str, StoredBlob]:
        if container not in self.containers:
            raise Refused(*NO_CONTAINER)
        return self.containers[container]

    # --- blobs ---------------------------------------------------------------------------------

    def _read(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        blob = _found(blobs, request)
        overrides = {
            name: request.query[parameter]
            for parameter, name in _OVERRIDES.items()
            if parameter in request.query
        }
        headers = {
            "Accept-Ranges": "bytes",
            "x-ms-blob-type": "BlockBlob",
            **blob.version_headers,
            **blob.headers,
            **overrides,
            **{f"{META}{name}": value for name, value in blob.metadata.items()},
        }
        wanted = request.headers.get("x-ms-range") or request.headers.get("range")
        if request.method == "HEAD" or not wanted:
            return BlobAnswer(
                200, {**headers, "Content-Length": str(len(blob.content))}, blob.content
            )
        start, end = _range_of(wanted, len(blob.content))
        headers["x-ms-blob-content-md5"] = headers.pop("Content-MD5", "")
        headers["Content-Length"] = str(end - start)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(blob.content)}"
        return BlobAnswer(206, headers, blob.content[start:end])

    def _put(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        if "x-ms-copy-source" in request.headers:
            return self._copy(request, blobs)
        digest = hashlib.md5(request.body, usedforsecurity=False).digest()
        headers = {"Content-MD5": b64encode(digest).decode()} | request.content_headers
        if headers["Content-MD5"] != b64encode(digest).decode():
            raise Refused(*OTHER_CONTENT)
        return self._store(request, blobs, request.body, headers)

    def _put_block(self, request: BlobRequest, _blobs: dict[str, StoredBlob]) -> BlobAnswer:
        blocks = self._blocks.setdefault((request.container, request.blob), {})
        blocks[request.query["blockid"]] = request.body
        return BlobAnswer(201)

    def _put_block_list(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        blocks = self._blocks.get((request.container, request.blob), {})
        ids = [str(each.text) for each in ElementTree.fromstring(request.body)]
        if not blocks.keys() >= set(ids):
            raise Refused(400, "InvalidBlockList")
        content = b"".join(blocks[each] for each in ids)
        answer = self._store(request, blobs, content, request.content_headers)
        self._blocks.pop((request.container, request.blob), None)  # An empty list needs none.
        return answer

    def _copy(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        source = BlobRequest("GET", request.headers["x-ms-copy-source"], {})
        try:
            self._check_rights(source)
            copied = self._existing(source.container)[source.blob]
        except (Refused, KeyError):
            raise Refused(*NO_SOURCE) from None
        metadata = request.metadata or copied.metadata
        answer = self._store(request, blobs, copied.content, copied.headers, metadata)
        copy_headers = {"x-ms-copy-id": "copy", "x-ms-copy-status": "success"}
        return replace(answer, status=202, headers={**answer.headers, **copy_headers})

    def _store(
        self,
        request: BlobRequest,
        blobs: dict[str, StoredBlob],
        content: bytes,
        headers: Mapping[str, str],
        metadata: Mapping[str, str] | None = None,
    ) -> BlobAnswer:
        _check_conditions(request, blobs.get(request.blob))
        kept = {"Content-Type": "application/octet-stream", **headers}
        stored = StoredBlob(
            content,
            kept,
            request.metadata if metadata is None else metadata,
            self._new_etag(),
            self.now_ms(),
        )
        self._keep(request, blobs.get(request.blob))
        blobs[request.blob] = stored
        return BlobAnswer(201, stored.version_headers)

    def _set_metadata(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        return self._change(request, blobs, metadata=request.metadata)

    def _set_headers(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        return self._change(request, blobs, headers=request.content_headers)

    def _delete(self, request: BlobRequest, blobs: dict[str, StoredBlob]) -> BlobAnswer:
        if "versionid" in request.query:
            return self._delete_version(request)
        self._keep(request, _found(blobs, request))
        del blobs[request.blob]
        return BlobAnswer(202)

    def _keep(self, request: BlobRequest, blob: StoredBlob | None) -> None:
        """Keep a blob that is replaced or deleted as a version."""
        if self.history is not None and blob is not None:
            moment = datetime.fromtimestamp(blob.changed_ms / 1000, UTC)
            version = f"{moment:%Y-%m-%dT%H:%M:%S}.{next(self._numbers):07}Z"
            kept = self.history.setdefault((request.container, request.blob), [])
            kept.append(KeptVersion(version, blob))

    def _delete_version(self, request: BlobRequest) -> BlobAnswer:
        """Delete a version, and for good if it is deleted already and the request says so."""
        if not self.deletes_versions:
            raise Refused(*NOT_ALLOWED)
        kept = (self.history or {}).get((request.container, request.blob), [])
        for place, each in enumerate(kept):
            if each.id == request.query["versionid"]:
                if request.query.get("deletetype") != "Permanent":
                    kept[place] = replace(each, deleted_ms=self.now_ms())
                elif each.deleted_ms is None:
                    raise Refused(409, "BlobNotSoftDeleted")
                else:
                    del kept[place]
                return BlobAnswer(202)
        raise Refused(*NO_BLOB)

    def _change(
        self, request: BlobRequest, blobs: dict[str, StoredBlob], **changes: Any
    ) -> BlobAnswer:
        found = _found(blobs, request)
        changed = replace(found, **changes, etag=self._new_etag(), changed_ms=self.now_ms())
        blobs[request.blob] = changed
        return BlobAnswer(200, changed.version_headers)

    def _new_etag(self) -> str:
        return f'"0x{next(self._numbers):015X}"'


def _found(blobs: Mapping[str, StoredBlob], request: BlobRequest) -> StoredBlob:
    """Return the blob of a request whose conditions are met."""
    found = blobs.get(request.blob)
    if found is None:
        raise Refused(*NO_BLOB)
    _check_conditions(request, found)
    return found


def _check_conditions(request: BlobRequest, found: StoredBlob | None) -> None:
    match = request.headers.get("if-match")
    none_match = request.headers.get("if-none-match")
    etag = None if found is None else found.etag
    if match and etag is None:
        raise Refused(*CONDITION)
    if match and match not in ("*", etag):
        raise Refused(*CONDITION)
    if etag is not None and none_match == "*":
        raise Refused(*EXISTS)
    if etag is not None and none_match == etag:
        raise Refused(*(UNMODIFIED if request.method in ("GET", "HEAD") else CONDITION))


def _range_of(wanted: str, size: int) -> tuple[int, int]:
    """Return the bytes that a range names, from the first to behind the last."""
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start = int(first)
    if start >= size:
        raise Refused(*RANGE)
    return start, min(int(last) + 1, size) if last else size


def _listing(request: BlobRequest, blobs: Mapping[str, StoredBlob], versions: str) -> BlobAnswer:
    prefix = request.query.get("prefix", "")
    include = request.query.get("include", "").split(",")
    listed = "".join(
        _listed(name, blob, has_metadata="metadata" in include)
        for name, blob in sorted(blobs.items())
        if name.startswith(prefix)
    )
    content = (
        '<?xml version="1.0" encoding="utf-8"?><EnumerationResults '
        f'ServiceEndpoint="{ADDRESS}" ContainerName="{request.container}">'
        f"<Prefix>{escape(prefix)}</Prefix><Blobs>{listed}{versions}</Blobs><NextMarker/>"
        "</EnumerationResults>"
    )
    return BlobAnswer(200, {"Content-Type": "application/xml"}, content.encode())


def _listed(name: str, blob: StoredBlob, *, has_metadata: bool) -> str:
    version = {"Etag": blob.etag, "Last-Modified": blob.version_headers["Last-Modified"]}
    sizes = {"Content-Length": str(len(blob.content)), "BlobType": "BlockBlob"}
    properties = _elements({**version, **sizes, **blob.headers})
    metadata = f"<Metadata>{_elements(blob.metadata)}</Metadata>" if has_metadata else ""
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties>{properties}</Properties>{metadata}</Blob>"
    )


def _listed_version(name: str, kept: KeptVersion, now_ms: int) -> str:
    properties = {"Content-Length": str(len(kept.blob.content)), "BlobType": "BlockBlob"}
    deleted = ""
    if kept.deleted_ms is not None:
        days = UNDELETE_DAYS - (now_ms - kept.deleted_ms) // A_DAY_MS
        properties |= {
            "DeletedTime": formatdate(kept.deleted_ms / 1000, usegmt=True),
            "RemainingRetentionDays": str(days),
        }
        deleted = "<Deleted>true</Deleted>"
    return (
        f"<Blob><Name>{escape(name)}</Name>{deleted}<VersionId>{kept.id}</VersionId>"
        f"<Properties>{_elements(properties)}</Properties></Blob>"
    )


def _elements(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _refusal(refused: Refused) -> BlobAnswer:
    content = (
        f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{refused.code}</Code>'
        f"<Message>{refused.code}</Message></Error>"
    )
    headers = {"x-ms-error-code": refused.code, "Content-Type": "application/xml"}
    return BlobAnswer(refused.status, headers, content.encode())


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
