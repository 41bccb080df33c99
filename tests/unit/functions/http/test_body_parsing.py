"""Forms are small, URL-encoded and UTF-8; others are refused with a sentence. Uploads are read
without a copy.
"""

import azure.functions as func
from hypothesis import assume, given
from hypothesis import strategies as st
from multipart import MultipartError, MultipartSegment, PushMultipartParser  # pyright: ignore[reportMissingTypeStubs] - it has none.

from functions.http.body_parsing import MAX_FORM_PARTS, archive_parts
from shared.domain.errors.base import Refusal
from tests.support.operations import call_of


def part(name: str, content: bytes, headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="%s"' % name.encode()
    return b"--b\r\n%s\r\n%s\r\n%s\r\n" % (disposition, headers, content)


def read_upload(body: bytes) -> bytes | memoryview:
    headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(len(body))}
    req = func.HttpRequest("POST", "/", headers=headers, body=body)
    return archive_parts(call_of(req), name="bala-file", limit=2_000_000)["bala-file"].content


PIECES = (
    b"--b",
    b"--b--",
    b"\r\n",
    b"\n",
    b"--",
    b"A: x",
    b":",
    b" ",
    b"x",
    b"\r",
    b'Content-Disposition: form-data; name="bala-file"',
    part("bala-file", b"y"),
    part("z", b"y"),
    b"Content-Length: 1\r\n",
)


@given(pieces=st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=24))
def test_an_upload_is_the_one_that_a_library_reads_or_is_refused(pieces: list[bytes]) -> None:
    """Headers on several lines, which nobody sends, are refused here; odd names of others are not
    there."""
    body = b"".join(pieces)
    try:
        found: bytes | None = bytes(read_upload(body))
    except Refusal:
        found = None
    known = parsed(body)
    assert found == known or None in (found, known)


@given(
    contents=st.lists(st.binary(max_size=40) | st.sampled_from(PIECES), min_size=1, max_size=5),
    named=st.integers(0, 4),
)
def test_every_form_of_a_client_is_read(contents: list[bytes], named: int) -> None:
    names = ["bala-file" if at == named % len(contents) else "z" for at in range(len(contents))]
    body = b"".join(map(part, names, contents)) + b"--b--\r\n"
    assume(all(b"\r\n--b" not in b"\r\n" + each for each in contents))
    assert bytes(read_upload(body)) == contents[named % len(contents)]


def parsed(body: bytes) -> bytes | None:
    """Return the content of the first part as the parser of the library gives it."""
    contents: list[tuple[str | None, bytearray]] = []
    try:
        with PushMultipartParser("b", max_segment_count=MAX_FORM_PARTS) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    contents.append((event.name, bytearray()))
                elif event:
                    contents[-1][1].extend(event)
    except MultipartError:
        return None
    return next((bytes(content) for name, content in contents if name == "bala-file"), None)
