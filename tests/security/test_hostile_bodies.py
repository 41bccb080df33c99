"""Row 24, exhaustion by what is sent: every parser reads anything, within bounds, or refuses it.

No test here measures seconds: inputs are as large as they may be, so that what takes more than
linear time runs into the time-out of the suite.
"""

import json
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from functions.api import api_face
from functions.http import body_parsing
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import BodyUnreadable
from shared.domain.sboms import MAX_SBOM_BYTES
from tests.sampling import examples
from tests.support.refusals import raises_refusal
from tests.support.request_parsers import BODIES, MODELS, TEXTS, request

MIB = 1024 * 1024
# Pieces that mean something to one of them, so that what is made of them gets far.
PIECES = [
    b'{"',
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\ud800",
    b"\\",
    b"null",
    b"1e999",
    b"-",
    b"9" * 40,
    b"--b",
    b"\r\n",
    b"--b--",
    b"Content-Disposition: form-data; name=bala-file",
    b"&",
    b"=",
    b"%",
    b"%00",
    b"<project>",
    b"</project>",
    b"<groupId>",
    b"&b;",
    b"<!--",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"bomFormat",
    b"CycloneDX",
    b"name",
    b"scopes",
    b"org",
    b"bytes=0-",
    b"W/",
    b"*",
    b"1.2.3",
    b"sha-256=",
    b"Bearer ",
    b"Basic ",
    b"blr_local_",
    b"/",
    b"..",
    b"maven-metadata.xml",
]
CRAFTED = st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=60).map(b"".join)
ANYTHING = st.binary(max_size=400) | CRAFTED
MANY = settings(
    max_examples=examples(200, full=500),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def refuses_or_reads(read: Callable[[], object]) -> None:
    """Let a parser read; a refusal is an answer."""
    try:
        read()
    except Refusal:
        return


@MANY
@given(body=ANYTHING)
def test_every_body_is_read_or_refused(body: bytes) -> None:
    for name, read in BODIES.items():
        note(name)
        refuses_or_reads(lambda read=read: read(body))


@MANY
@given(text=st.text(max_size=200) | CRAFTED.map(lambda each: each.decode("latin-1")))
def test_every_text_is_read_or_refused(text: str) -> None:
    for name, read in TEXTS.items():
        note(name)
        refuses_or_reads(lambda read=read: read(text))


BOMBS = {
    "open lists": b"[",
    "empty objects": b"{},",
    "deep objects": b'{"a":',
    "keys": b'"k":1,',
    "numbers": b"1,",
    "letters": b"x",
    "escapes": b"\\u0041",
    "quotes": b'"',
    "parts": b"--b\r\n\r\n",
    "fields": b"a=b&",
    "elements": b"<a>",
    "entities": b"&b;",
    "attributes": b" a=''",
    "zeros": b"\x00",
    "no UTF-8": b"\xff",
}
# What each parser is handed at most: the faces refuse what is longer before they read it.
LARGEST = {
    "JSON of Central": MAX_BODY_BYTES,
    "bill of materials": MAX_SBOM_BYTES,
    "upload": 4 * MIB,
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("parser", [*(each for each in BODIES if each[:6] != "model "), "models"])
def test_no_body_takes_much_more_memory_than_it_has_bytes(parser: str, bomb: str) -> None:
    read = BODIES[f"model {MODELS[0].__name__}"] if parser == "models" else BODIES[parser]
    size = LARGEST.get(parser, 256 * 1024)
    body = (BOMBS[bomb] * (size // len(BOMBS[bomb]) + 1))[:size]
    for sent in (body, b'{"a":' + body[:-7] + b"}", b'{"a":[' + body[:-9] + b"1]}"):
        tracemalloc.start()
        refuses_or_reads(lambda sent=sent: read(sent))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * size + 24 * MIB, f"{peak:,} bytes for {size:,}"


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("parser", TEXTS)
def test_no_header_or_path_takes_more_than_a_moment(parser: str, bomb: str) -> None:
    # As long as the host takes: the head of a request has 64 KiB at most.
    text = (BOMBS[bomb] * 65_536)[:65_536].decode("latin-1")
    refuses_or_reads(lambda: TEXTS[parser](text))


def test_a_body_over_its_limit_is_refused_before_it_is_read() -> None:
    with raises_refusal("file-too-large", match="body of the request has"):
        api_face.parse_body(MODELS[0], request(b" " * (api_face.MAX_API_BODY_BYTES + 1)))


def test_json_that_lies_too_deep_is_refused() -> None:
    body = json.dumps({"a": json.loads("[" * 40 + "]" * 40)}).encode()
    with pytest.raises(BodyUnreadable):
        body_parsing.json_object(request(body))
