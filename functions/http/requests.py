"""Reading bodies: JSON, browser forms and multipart uploads."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar, cast
from urllib.parse import parse_qs

from multipart import (  # pyright: ignore[reportMissingTypeStubs] - it has none.
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,  # pyright: ignore[reportUnknownVariableType] - as above.
)

from functions.http.calls import Call
from shared.domain.bounded_parsing import has_at_most_values, is_shallow
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.packages import ArchiveTooLarge, FileTooLarge, UploadMissing
from shared.domain.errors.requests import (
    BodyUnreadable,
    TokenMisplaced,
    UploadCutOff,
    UploadNotTaken,
)
from shared.domain.secrets import contains_token
from shared.settings.server import AppRole

MAX_JSON_BYTES = 4 * 1024 * 1024  # A resolve of 2,000 modules with candidates has 1 MiB.
MAX_JSON_VALUES = 250_000
MAX_MULTIPART_OVERHEAD_BYTES = 1024 * 1024  # Of a form, beside the archive in it.

_OBJECT = "a JSON object, such as {}"
_NOT_SO_MANY = f"a JSON object of fewer than {MAX_JSON_VALUES:,} values"


def json_object(call: Call) -> dict[str, object]:
    """Return the body as a JSON object whatever its `Content-Type`, or raise `BodyUnreadable`.

    Control characters inside strings are accepted, because the clients do not escape them.
    A body with an access token in it is refused, since its content may be stored and shown.
    """
    body = bounded_body(call, MAX_JSON_BYTES)
    if not has_at_most_values(MAX_JSON_VALUES, body):
        raise BodyUnreadable(_NOT_SO_MANY)
    if contains_token(body):
        raise TokenMisplaced
    try:
        value: object = json.loads(body or b"{}", strict=False)
    except (ValueError, RecursionError):
        raise BodyUnreadable(_OBJECT) from None
    if not isinstance(value, dict) or not is_shallow(cast(object, value)):
        raise BodyUnreadable(_OBJECT)
    return cast(dict[str, object], value)


def bounded_body(call: Call, limit: int) -> bytes:
    """Return the body, or raise `FileTooLarge` if it has more than `limit` bytes."""
    if call.body_size > limit:
        name = "body of the request"
        raise FileTooLarge(name, call.body_size, limit)
    return call.content()


def require_upload_taken(call: Call, role: AppRole) -> None:
    """Raise `UploadNotTaken` for a large body if this app answers reads alone."""
    if role == "reads" and call.body_size > MAX_JSON_BYTES:
        raise UploadNotTaken(call.body_size, MAX_JSON_BYTES)


def upload_body(call: Call, limit: int) -> bytes:
    """Return a body that holds an archive of at most `limit` bytes, or raise `ArchiveTooLarge`."""
    if call.body_size > limit + MAX_MULTIPART_OVERHEAD_BYTES:
        raise ArchiveTooLarge(call.body_size, limit)
    return call.content()


URL_ENCODED = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 65_536  # The largest form of the pages has a few thousand.
MAX_FORM_FIELDS = 200

EnumT = TypeVar("EnumT", bound=Enum)

_EXPECTED = f"a form, as {URL_ENCODED}"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a submitted form."""

    values: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])

    def text(self, name: str, default: str = "") -> str:
        """Return the first value of a field without surrounding blanks, or the default."""
        return self.values.get(name, [default])[0].strip()

    def all(self, name: str) -> list[str]:
        return list(self.values.get(name, ()))

    def choice(self, name: str, kind: type[EnumT], otherwise: str) -> EnumT:
        """Return a field as a member of `kind`, or raise `InvalidRequest(otherwise)`."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise InvalidRequest(otherwise) from None


def is_form(call: Call) -> bool:
    return call.header("content-type").partition(";")[0].strip().lower() == URL_ENCODED


def form_of(call: Call) -> Form:
    """Parse the body as a form, or raise `BodyUnreadable` or `TokenMisplaced`."""
    body = call.content()
    if contains_token(body):
        raise TokenMisplaced
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

_TOO_MANY_PARTS = (
    f"The form has more than {MAX_FORM_PARTS} parts, or a part with very long headers. "
    "Send the bala alone, as the part {name}."
)


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """The content of an archive in a form, not copied, and its file name, as the client says."""

    content: memoryview
    file_name: str


def archive_part(call: Call, *, name: str, limit: int) -> ArchivePart:
    """Return the part `name`, an archive of at most `limit` bytes.

    Raises `ArchiveTooLarge`, `UploadMissing` if there is no such part, `InvalidRequest` for too
    many parts, and `UploadCutOff` for a body that cannot be parsed.
    """
    body = upload_body(call, limit)
    boundary = _boundary(call.header("content-type"))
    if boundary is None:
        raise UploadMissing(name)
    try:
        part = _part(body, boundary, name)
    except ParserLimitReached:
        raise InvalidRequest(_TOO_MANY_PARTS.format(name=name)) from None
    except MultipartError:
        raise UploadCutOff from None
    if part is None:
        raise UploadMissing(name)
    return part


def _boundary(content_type: str) -> str | None:
    kind, options = cast(tuple[str, dict[str, str]], parse_options_header(content_type))
    return options.get("boundary") if kind == "multipart/form-data" else None


def _part(body: bytes, boundary: str, name: str) -> ArchivePart | None:
    """Return the first part of that name, without a copy; the parser's `__exit__` raises for an
    incomplete body.
    """
    part: ArchivePart | None = None
    with PushMultipartParser(boundary, max_segment_count=MAX_FORM_PARTS) as parser:
        for segment, start, end in _segments(body, parser):
            if part is None and segment.name == name:
                part = ArchivePart(memoryview(body)[start:end], segment.filename or "")
    return part


def _segments(
    body: bytes, parser: PushMultipartParser
) -> Iterator[tuple[MultipartSegment, int, int]]:
    """Yield each segment, with where its content starts and ends.

    The parser, which copies what it reads, gets the content in pieces.
    """
    delimiter = b"\r\n--" + parser.boundary
    boundary = body.find(delimiter[2:])
    position = max(boundary - 2, 0)  # The parser checks that a line ends before the boundary.
    while boundary >= 0:
        end = _line_end(body, boundary)
        _next_segment(parser, body[position:end])
        if body.startswith(b"--", boundary + len(delimiter) - 2):
            return
        segment, position = None, end
        while segment is None and position < len(body):
            end = _line_end(body, position)
            segment, position = _next_segment(parser, body[position:end]), end
        end = body.find(delimiter, position)
        if segment is None or end < 0:
            return
        for start in range(position, end, _PIECE_BYTES):
            _next_segment(parser, body[start : min(start + _PIECE_BYTES, end)])
        yield segment, position, end
        position, boundary = end, end + 2


_PIECE_BYTES = 256 * 1024


def _line_end(body: bytes, start: int) -> int:
    return body.find(b"\n", start) + 1 or len(body)


def _next_segment(parser: PushMultipartParser, lines: bytes) -> MultipartSegment | None:
    events = list(parser.parse(lines))
    return next((event for event in events if isinstance(event, MultipartSegment)), None)
