"""Forms are small, URL-encoded and UTF-8; others are refused with a sentence. Uploads are read
without a copy.
"""

import azure.functions as func
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from multipart import MultipartError, MultipartSegment, PushMultipartParser  # pyright: ignore[reportMissingTypeStubs] - it has none.

from functions.http.calls import Call
from functions.http.requests import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    MAX_FORM_PARTS,
    URL_ENCODED,
    archive_part,
    form_of,
    is_form,
)
from shared.auth.tokens import AccessToken
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import BodyUnreadable
from tests.fakes.system import FakeRandomness
from tests.support.operations import call_of
from tests.support.refusals import raises_refusal


def call(body: bytes, media_type: str = URL_ENCODED) -> Call:
    headers = {"content-type": media_type}
    return call_of(func.HttpRequest("POST", "/", headers=headers, body=body))


def test_fields_are_texts_without_the_blanks_around_them() -> None:
    form = form_of(call(b"name=+a%20b+&scope=read&scope=manage&empty="))
    assert form.text("name") == "a b"
    assert form.all("scope") == ["read", "manage"]
    assert (form.text("empty", "x"), form.text("missing", "x")) == ("", "x")
    assert form.all("missing") == []


def test_a_form_with_an_access_token_in_it_is_refused() -> None:
    token = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()
    with raises_refusal("token-misplaced"):
        form_of(call(f"name=laptop&message={token}".encode()))


def test_a_form_without_fields_is_one() -> None:
    assert form_of(call(b"")).values == {}


@pytest.mark.parametrize(
    "media_type", [URL_ENCODED, f"{URL_ENCODED}; charset=utf-8", URL_ENCODED.upper()]
)
def test_a_form_says_that_it_is_one(media_type: str) -> None:
    assert is_form(call(b"", media_type))


@pytest.mark.parametrize(
    "refused",
    [
        call(b"a=b", "application/json"),
        call(b"a=b", "text/plain"),
        call(b"a=" + b"x" * MAX_FORM_BYTES),
        call(b"&".join(b"a=b" for _ in range(MAX_FORM_FIELDS + 1))),
        call(b"a=%ff"),
        call(b"\xff=a"),
        call(b"no field"),
    ],
    ids=["json", "text", "long", "many", "no utf-8", "no text", "no field"],
)
def test_everything_else_is_refused(refused: Call) -> None:
    with pytest.raises(BodyUnreadable, match="Send a form"):
        form_of(refused)


# --- Uploads -----------------------------------------------------------------------------------


def part(name: str, content: bytes, headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="%s"' % name.encode()
    return b"--b\r\n%s\r\n%s\r\n%s\r\n" % (disposition, headers, content)


def read_upload(body: bytes) -> bytes | memoryview:
    headers = {"content-type": "multipart/form-data; boundary=b", "content-length": str(len(body))}
    req = func.HttpRequest("POST", "/", headers=headers, body=body)
    return archive_part(call_of(req), name="bala-file", limit=2_000_000).content


def test_an_upload_is_a_view_of_the_body() -> None:
    body = part("other", b"x") + part("bala-file", b"\r\n--x\n" * 900) + b"--b--\r\n"
    content = read_upload(body)
    assert isinstance(content, memoryview)
    assert content.obj is body
    assert bytes(content) == b"\r\n--x\n" * 900


def test_a_large_upload_is_as_long_as_its_header_says() -> None:
    content = b"\r\n--" * 200_000
    length = b"Content-Length: %d\r\n" % len(content)
    body = part("bala-file", content, length) + b"--b--\r\n"
    assert read_upload(body) == content


def test_the_first_upload_of_several_is_read() -> None:
    body = part("bala-file", b"one") + part("bala-file", b"two") + b"--b--\r\n"
    assert bytes(read_upload(body)) == b"one"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", "upload-cut-off"),
        (b"--b--", "upload-missing"),
        (part("other", b"x") + b"--b--", "upload-missing"),
        (part("bala-file", b"x"), "upload-cut-off"),
        (part("bala-file", b"x")[:-2], "upload-cut-off"),
        (part("bala-file", b"x") + b"--b-", "upload-cut-off"),
        (b"x" + part("bala-file", b"x") + b"--b--", "upload-cut-off"),
        (part("x", b"") * (MAX_FORM_PARTS + 1) + b"--b--", "invalid-request"),
        (part("bala-file", b"xyz", b"Content-Length: 4\r\n") + b"--b--", "upload-cut-off"),
        (b"--b\r\nA: " + b"x" * 9_000 + b"\r\n\r\n", "invalid-request"),
        (b"\n" * 900_000, "upload-cut-off"),
        (part("bala-file", b"x") + b"--b--" + b"\n" * 900_000, None),
    ],
)
def test_a_body_is_read_or_refused(body: bytes, refusal: str | None) -> None:
    if refusal is None:
        assert bytes(read_upload(body)) == b"x"
        return
    with raises_refusal(refusal):
        read_upload(body)


PIECES = (
    b"--b", b"--b--", b"\r\n", b"\n", b"--", b"A: x", b":", b" ", b"x", b"\r",
    b'Content-Disposition: form-data; name="bala-file"', part("bala-file", b"y"), part("z", b"y"),
    b"Content-Length: 1\r\n",
)  # fmt: skip


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
