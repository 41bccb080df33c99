"""The session over which msal asks: what it sends, and how it gives answers back."""

import asyncio
from collections.abc import Mapping

import pytest

from shared.auth.identity_providers import LibraryResponse, LibrarySession
from shared.ports import HttpResponse, Unanswered

URL = "https://login.test/token"
ANSWER = HttpResponse(201, {"etag": "1"}, b'{"token": "\xc3\xa4"}')
JSON_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class Noting:
    """A `HttpClient` that notes what is asked, and answers the same each time."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.asked: list[tuple[str, dict[str, str], bytes]] = []

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Note a question without a body."""
        return await self.post(url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Note a question."""
        self.asked.append((url, dict(headers), body))
        return ANSWER


@pytest.fixture
def noting() -> Noting:
    return Noting()


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        (URL, None, URL),
        (URL, {}, URL),
        (URL, {"a": "b c", "d": "&"}, f"{URL}?a=b+c&d=%26"),
        (f"{URL}?x=1", {"a": "b"}, f"{URL}?x=1&a=b"),
    ],
)
async def test_parameters_are_added_to_the_address(
    noting: Noting, url: str, params: dict[str, str] | None, expected: str
) -> None:
    session = LibrarySession(noting)
    await asyncio.to_thread(session.get, url, params, {"Accept": "text/plain"})
    await asyncio.to_thread(session.post, url, params=params)
    assert noting.asked == [(expected, {"Accept": "text/plain"}, b""), (expected, JSON_FORM, b"")]


async def test_a_form_is_sent_as_it_is_or_encoded(noting: Noting) -> None:
    session = LibrarySession(noting)
    for data in ({"a": "b c", "d": "&"}, "a=%20b", None):
        await asyncio.to_thread(session.post, URL, data)
    assert [body for _, _, body in noting.asked] == [b"a=b+c&d=%26", b"a=%20b", b""]


async def test_the_headers_of_the_caller_replace_the_usual_ones(noting: Noting) -> None:
    headers = {"Accept": "text/plain", "Extra": "1"}
    await asyncio.to_thread(LibrarySession(noting).post, URL, "a=b", headers)
    assert noting.asked == [(URL, {**JSON_FORM, **headers}, b"a=b")]


async def test_an_answer_has_the_shape_that_msal_reads(noting: Noting) -> None:
    session = LibrarySession(noting)
    answers = [
        await asyncio.to_thread(session.get, URL),
        await asyncio.to_thread(session.post, URL),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers) == (201, {"etag": "1"})
        assert (answer.text, answer.json()) == ('{"token": "ä"}', {"token": "ä"})
    session.close()


def test_an_answer_from_400_on_is_a_failure_with_its_status() -> None:
    LibraryResponse(HttpResponse(399, {}, b"")).raise_for_status()
    with pytest.raises(Unanswered, match=r"^the answer was 400$"):
        LibraryResponse(HttpResponse(400, {}, b"")).raise_for_status()
