"""/2.0/docs: the API documentation of modules, as `bal discover` and other tools read it."""

import gzip
import json
from typing import Any

import httpx
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala, published
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

DOCS = f"{URL}/2.0/docs"


async def module_of(world: World, path: str = "acme/greet/1.0.0", **options: Any) -> dict[str, Any]:
    answer = await world.get(f"{DOCS}/{path}", **options)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["apiDocsVersion"] == "1.0.0"
    [module] = document["docsData"]["modules"]
    return module


async def test_a_document_looks_like_this(world: World, golden: SnapshotAssertion) -> None:
    await published(world)
    assert (await world.get(f"{DOCS}/acme/greet/1.0.0")).json() == golden


async def test_the_address_of_the_document_is_the_one_in_the_package(world: World) -> None:
    await published(world)
    package = (await world.get("/packages/acme/greet/1.0.0")).json()
    [module] = package["modules"]
    assert await module_of(world, module["apiDocURL"].removeprefix("/2.0/docs/"))


async def test_each_module_of_a_package_has_its_document(world: World) -> None:
    await published(world, bala("acme/greet:1.0.0", modules=["loud"]))
    assert (await module_of(world, "acme/greet.loud/1.0.0"))["id"] == "greet.loud"
    assert len((await module_of(world, "acme/greet/1.0.0"))["relatedModules"]) == 2


async def test_a_document_never_changes_and_is_sent_compressed(world: World) -> None:
    await published(world)
    headers = {"Accept-Encoding": "gzip"}
    async with world.http.stream("GET", f"{DOCS}/acme/greet/1.0.0", headers=headers) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert json.loads(gzip.decompress(packed)) == (await plain(world)).json()


async def plain(world: World) -> httpx.Response:
    return await world.get(f"{DOCS}/acme/greet/1.0.0", headers={"Accept-Encoding": "identity"})


async def test_clients_that_accept_no_gzip_get_plain_json(world: World) -> None:
    await published(world)
    answer = await plain(world)
    assert "content-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_client_that_has_the_document_is_told_so(world: World, encoding: str) -> None:
    await published(world)
    headers = {"Accept-Encoding": encoding}
    first = await world.get(f"{DOCS}/acme/greet/1.0.0", headers=headers)
    headers["If-None-Match"] = first.headers["etag"]
    again = await world.get(f"{DOCS}/acme/greet/1.0.0", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    "path", ["acme/greet/9.9.9", "acme/other/1.0.0", "acme/greet.no/1.0.0", "acme/greet/latest"]
)
async def test_an_unknown_version_or_module_is_404_with_a_reason(world: World, path: str) -> None:
    await published(world)
    refused(await world.get(f"{DOCS}/{path}"), 404)


async def test_names_are_compared_without_case(world: World) -> None:
    await published(world)
    assert (await module_of(world, "ACME/Greet/1.0.0"))["id"] == "greet"


async def test_the_pages_of_bal_doc_are_its_own(world: World) -> None:
    refused(await world.get(f"{DOCS}/doc-ui"), 404)


async def test_documentation_that_the_queue_has_not_made_yet_is_made_at_once(world: World) -> None:
    await world.push(documented_bala())
    assert (await module_of(world))["clients"]


# --- strict readers ----------------------------------------------------------------------------


def strictly(value: Any, key: str = "") -> None:
    """Fail for what a reader with types cannot read: a null, or a flag that is no boolean."""
    assert value is not None, key
    if key.startswith("is") and key[2:3].isupper():
        assert isinstance(value, bool), key
    if isinstance(value, dict):
        for name, each in value.items():
            strictly(each, name)
    if isinstance(value, list):
        for each in value:
            strictly(each)


async def test_strict_readers_can_read_every_part_of_a_document(world: World) -> None:
    await published(world)
    strictly(await module_of(world))
