"""A pull from the Maven repository: a redirect to the archive, and the files beside it."""

import hashlib
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.protocol.bal.maven import texts
from tests.support.archives import bala
from tests.support.storage import one_instance
from tests.support.world import MAVEN, URL, OpenWorld, World

GREET = "acme/greet:1.0.0"
RELEASE = f"{MAVEN}/acme/greet/1.0.0"
BALA = f"{RELEASE}/greet-1.0.0.bala"
METADATA = f"{MAVEN}/acme/greet/maven-metadata.xml"
DOCUMENTS = [
    METADATA,
    f"{METADATA}.sha1",
    f"{RELEASE}/greet-1.0.0.pom",
    f"{RELEASE}/greet-1.0.0-depgraph.json",
    f"{RELEASE}/greet-1.0.0-listeners.json",
    f"{RELEASE}/bom.cdx.json",
    f"{BALA}.sha512",
    f"{BALA}.ballroom-sig",
    f"{MAVEN}/v2201-13-0/acme/greet/maven-metadata.xml",
    f"{MAVEN}/v2201-13-0/__tools__/greeter/maven-metadata.xml",
    f"{MAVEN}/v2201-13-0/__packagesearch__/Z3JlZXQ/maven-metadata.xml",
]
CHECKSUMS = ("sha1", "md5", "sha256", "sha512")


async def publish(world: World) -> World:
    """Publish one release, and everything beside it."""
    sbom = b'{"bomFormat": "CycloneDX"}'
    archive = bala(GREET, tools=["greeter"])
    await world.maven(world.people.ann).push(GREET, archive, sbom=sbom)
    return world


@pytest.fixture(scope="module")
async def greet(shared_worlds: OpenWorld) -> World:
    """Return a registry with the release, which no test changes."""
    return await publish(await shared_worlds())


async def test_the_archive_is_a_redirect_to_its_bytes(greet: World) -> None:
    answer = await greet.get(BALA)
    assert (answer.status_code, answer.headers["content-length"]) == (302, "0")
    location = urlsplit(answer.headers["location"])
    assert location.path.endswith("/1.0.0/acme-greet-any-1.0.0.bala")
    assert "/" not in location.query
    ours = await greet.get(BALA, by=greet.people.ann)
    assert ours.headers["location"].startswith(f"{URL}/archives/public/")
    assert await greet.maven().pull(GREET) == bala(GREET, tools=["greeter"])


async def test_a_head_follows_to_the_length(greet: World) -> None:
    first = await greet.send("HEAD", BALA)
    assert first.status_code == 302
    second = await greet.send("HEAD", first.headers["location"])
    assert second.headers["content-length"] == str(len(bala(GREET, tools=["greeter"])))


async def test_a_broken_download_goes_on_behind_the_redirect(greet: World) -> None:
    first = await greet.get(BALA, headers={"Range": "bytes=100-"})
    rest = await greet.get(first.headers["location"], headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, bala(GREET, tools=["greeter"])[100:])


@one_instance("each counts a caller once")
async def test_a_pull_is_counted_once_and_a_head_request_is_not(world: World) -> None:
    greet = await publish(world)
    for _ in range(3):
        await greet.send("HEAD", BALA)
    await greet.maven().pull(GREET)
    await greet.maven().pull(GREET)
    assert await greet.write_pulls() == 1


@pytest.mark.parametrize("url", DOCUMENTS)
async def test_a_document_has_a_length_a_tag_ranges_and_a_head(greet: World, url: str) -> None:
    whole = await greet.get(url)
    assert whole.status_code == 200
    assert whole.headers["content-length"] == str(len(whole.content))
    assert whole.headers["cache-control"] == "no-cache"
    head = await greet.send("HEAD", url)
    for name in ("content-length", "etag", "content-type", "accept-ranges", "cache-control"):
        assert head.headers[name] == whole.headers[name]
    assert head.content == b""
    tag = {"If-None-Match": whole.headers["etag"]}
    known = await greet.get(url, headers=tag)
    assert (known.status_code, known.content) == (304, b"")
    part = await greet.get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(whole.content)}"
    beyond = await greet.get(url, headers={"Range": "bytes=100000-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"


@pytest.mark.parametrize("algorithm", CHECKSUMS)
@pytest.mark.parametrize(
    "url", [BALA, *(each for each in DOCUMENTS if not each.endswith(CHECKSUMS))]
)
async def test_a_checksum_is_of_what_is_served(greet: World, url: str, algorithm: str) -> None:
    content = bala(GREET, tools=["greeter"]) if url == BALA else (await greet.get(url)).content
    answer = await greet.get(f"{url}.{algorithm}")
    assert answer.text == hashlib.new(algorithm, content).hexdigest()
    assert answer.headers["content-type"].startswith("text/plain")


async def test_the_checksum_of_a_large_archive_is_computed_in_pieces(world: World) -> None:
    archive = bala(GREET, padding=9_000_000)
    await world.maven(world.people.ann).push(GREET, archive)
    for _ in range(2):
        answer = await world.get(f"{BALA}.sha512")
        assert answer.text == hashlib.sha512(archive).hexdigest()


async def test_the_pom_is_made_from_the_release(greet: World) -> None:
    answer = await greet.get(f"{RELEASE}/greet-1.0.0.pom")
    assert answer.headers["content-type"] == "application/xml"
    assert answer.text == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        "  <modelVersion>4.0.0</modelVersion>\n"
        "  <groupId>acme</groupId>\n"
        "  <artifactId>greet</artifactId>\n"
        "  <version>1.0.0</version>\n"
        "  <packaging>bala</packaging>\n"
        "</project>\n"
    )


async def test_metadata_lists_versions_as_maven_does(world: World) -> None:
    for version in ("1.10.0", "1.9.0", "2.0.0-rc.1"):
        await world.push(bala(f"acme/greet:{version}"))
    answer = await world.get(METADATA)
    assert answer.headers["content-type"] == "application/xml"
    assert answer.text == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "<metadata><groupId>acme</groupId><artifactId>greet</artifactId><versioning>"
        "<latest>2.0.0-rc.1</latest><release>1.10.0</release><versions>"
        "<version>1.9.0</version><version>1.10.0</version><version>2.0.0-rc.1</version>"
        "</versions><lastUpdated>20260921141320</lastUpdated></versioning></metadata>\n"
    )


async def test_metadata_stays_the_same_until_something_changes(world: World) -> None:
    greet = await publish(world)
    before = await greet.get(METADATA)
    greet.clock.advance(timedelta(hours=1))
    assert (await greet.get(METADATA)).content == before.content
    await greet.push(bala("acme/greet:1.1.0"))
    after = await greet.get(METADATA)
    assert texts(after.content, "versioning/lastUpdated") == ["20260921151320"]
    assert after.headers["etag"] != before.headers["etag"]


@pytest.mark.parametrize("name", ["foo", "aws.s3", "a.b.c"])
async def test_names_keep_their_dots_and_may_be_their_organizations(
    world: World, name: str
) -> None:
    coordinate = f"foo/{name}:1.0.0-alpha-1"
    await world.maven(world.people.admin).push(coordinate, bala(coordinate))
    assert await world.maven().pull(coordinate) == bala(coordinate)


@pytest.mark.parametrize(
    "path",
    [
        "acme",
        "acme/greet",
        "acme/greet/",
        "acme/greet/1.0.0/",
        "acme/greet/1.0.0/greet-1.0.0.jar",
        "acme/greet/1.0.0/other-1.0.0.bala",
        "acme/greet/greet-.bala",
        "acme/greet/9.9.9/greet-9.9.9.bala",
        "acme/greet/1.0.0/greet-1.0.0.bala.asc",
        "acme/greet/1.0.0/greet-1.0.0.bala.sha1.sha1",
        # What `mvn` asks every repository for: it goes on to the next after a 404 alone.
        "junit/junit/4.13/junit-4.13.pom",
        "org/apache/maven/plugins/maven-metadata.xml",
        "acme/greet/maven-metadata.xml.asc",
        "acme/greet/1.0-SNAPSHOT/maven-metadata.xml",
        "ac-me/greet/maven-metadata.xml",
        "acme/..%2Fgreet/1.0.0/..%2Fgreet-1.0.0.bala",
        "..%2F..%2Fetc%2Fpasswd",
        "v2201-13/acme/greet/maven-metadata.xml",
        "v2201-13-0/acme/maven-metadata.xml",
        "v2201-13-0/acme/greet/1.0.0/greet-1.0.0.bala",
        "v2201-13-0/__tools__/no tool/maven-metadata.xml",
        "v2201-13-0/__othersearch__/Z3JlZXQ/x/maven-metadata.xml",
    ],
)
async def test_an_unknown_file_is_404(greet: World, path: str) -> None:
    answer = await greet.get(f"{MAVEN}/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.strip().isprintable()


@pytest.mark.parametrize("url", [MAVEN, f"{MAVEN}/"])
async def test_the_root_is_there_for_who_asks_whether_it_is(world: World, url: str) -> None:
    assert (await world.send("HEAD", url)).status_code == 200
    assert "Maven repository" in (await world.get(url)).text


async def test_every_other_method_is_nobodys(greet: World) -> None:
    for method in ("POST", "DELETE", "PATCH"):
        answer = await greet.send(method, BALA, by=greet.people.ann)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT, OPTIONS")
    for method in ("MKCOL", "PROPFIND"):  # The Functions host knows no such methods.
        assert (await greet.send(method, BALA, by=greet.people.ann)).status_code == 404
