"""Guessed and shortened paths redirect, or get a page that explains the 404 or 405."""

import pytest

from tests.protocol.central.answers import refused
from tests.protocol.web.page_reader import opened
from tests.security.routes import routes
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(scope="module")
async def world(shared_world: World) -> World:
    """Return a registry without packages, which no test changes."""
    return shared_world


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        # The host folds no slashes, which a base address with one at its end makes two of.
        ("/packages//acme/greet?q=a//b", "/packages/acme/greet?q=a//b"),
        ("/api/v1///orgs", "/api/v1/orgs"),
        ("/index//config.json", "/index/config.json"),
        ("/packages//evil.example", "/packages/evil.example"),
        # As `bal` prints them: pages of Central.
        ("/acme/greet", "/packages/acme/greet"),
        ("/acme/greet/1.0.0", "/packages/acme/greet/1.0.0"),
        ("/acme/search/", "/packages/acme/search"),
        ("/ballerina/lang.array/1.0.0-rc.1", "/packages/ballerina/lang.array/1.0.0-rc.1"),
        ("/wso2/about", "/packages/wso2/about"),
    ],
)
async def test_an_address_that_was_cut_short_leads_on(world: World, path: str, leads: str) -> None:
    answer = await opened(world, path)
    assert (answer.status_code, answer.headers["location"]) == (308, leads)


@pytest.mark.parametrize(
    "path",
    [
        "/xyz",
        "/about/api/more",
        "/account/xyz",
        "/account/tokens/1",
        "/account/tokens/1/2/3",
        "/device/xyz",
        "/files/acme/greet",
        "/manage/xyz/xyz/xyz",
        "/orgs/acme/people/more/and/more",
        "/sign-in/callback",
        "/static/site/more.css",
        "/packages/acme/greet/1.0.0/files/x",
        "/search/kafka",
        "/xyz/greet/latest",
        "/xyz/greet/1.0.0/more",
        "/x-y-z/greet",
        "/xyz/..%2f",
        "/search/%3Cscript%3E/x",
    ],
)
async def test_an_address_of_nothing_is_a_page_with_the_requests_id(
    world: World, path: str
) -> None:
    answer = await opened(world, path)
    assert answer.status_code == 404
    assert answer.headers["x-request-id"] in answer.text
    assert "Page not found" in answer.text
    assert "<script>" not in answer.text


async def test_a_program_reads_a_problem_below_the_api(world: World) -> None:
    answer = await opened(world, "/api/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "page-not-found")


@pytest.mark.parametrize("path", ["distributions", "distributions/latest", "versions/2201.12.0"])
async def test_what_no_registry_of_ours_offers_is_json_with_the_way_out(
    world: World, path: str
) -> None:
    for headers in ({}, {"Accept": "text/html"}):
        answer = await world.get(f"{URL}/2.0/update-tool/{path}", headers=headers)
        assert "https://ballerina.io/downloads/" in refused(answer, 404)


async def test_paths_of_the_host_are_not_pages(world: World) -> None:
    for path in ("/admin/nothing", "/runtime/nothing"):
        answer = await opened(world, path)
        assert (answer.status_code, answer.content) == (404, b""), path


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["/2.0/nothing", "/2.0/registry/", "/2.0/registry/nothing/at/all"])
async def test_unknown_paths_of_the_protocol_are_json(world: World, path: str, method: str) -> None:
    answer = await world.send(method, URL + path)
    assert answer.status_code == 404
    assert method == "HEAD" or "There is no page" in refused(answer, 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/2.0/registry/packages", "GET, HEAD, POST"),
        ("/2.0/registry/packages/", "GET, HEAD, POST"),
        ("/2.0/registry/packages/acme/greet", "GET, HEAD"),
        ("/2.0/registry/packages/resolve-modules", "GET, HEAD, POST"),
        ("/2.0/registry/packages/deprecate/acme/greet/1.0.0", "PUT"),
        ("/2.0/registry/tools/greet", "GET, HEAD"),
        ("/2.0/maven/acme/greet/maven-metadata.xml", "GET, HEAD, PUT, OPTIONS"),
    ],
)
async def test_a_method_that_the_protocol_has_not_is_405_with_those_that_there_are(
    world: World, path: str, allowed: str
) -> None:
    for method in METHODS:
        if method in allowed.split(", "):
            continue
        answer = await world.send(method, URL + path, by=world.people.ann)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), method
        if method != "HEAD":
            assert refused(answer, 405).startswith(f"{method} is not supported at ")


@pytest.mark.parametrize("path", ["/", "/search", "/packages/acme/greet", "/account"])
async def test_a_page_says_so_to_every_other_method(world: World, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await world.send(method, URL + path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), method
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["x-request-id"] in answer.text


async def test_a_program_reads_a_problem_for_another_method(world: World) -> None:
    answer = await world.send("DELETE", f"{URL}/api/v1/orgs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.json()["error"]["code"] == "method-not-allowed"


async def test_a_head_answers_as_a_get_without_the_body(worlds: OpenWorld) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0", tools=["greet"]))
    urls = [url for method, url in routes(world.registry) if method == "HEAD"]
    assert urls
    for url in urls:
        got = await world.get(url)
        asked = await world.send("HEAD", url)
        assert (asked.status_code, asked.content) == (got.status_code, b""), url
        # The cookie names a new browser each time.
        own = {"x-request-id", "date", "content-length", "retry-after", "set-cookie"}
        own |= {"ratelimit-remaining", "ratelimit-reset"}  # Both count.
        shown = [{k: v for k, v in each.headers.items() if k not in own} for each in (got, asked)]
        assert shown[0] == shown[1], url
        if got.content:
            assert asked.headers["content-length"] == got.headers["content-length"], url


async def test_an_unknown_path_redirects_nowhere(world: World) -> None:
    for path in ("/packages/%2e%2e%2fx", "/packages/%5Cevil.example", "//evil.example"):
        answer = await opened(world, path)
        assert answer.status_code == 404, path
        assert "location" not in answer.headers
