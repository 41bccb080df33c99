"""What an upstream says of one package never disturbs the others, whatever it says."""

import json
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.domain.coordinates import Coordinate
from shared.domain.packages import Head, Release, UpstreamOrigin
from shared.domain.times import LATEST_MS
from tests.protocol.mirror.test_catalogue import AN_HOUR, catch_up, update
from tests.support.archives import bala
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

DEEP = json.loads("[" * 300 + "]" * 300)

EXTREMES: dict[str, object] = {
    "a huge number": 10**30,
    "a negative number": -1,
    "a number of 64 bits": 2**63,
    "no number": float("nan"),
    "an infinite number": float("inf"),
    "a fraction": 1.5,
    "a truth": True,
    "null": None,
    "a deep list": DEEP,
    "a long list": ["x"] * 2_000,
    "an object": {"x": {"y": 1}},
    "half a character": "\ud800",
    "NUL": "a\0b",
    "control characters": "\x1b[31m\u202e\u2066gnp\x7f\r\n",
    "markup": "<script>alert(1)</script>",
    "a long text": "x" * 3_000_000,
}
FACES = (
    "/packages",
    "/packages?sort=createdDate,DESC",
    "/packages?sort=pullCount",
    "/search-packages?q=greet",
    "/search-suggestions?q=gre",
    "/connectors",
    "/triggers",
    "/packages/acme/greet",
    "/packages/acme/greet/*",
    "/packages/octo/kafka",
    "/packages/octo/kafka/*",
    "/tools/?q=",
    "/tools/hammer",
    f"{URL}/",
    f"{URL}/search?q=",
    f"{URL}/search?q=&sort=createdDate",
    f"{URL}/search?q=acme",
    f"{URL}/packages/octo/kafka",
    f"{URL}/packages/acme/greet",
    f"{URL}/index/acme/greet/index.json",
    f"{URL}/index/octo/kafka/index.json",
    f"{URL}/2.0/maven/octo/kafka/maven-metadata.xml",
    f"{URL}/2.0/maven/acme/greet/maven-metadata.xml",
)
IDENTITY = {"organization", "org", "name", "version", "packages", "count"}


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of each field of a document, but those that say what it is about."""
    found = [path] if path and path[-1] not in IDENTITY else []
    parts = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return found + [each for key, part in parts for each in leaves(part, (*path, key))]


def replaced(value: Any, path: tuple[str | int, ...], extreme: object) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = extreme
    return copy


def say_everywhere(upstream: FakeUpstream, extreme: object) -> None:
    """Have a package for each field that is extreme, and every other answer with all of them so."""
    for name in ("kafka", "nats"):
        upstream.publish(f"octo/{name}:1.0.0")
    model = upstream.model("octo/kafka:1.0.0") | {"balToolId": "hammer", "icon": "", "URL": ""}
    packages = [
        replaced(model, path, extreme) | {"name": f"p{at}"} for at, path in enumerate(leaves(model))
    ]
    worst = model
    for path in leaves(model):
        if len(path) == 1:
            worst = replaced(worst, path, extreme)
    listed = {"packages": [worst, *packages], "count": len(packages) + 1}
    one = {"organization": "octo", "org": "octo", "name": "kafka", "version": "1.0.0"}
    row = one | {"id": extreme, "documentation": extreme, "moduleName": "kafka", "package": worst}
    row |= {"displayAnnotation": {"label": extreme, "iconPath": extreme}, "functions": extreme}
    graph = [one | {"dependencies": extreme}]
    choice = one | {"dependencyGraph": graph, "isDeprecated": True, "deprecateMessage": extreme}
    answers: dict[str, object] = {
        "list": listed,
        "package": worst | {"digest": upstream.digest("octo/kafka:1.0.0")},
        "versions": ["1.0.0", extreme],
        "tool": worst,
        "connectors": {"connectors": [row], "count": 1},
        "triggers": {"triggers": [row], "count": 1},
        "resolve": {"resolved": [choice], "unresolved": extreme},
        "modules": {"resolvedModules": [one | {"packageName": extreme}]},
    }
    for kind, document in answers.items():
        content = json.dumps(document).encode()

        async def answer(request: Request, content: bytes = content) -> Response | None:
            is_pull = "octet-stream" in request.headers.get("accept", "")
            return None if is_pull else Response(content, media_type="application/json")

        upstream.behave[kind] = answer


@pytest.mark.slow
@pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES)
async def test_no_field_of_an_upstream_disturbs_a_face(
    worlds: OpenWorld, upstream: FakeUpstream, extreme: object
) -> None:
    world = await worlds(upstream=upstream.url)
    await world.push(bala("acme/greet:1.0.0"))
    say_everywhere(upstream, extreme)
    await update(world)
    world.clock.advance(AN_HOUR)
    await update(world)
    for pulled in (False, True):
        if pulled:
            await world.get(
                "/packages/octo/kafka/1.0.0", headers={"Accept": "application/octet-stream"}
            )
            await catch_up(world)
        statuses = {each: (await world.get(each)).status_code for each in FACES}
        assert {
            each for each, status in statuses.items() if status >= 500 and status != 503
        } == set()
        hosted = {
            each: status for each, status in statuses.items() if "acme" in each or "?" in each
        }
        assert {each for each, status in hosted.items() if status != 200} == set()
        for query in ("greet", "acme%2Fgreet", "org:acme&sort=createdDate"):
            found = (await world.get(f"/packages?q={query}")).json()
            assert "greet" in [each["name"] for each in found["packages"]]


async def test_a_stored_time_out_of_bounds_is_read_as_none_and_repaired(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    world = await worlds(upstream=upstream.url)
    await world.push(bala("acme/greet:1.0.0"))
    await update(world)
    [stored] = await world.registry.require_mirroring().catalogue.packages()
    release = stored.release.model_copy(update={"created_ms": 10**30})
    changed = stored.model_copy(update={"release": release})
    await world.registry.require_mirroring().catalogue.store(changed)
    await catch_up(world)
    search = "/packages?sort=createdDate,DESC"
    for path in (search, f"{URL}/search?q=", f"{URL}/search?q=&sort=createdDate"):
        assert (await world.get(path)).status_code == 200
    world.clock.advance(AN_HOUR)
    await update(world)
    found = (await world.get(search)).json()["packages"]
    assert {each["name"]: each["createdDate"] > 0 for each in found} == {"greet": True, "io": True}


TIMES_OF_ORIGIN = ("first_seen_ms", "removed_ms")


@pytest.mark.parametrize("extreme", [10**30, -1, 2**63])
async def test_no_stored_time_of_a_mirrored_release_disturbs_a_face(
    mirror: World, upstream: FakeUpstream, extreme: int
) -> None:
    upstream.publish("octo/kafka:1.0.0")
    pull = {"Accept": "application/octet-stream"}
    assert (await mirror.get("/packages/octo/kafka/1.0.0", headers=pull)).status_code == 302
    coordinate = Coordinate.from_text("octo/kafka:1.0.0")

    def changed(_head: Head, release: Release) -> Release:
        assert release.upstream is not None
        times: dict[str, Any] = dict.fromkeys(TIMES_OF_ORIGIN, extreme)
        origin = release.upstream.model_copy(update=times)
        return release.model_copy(update={"upstream": origin, "changed_ms": extreme})

    await mirror.registry.packages.records.change_release(coordinate, changed)
    await catch_up(mirror)
    for path in (each for each in FACES if "acme" not in each and "/tools/h" not in each):
        assert (await mirror.get(path)).status_code in {200, 404}, path
    assert (await mirror.get("/packages/octo/kafka/1.0.0")).status_code == 200


@pytest.mark.parametrize("value", [None, 0, 1, LATEST_MS])
def test_a_time_within_bounds_is_read_as_it_is(value: int | None) -> None:
    origin = UpstreamOrigin(name="x", first_seen_ms=1, removed_ms=value)
    assert origin.removed_ms == value
    assert UpstreamOrigin.model_validate_json(origin.model_dump_json()) == origin
