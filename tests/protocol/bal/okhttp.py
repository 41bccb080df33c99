"""The small habits of the Java client's libraries: okhttp, gson and BigInteger."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

BOUNDARY = "6f5b1c43-3d4a-4b34-9d7a-0d0b3f1c7f52"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def gson(value: Mapping[str, Any]) -> bytes:
    """Return the JSON that gson writes: without fields that are null."""
    return json.dumps(_without_nulls(value), separators=(",", ":")).encode()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    return value


def java_digest(content: bytes) -> str:
    """Return the SHA-256 as `new BigInteger(1, digest).toString(16)` does: no leading zeros."""
    return f"{int.from_bytes(hashlib.sha256(content).digest(), 'big'):x}"


def multipart(file_name: str, archive: bytes, part: str = "bala-file") -> bytes:
    """Return the body that okhttp's MultipartBody writes."""
    head = (
        f"--{BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="{part}"; filename="{file_name}"\r\n'
        "Content-Type: application/octet-stream\r\n"
        f"Content-Length: {len(archive)}\r\n\r\n"
    )
    return head.encode() + archive + f"\r\n--{BOUNDARY}--\r\n".encode()


def okhttp_query(text: str) -> str:
    """Return what okhttp makes of a query that nobody encoded: `#` ends it, `&` splits it."""
    return quote(text.partition("#")[0], safe="!$%&()*+,-./:;=?@[\\]^_`{|}~")
