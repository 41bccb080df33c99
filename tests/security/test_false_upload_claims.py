"""npm 2023, PyPI 2026: whatever an upload announces of its archive, the archive is right.

Each field that a client sends beside the bytes is made to lie: the push is refused and leaves
nothing, or the lie is nowhere to be found. And for every release that is stored, what is served of
it is what its archive says when it is read again.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.archives.bala import Bala, read_bala
from shared.domain.archives.limits import ArchiveLimits, Documentation
from shared.domain.visibility import Visibility
from tests.paths import BALAS
from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.answers import answered
from tests.sampling import examples
from tests.security.unusual_archives import ODD
from tests.support.archives import bala
from tests.support.stored_state import stored
from tests.support.world import MAVEN, OpenWorld, World

GREET = "acme/greet:1.0.0"
RELEASE = f"{MAVEN}/acme/greet/1.0.0"
LENIENT = ArchiveLimits(documentation=Documentation.OPTIONAL)

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
VERSIONS = st.builds("{}.{}.{}".format, *[st.integers(0, 9)] * 3)
FUZZED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=examples(30, full=60),
    deadline=None,
)


async def releases(world: World) -> list[str]:
    """Return the coordinates of everything that is published."""
    return [f"{each['org']}/{each['name']}:{each['version']}" for each in await records(world)]


async def records(world: World) -> list[dict[str, Any]]:
    """Return every release as it is stored."""
    return (await stored(world.stores))["releases"]


@given(
    announced=TEXTS.filter(str.strip)
    | st.from_regex(r"(sha-256=)?[0-9a-fA-F]{60,64}", fullmatch=True)
)
@FUZZED
async def test_no_announced_digest_but_the_right_one_is_accepted(
    world: World, announced: str
) -> None:
    form = multipart("greet.bala", bala(GREET))
    headers = {"digest": announced}
    answer = await world.upload(form, by=world.people.ann, headers=headers)
    assert answer.status_code == 400
    assert re.search(r"SHA-256|digest", answer.json()["message"])
    assert await releases(world) == []


@given(org=NAMES, name=NAMES, version=VERSIONS)
@FUZZED
async def test_no_place_but_its_own_takes_an_archive(
    world: World, org: str, name: str, version: str
) -> None:
    path = f"{MAVEN}/{org}/{name}/{version}/{name}-{version}.bala"
    answer = await world.send("PUT", path, by=world.people.admin, content=bala(GREET))
    assert answer.status_code == 400
    assert await releases(world) == []


async def test_files_that_a_client_sends_beside_an_archive_are_found_nowhere(world: World) -> None:
    ann = world.people.ann
    lie = b"<metadata><versioning><release>9.9.9</release></versioning></metadata>"
    await world.maven(ann).push(GREET, bala(GREET))
    archive = f"{RELEASE}/greet-1.0.0.bala"
    checksums = [f"{archive}.{each}" for each in ("md5", "sha1", "sha256", "sha512")]
    documents = [f"{MAVEN}/acme/greet/maven-metadata.xml", f"{RELEASE}/greet-1.0.0.pom"]
    for url in (*documents, f"{RELEASE}/maven-metadata.xml", *checksums):
        await world.send("PUT", url, by=ann, content=lie)
    for url in (*documents, *checksums):
        answer = await world.get(url)
        assert answer.status_code == 200
        assert "9.9.9" not in answer.text
    assert "9.9.9" not in json.dumps(await stored(world.stores))


# --- served = read again -----------------------------------------------------------------------


def archives() -> Iterator[object]:
    """Yield an archive of each kind there is: of each layout, odd ones, and real ones."""
    for layout in (2, 3, 4):
        full = bala(layout=layout, modules=["sub"], dependencies=["acme/base:1.0.0"])
        yield pytest.param(full, id=f"layout {layout}")
    facts = {"keywords": ["a"], "licenses": ["MIT"], "authors": ["Ann"], "graalvm": False}
    yield pytest.param(bala(**facts, summary="Said.", tools=["greeter"]), id="many facts")
    for odd in ODD:
        yield pytest.param(odd.build(), id=odd.name)
    for path in sorted(BALAS.glob("*.bala")):
        yield pytest.param(path.read_bytes(), id=path.stem)


@pytest.mark.parametrize("archive", list(archives()))
async def test_the_served_metadata_is_that_of_the_stored_archive(
    worlds: OpenWorld, archive: bytes
) -> None:
    world = await worlds(require_documentation=False)
    await world.push(archive, by=world.people.admin)
    [record] = await records(world)
    path = f"/packages/{record['org']}/{record['name']}/{record['version']}"
    model = answered(await world.get(path))
    sent = (await world.get(model["balaURL"])).content
    assert sent == archive
    assert shown(model) == said(read_bala(sent, LENIENT))


def shown(model: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that a client is told."""
    kept = (
        "organization",
        "name",
        "version",
        "platform",
        "balaVersion",
        "ballerinaVersion",
        "languageSpecificationVersion",
        "digest",
        "summary",
        "readme",
        "template",
        "licenses",
        "authors",
        "sourceCodeLocation",
        "keywords",
        "icon",
        "visibility",
        "graalvmCompatible",
    )
    modules = [(each["name"], each["summary"], each["readme"]) for each in model["modules"]]
    return {key: model[key] for key in kept} | {"modules": modules, "tool": model["balToolId"]}


def said(read: Bala) -> dict[str, Any]:
    """Return the facts that an archive says."""
    package = read.coordinate.package
    texts = {each.name: each for each in read.texts.modules}
    modules = [
        (name, texts[name].summary, texts[name].readme) if name in texts else (name, "", "")
        for name in read.modules
    ]
    return {
        "organization": package.org,
        "name": package.name,
        "version": read.coordinate.version.text,
        "platform": read.platform,
        "balaVersion": read.bala_version,
        "ballerinaVersion": read.ballerina_version,
        "languageSpecificationVersion": read.language_spec_version,
        "digest": read.archive_digest.header(),
        "summary": read.summary,
        "readme": read.texts.readme,
        "template": read.template,
        "licenses": list(read.licenses),
        "authors": list(read.authors),
        "sourceCodeLocation": read.source_repository,
        "keywords": list(read.keywords),
        "icon": read.icon,
        "visibility": (read.visibility or Visibility.PUBLIC).value,
        "graalvmCompatible": read.graalvm.value,
        "modules": modules,
        "tool": read.tools[0] if read.tools else "",
    }
