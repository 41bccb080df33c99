"""Reading bodies: JSON, browser forms and multipart uploads."""

import json
from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import parse_qs

from msgspec import Struct, field
from multipart import (  # pyright: ignore[reportMissingTypeStubs] - it has none.
    content_disposition_unquote,  # pyright: ignore[reportUnknownVariableType] - as above.
    parse_options_header,  # pyright: ignore[reportUnknownVariableType] - as above.
)

from functions.http.calls import Call
from shared.domain.archives.digests import Digest
from shared.domain.body_sizes import MAX_BODY_BYTES, MAX_MULTIPART_OVERHEAD_BYTES
from shared.domain.bounded_parsing import is_shallow
from shared.domain.errors.base import Invalid, InvalidRequest, TooLarge
from shared.domain.errors.packages import archive_too_large, file_too_large
from shared.domain.errors.requests import BodyUnreadable, token_misplaced
from shared.domain.token_redaction import contains_token
from shared.settings.server import AppRole
from shared.use_cases import inputs

_OBJECT = "a JSON object, such as {}"


def json_object(call: Call) -> dict[str, object]:
    """Return the body as a JSON object whatever its `Content-Type`, or raise `BodyUnreadable`.

    Control characters inside strings are accepted, because the clients do not escape them.
    A body with an access token in it is refused, since its content may be stored and shown.
    """
    body = call.content()
    if contains_token(body):
        raise token_misplaced()
    try:
        value: object = json.loads(body or b"{}", strict=False)
    except (ValueError, RecursionError):
        raise BodyUnreadable(_OBJECT) from None
    if not isinstance(value, dict) or not is_shallow(cast(object, value)):
        raise BodyUnreadable(_OBJECT)
    return cast(dict[str, object], value)


def bounded_body(call: Call, limit: int) -> bytes:
    """Return the body, or raise `file-too-large` if it has more than `limit` bytes."""
    if call.body_size > limit:
        name = "body of the request"
        raise file_too_large(name, call.body_size, limit)
    return call.content()


def require_upload_taken(call: Call, role: AppRole) -> None:
    """Raise `upload-not-taken` for a large body if another app takes uploads."""
    if role in ("reads", "changes") and call.body_size > MAX_BODY_BYTES:
        raise TooLarge(
            "upload-not-taken",
            f"The body of the request has {call.body_size:,} bytes, and this app of the registry "
            f"takes {MAX_BODY_BYTES:,} at most, because another one takes uploads. Send them to "
            "the registry's public address; if you did, try again in an hour, because its edge "
            "may still be changing.",
        )


def upload_body(call: Call, limit: int) -> bytes:
    """Return a body with an archive of at most `limit` bytes, or raise `archive-too-large`."""
    if call.body_size > limit + MAX_MULTIPART_OVERHEAD_BYTES:
        raise archive_too_large(call.body_size, limit)
    return call.content()


URL_ENCODED = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 65_536  # The largest form on our pages has a few thousand bytes.
MAX_FORM_FIELDS = 200

_EXPECTED = f"a form, as {URL_ENCODED}"


class Form(Struct, frozen=True):
    """The fields of a submitted form."""

    values: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of a field without surrounding blanks, or the default."""
        return self.values.get(name, [default])[0].strip()

    def all(self, name: str) -> list[str]:
        return list(self.values.get(name, ()))

    def choice(self, name: str, kind: type[inputs.EnumT], otherwise: str) -> inputs.EnumT:
        """Return a field as a member of `kind`, or raise `InvalidRequest(otherwise)`."""
        return inputs.choice(kind, otherwise)(self.all(name))


def is_form(call: Call) -> bool:
    return call.header("content-type").partition(";")[0].strip().lower() == URL_ENCODED


def form_of(call: Call) -> Form:
    """Parse the body as a form, or raise `BodyUnreadable` or `token-misplaced`."""
    body = call.content()
    if contains_token(body):
        raise token_misplaced()
    if not is_form(call) or call.body_size > MAX_FORM_BYTES:
        raise BodyUnreadable(_EXPECTED)
    try:
        values = parse_qs(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        raise BodyUnreadable(_EXPECTED) from None
    return Form(values)


MAX_FORM_PARTS = 16  # Clients send one. A large body of empty parts would take seconds to parse.
MAX_PART_HEADERS = 8  # RFC 7578 allows three.
MAX_PART_HEADER_BYTES = 4 * 1024

_TOO_MANY_PARTS = (
    f"The form has more than {MAX_FORM_PARTS} parts, or a part with very long headers. "
    "Send the bala alone, as the part {name}."
)


class FilePart(Struct, frozen=True):
    """The content of a file in a form, which is not copied, and the name that the client sent."""

    content: memoryview
    file_name: str


class _TooManyParts(Exception):
    """A form has more parts, or more headers of a part, than is allowed."""


def archive_parts(call: Call, *, name: str, limit: int) -> Mapping[str, FilePart]:
    """Return the parts of a form by their names, the first of each; the part `name` is an archive
    of at most `limit` bytes, and always there.

    Raises `archive-too-large`, `upload-missing` if there is no such part, `InvalidRequest` for too
    many parts, and `upload-cut-off` for a body that cannot be parsed.
    """
    body = upload_body(call, limit)
    kind, options = _options(call.header("content-type"))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise _upload_missing(name)
    try:
        parts = list(_parts(body, b"--" + options["boundary"].encode()))
    except _TooManyParts:
        raise InvalidRequest(_TOO_MANY_PARTS.format(name=name)) from None
    named = dict(reversed(parts))
    if name not in named:
        raise _upload_missing(name)
    return named


def announced_digest(call: Call) -> Digest | None:
    """Return the digest of the archive that the client announced; raise a refusal if it has the
    wrong form."""
    text = call.header("digest")
    return Digest.parse_header(text) if text else None


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, FilePart]]:
    """Yield the name and the content of each part of a form, as RFC 7578 has it.

    Content is found by the next boundary, and not copied. Raises `upload-cut-off` for a body that
    does not end with the last boundary.
    """
    position = body.find(boundary)
    if position < 0 or (position and body[position - 2 : position] != _LINE_END):
        raise _upload_cut_off()
    for _ in range(MAX_FORM_PARTS + 1):
        position += len(boundary)
        match body[position : position + 2]:
            case b"--":
                return
            case b"\r\n":
                headers, start = _part_headers(body, position + 2)
            case _:
                raise _upload_cut_off()
        end = body.find(_LINE_END + boundary, start)
        kind, options = _options(headers.get("content-disposition", ""))
        size = headers.get("content-length", str(end - start))
        if end < 0 or kind != "form-data" or size != str(end - start):
            raise _upload_cut_off()
        content = memoryview(body)[start:end]
        yield options.get("name", ""), FilePart(content, options.get("filename", ""))
        position = end + len(_LINE_END)
    raise _TooManyParts


def _part_headers(body: bytes, position: int) -> tuple[dict[str, str], int]:
    """Read the headers of a part, and return where its content starts."""
    headers: dict[str, str] = {}
    for _ in range(MAX_PART_HEADERS + 1):
        end = body.find(_LINE_END, position, position + MAX_PART_HEADER_BYTES)
        if end < 0 and len(body) > position + MAX_PART_HEADER_BYTES:
            raise _TooManyParts
        if end == position:
            return headers, end + len(_LINE_END)
        name, colon, value = body[position:end].decode("utf-8", "replace").partition(":")
        if end < 0 or not colon:
            raise _upload_cut_off()
        headers[name.lower()] = value.strip()
        position = end + len(_LINE_END)
    raise _TooManyParts


def _options(header: str) -> tuple[str, dict[str, str]]:
    """Return the value of a header in lower case, and its parameters."""
    return cast(
        tuple[str, dict[str, str]],
        parse_options_header(header, unquote=content_disposition_unquote),
    )


_LINE_END = b"\r\n"


def _upload_missing(part: str) -> Invalid:
    return Invalid(
        "upload-missing",
        f"The request holds no archive. Send the bala as the multipart/form-data part {part}.",
    )


def _upload_cut_off() -> Invalid:
    return Invalid(
        "upload-cut-off", "The upload is damaged or was cut off. Nothing was stored; push again."
    )
