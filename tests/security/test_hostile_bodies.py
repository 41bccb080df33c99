"""Row 24, exhaustion by what is sent: every parser reads anything, within bounds, or refuses it.

No test here measures seconds: inputs are as large as they may be, so that what takes more than
linear time runs into the time-out of the suite.
"""

import json
import tracemalloc
from base64 import b64encode
from collections.abc import Callable

import azure.functions as func
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from functions.api import api_face
from functions.api.openapi import OPERATIONS
from functions.http import body_parsing
from functions.http.body_parsing import archive_parts
from functions.http.calls import Call
from functions.maven.paths import RepositoryPath
from shared.auth.authentication import RequestClient
from shared.auth.secrets import Secret
from shared.auth.tokens import AccessToken, token_text
from shared.domain.archives.digests import Digest
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import BodyUnreadable
from shared.domain.sboms import MAX_SBOM_BYTES, is_cyclonedx
from shared.domain.search import Query, ResultPage
from shared.domain.versions import parse_version_or_range
from shared.hosting.requests import query_parameters
from shared.runtime.conditional_requests import select
from tests.sampling import examples
from tests.support.operations import call_of
from tests.support.refusals import raises_refusal

MIB = 1024 * 1024
MODELS = sorted(
    {model for each in OPERATIONS if (model := each.openapi.request)},
    key=lambda model: model.__name__,
)

LIMIT = 64 * 1024 * 1024


def request(body: bytes, content_type: str = "application/json") -> Call:
    headers = {"content-type": content_type, "content-length": str(len(body))}
    return call_of(func.HttpRequest("POST", "/", headers=headers, body=body))


BODIES: dict[str, Callable[[bytes], object]] = {
    "JSON of Central": lambda body: body_parsing.json_object(request(body)),
    "form of a page": lambda body: body_parsing.form_of(request(body, body_parsing.URL_ENCODED)),
    "upload": lambda body: archive_parts(
        request(body, "multipart/form-data; boundary=b"), name="bala-file", limit=LIMIT
    ),
    "bill of materials": is_cyclonedx,
    **{
        f"model {model.__name__}": lambda body, model=model: api_face.parse_body(
            model, request(body)
        )
        for model in MODELS
    },
}


TEXTS: dict[str, Callable[[str], object]] = {
    "Authorization": lambda text: token_text({"authorization": text}),
    "Basic": lambda text: token_text(
        {"authorization": "Basic " + b64encode(text.encode("utf-8", "replace")).decode()}
    ),
    "access token": lambda text: AccessToken.parse(Secret(text)),
    "address and agent": lambda text: RequestClient.of(
        {"x-forwarded-for": text, "user-agent": text}, ()
    ),
    "Range": lambda text: select({"range": text}, tag='"tag"', length=1_000),
    "If-Match": lambda text: select({"if-match": text}, tag='"x"', length=9),
    "If-None-Match": lambda text: select({"if-none-match": text}, tag='"x"', length=9),
    "If-Range": lambda text: select({"range": "bytes=0-1", "if-range": text}, tag='"x"', length=9),
    "digest": Digest.parse_header,
    "platforms": lambda text: ClientProfile.of(text, text),
    "query string": query_parameters,
    "search": Query.parse,
    "page": lambda text: ResultPage.parse(text, text, text),
    "version": parse_version_or_range,
    "package": lambda text: Package.parse(text, text),
    "coordinate": lambda text: Coordinate.parse(text, text, text),
    "path to read": RepositoryPath.to_read,
    "path to write": RepositoryPath.to_write,
    "content type": lambda text: archive_parts(request(b"--b--", text), name="x", limit=LIMIT),
}

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
