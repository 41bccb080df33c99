"""Refusals of the Central face have statuses that its clients understand."""

from urllib.parse import unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.central.answers import refused
from tests.support.world import World

PATHS = [
    "/packages",
    "/packages/",
    "/packages/{0}",
    "/packages/{0}/{1}",
    "/packages/{0}/{1}/{2}",
    "/packages/deprecate/{0}/{1}/{2}",
    "/packages/undeprecate/{0}/{1}/{2}",
    "/packages/resolve-dependencies",
    "/packages/resolve-modules",
    "/search-packages",
    "/search-suggestions",
    "/search-symbols",
    "/tools",
    "/tools/{0}",
    "/tools/{0}/{2}",
    "/tools/resolve-dependencies",
    "/connectors",
    "/connectors/{0}",
    "/connectors/{0}/{1}/{2}/{1}/Client",
    "/triggers",
    "/triggers/{0}",
]
HOSTILE = [
    "%0A",
    "%0D%0AX:1",
    "%1B%5B31m",
    "%00",
    "%FF",
    "%2F",
    "..",
    "%2E%2E",
    "%25",
    "%7B%7D",
    "*",
    "-",
    "%E2%80%AE",
    "%F0%9F%98%80",
    "a" * 300,
    "1.0.0",
    "'%20OR%201=1",
    "<script>",
    "con",
    "%5C",
]
BODIES = [b"", b"{}", b"[]", b"null", b"nonsense", b"\x00\xff", b'{"message":', b'{"packages":{}}']

# Without a package and a right there is nothing to redirect to, and nothing that succeeds silently.
ANSWERS = {200, 400, 404, 405}


@pytest.fixture(scope="module")
async def world(shared_world: World) -> World:
    """Return a registry without packages, which no test changes."""
    return shared_world


@pytest.mark.parametrize("part", HOSTILE)
async def test_hostile_paths_get_answers_that_clients_understand(world: World, part: str) -> None:
    for template in PATHS:
        path = template.format(part, part, part)
        for accept in ("application/json", "application/octet-stream"):
            answer = await world.get(path, headers={"Accept": accept})
            assert answer.status_code in ANSWERS, (path, answer.status_code, answer.text)
            # With dots in its path a request leads out of the face.
            is_of_the_face = ".." not in unquote(path)
            if answer.content and answer.status_code != 200 and is_of_the_face:
                refused(answer, answer.status_code)


HEADERS = {
    "Ballerina-Platform": ",,;" * 50,
    "User-Agent": "9" * 500,
    "digest": "sha-256=" + "f" * 500,
    "Content-Type": "multipart/form-data; boundary=" + "x" * 500,
    "Ballerina-Central-Telemetry-Disabled": "perhaps",
    "X-Forwarded-For": "::1, nonsense",
}


@pytest.mark.parametrize(("body", "headers"), [*((each, {}) for each in BODIES), (b"{}", HEADERS)])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_hostile_bodies_and_headers_get_answers_that_clients_understand(
    world: World, method: str, body: bytes, headers: dict[str, str]
) -> None:
    for template in PATHS:
        path = template.format("acme", "greet", "1.0.0")
        answer = await world.send(method, path, by=world.people.ann, headers=headers, content=body)
        assert answer.status_code in ANSWERS, (path, answer.status_code, answer.text)


QUERY = st.dictionaries(
    st.sampled_from(["q", "org", "package", "limit", "offset", "sort", "deprecated", "readme"]),
    st.text(max_size=40),
    max_size=4,
)


@given(query=QUERY)
async def test_no_query_is_an_error(world: World, query: dict[str, str]) -> None:
    for path in ("/packages", "/search-packages", "/search-suggestions", "/tools"):
        answer = await world.get(f"{path}?{urlencode(query)}")
        assert answer.status_code in (200, 400), (path, answer.text)
