"""All faces agree about the state of a package.

One function builds each document out of what is stored, so what one face says of a release and
another does not can only be a mistake. Each face is read as its clients read it.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.maven import texts
from tests.sampling import examples
from tests.support.archives import bala
from tests.support.storage import IN_THE_CLOUD
from tests.support.world import MAVEN, URL, Person, Template, World

VERSIONS = ("0.9.0", "1.0.0", "1.1.0", "2.0.0-rc.1")
BUILDS: dict[str, dict[str, Any]] = {
    "small": {},
    "of modules": {"modules": ["sub", "sub.deep"], "platform": "java21", "tools": ["greeter"]},
    "of others": {
        "platform": "java17",
        "dependencies": ["ballerina/io:1.6.0", "acme/base:0.1.0"],
        "transitive": {"acme/base:0.1.0": ["ballerina/lang.int:0.0.0"]},
    },
    "of Go": {"layout": 4, "dependencies": ["ballerina/io:1.7.0"]},
}
MODERATION = ("hold", "quarantine", "restore", "remove")

Step = tuple[str, str, str]
pushes = st.tuples(st.just("push"), st.sampled_from(VERSIONS), st.sampled_from([*BUILDS]))
deprecations = st.tuples(
    st.sampled_from(("deprecate", "undeprecate")),
    st.sampled_from((*VERSIONS, "*")),
    st.sampled_from(("", "Use two.", 'Say "two" & <go>.')),
)
moderation = st.tuples(st.sampled_from(MODERATION), st.sampled_from(VERSIONS), st.just(""))
histories = st.lists(st.one_of(pushes, pushes, deprecations, moderation), min_size=1, max_size=12)

# Over the stores of the cloud, which are slower, the faces are the same.
HISTORIES = 10 if IN_THE_CLOUD else examples(20, full=40)

_folders = count()


@given(history=histories, visibility=st.sampled_from(("", "private")))
@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_all_faces_agree_after_any_history(
    template: Template, scratch: Path, history: Sequence[Step], visibility: str
) -> None:
    async with template.world(scratch / f"agree{next(_folders)}") as world:
        for step in history:
            await take(world, step, visibility)
            await check(world, world.people.mia if visibility else None)
        if visibility:
            for face in FACES:
                assert await face(world, None) == {}


async def take(world: World, step: Step, visibility: str) -> None:
    """Do one step; a refusal is as good as a success."""
    verb, version, detail = step
    coordinate = f"acme/greet:{version}"
    client = world.java(world.people.ann)
    try:
        if verb == "push":
            archive = bala(coordinate, visibility=visibility, **BUILDS[detail])
            await client.send_archive(coordinate, archive)
        elif verb == "deprecate":
            await client.deprecate(coordinate, detail.replace('"', "'"))
        elif verb == "undeprecate":
            await client.undeprecate(coordinate)
        else:
            await moderate(world, verb, Coordinate.parse("acme", "greet", version))
    except (ClientFailure, Refusal):
        return


async def moderate(world: World, verb: str, coordinate: Coordinate) -> None:
    """Withhold the release, or serve it again."""
    if verb == "restore":
        await world.registry.publishing.moderation.restore(coordinate, by=OPERATOR)
    else:
        await getattr(world.registry.publishing.moderation, verb)(
            coordinate, "A test.", by=OPERATOR
        )


async def check(world: World, by: Person | None) -> None:
    """Compare what each face says of each version with the line in the index."""
    lines = await index(world, by)
    for face in FACES:
        shown = await face(world, by)
        assert set(shown) == set(lines), face.__name__
        for version, facts in shown.items():
            expected = {name: lines[version][name] for name in facts}
            assert facts == expected, f"{face.__name__} of {version}"


# --- faces: each returns what it says of the versions that it has ------------------------------

Facts = dict[str, dict[str, Any]]
Face = Callable[[World, Person | None], Awaitable[Facts]]
INSIST = {"cache-control": "no-cache"}


async def get(world: World, url: str, by: Person | None, **headers: str) -> Any:
    """Return the answer, or None where there is nothing for this caller."""
    answer = await world.get(url, by=by, headers=headers)
    if answer.status_code in (401, 404):
        return None
    assert answer.status_code in (200, 302), answer.text
    return answer


async def index(world: World, by: Person | None) -> Facts:
    """Read the sparse index."""
    answer = await get(world, f"{URL}/index/acme/greet/index.json", by, **INSIST)
    lines = [json.loads(line) for line in answer.text.splitlines()] if answer else []
    assert len({line["version"] for line in lines}) == len(lines)
    return {
        line["version"]: {
            "platform": line["platform"],
            "ballerina": line["ballerina_version"],
            "is_deprecated": line["is_deprecated"],
            "message": line["deprecation_message"],
            "modules": [module["name"] for module in line["modules"]],
            "dependencies": coordinates(line["dependencies"]),
            "digest": line["checksum"],
            "size": line["size"],
            "created": line["created"],
            "tool": line.get("tool_id", ""),
            "visibility": line["visibility"],
        }
        for line in lines
    }


async def central_versions(world: World, by: Person | None) -> Facts:
    """Read the list of versions: the newest release, and all others newest first."""
    answer = await get(world, "/packages/acme/greet", by)
    versions = answer.json() if answer else []
    ordered = sorted(versions, key=VERSIONS.index, reverse=True)
    newest = [each for each in ordered if "-" not in each][:1]
    assert versions == [*newest, *(each for each in ordered if each not in newest)]
    return {version: {} for version in versions}


async def central_metadata(world: World, by: Person | None) -> Facts:
    """Read the model of each version."""
    shown: Facts = {}
    for version in VERSIONS:
        if answer := await get(world, f"/packages/acme/greet/{version}", by):
            model = answer.json()
            shown[version] = {
                "platform": model["platform"],
                "ballerina": model["ballerinaVersion"],
                "is_deprecated": model["isDeprecated"],
                "message": model["deprecateMessage"],
                "modules": [module["name"] for module in model["modules"]],
                "digest": model["digest"],
                "created": model["createdDate"],
                "tool": model["balToolId"],
                "visibility": model["visibility"],
            }
    return shown


async def central_resolution(world: World, by: Person | None) -> Facts:
    """Ask for exactly each version, as a build with locked dependencies does."""
    wanted = [
        {"org": "acme", "name": "greet", "version": version, "mode": "hard"} for version in VERSIONS
    ]
    body = json.dumps({"packages": wanted}).encode()
    answer = await world.send("POST", "/packages/resolve-dependencies", by=by, content=body)
    return {each["version"]: resolved(each) for each in answer.json()["resolved"]}


async def central_pull(world: World, by: Person | None) -> Facts:
    """Pull each version, both hops."""
    shown: Facts = {}
    for version in VERSIONS:
        path = f"/packages/acme/greet/{version}"
        if first := await get(world, path, by, **dict(ACCEPT_ARCHIVE)):
            archive = (await world.get(first.headers["location"])).content
            assert first.headers["digest"] == Digest.of(archive).header()
            shown[version] = {
                "is_deprecated": first.headers.get("is-deprecated") == "true",
                "message": first.headers.get("deprecate-message", ""),
                "digest": Digest.of(archive).header(),
                "size": len(archive),
            }
    return shown


async def maven_repository(world: World, by: Person | None) -> Facts:
    """Read the metadata of the artifact."""
    answer = await get(world, f"{MAVEN}/acme/greet/maven-metadata.xml", by)
    listed = texts(answer.content, "versioning/versions/version") if answer else []
    return {text: {} for text in listed}


async def maven_proxy(world: World, by: Person | None) -> Facts:
    """Read the metadata for a distribution that runs every platform."""
    answer = await get(world, f"{MAVEN}/v2201-13-0/acme/greet/maven-metadata.xml", by)
    if answer is None:
        return {}
    return {
        element.findtext("number") or "": {
            "platform": element.findtext("platform"),
            "ballerina": element.findtext("ballerinaVersion"),
            "is_deprecated": element.findtext("isDeprecated") == "true",
            "modules": [module.text for module in element.findall("modules/module/name")],
        }
        for element in ElementTree.fromstring(answer.text).findall("versions/version")
    }


async def maven_graphs(world: World, by: Person | None) -> Facts:
    """Read the dependency graph of each version."""
    shown: Facts = {}
    for version in VERSIONS:
        file = f"{MAVEN}/acme/greet/{version}/greet-{version}-depgraph.json"
        if answer := await get(world, file, by):
            [each] = answer.json()["resolved"]
            shown[version] = resolved(each)
    return shown


async def maven_archives(world: World, by: Person | None) -> Facts:
    """Get the archive of each version."""
    shown: Facts = {}
    for version in VERSIONS:
        if first := await get(world, f"{MAVEN}/acme/greet/{version}/greet-{version}.bala", by):
            archive = (await world.get(first.headers["location"])).content
            shown[version] = {"digest": Digest.of(archive).header(), "size": len(archive)}
    return shown


FACES: list[Face] = [
    index,
    central_versions,
    central_metadata,
    central_resolution,
    central_pull,
    maven_repository,
    maven_proxy,
    maven_graphs,
    maven_archives,
]


def resolved(each: dict[str, Any]) -> dict[str, Any]:
    """Return what a resolved package says; its own node of the graph is the first."""
    root = each["dependencyGraph"][0]
    assert (root["org"], root["name"], root["version"]) == ("acme", "greet", each["version"])
    return {
        "is_deprecated": each["isDeprecated"],
        "message": each["deprecateMessage"],
        "dependencies": coordinates(root["dependencies"]),
    }


def coordinates(dependencies: list[dict[str, str]]) -> list[str]:
    """Return dependencies in one spelling."""
    return [f"{each['org']}/{each['name']}:{each['version']}" for each in dependencies]


async def test_every_face_lists_the_modules_that_are_exported_and_no_others(world: World) -> None:
    modules = ["parser", "subgraph"]
    listed = ["graphql", "graphql.subgraph"]
    await world.push(bala("acme/graphql:1.0.0", modules=modules, exported=listed))
    model = (await world.get("/packages/acme/graphql/1.0.0")).json()
    assert [each["name"] for each in model["modules"]] == listed
    [found] = (await world.get("/search-packages?q=graphql")).json()["packages"]
    assert found["modules"] == listed
    line = json.loads((await world.get(f"{URL}/index/acme/graphql/index.json")).text)
    assert [each["name"] for each in line["modules"]] == listed
    xml = (await world.get(f"{MAVEN}/v2201-12-0/acme/graphql/maven-metadata.xml")).text
    assert [each.text for each in ElementTree.fromstring(xml).iter("name")] == listed
    page = await world.get(
        f"{URL}/packages/acme/graphql/1.0.0/docs", headers={"Accept": "text/html"}
    )
    assert 'API <span class="count">2</span>' in page.text
    assert "Internal: graphql.parser" in page.text
