"""Texts that everybody may read are compressed for clients that accept gzip, and nothing else."""

import gzip
from collections.abc import Mapping

import httpx
import pytest

from functions.html.page_templates import STATIC, static_path
from functions.http.compression import LARGEST_BYTES, SMALLEST_BYTES
from tests.support.archives import bala
from tests.support.world import MAVEN, URL, OpenWorld, World

CSS = URL + static_path("site.css")
PAGE = f"{URL}/about/api"
SEARCH = f"{URL}/search?q=greet"
LIST = f"{MAVEN}/acme/greet/maven-metadata.xml"
TEXTS = [CSS, URL + static_path("site.js"), PAGE, SEARCH, f"{URL}/packages/acme/greet"]
PLAIN = {"accept-encoding": "identity"}
GZIP = {"accept-encoding": "gzip, br"}


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package, which no test changes."""
    world = await shared_worlds()
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.fixture(scope="module")
async def long_list(shared_worlds: OpenWorld) -> World:
    """Return a registry with so many versions of a package that their list is long."""
    world = await shared_worlds()
    for minor in range(40):
        await world.push(bala(f"acme/greet:1.{minor}.0"))
    return world


async def raw(world: World, url: str, headers: Mapping[str, str], method: str = "GET") -> bytes:
    """Return the bytes of an answer as they were sent."""
    request = httpx.Request(method, url, headers=dict(headers))
    answer = await world.http.send(request, stream=True)
    return b"".join([part async for part in answer.aiter_raw()])


def varied(answer: httpx.Response) -> set[str]:
    return {each.strip().lower() for each in answer.headers.get("vary", "").split(",")}


@pytest.mark.parametrize("url", TEXTS)
async def test_a_text_is_sent_as_gzip_to_clients_that_accept_it(world: World, url: str) -> None:
    plain = await world.get(url, headers=PLAIN)
    assert "content-encoding" not in plain.headers
    assert len(plain.content) > SMALLEST_BYTES
    packed = await world.get(url, headers=GZIP)
    assert packed.headers["content-encoding"] == "gzip"
    sent = await raw(world, url, GZIP)
    assert int(packed.headers["content-length"]) == len(sent) < len(plain.content) / 2
    assert gzip.decompress(sent) == packed.content == plain.content
    assert varied(plain) == varied(packed) >= {"accept-encoding"}
    assert plain.headers["cache-control"] == packed.headers["cache-control"]


@pytest.mark.parametrize("url", TEXTS)
async def test_a_client_that_has_it_in_either_encoding_gets_no_body(world: World, url: str) -> None:
    for encoding in (PLAIN, GZIP):
        first = await world.get(url, headers=encoding)
        again = await world.get(url, headers={**encoding, "if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "vary", "cache-control"):
            assert again.headers[name] == first.headers[name]


async def test_no_request_makes_the_registry_compress_megabytes(worlds: OpenWorld) -> None:
    world = await worlds()
    text = "".join(map(str, range(300_000)))
    sizes = (LARGEST_BYTES, LARGEST_BYTES + 1)
    entries = {f"resources/{size}.txt": text[:size] for size in sizes}
    await world.push(bala("acme/large:1.0.0", entries=entries))
    for method in ("GET", "HEAD"):
        for size, is_packed in ((LARGEST_BYTES, True), (LARGEST_BYTES + 1, False)):
            url = f"{URL}/files/acme/large/1.0.0/resources/{size}.txt"
            answer = await world.http.request(method, url, headers=GZIP)
            assert answer.status_code == 200
            assert ("content-encoding" in answer.headers) is is_packed


async def test_the_two_encodings_are_weakly_equal_and_no_more(world: World) -> None:
    plain = (await world.get(CSS, headers=PLAIN)).headers["etag"]
    packed = (await world.get(CSS, headers=GZIP)).headers["etag"]
    assert packed == f"W/{plain}"


async def test_a_range_is_of_the_plain_bytes(world: World) -> None:
    tag = (await world.get(CSS, headers=GZIP)).headers["etag"]
    part = await world.get(CSS, headers={**GZIP, "range": "bytes=0-9"})
    assert (part.status_code, varied(part)) == (206, {"accept-encoding"})
    assert part.content == (STATIC / "site.css").read_bytes()[:10]
    assert "content-encoding" not in part.headers
    # Bytes of one encoding are never added to those of the other.
    whole = await world.get(CSS, headers={**GZIP, "range": "bytes=0-9", "if-range": tag})
    assert (whole.status_code, "accept-ranges" in whole.headers) == (200, False)


@pytest.mark.parametrize(
    "accepted", ["", "br", "gzip;q=0", "gzip; q=0.0, *", "*, gzip;q=0", "x-gzip"]
)
async def test_clients_that_do_not_accept_gzip_get_plain_text(world: World, accepted: str) -> None:
    answer = await world.get(CSS, headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers


async def test_small_texts_and_pictures_stay_as_they_are(world: World) -> None:
    for url in (f"{URL}/robots.txt", URL + static_path("card.png")):
        answer = await world.get(url, headers=GZIP)
        assert answer.is_success
        assert "content-encoding" not in answer.headers
        assert "accept-encoding" not in varied(answer)


async def test_what_bal_reads_of_central_stays_as_it_is(long_list: World) -> None:
    for path in ("/packages/acme/greet", "/packages/acme/greet/1.0.0", "/packages?q=greet"):
        answer = await long_list.get(path, headers={"accept-encoding": "gzip"})
        assert answer.is_success
        assert "content-encoding" not in answer.headers
        assert "accept-encoding" not in varied(answer)


async def test_a_maven_client_reads_a_long_list_of_versions(long_list: World) -> None:
    assert (await long_list.get(LIST, headers=GZIP)).headers["content-encoding"] == "gzip"
    assert len(await long_list.maven().versions("acme/greet")) == 40
    checksum = await long_list.get(f"{LIST}.sha1", headers=GZIP)
    assert "content-encoding" not in checksum.headers
