"""Imports of advisories: single ones, and sets that are replaced as a whole."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.advisories.advisories import Advisory
from shared.domain.errors.base import Conflict, Invalid, NotFound
from shared.domain.errors.identity import NotPermitted
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.services.advisories.advisory_import import AdvisoryImport
from tests.support.advisories import advisory, affected, asked
from tests.support.advisory_files import dump, record
from tests.support.archives import bala
from tests.support.world import World

CVE = record("GHSA-1", "g:a")


def importing(world: World) -> AdvisoryImport:
    return world.registry.advisories.importing


async def found(world: World, name: str = "g:a", version: str = "1.0") -> list[str]:
    service = world.registry.advisories.advisories
    [matching] = await service.findings([asked(name, version, ecosystem="Maven")], ANONYMOUS)
    return [each.id for each in matching]


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


async def test_records_of_json_keep_their_ids_and_replace_each_other(world: World) -> None:
    report = await importing(world).import_file("a.json", text(CVE), OPERATOR)
    assert (report.set_name, report.records) == ("", 1)
    await importing(world).import_file("b.json", text([record("MAL-2026-1", "g:a")]), OPERATOR)
    assert await found(world) == ["GHSA-1", "MAL-2026-1"]
    for _ in range(2):
        changed = record("GHSA-1", "g:a", fixed="0.9")
        await importing(world).import_file("a.json", text(changed), OPERATOR)
        assert await found(world) == ["MAL-2026-1"]
    one = await world.registry.advisories.advisories.find("GHSA-1", ANONYMOUS)
    assert one.is_imported


async def test_an_advisory_that_was_written_here_is_not_imported_over(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    service = world.registry.advisories.advisories
    greet = affected("acme/greet", "introduced 0")
    own = await service.store(advisory(greet, org="acme"), world.fresh(world.people.ann))
    records = [CVE, record(own.id, "g:b")]
    with pytest.raises(Conflict, match="x_BLR-2026-1 is an advisory that was written here"):
        await importing(world).import_file("a.json", text(records), OPERATOR)
    assert await found(world) == []
    await importing(world).import_file("maven.zip", dump(records), OPERATOR)
    assert await found(world) == ["GHSA-1"]
    assert await service.find(own.id, ANONYMOUS) == own


async def test_an_advisory_that_is_written_during_an_import_is_not_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    service = world.registry.advisories.advisories
    greet = affected("acme/greet", "introduced 0")
    check = AdvisoryImport._require_foreign  # pyright: ignore[reportPrivateUsage] - the race is after it.
    written = list[Advisory]()

    async def write_after_the_check(self: AdvisoryImport, advisory_id: str) -> None:
        await check(self, advisory_id)
        if advisory_id == "x_BLR-2026-1":
            by = world.fresh(world.people.ann)
            written.append(await service.store(advisory(greet, org="acme"), by))

    monkeypatch.setattr(AdvisoryImport, "_require_foreign", write_after_the_check)
    records = [CVE, record("x_BLR-2026-1", "g:b")]
    with pytest.raises(Conflict, match="Records before it in the file were imported"):
        await importing(world).import_file("a.json", text(records), OPERATOR)
    assert await service.find("x_BLR-2026-1", ANONYMOUS) == written[0]
    assert await found(world) == ["GHSA-1"]


async def test_numbers_of_imported_advisories_are_not_given_again(world: World) -> None:
    elsewhere = record("x_BLR-2026-1", "a/b", ecosystem="Ballerina:other.example.org")
    elsewhere["affected"][0]["ranges"][0]["events"][1]["fixed"] = "2.0.0"
    await importing(world).import_file("a.json", text(elsewhere), OPERATOR)
    service = world.registry.advisories.advisories
    maven = affected("g:a", "introduced 0", ecosystem="Maven")
    assert (await service.store(advisory(maven), OPERATOR)).id == "x_BLR-2026-2"


async def test_a_set_is_replaced_as_a_whole(world: World) -> None:
    first = [record(f"GHSA-{number}", f"g:{number}") for number in range(3)]
    report = await importing(world).import_file("Maven.zip", dump(first), OPERATOR)
    assert (report.set_name, report.records, report.refused) == ("maven", 3, ())
    assert await found(world, "g:2") == ["GHSA-2"]
    await importing(world).import_file("dumps/maven.zip", dump(first[:2]), OPERATOR)
    assert await found(world, "g:2") == []
    assert await found(world, "g:1") == ["GHSA-1"]
    [stored] = await importing(world).sets()
    assert await world.stores.advisory_files.names() == [stored.file]
    await importing(world).import_file("malware.zip", dump([record("MAL-1", "g:1")]), OPERATOR)
    assert await found(world, "g:1") == ["GHSA-1", "MAL-1"]
    for _ in range(2):
        await importing(world).remove_set("maven", OPERATOR)
    assert await found(world, "g:1") == ["MAL-1"]


async def test_a_dump_that_is_cut_changes_nothing(world: World) -> None:
    whole = dump([record(f"GHSA-{number}", "g:a") for number in range(100)])
    await importing(world).import_file("maven.zip", dump([CVE]), OPERATOR)
    for cut in (whole[:2], whole[:100], whole[: len(whole) // 2], whole[:-1], damaged(whole)):
        with pytest.raises(Invalid, match=r"maven.zip cannot be read: .* Nothing was imported"):
            await importing(world).import_file("maven.zip", cut, OPERATOR)
    assert await found(world) == ["GHSA-1"]


def damaged(content: bytes) -> bytes:
    """Return an archive with a changed byte in the text of its first entry."""
    at = content.index(b".json") + 12
    return content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :]


async def test_a_dump_that_is_encrypted_and_json_that_is_deep_are_refused_with_the_reason(
    world: World,
) -> None:
    with pytest.raises(Invalid, match=r"GHSA-1\.json' is encrypted"):
        await importing(world).import_file("maven.zip", encrypted(dump([CVE])), OPERATOR)
    for deep in (b"[" * 1_000_000, b'{"a":' * 1_000_000):
        with pytest.raises(Invalid, match="its values are nested too deeply"):
            await importing(world).import_file("a.json", deep, OPERATOR)


def encrypted(content: bytes) -> bytes:
    """Return an archive of one entry that says that it is encrypted."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


async def test_records_of_a_dump_that_cannot_be_read_are_left_out_and_named(world: World) -> None:
    wrong = record("GHSA-2", "g:a")
    wrong["modified"] = "yesterday"
    other = record("GHSA-3", "left-pad", ecosystem="npm")
    records = [CVE, wrong, other, b'{"Maven": "Maven']
    report = await importing(world).import_file("maven.zip", dump(records), OPERATOR)
    assert (report.records, report.left_out, len(report.refused)) == (1, 1, 2)
    assert "GHSA-2.json: The record is no OSV: 'yesterday' in modified" in report.refused[0]
    assert await found(world) == ["GHSA-1"]


async def test_nothing_is_imported_from_json_with_a_wrong_record(world: World) -> None:
    wrong = record("GHSA-2", "g:a")
    wrong["modified"] = "yesterday"
    with pytest.raises(Invalid, match=r"Nothing was imported\. record 2: The record is no OSV"):
        await importing(world).import_file("a.json", text([CVE, wrong]), OPERATOR)
    for content in (b"", b"[", b"\xff", b"a text"):
        with pytest.raises(Invalid, match=r"a\.json cannot be read|Nothing was imported"):
            await importing(world).import_file("a.json", content, OPERATOR)
    assert await found(world) == []


async def test_a_dump_about_nothing_that_is_matched_leaves_the_set_as_it_is(world: World) -> None:
    await importing(world).import_file("maven.zip", dump([CVE]), OPERATOR)
    npm = dump([record("GHSA-3", "left-pad", ecosystem="npm")])
    with pytest.raises(Invalid, match="no record about a Ballerina package or a Java library"):
        await importing(world).import_file("maven.zip", npm, OPERATOR)
    assert await found(world) == ["GHSA-1"]


async def test_only_administrators_import(world: World) -> None:
    for each in (world.people.ann, world.people.bob):
        with pytest.raises(NotPermitted):
            await importing(world).import_file("a.json", text(CVE), world.fresh(each))
    await importing(world).import_file("a.json", text(CVE), world.fresh(world.people.admin))
    with pytest.raises(NotFound):
        await world.registry.advisories.advisories.find("GHSA-2", ANONYMOUS)


async def test_every_instance_knows_a_change_within_seconds(world: World) -> None:
    assert await found(world) == []
    other = world.registry.advisories.advisories.index
    fresh = type(other)(
        directory=other.directory,
        files=other.files,
        clock=other.clock,
        randomness=other.randomness,
        edition=other.edition,
    )
    assert (await fresh.current()).by_id == {}
    await importing(world).import_file("maven.zip", dump([CVE]), OPERATOR)
    world.clock.advance(timedelta(seconds=2))
    assert list((await fresh.current()).by_id) == ["GHSA-1"]
