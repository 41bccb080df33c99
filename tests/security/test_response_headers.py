"""API8, misconfiguration: what every answer of every route says to browsers and caches."""

import re

import httpx
import pytest

from functions.faces import build_app
from shared.hosting.host import Host
from shared.hosting.responses import configured_headers
from tests.lazy_app import lazy_functions
from tests.security.routes import routes, with_packages
from tests.support.server import served_app
from tests.support.world import URL, OpenWorld, Person, World

ADDED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}
OWN = ("style-src", "script-src", "img-src", "connect-src", "form-action")
STRICT = {
    **dict.fromkeys(("default-src", "base-uri", "frame-ancestors"), "'none'"),
    **dict.fromkeys(OWN, "'self'"),
}
OUR_SCRIPT = r'<script src="/static/site\.[0-9a-f]{12}\.js"></script>'

# Stores read packages from browsers, without credentials: so the protocol of Central has it.
OPEN_TO_PAGES = re.compile(r"/2\.0/(?!maven/)|/archives/|/health/")


@pytest.fixture
async def full(world: World) -> World:
    """Return a registry with a private and a public package."""
    return await with_packages(world)


@pytest.fixture(scope="module")
async def answers(shared_worlds: OpenWorld) -> list[httpx.Response]:
    """Return what everybody gets from everywhere, also where nothing is."""
    world = await with_packages(await shared_worlds())
    people: list[Person | None] = [None, world.people.ann, world.people.bob]
    asked = [*routes(world.registry), ("GET", f"{URL}/nothing/here"), ("PATCH", f"{URL}/account")]
    found = [await world.send(method, url, by=person) for method, url in asked for person in people]
    for url in (
        f"{URL}/2.0/registry/packages/acme/greet/1.0.0",
        f"{URL}/index/acme/greet/index.json",
    ):
        found.append(await world.get(url))
    return found


def name(answer: httpx.Response) -> str:
    """Return what a failure is called by."""
    return f"{answer.request.method} {answer.request.url} {answer.status_code}"


async def test_every_answer_has_the_headers_that_keep_browsers_strict_and_each_once(
    answers: list[httpx.Response],
) -> None:
    for answer in answers:
        for header, value in ADDED.items():
            assert answer.headers.get_list(header) == [value], name(answer)


async def test_without_https_there_is_no_strict_transport_security(worlds: OpenWorld) -> None:
    plain = configured_headers("http://127.0.0.1:7071")
    world = await worlds(host=lambda registry: Host(lazy_functions(registry), headers=plain))
    answer = await world.get(f"{URL}/account")
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_page_runs_and_loads_only_our_own_files(answers: list[httpx.Response]) -> None:
    pages = [each for each in answers if "html" in each.headers.get("content-type", "")]
    assert len(pages) > 5
    for page in pages:
        [policy] = page.headers.get_list("content-security-policy")
        parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert parts == STRICT, name(page)
        assert re.sub(OUR_SCRIPT, "", page.text).count("<script") == 0, name(page)


async def test_no_page_of_others_may_read_what_takes_credentials(
    answers: list[httpx.Response],
) -> None:
    for answer in answers:
        opened = {key: value for key, value in answer.headers.items() if "access-control" in key}
        if not OPEN_TO_PAGES.match(answer.request.url.path):
            assert opened == {}, name(answer)
        assert opened.get("access-control-allow-origin", "*") == "*"
        assert "access-control-allow-credentials" not in opened
        assert "authorization" not in opened.get("access-control-allow-headers", "").lower()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", URL])
async def test_no_origin_is_ever_echoed(full: World, origin: str) -> None:
    for method, url in routes(full.registry):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = await full.send(method, url, headers=headers)
        assert origin not in answer.headers.get("access-control-allow-origin", "")


async def test_every_answer_to_a_read_says_who_may_keep_it(answers: list[httpx.Response]) -> None:
    for answer in answers:
        if answer.request.method in ("GET", "HEAD") and answer.headers.get("x-request-id"):
            assert answer.headers.get_list("cache-control"), name(answer)


async def test_no_shared_cache_stores_an_answer_for_one_caller(
    answers: list[httpx.Response],
) -> None:
    reads = [each for each in answers if each.request.method in ("GET", "HEAD") and each.is_success]
    secret = [
        each for each in reads if re.search(r"secret|api/v1", str(each.request.url)) is not None
    ]
    assert len(secret) > 100
    for answer in secret:
        assert "no-store" in answer.headers.get("cache-control", ""), name(answer)
    setting_cookies = [each for each in answers if "set-cookie" in each.headers]
    assert setting_cookies
    for answer in setting_cookies:
        assert answer.headers.get("cache-control") == "no-store", name(answer)


async def test_no_header_names_the_version_of_the_server(full: World) -> None:
    served = Host(build_app(full.registry), headers=configured_headers(URL))
    with served_app(served) as address, httpx.Client() as client:
        for path in ("/health/live", "/nothing", "/account"):
            headers = client.get(f"{address.url}{path}").headers
            assert headers["server"] == "ballroom"
            assert "x-powered-by" not in headers
            assert headers["x-content-type-options"] == "nosniff"
