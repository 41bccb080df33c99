"""Row 26, poisoned and deceived caches (crates.io, 2026): no header that a cache leaves out of its
key changes an answer, and no address makes a private answer look like a file that may be kept."""

import re
from collections.abc import AsyncGenerator, Mapping

import httpx
import pytest

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.security.limits import UNREACHED_LIMITS
from tests.security.routes import readable, with_packages
from tests.support.world import MAVEN, URL, OpenWorld, World

PULL = dict(ACCEPT_ARCHIVE)
_OF_HOSTS = ("X-Forwarded-Host", "X-Forwarded-Server", "X-Original-Host", "X-Host", "Via")
_OF_ADDRESSES = ("X-Real-IP", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP")
UNKEYED = {
    **dict.fromkeys(_OF_HOSTS, "evil.example"),
    **dict.fromkeys(_OF_ADDRESSES, "127.0.0.1"),
    **dict.fromkeys(("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"), "/account"),
    **dict.fromkeys(("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"), "DELETE"),
    **dict.fromkeys(("X-MS-CLIENT-PRINCIPAL-ID", "X-ARR-ClientCert"), "admin"),
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "1337",
    "X-Forwarded-For": "10.0.0.1, 127.0.0.1",
    "Forwarded": "for=127.0.0.1;host=evil.example;proto=http",
    "X-Requested-With": "XMLHttpRequest",
    "X-WAF-Bypass": "1",
    "Referer": "https://evil.example/",
    "Cookie": "a=b",
    "Accept-Language": "xx",
}
HOSTS = ["evil.example", "registry.test:1337", "evil.example@registry.test", "", "a b", "[::1]:80"]
TO_BE_KEPT = [
    f"{URL}/index/config.json",
    f"{URL}/index/acme/greet/index.json",
    f"{MAVEN}/acme/greet/maven-metadata.xml",
    f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.pom",
]


@pytest.fixture(scope="module")
async def full(shared_worlds: OpenWorld) -> World:
    """Return a registry with a private and a public package, from which every test here reads."""
    return await with_packages(await shared_worlds(**UNREACHED_LIMITS))


# What differs each time: the number of the request, what is left of a limit, the name of a browser,
# and the secret of a form.
EACH_TIME = {"x-request-id", "ratelimit-remaining", "ratelimit-reset", "set-cookie"}
FORM_SECRET = re.compile(rb'(?<= name="csrf" value=")[^"]+')
Seen = tuple[int, Mapping[str, str], bytes]


def seen(answer: httpx.Response) -> Seen:
    """Return all of an answer but what differs each time; whatever sets a cookie is not kept."""
    assert "set-cookie" not in answer.headers or answer.headers["cache-control"] == "no-store"
    headers = {name: value for name, value in answer.headers.items() if name not in EACH_TIME}
    # A page that apologizes names the request, in as many letters each time.
    number = answer.headers.get("x-request-id", "-").encode()
    content = FORM_SECRET.sub(b"", answer.content.replace(number, b""))
    return answer.status_code, headers, content


@pytest.fixture(scope="module")
def reads(full: World) -> list[str]:
    """Return every address that a cache may be asked for."""
    addresses = readable(full.registry)
    assert addresses
    return sorted({*addresses, *TO_BE_KEPT})


@pytest.fixture(scope="module")
async def plain(full: World, reads: list[str]) -> AsyncGenerator[Mapping[str, Seen]]:
    """Return the answer of each address; it is the same when all tests of the module are over."""
    answers = {url: seen(await full.get(url)) for url in reads}
    yield answers
    assert {url: seen(await full.get(url)) for url in reads} == answers


@pytest.mark.parametrize("header", UNKEYED)
async def test_no_header_that_caches_leave_out_changes_an_answer(
    full: World, plain: Mapping[str, Seen], header: str
) -> None:
    for url, answer in plain.items():
        assert seen(await full.get(url, headers={header: UNKEYED[header]})) == answer, url


@pytest.mark.parametrize("host", HOSTS)
async def test_no_name_of_a_host_changes_an_answer(
    full: World, plain: Mapping[str, Seen], host: str
) -> None:
    for url, answer in plain.items():
        assert seen(await full.get(url, headers={"Host": host})) == answer, url


async def test_all_of_them_together_change_nothing_for_members_either(
    full: World, reads: list[str]
) -> None:
    headers = {**UNKEYED, "Host": "evil.example"}
    del headers["Cookie"]
    for url in reads:
        member = seen(await full.get(url, by=full.people.mia))
        assert seen(await full.get(url, by=full.people.mia, headers=headers)) == member, url


async def test_the_way_to_an_archive_leads_to_the_address_of_the_registry(full: World) -> None:
    path = "/packages/acme/greet/1.0.0"
    hops = [
        await full.get(path, headers=PULL | {"Host": "evil.example", **UNKEYED}),
        await full.get(f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala", headers=UNKEYED),
    ]
    for hop in hops:
        assert hop.headers["location"].startswith(f"{URL}/archives/")
        assert hop.headers["cache-control"] == "no-store"


async def test_an_answer_that_depends_on_headers_is_not_stored_or_has_vary(
    full: World, reads: list[str]
) -> None:
    clients = [
        {},
        {"User-Agent": "2201.8.0"},
        {"Ballerina-Platform": "java17"},
        {"Accept": "application/octet-stream"},
        {"Accept": "text/html"},
        {"Accept-Encoding": "gzip"},
    ]
    compared = set[str]()
    for url in reads:
        answers = [await full.get(url, headers=client) for client in clients]
        for answer in answers:
            caching = answer.headers.get("cache-control", "")
            if "no-store" in caching or not answer.is_success:
                continue
            tags = [each.headers.get("etag", each.text) for each in answers]
            same = {tag.removeprefix("W/") for tag in tags}  # The same in another encoding.
            assert len(same) == 1, url
            coded = {each.headers.get("content-encoding", "") for each in answers}
            varied = {part.strip().lower() for part in answer.headers.get("vary", "").split(",")}
            assert len(coded) == 1 or "accept-encoding" in varied, url
            compared.add(url)
    assert len(compared) > 20


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_304_changes_nothing_of_an_answer_that_a_cache_has(
    full: World, reads: list[str], encoding: str
) -> None:
    """A cache merges the headers of a 304 into what it keeps: another type there made Varnish and
    Google's CDN show pages as their source."""
    confirmed = set[str]()
    for url in reads:
        first = await full.get(url, headers={"Accept-Encoding": encoding})
        if "etag" not in first.headers:
            continue
        known = {"Accept-Encoding": encoding, "If-None-Match": first.headers["etag"]}
        again = await full.get(url, headers=known)
        assert (again.status_code, again.content) == (304, b""), url
        for name, value in again.headers.items():
            assert name in EACH_TIME or value == first.headers.get(name), (url, name)
        assert again.headers.get("vary") == first.headers.get("vary"), url
        confirmed.add(again.headers["content-type"].partition(";")[0])
    assert confirmed >= {"text/html", "application/json", "application/xml"}


@pytest.mark.parametrize(
    "tail", ["/x.css", ".css", "%2Fx.css", ";x.css", "?x.css", "%3Fx.css", "/..%2Fx.css", "%00.css"]
)
@pytest.mark.parametrize(
    "path", ["account", "api/v1/whoami", "api/v1/tokens", "2.0/registry/packages/acme/secret/1.0.0"]
)
async def test_no_private_answer_looks_like_a_file_to_keep(
    full: World, path: str, tail: str
) -> None:
    answer = await full.get(f"{URL}/{path}{tail}", by=full.people.ann)
    kept = answer.headers.get("cache-control", "no-store")
    assert answer.status_code in (400, 401, 404) or "no-store" in kept
    assert "public" not in kept


async def test_no_cache_stores_a_refusal(full: World, reads: list[str]) -> None:
    answers = [await full.get(url) for url in reads]
    refusals = [
        each for each in answers if each.status_code >= 400 and each.headers.get("x-request-id")
    ]
    assert refusals
    for refusal in refusals:
        assert "no-store" in refusal.headers["cache-control"], refusal.request.url
