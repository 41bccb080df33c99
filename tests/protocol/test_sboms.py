"""Bills of materials, as clients, members and strangers get them."""

import json
from typing import Any

import pytest

from shared.confined import sboms
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.support.archives import bala, zipped
from tests.support.storage import one_instance
from tests.support.world import MAVEN, URL, World

GREET = "acme/greet:1.0.0"
SBOM = f"{URL}/api/v1/sbom/acme/greet/1.0.0"
JAR = "platform/java21/sql.jar"
PAGE = f"{URL}/packages/acme/greet/1.0.0/sbom"


def author_bill(*components: dict[str, Any]) -> bytes:
    return json.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    ).encode()


def jar_bala(**spec: Any) -> bytes:
    pom = "groupId=org.sql\nartifactId=sql\nversion=2.0\n"
    jar = zipped({"META-INF/maven/org.sql/sql/pom.properties": pom})
    entries = {JAR: jar, **spec.pop("entries", {})}
    return bala(GREET, platform="java21", entries=entries, **spec)


async def test_a_release_has_a_bill_of_materials(world: World) -> None:
    await world.push(jar_bala(dependencies=["ballerina/io:1.6.0"], licenses=["MIT"]))
    await world.document()
    answer = await world.get(SBOM)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.cyclonedx+json; version=1.6"
    bill = answer.json()
    assert [each["purl"] for each in bill["components"]] == [
        "pkg:ballerina/ballerina/io@1.6.0",
        "pkg:maven/org.sql/sql@2.0",
    ]
    described = (await world.get("/packages/acme/greet/1.0.0")).json()
    assert (await world.get(described["sbomURL"])).content == answer.content
    assert bill["metadata"]["component"]["hashes"][0]["content"] == (
        described["digest"].removeprefix("sha-256=")
    )


async def test_the_bill_of_the_archive_is_served_beside_that_of_the_registry(world: World) -> None:
    bill = author_bill({"name": "sql", "purl": "pkg:maven/org.sql/sql@1.0"}) + b"\r\n"
    await world.push(jar_bala(entries={"docs/bom.cdx.json": bill}))
    await world.document()
    assert (await world.get(f"{SBOM}/author")).content == bill
    found = (await world.get(f"{SBOM}/differences")).json()
    assert found["differences"] == [
        {
            "difference": "version",
            "name": "pkg:maven/org.sql/sql",
            "registry": "2.0",
            "author": "1.0",
        },
        {
            "difference": "only-registry",
            "name": "pkg:ballerina/acme/greet@1.0.0",
            "registry": "",
            "author": "",
        },
    ]
    assert "pkg:maven/org.sql/sql" in (await world.get(PAGE)).text


@pytest.mark.parametrize("file", ["bom.cdx.json", "greet-1.0.0.cdx.json"])
async def test_a_bill_that_bal_sent_later_is_compared(world: World, file: str) -> None:
    await world.push(jar_bala())
    await world.document()
    assert (await world.get(f"{SBOM}/author")).status_code == 404
    bill = author_bill({"name": "x", "purl": "pkg:ballerina/acme/greet@1.0.0"})
    client = world.maven(world.people.ann, sbom_file=file)
    await client.push(GREET, jar_bala(), sbom=bill)
    assert (await world.get(f"{SBOM}/author")).content == bill
    found = (await world.get(f"{SBOM}/differences")).json()
    assert (found["same"], found["problem"]) == (1, "")
    assert [each["name"] for each in found["differences"]] == ["pkg:maven/org.sql/sql@2.0"]


async def test_a_bill_that_cannot_be_read_says_why(world: World) -> None:
    await world.push(jar_bala(sbom=b"[" * 100_000))
    await world.document()
    found = (await world.get(f"{SBOM}/differences")).json()
    assert found["problem"] == "it is no JSON"
    assert "it is no JSON" in (await world.get(PAGE)).text


@pytest.mark.parametrize("path", ["", "/author", "/differences"])
async def test_a_private_bill_is_for_those_who_see_the_package(world: World, path: str) -> None:
    await world.push(jar_bala(visibility="private", sbom=author_bill()))
    await world.document()
    assert (await world.get(SBOM + path)).status_code == 404
    hidden = (await world.get(SBOM + path)).json()["error"]
    missing = (await world.get(f"{URL}/api/v1/sbom/acme/never/1.0.0{path}")).json()["error"]
    assert hidden["code"] == missing["code"]
    assert (await world.get(SBOM + path, by=world.people.ann)).status_code == 200


async def test_a_page_lists_libraries_as_soon_as_it_has_a_bill(world: World) -> None:
    await world.push(jar_bala())
    page = (await world.get(PAGE)).text
    assert ("It is being made" in page) != ("1 Java library" in page)
    await world.document()
    page = (await world.get(PAGE)).text
    assert "1 Java library" in page
    assert "org.sql:sql" in page


async def test_a_bill_that_could_not_be_made_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sboms, "MAX_COMPONENTS", 0)
    await world.push(jar_bala())
    await world.document()
    reason = "it has 1 components, and the registry lists 0 at most"
    answer = await world.get(SBOM)
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404,
        f"{GREET} has no bill of materials of this registry: {reason}.",
    )
    assert reason[3:] in (await world.get(PAGE)).text
    state = await world.get(f"{URL}/packages/acme/greet/1.0.0/docs")
    assert state.status_code == 200


async def test_a_release_that_is_not_read_yet_has_its_bill_soon(world: World) -> None:
    await world.push(jar_bala())
    answer = await world.get(SBOM)
    assert answer.status_code in {200, 503}
    await world.document()
    assert (await world.get(SBOM)).status_code == 200


async def test_an_erasure_deletes_the_bills(world: World) -> None:
    await world.push(jar_bala(sbom=author_bill()))
    await world.document()
    assert (await world.get(f"{SBOM}/differences")).status_code == 200
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    release = await world.registry.api_docs.sboms.find(coordinate, by=OPERATOR)
    await world.registry.publishing.erasure.erase(coordinate, "order 12/26", by=OPERATOR)
    documents = world.registry.adapters.documents
    assert await documents.rendering(release.archive_digest, "sbom-differences") is None
    assert await documents.api_docs_record(release.archive_digest) is None
    assert (await world.get(SBOM)).status_code == 404


@one_instance("it changes the store of one instance")
async def test_a_bill_that_comes_while_its_release_is_erased_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.push(bala(GREET))
    documents = world.stores.documents
    at = Coordinate.parse("acme", "greet", "1.0.0")
    release = (await world.stores.metadata.find(at)).release
    assert release is not None
    put_sbom = documents.put_sbom

    async def erased_before(digest: Digest, content: bytes) -> bytes:
        await world.registry.publishing.erasure.erase(at, "A secret.", by=OPERATOR)
        return await put_sbom(digest, content)

    with monkeypatch.context() as racing:
        racing.setattr(documents, "put_sbom", erased_before, raising=False)
        sent = await world.send(
            "PUT",
            f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.cdx.json",
            by=world.people.ann,
            content=author_bill(),
        )
    assert sent.status_code == 404
    assert await documents.sbom(release.archive_digest) is None
