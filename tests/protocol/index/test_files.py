"""/index/{org}/{name}/index.json: content, compression and conditional requests."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.fakes.system import START_MS
from tests.support.archives import bala
from tests.support.world import URL, Person, World

GREET = "acme/greet:1.0.0"
FILE = f"{URL}/index/acme/greet/index.json"
NOBODY_CODES = {"accept-encoding": "identity"}


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    """Publish a package."""
    needed = ["ballerina/io:1.6.0"]
    await world.push(bala(GREET, modules=["sub"], dependencies=needed, tools=["greeter"]))


async def lines(world: World, url: str = FILE, by: Person | None = None) -> list[dict[str, Any]]:
    """Return the lines of a file, as the store has them."""
    answer = await world.get(url, by=by, headers={"cache-control": "no-cache"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_package_is_one_line_a_release(world: World) -> None:
    archive = (await world.java().pull(GREET)).content
    found = await lines(world)
    [signature] = found[0].pop("signatures")
    assert sorted(signature) == ["keyid", "sig"]
    assert found == [
        {
            "org": "acme",
            "name": "greet",
            "version": "1.0.0",
            "platform": "any",
            "ballerina_version": "2201.12.0",
            "is_deprecated": False,
            "deprecation_message": "",
            "modules": [{"name": "greet"}, {"name": "greet.sub"}],
            "dependencies": [{"org": "ballerina", "name": "io", "version": "1.6.0"}],
            "checksum": Digest.of(archive).header(),
            "size": len(archive),
            "created": START_MS,
            "tool_id": "greeter",
            "visibility": "public",
            "schema": 1,
        }
    ]


async def test_a_push_adds_a_line_at_the_end(world: World) -> None:
    before = (await world.get(FILE)).content
    world.clock.advance(timedelta(minutes=1))
    await world.push(bala("acme/greet:0.9.0"))
    after = (await world.get(FILE)).content
    assert after.startswith(before)
    assert json.loads(after[len(before) :])["version"] == "0.9.0"


@pytest.mark.parametrize("state", ["hold", "quarantine", "remove"])
async def test_a_withheld_release_has_no_line(world: World, state: str) -> None:
    await world.push(bala("acme/greet:1.1.0"))
    at = Coordinate.parse("acme", "greet", "1.0.0")
    await getattr(world.registry.publishing.moderation, state)(at, "reported", by=OPERATOR)
    assert [line["version"] for line in await lines(world)] == ["1.1.0"]


async def test_a_package_whose_every_release_is_withheld_is_unknown(world: World) -> None:
    at = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.publishing.moderation.quarantine(at, "reported", by=OPERATOR)
    refused = await world.get(FILE)
    missing = await world.get(FILE.replace("greet", "absent"))
    assert refused.status_code == missing.status_code == 404
    assert refused.text == missing.text.replace("absent", "greet")
    await world.registry.publishing.moderation.restore(at, by=OPERATOR)
    assert (await world.get(FILE)).status_code == 200


async def test_names_are_compared_without_case(world: World) -> None:
    assert await lines(world, f"{URL}/index/Acme/GREET/index.json") == await lines(world)


async def test_an_invalid_name_is_not_found(world: World) -> None:
    answer = await world.get(f"{URL}/index/acme/1greet/index.json")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "package not found: acme/1greet"


# --- caching -----------------------------------------------------------------------------------


async def test_an_answer_says_what_caches_need(world: World) -> None:
    headers = (await world.get(FILE)).headers
    assert headers["cache-control"] == "public, max-age=60"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["etag"].startswith('W/"')
    assert headers["last-modified"] == "Mon, 21 Sep 2026 14:13:20 GMT"


async def test_the_file_is_as_old_as_its_last_change(world: World) -> None:
    world.clock.advance(timedelta(hours=1))
    path = "/packages/deprecate/acme/greet/*"
    await world.send("PUT", path, by=world.people.ann, content=b'{"message": "x"}')
    assert (await world.get(FILE)).headers["last-modified"] == "Mon, 21 Sep 2026 15:13:20 GMT"


async def asked_again(world: World, tag: str, **headers: str) -> httpx.Response:
    """Ask for what the client has with this tag."""
    return await world.get(FILE, headers={"if-none-match": tag, **headers})


async def test_a_client_that_has_the_file_gets_no_body(world: World) -> None:
    first = await world.get(FILE)
    for tag in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
        answer = await asked_again(world, tag)
        assert (answer.status_code, answer.content) == (304, b"")
        for name in ("etag", "cache-control", "vary", "last-modified"):
            assert answer.headers[name] == first.headers[name]
    assert (await asked_again(world, '"other"')).status_code == 200


async def test_pulls_change_nothing(world: World) -> None:
    before = await world.get(FILE)
    await world.java().pull(GREET)
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")
    after = await world.get(FILE)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


async def test_the_file_is_compressed_for_clients_that_read_that(world: World) -> None:
    plain = await world.get(FILE, headers=NOBODY_CODES)
    assert "content-encoding" not in plain.headers
    for accepted in ("gzip", "br, GZIP;q=0.5", "*", "deflate, gzip"):
        packed = await world.get(FILE, headers={"accept-encoding": accepted})
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) < len(plain.content)
        assert (packed.content, packed.headers["etag"]) == (plain.content, plain.headers["etag"])


async def test_a_token_is_checked_even_where_none_is_needed(world: World) -> None:
    answer = await world.get(FILE, headers={"authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
