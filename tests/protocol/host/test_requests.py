"""Lengths of bodies over real HTTP: of requests, and of answers with and without one."""

from collections.abc import Generator

import httpx
import pytest

from shared.hosting.host import Host
from tests.support.sample_app import build_app
from tests.support.server import Address, served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")


@pytest.fixture(scope="module")
def host() -> Generator[Address]:
    with served_app(Host(build_app())) as address:
        yield address


def test_two_lengths_are_refused(host: Address) -> None:
    lengths = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = host.exchange(b"PUT /rest/x HTTP/1.1\r\nHost: x\r\n" + lengths)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_head_has_the_length_that_its_function_names_and_no_other(host: Address) -> None:
    with httpx.Client(base_url=host.url) as client:
        assert "content-length" not in client.head("/answer/text").headers
        assert client.head("/answer/length").headers["content-length"] == "1234"


def test_a_body_whose_length_no_function_names_leaves_in_chunks(host: Address) -> None:
    answer = httpx.get(f"{host.url}/answer/text")
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert answer.text == "grüezi"


def test_an_answer_without_a_body_sends_none(host: Address) -> None:
    answer = httpx.post(f"{host.url}/answer/nothing")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"content-length", "transfer-encoding"} & set(answer.headers)
