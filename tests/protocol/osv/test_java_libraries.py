"""A release with a vulnerable Java library inside is found by the digest of the JAR and by the
Maven coordinate."""

import hashlib
import json

from shared.domain.advisories.findings import ReleaseFindings
from shared.domain.coordinates import Coordinate
from shared.domain.principals import ANONYMOUS, OPERATOR
from tests.support.advisories import advisory, affected
from tests.support.advisory_files import record
from tests.support.archives import bala, zipped
from tests.support.world import World

GREET = "acme/greet:1.0.0"
POM = "groupId=org.sql\nartifactId=sql\nversion=2.0\n"


def jar(pom: str = POM) -> bytes:
    return zipped({"META-INF/maven/org.sql/sql/pom.properties": pom})


async def findings(world: World, archive: bytes) -> ReleaseFindings:
    await world.push(archive)
    await world.document()
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    release = (await world.stores.metadata.find(coordinate)).release
    assert release is not None
    return await world.registry.advisories.advisories.of_release(release, ANONYMOUS)


async def test_a_library_is_found_by_its_coordinate(world: World) -> None:
    fixed = record("GHSA-0", "org.sql:sql", fixed="2.0")
    records = [record("GHSA-1", "org.sql:sql", fixed="2.1"), fixed]
    importing = world.registry.advisories.importing
    await importing.import_file("a.json", json.dumps(records).encode(), OPERATOR)
    content = bala(GREET, platform="java21", entries={"platform/java21/sql.jar": jar()})
    [found] = (await findings(world, content)).java_libraries
    assert (found.library.name, found.library.version) == ("org.sql:sql", "2.0")
    assert [each.id for each in found.advisories] == ["GHSA-1"]


async def test_a_library_that_says_nothing_of_itself_is_found_by_its_digest(world: World) -> None:
    nameless = zipped({"a/A.class": b"class"})
    digest = hashlib.sha256(nameless).hexdigest()
    entry = affected("org.sql:sql", ecosystem="Maven", database_specific={"sha256": [digest]})
    service = world.registry.advisories.advisories
    await service.store(advisory(entry), OPERATOR)
    content = bala(GREET, platform="java21", entries={"platform/java21/x.jar": nameless})
    [found] = (await findings(world, content)).java_libraries
    assert found.library.sha256 == digest
    assert [each.id for each in found.advisories] == ["x_BLR-2026-1"]


async def test_a_release_is_found_by_itself_and_by_what_it_depends_on(world: World) -> None:
    await world.push(bala("other/base:2.0.0"), by=world.people.bob)
    service = world.registry.advisories.advisories
    content = bala(GREET, dependencies=["other/base:2.0.0"])
    assert (await findings(world, content)).is_empty
    for name in ("acme/greet", "other/base"):
        await service.store(advisory(affected(name, "introduced 0")), OPERATOR)
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    release = (await world.stores.metadata.find(coordinate)).release
    assert release is not None
    found = await service.of_release(release, ANONYMOUS)
    assert [each.id for each in found.own] == ["x_BLR-2026-1"]
    [dependency] = found.dependencies
    assert str(dependency.dependency) == "other/base:2.0.0"
    assert [each.id for each in dependency.advisories] == ["x_BLR-2026-2"]
