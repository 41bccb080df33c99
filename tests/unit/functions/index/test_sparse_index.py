"""Answers of the sparse index: ETags, compression and caching."""

import azure.functions as func
import pytest

from functions.index.sparse_index import index_answer
from shared.domain.documents import DerivedDocument
from shared.runtime.answers import Answer
from tests.support.operations import call_of

DOCUMENT = DerivedDocument.of(b"line\n" * 100, 1_790_000_000_999)


def answered(method: str = "GET", **headers: str) -> Answer:
    """Return what the operation answers to this request."""
    request = func.HttpRequest(method, "/", headers=headers, body=b"")
    return index_answer(call_of(request), DOCUMENT, media_type="text/plain", caching="no-store")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_length_is_said_and_is_that_of_a_get(method: str) -> None:
    assert answered(method).headers["Content-Length"] == "500"
    packed = answered(method, **{"accept-encoding": "gzip"})
    assert packed.headers["Content-Length"] == str(len(DOCUMENT.gzipped))


def test_head_has_no_body() -> None:
    assert answered("HEAD").body == b""


def test_a_file_that_the_client_has_is_answered_without_body_and_length() -> None:
    answer = answered(**{"if-none-match": f"W/{DOCUMENT.tag}"})
    assert (answer.status, answer.body) == (304, b"")
    assert "Content-Length" not in answer.headers


def test_a_document_that_compression_does_not_make_smaller_is_sent_as_it_is() -> None:
    request = func.HttpRequest("GET", "/", headers={"accept-encoding": "gzip"}, body=b"")
    answer = index_answer(
        call_of(request), DerivedDocument.of(b"x"), media_type="text/plain", caching="no-store"
    )
    assert answer.body == b"x"
    assert "Content-Encoding" not in answer.headers


def test_the_time_is_said_to_the_second_in_the_words_of_http() -> None:
    assert answered().headers["Last-Modified"] == "Mon, 21 Sep 2026 14:13:20 GMT"
