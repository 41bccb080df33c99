"""A push to the Maven repository: one file a request, and the archive alone is the release."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from shared.domain.sboms import MAX_SBOM_BYTES, MAX_SBOM_VALUES
from tests.protocol.bal.maven import pom
from tests.support.archives import bala
from tests.support.logs import capture_logs
from tests.support.stored_state import stored
from tests.support.world import MAVEN, OpenWorld, World, limited

pytestmark = pytest.mark.measured

GREET = "acme/greet:1.0.0"
RELEASE = f"{MAVEN}/acme/greet/1.0.0"
BALA = f"{RELEASE}/greet-1.0.0.bala"
POM = f"{RELEASE}/greet-1.0.0.pom"
SBOM = f"{RELEASE}/bom.cdx.json"
NEWER_SBOM = f"{RELEASE}/greet-1.0.0.cdx.json"
METADATA = f"{MAVEN}/acme/greet/maven-metadata.xml"
CYCLONE = b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}'


async def put(world: World, url: str, content: bytes) -> tuple[int, str]:
    """Put a file as Ann, and return the status and the sentence."""
    answer = await world.send("PUT", url, by=world.people.ann, content=content)
    assert answer.headers["content-length"] == str(len(answer.content))
    return answer.status_code, answer.text.strip()


@pytest.fixture(scope="module")
async def greet(shared_worlds: OpenWorld) -> World:
    """Return a registry with one release, which no test changes."""
    world = await shared_worlds()
    await put(world, BALA, bala(GREET))
    return world


async def test_a_pushed_release_is_the_same_for_every_client(world: World) -> None:
    await world.maven(world.people.ann).push(GREET, bala(GREET))
    assert await world.maven().pull(GREET) == bala(GREET)
    assert (await world.java().pull(GREET)).content == bala(GREET)
    assert await world.java().versions("acme/greet") == ["1.0.0"]


async def test_a_snapshot_is_a_version_that_is_pushed_once(world: World) -> None:
    # Maven Resolver puts the time of the push into the names of its files.
    folder = f"{MAVEN}/acme/greet/1.0.0-SNAPSHOT"
    archive = bala("acme/greet:1.0.0-SNAPSHOT")
    first = f"{folder}/greet-1.0.0-20261201.030323-1"
    assert await put(world, f"{first}.bala", archive) == (201, "")
    assert await put(world, f"{first}.bala.sha1", b"0" * 40) == (201, "")
    assert await put(world, f"{first}.pom", pom("acme", "greet", "1.0.0-SNAPSHOT")) == (201, "")
    assert await put(world, f"{first}.cdx.json", CYCLONE) == (201, "")
    assert await put(world, f"{folder}/maven-metadata.xml", b"<metadata/>") == (201, "")
    second = f"{folder}/greet-1.0.0-20261202.030323-2.bala"
    assert await put(world, second, archive) == (201, "")
    changed = bala("acme/greet:1.0.0-SNAPSHOT", summary="Changed.")
    assert (await put(world, second, changed))[0] == 409
    assert await world.maven().pull("acme/greet:1.0.0-SNAPSHOT") == archive
    assert await world.maven().versions("acme/greet") == ["1.0.0-SNAPSHOT"]
    sbom = await world.get(f"{folder}/greet-1.0.0-SNAPSHOT.cdx.json")
    assert sbom.content == CYCLONE


@pytest.mark.parametrize(
    "path",
    [
        "acme/greet/1.0.0/greet-1.0.0-20261201.030323-1.bala",
        "acme/greet/1.0.0-SNAPSHOT/greet-1.1.0-20261201.030323-1.bala",
        "acme/greet/1.0.0-SNAPSHOT/other-1.0.0-20261201.030323-1.bala",
        "acme/greet/1.0.0-SNAPSHOT/greet-1.0.0-20261201-1.bala",
        "acme/greet/SNAPSHOT/greet-20261201.030323-1.bala",
    ],
)
async def test_a_time_in_another_place_names_no_archive(shared_world: World, path: str) -> None:
    assert (await put(shared_world, f"{MAVEN}/{path}", b""))[0] == 400


async def test_the_challenge_comes_before_the_archive(world: World) -> None:
    client = world.maven(world.people.ann)
    await client.push(GREET, bala(GREET))
    assert [(method, status) for method, _, status in client.requests[:3]] == [
        ("OPTIONS", 401),
        ("OPTIONS", 200),
        ("PUT", 201),
    ]


@pytest.mark.parametrize("url", [BALA, METADATA, SBOM, MAVEN])
async def test_options_names_the_methods_and_never_webdav(shared_world: World, url: str) -> None:
    challenged = await shared_world.send("OPTIONS", url)
    assert challenged.headers["www-authenticate"] == 'Basic realm="Ballroom"'
    answer = await shared_world.send("OPTIONS", url, by=shared_world.people.ann)
    assert (answer.status_code, answer.headers["allow"]) == (200, "GET, HEAD, OPTIONS, PUT")
    assert "dav" not in answer.headers


async def test_other_bytes_for_a_version_are_refused(world: World) -> None:
    await put(world, BALA, bala(GREET))
    status, sentence = await put(world, BALA, bala(GREET, summary="Changed."))
    assert status == 409
    assert "already exists: acme/greet:1.0.0" in sentence
    assert await world.maven().pull(GREET) == bala(GREET)


async def test_the_same_bytes_are_fine_at_any_time_and_by_anybody_who_may(world: World) -> None:
    await put(world, BALA, bala(GREET))
    world.clock.advance(timedelta(days=30))
    assert await put(world, BALA, bala(GREET)) == (201, "")
    await world.maven(world.people.admin).push(GREET, bala(GREET))
    published = [event.kind for _, event in await world.stores.events.since(0, 100)]
    assert published.count("release.published") == 1


async def test_exactly_one_of_concurrent_uploads_is_the_release(world: World) -> None:
    archives = [bala(GREET), bala(GREET, summary="Other.")]
    answers = await asyncio.gather(*(put(world, BALA, each) for each in archives))
    statuses = [status for status, _ in answers]
    assert sorted(statuses) == [201, 409]
    assert await world.maven().pull(GREET) == archives[statuses.index(201)]


REFUSED = [
    (BALA, bala(GREET, summary="Changed.")),
    (BALA, bala("acme/other:1.0.0")),
    (f"{MAVEN}/acme/new/1.0.0/new-1.0.0.bala", bala("acme/newer:1.0.0")),
    (f"{MAVEN}/acme/new/1.0.0/new-1.0.0.bala", bala("acme/new:1.0.0")[:-10]),
    (f"{MAVEN}/other/new/1.0.0/new-1.0.0.bala", bala("other/new:1.0.0")),
    (SBOM, b"{}"),
]


@pytest.mark.parametrize(("url", "content"), REFUSED)
async def test_a_refused_upload_stores_nothing(greet: World, url: str, content: bytes) -> None:
    before = await stored(greet.stores)
    assert (await put(greet, url, content))[0] >= 400
    assert await stored(greet.stores) == before


# --- Who may -----------------------------------------------------------------------------------


OTHER_FILE = f"{RELEASE}/greet-1.0.0-notes.json"


@pytest.mark.parametrize(
    "url", [BALA, POM, SBOM, NEWER_SBOM, OTHER_FILE, METADATA, f"{BALA}.sha1", f"{METADATA}.md5"]
)
async def test_nothing_is_taken_without_credentials_or_without_the_right(
    greet: World, url: str
) -> None:
    anonymous = await greet.send("PUT", url, content=b"x")
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"].startswith("Basic ")
    assert "accesstoken" in anonymous.text
    reader = await limited(greet, greet.people.ann, "read")
    for person in (greet.people.mia, greet.people.bob, reader):
        answer = await greet.send("PUT", url, by=person, content=bala(GREET))
        assert answer.status_code == 403, person.account.name


@pytest.mark.parametrize("content", [b"no zip", bala("acme/other:1.0.0")], ids=["junk", "other"])
async def test_the_right_is_asked_before_the_archive_is_read(world: World, content: bytes) -> None:
    reader = await limited(world, world.people.ann, "read")
    for person in (world.people.mia, world.people.bob, reader):
        answer = await world.send("PUT", BALA, by=person, content=content)
        assert (answer.status_code, "acme/greet" in answer.text) == (403, True), answer.text


async def test_a_lone_colon_is_nobody(world: World) -> None:
    for method, status in (("OPTIONS", 401), ("PUT", 401)):
        answer = await world.send(method, BALA, headers={"Authorization": "Basic Og=="})
        assert answer.status_code == status
    await put(world, BALA, bala(GREET))
    answer = await world.get(METADATA, headers={"Authorization": "Basic Og=="})
    assert answer.status_code == 200


@pytest.mark.parametrize("credentials", ["Basic YW5uOndyb25n", "Basic !", "Bearer x", "Digest x"])
async def test_a_bad_token_is_challenged_everywhere(greet: World, credentials: str) -> None:
    for method in ("GET", "HEAD", "PUT", "OPTIONS"):
        answer = await greet.send(method, METADATA, headers={"Authorization": credentials})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="Ballroom"'


# --- The bill of materials ---------------------------------------------------------------------


async def test_a_bill_of_materials_is_taken_once_and_comes_back(world: World) -> None:
    await world.maven(world.people.ann).push(GREET, bala(GREET), sbom=CYCLONE)
    answer = await world.get(SBOM)
    assert (answer.content, answer.headers["content-type"]) == (CYCLONE, "application/json")
    assert await put(world, SBOM, CYCLONE) == (201, "")
    status, sentence = await put(world, SBOM, json.dumps({"bomFormat": "CycloneDX"}).encode())
    assert status == 409
    assert "acme/greet:1.0.0 has a bill of materials already" in sentence
    assert (await world.get(SBOM)).content == CYCLONE


async def test_both_names_of_a_bill_of_materials_are_one_file(world: World) -> None:
    await world.maven(world.people.ann).push(GREET, bala(GREET))
    assert await put(world, NEWER_SBOM, CYCLONE) == (201, "")
    assert await put(world, SBOM, CYCLONE) == (201, "")
    for url in (SBOM, NEWER_SBOM):
        answer = await world.get(url)
        assert (answer.content, answer.headers["content-type"]) == (CYCLONE, "application/json")
        checksum = hashlib.sha512(CYCLONE).hexdigest()
        assert (await world.get(f"{url}.sha512")).text == checksum
        assert (await put(world, url, CYCLONE.replace(b"1.6", b"1.7")))[0] == 409


async def test_the_push_of_the_newest_client_ends_well(world: World) -> None:
    newest = world.maven(world.people.ann, sbom_file="greet-1.0.0.cdx.json")
    await newest.push(GREET, bala(GREET), sbom=CYCLONE)
    assert (await world.get(SBOM)).content == CYCLONE


@pytest.mark.parametrize("url", [SBOM, NEWER_SBOM])
async def test_an_archive_is_no_bill_of_materials(greet: World, url: str) -> None:
    assert (await put(greet, url, bala(GREET)))[0] == 400


MANY_VALUES = CYCLONE.removesuffix(b"}") + b', "x": [' + b"1," * MAX_SBOM_VALUES + b"1]}"
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"not json", b'{"bomFormat": "SPDX"}', DEEP, MANY_VALUES]
)
async def test_an_invalid_bill_of_materials_is_refused(greet: World, content: bytes) -> None:
    assert (await put(greet, SBOM, content))[0] == 400
    assert (await greet.get(SBOM)).status_code == 404


async def test_a_bill_of_materials_has_a_limit(greet: World) -> None:
    status, sentence = await put(greet, SBOM, b" " * (MAX_SBOM_BYTES + 1))
    assert status == 413
    shown = "The bill of materials has 8,388,609 bytes, and this registry takes 8,388,608 at most."
    assert shown in sentence


async def test_a_bill_of_materials_without_its_release_is_refused(world: World) -> None:
    assert (await put(world, SBOM, CYCLONE))[0] == 404


# --- Bad input ---------------------------------------------------------------------------------


NEXT_POM = POM.replace("1.0.0", "1.0.1")  # Of no release.


@pytest.mark.parametrize(
    "content",
    [
        pom("acme", "greet", "1.0.1"),
        b"0" * 40,
        b"",
        b"not xml",
        b"<!DOCTYPE x [<!ENTITY a 'a'>]>",
        b"<m>" * 100_000,
    ],
)
async def test_files_that_are_made_here_are_taken_and_not_even_looked_at(
    greet: World, content: bytes
) -> None:
    before = await stored(greet.stores)
    made = [f"{RELEASE}/greet-1.0.0-{each}.json" for each in ("depgraph", "listeners")]
    for url in (METADATA, POM, NEXT_POM, *made, f"{BALA}.sha1", f"{POM}.md5"):
        shown = await greet.get(url)
        assert await put(greet, url, content) == (201, "")
        assert (await greet.get(url)).content == shown.content
    assert await stored(greet.stores) == before


DISCARDED = {"event": "maven.file_discarded", "log_level": "info", "coordinate": GREET}


@pytest.mark.parametrize(
    "file",
    [
        "greet-1.0.0.jar",
        "greet-1.0.0.bala.asc",
        "greet-1.0.0.bala.sha384",
        "greet-1.0.1.cdx.json",
        "maven-metadata.xml",
        "n\N{LATIN SMALL LETTER O WITH DIAERESIS}tes blr_acme_0123456789.txt",
    ],
)
async def test_an_unknown_file_beside_an_archive_is_discarded_with_a_line_in_the_log(
    greet: World, file: str
) -> None:
    url = f"{RELEASE}/{file}"
    before = await stored(greet.stores)
    shown = await greet.get(url)
    with capture_logs() as events:
        assert await put(greet, url, b"x") == (201, "")
    discarded = [each for each in events if each["event"] == "maven.file_discarded"]
    assert discarded == [{**DISCARDED, "file": file}]
    assert (await greet.get(url)).content == shown.content
    assert await stored(greet.stores) == before


@pytest.mark.parametrize(
    "path",
    [
        "",
        "greet-1.0.0.bala",
        "acme/greet/greet-1.0.0.bala",
        "acme/greet/1.0.0/other-1.0.0.bala",
        "acme/greet/1.0.0/greet-1.0.1.bala",
        "acme/greet/1.0.0/greet-1.0.0.BALA",
        "acme/greet/1.0.0/bala.bala.sha1",
        "acme/greet/1.0.0/",
        "acme/greet/notes.txt",
        "acme/greet/1.0.0/x/greet-1.0.0.bala",
        "acme/greet/one/greet-one.bala",
        "acme/greet/1.0/greet-1.0.bala",
        "acme/greet/1.0.0+build/greet-1.0.0+build.bala",
        "acme/-/1.0.0/--1.0.0.bala",
        "acme/..%2Fgreet/1.0.0/..%2Fgreet-1.0.0.bala",
        "..%2F..%2Fetc/greet/1.0.0/greet-1.0.0.bala",
        "v2201-13-0/acme/greet/maven-metadata.xml",
        "v2201-13-0/__tools__/greet/maven-metadata.xml",
    ],
)
async def test_a_file_for_no_place_of_ours_is_refused(shared_world: World, path: str) -> None:
    status, sentence = await put(shared_world, f"{MAVEN}/{path}", bala(GREET))
    assert status == 400
    assert sentence.isprintable()
    assert await shared_world.maven().versions("acme/greet") == []


async def test_dots_in_a_path_lead_nowhere_else(shared_world: World) -> None:
    url = f"{MAVEN}/acme/../../maven/acme/other/1.0.0/greet-1.0.0.bala"
    assert (await put(shared_world, url, bala(GREET)))[0] == 400


async def test_a_body_without_its_length_is_refused(world: World) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        yield bala(GREET)

    headers = {"Authorization": f"Bearer {world.people.ann.token}"}
    answer = await world.http.put(BALA, content=pieces(), headers=headers)
    assert answer.status_code == 411
    assert "Content-Length" in answer.text
