"""Taking one part out of a multipart/form-data body, incrementally and within bounds."""

from typing import cast

import azure.functions as func
from multipart import (  # pyright: ignore[reportMissingTypeStubs] - it has none.
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,  # pyright: ignore[reportUnknownVariableType] - as above.
)

from functions._http import header, upload_of
from shared.domain.errors import InvalidRequest, UploadCutOff, UploadMissing

MOST_PARTS = 16  # Clients send one. A large body of empty parts would take seconds to read.

_UNUSUAL = (
    f"The form has more than {MOST_PARTS} parts, or a part with very long headers. "
    "Send the bala alone, as the part {name}."
)


def archive_part(req: func.HttpRequest, *, name: str, limit: int) -> bytes:
    """Return the content of the part called `name`, an archive of at most `limit` bytes.

    Raises `ArchiveTooLarge`, `UploadMissing` when the part is not there, `InvalidRequest` for a
    form that no client sends, and `UploadCutOff` for a body that cannot be read.
    """
    body = upload_of(req, limit)
    boundary = _boundary(header(req, "content-type"))
    if boundary is None:
        raise UploadMissing(name)
    try:
        content = _part(body, boundary, name)
    except ParserLimitReached:
        raise InvalidRequest(_UNUSUAL.format(name=name)) from None
    except MultipartError:
        raise UploadCutOff from None
    if content is None:
        raise UploadMissing(name)
    return content


def _boundary(content_type: str) -> str | None:
    kind, options = cast(tuple[str, dict[str, str]], parse_options_header(content_type))
    return options.get("boundary") if kind == "multipart/form-data" else None


def _part(body: bytes, boundary: str, name: str) -> bytes | None:
    """Return the first part of that name; leaving the parser raises when the body was cut off."""
    chunks: list[bytes | bytearray] | None = None
    is_wanted = False
    with PushMultipartParser(
        boundary, content_length=len(body), max_segment_count=MOST_PARTS
    ) as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                is_wanted = chunks is None and event.name == name
                chunks = [] if is_wanted else chunks
            elif is_wanted and event and chunks is not None:
                chunks.append(event)
    return None if chunks is None else b"".join(chunks)
