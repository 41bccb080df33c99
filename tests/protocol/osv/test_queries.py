"""/v1: the requests of scanners, as osv-scanner and pip-audit send them, and what they get."""

import json
from typing import Any

import httpx
import pytest

from shared.domain.advisories.advisories import (
    AdvisoryState,
    Affected,
    AffectedRange,
    EventKind,
    RangeEvent,
    RangeType,
)
from shared.domain.coordinates import Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.support.advisories import ECOSYSTEM, advisory, affected
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, Person, World

V1 = f"{URL}/v1"
# Headers that osv-scanner 2.2 and pip-audit 2.9 send. pip-audit gives no type to its body.
OSV_SCANNER = {
    "User-Agent": "osv-scanner/2.2.4",
    "Content-Type": "application/json",
    "Accept-Encoding": "gzip",
}
PIP_AUDIT = {
    "User-Agent": "python-requests/2.32.5",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
NETTY = affected(
    "io.netty:netty-common", "introduced 4.1.0", "fixed 4.1.118.Final", ecosystem="Maven"
)


@pytest.fixture
async def advised(world: World) -> World:
    """A registry with an advisory about acme/greet, and one about a Java library."""
    await world.push(bala("acme/greet:1.0.0"))
    service = world.registry.advisories.advisories
    greet = affected("acme/greet", "introduced 0", "fixed 1.2.0")
    await service.store(advisory(greet, org="acme"), world.fresh(world.people.ann))
    await service.store(advisory(NETTY, summary="Reads a file of Windows"), OPERATOR)
    return world


async def post(
    world: World, path: str, body: object, by: Person | None = None, **headers: str
) -> httpx.Response:
    content = json.dumps(body).encode()
    sent = headers or OSV_SCANNER
    return await world.send("POST", f"{V1}/{path}", by=by, content=content, headers=sent)


async def query(world: World, body: object, by: Person | None = None) -> Any:
    answer = await post(world, "query", body, by)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(found: Any) -> list[str]:
    return [each["id"] for each in found.get("vulns", [])]


async def test_a_batch_of_osv_scanner_gets_ids_and_times_in_its_order(advised: World) -> None:
    # As osvdev.QueryBatch of osv-scanner writes api.BatchQuery: what is empty is left out.
    queries = [
        {"package": {"name": "io.netty:netty-common", "ecosystem": "Maven"}, "version": "4.1.100"},
        {"package": {"name": "acme/other", "ecosystem": ECOSYSTEM}, "version": "1.0.0"},
        {"package": {"name": "Acme/Greet", "ecosystem": ECOSYSTEM}, "version": "1.1.9"},
        {"commit": "6879efc2c1596d11a6a6ad296f80063b558d5e0f"},
        {"package": {"name": "acme/greet", "ecosystem": ECOSYSTEM}, "version": "1.2.0"},
    ]
    answer = await post(advised, "querybatch", {"queries": queries})
    assert answer.status_code == 200
    modified = "2026-01-01T00:00:00Z"
    results = answer.json()["results"]
    assert [sorted(each) for each in results] == [["vulns"], [], ["vulns"], [], []]
    assert [each["id"] for each in results[0]["vulns"]] == ["x_BLR-2026-2"]
    assert results[2]["vulns"][0]["id"] == "x_BLR-2026-1"
    assert len(results[2]["vulns"][0]["modified"]) >= len(modified)


async def test_osv_scanner_then_asks_for_each_advisory(advised: World) -> None:
    answer = await advised.get(f"{V1}/vulns/x_BLR-2026-2", headers=OSV_SCANNER)
    assert answer.status_code == 200
    found = answer.json()
    assert found["schema_version"] == "1.7.5"
    assert found["affected"] == [
        {
            "package": {"ecosystem": "Maven", "name": "io.netty:netty-common"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [{"introduced": "4.1.0"}, {"fixed": "4.1.118.Final"}],
                }
            ],
        }
    ]


async def test_pip_audit_asks_for_one_package_without_a_type_of_its_body(advised: World) -> None:
    body = json.dumps({"package": {"name": "jinja2", "ecosystem": "PyPI"}, "version": "3.1.0"})
    answer = await advised.send("POST", f"{V1}/query", content=body.encode(), headers=PIP_AUDIT)
    assert (answer.status_code, answer.json()) == (200, {})
    jinja = affected("jinja2", "introduced 0", ecosystem="PyPI", versions=("3.1.0",))
    service = advised.registry.advisories.advisories
    await service.store(advisory(jinja, aliases=("CVE-2026-1",)), OPERATOR)
    answer = await advised.send("POST", f"{V1}/query", content=body.encode(), headers=PIP_AUDIT)
    [found] = answer.json()["vulns"]
    # What pip_audit/_service/osv.py reads.
    assert found["schema_version"].startswith("1.")
    assert [found["id"], *found["aliases"]] == ["x_BLR-2026-3", "CVE-2026-1"]
    assert found["affected"][0]["package"] == {"ecosystem": "PyPI", "name": "jinja2"}
    assert found["published"].endswith("Z")
    assert "withdrawn" not in found


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ({"purl": "pkg:ballerina/acme/greet@1.1.0"}, ""),
        ({"purl": f"pkg:ballerina/acme/greet@1.1.0?repository_url={URL}"}, ""),
        ({"purl": "pkg:ballerina/acme/greet"}, "1.1.0"),
        ({"name": "acme/greet", "ecosystem": "Ballerina"}, "1.1.0"),
        ({"name": "acme/greet", "ecosystem": ECOSYSTEM}, ""),
    ],
)
async def test_a_package_is_named_in_each_form(
    advised: World, package: dict[str, str], version: str
) -> None:
    body = {"package": package, **({"version": version} if version else {})}
    assert ids(await query(advised, body)) == ["x_BLR-2026-1"]
    fixed = (
        {**package, "purl": package["purl"].replace("1.1.0", "1.2.0")}
        if "purl" in package
        else package
    )
    body = {"package": fixed, **({"version": "1.2.0"} if version or "name" in package else {})}
    assert await query(advised, body) == {}


async def test_a_purl_of_maven_names_group_and_artifact(advised: World) -> None:
    purl = "pkg:maven/io.netty/netty-common@4.1.117.Final"
    assert ids(await query(advised, {"package": {"purl": purl}})) == ["x_BLR-2026-2"]
    purl = "pkg:maven/io.netty/netty-common@4.1.118.Final?type=jar"
    assert await query(advised, {"package": {"purl": purl}}) == {}
    other = "pkg:ballerina/acme/greet@1.0.0?repository_url=https://other.example.org"
    assert await query(advised, {"package": {"purl": other}}) == {}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("query", {"package": {"name": "a"}}, "its name and ecosystem"),
        ("query", {}, "its name and ecosystem"),
        ("query", {"package": {"purl": "greet"}}, "'greet' is not a package URL"),
        ("query", {"package": {"purl": "pkg:npm/a", "name": "a"}}, "and not both"),
        ("query", {"package": {"purl": "pkg:npm/a@1"}, "version": "2"}, "in the query as well"),
        ("query", {"package": []}, "Expected `object | null`, got `array`"),
        ("query", [], "must be a query of OSV"),
        ("querybatch", {}, "missing required field `queries`"),
        ("querybatch", {"queries": [{"commit": "a"}] * 1_001}, "at most 1,000 queries"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused_as_osv_refuses(
    advised: World, path: str, body: object, said: str
) -> None:
    answer = await post(advised, path, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, 3)
    assert said in problem["message"]


async def test_an_unknown_id_is_refused_as_osv_refuses(advised: World) -> None:
    answer = await advised.get(f"{V1}/vulns/CVE-1999-1")
    assert answer.status_code == 404
    assert answer.json() == {
        "code": 5,
        "message": "There is no advisory 'CVE-1999-1' here. Correct its id.",
    }


async def test_questions_are_limited(worlds: OpenWorld) -> None:
    world = await worlds(limit_advisories="address=1")
    assert await query(world, {"commit": "a"}) == {}
    answer = await post(world, "query", {"commit": "a"})
    assert (answer.status_code, answer.json()["code"]) == (429, 8)


async def test_downloads_of_all_advisories_are_limited(worlds: OpenWorld) -> None:
    world = await worlds(limit_export="address=1")
    assert (await world.get(f"{V1}/all.zip")).status_code == 200
    answer = await world.get(f"{V1}/all.zip")
    assert (answer.status_code, answer.json()["code"]) == (429, 8)


async def test_long_answers_come_in_pages(advised: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.osv.ADVISORIES_OF_A_PAGE", 2)
    monkeypatch.setattr("functions.osv.IDS_OF_A_PAGE", 2)
    service = advised.registry.advisories.advisories
    for _ in range(2):
        await service.store(advisory(NETTY), OPERATOR)
    body = {"package": {"name": "io.netty:netty-common", "ecosystem": "Maven"}}
    first = await query(advised, body)
    assert ids(first) == ["x_BLR-2026-2", "x_BLR-2026-3"]
    for spelled in ("page_token", "pageToken"):  # osv-scanner sends the second one.
        second = await query(advised, {**body, spelled: first["next_page_token"]})
        assert (ids(second), "next_page_token" in second) == (["x_BLR-2026-4"], False)
    batch = (await post(advised, "querybatch", {"queries": [body]})).json()["results"][0]
    assert (ids(batch), batch["next_page_token"]) == (ids(first), first["next_page_token"])


async def test_a_batch_has_so_many_ids_that_its_answer_stays_small(
    advised: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.osv.IDS_OF_A_BATCH", 3)
    service = advised.registry.advisories.advisories
    await service.store(advisory(NETTY), OPERATOR)
    waiting: list[dict[str, Any]] = [
        {"package": {"name": "io.netty:netty-common", "ecosystem": "Maven"}}
    ] * 4
    pages = list[list[str]]()
    while waiting:
        results = (await post(advised, "querybatch", {"queries": waiting})).json()["results"]
        pages.append([each for result in results for each in ids(result)])
        waiting = [
            {**query, "page_token": result["next_page_token"]}
            for query, result in zip(waiting, results, strict=True)
            if "next_page_token" in result
        ]
    assert list(map(len, pages)) == [3, 3, 2]
    found = sorted(each for page in pages for each in page)
    assert found == ["x_BLR-2026-2"] * 4 + ["x_BLR-2026-3"] * 4


async def test_a_record_about_a_private_package_exists_for_its_readers_alone(
    advised: World,
) -> None:
    people = advised.people
    package = Package.from_text("acme/greet")
    owner = advised.fresh(people.ann)
    await advised.registry.packages.visibility.change(package, Visibility.PRIVATE, by=owner)
    body = {"package": {"name": "acme/greet", "ecosystem": ECOSYSTEM}, "version": "1.0.0"}
    for who, seen in [(None, []), (people.bob, []), (people.mia, ["x_BLR-2026-1"])]:
        assert ids(await query(advised, body, who)) == seen
        batch = await post(advised, "querybatch", {"queries": [body]}, who)
        assert ids(batch.json()["results"][0]) == seen
        one = await advised.get(f"{V1}/vulns/x_BLR-2026-1", by=who)
        assert one.status_code == (200 if seen else 404)
    hidden = await advised.get(f"{V1}/vulns/x_BLR-2026-1")
    missing = await advised.get(f"{V1}/vulns/x_BLR-2026-9")
    assert hidden.text.replace("2026-1", "2026-9") == missing.text


async def test_a_version_that_nests_deeply_is_compared(advised: World) -> None:
    version = f"4.1.118{'-' * 240}1"
    package = {"name": "io.netty:netty-common", "ecosystem": "Maven"}
    found = await query(advised, {"package": package, "version": version})
    assert ids(found) == []  # It is after 4.1.118.


async def test_a_commit_finds_no_advisory_that_names_commits_beside_a_package(
    advised: World,
) -> None:
    begin = RangeEvent(EventKind.INTRODUCED, "0")
    commits = Affected("", "", (AffectedRange(RangeType.GIT, (begin,), "https://git.example.org"),))
    await advised.registry.advisories.advisories.store(advisory(NETTY, commits), OPERATOR)
    assert await query(advised, {"commit": "6879efc2c1596d11a6a6ad296f80063b558d5e0f"}) == {}


async def test_drafts_are_in_no_answer(advised: World) -> None:
    draft = advisory(NETTY, state=AdvisoryState.DRAFT)
    stored = await advised.registry.advisories.advisories.store(draft, OPERATOR)
    body = {"package": {"name": "io.netty:netty-common", "ecosystem": "Maven"}}
    assert ids(await query(advised, body)) == ["x_BLR-2026-2"]
    answer = await advised.get(f"{V1}/vulns/{stored.id}", by=advised.people.bob)
    assert answer.status_code == 404
