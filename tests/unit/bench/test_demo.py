"""`make demo`: real names, versions and keywords, and generated texts that say so."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench import demo
from bench.demo import DatedRelease
from bench.generated_texts import GENERATED, GeneratedRelease
from bench.invented_releases import invented_releases
from shared.bootstrap import build_registry
from shared.commands.first_start import ADMINISTRATOR
from shared.composition import Registry
from shared.domain.archives.bala import read_bala
from shared.domain.identity import OPERATOR
from shared.domain.search import Query, ResultPage
from shared.settings import Settings
from tests.support.world import World


def read(
    folder: Path, index: list[Mapping[str, Any]], described: list[Mapping[str, Any]] | None = None
) -> list[DatedRelease]:
    """Return the releases of an index and a file of described packages."""
    (folder / "index.jsonl").write_text("\n".join(map(json.dumps, index)))
    (folder / "packages.json").write_text(json.dumps(described or []))
    return demo.read_releases(folder / "index.jsonl", folder / "packages.json")


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()


def release(org: str, name: str, **changes: Any) -> Mapping[str, Any]:
    """Return a line of the index."""
    known = {
        "org": org,
        "name": name,
        "version": "1.0.0",
        "platform": "java17",
        "ballerina_version": "2201.8.4",
        "is_deprecated": False,
        "deprecation_message": "",
        "modules": [{"name": name}],
        "dependencies": [{"org": "ballerina", "name": "http", "version": "2.0.0"}],
    }
    return {**known, **changes}


@pytest.mark.parametrize(
    ("org", "name", "summary"),
    [
        ("ballerina", "http", "HTTP clients and services."),
        ("ballerinax", "acme.calendar", "Connects Ballerina programs to acme calendar."),
        ("ballerinax", "trigger.acme", "Receives events of acme and calls the functions"),
        ("acme", "test_tool_1", "A command-line tool for test tool 1."),
        ("acme", "computeMaxPrime", "Functions and types for compute Max Prime."),
    ],
)
async def test_a_package_is_published_with_a_readme_that_says_that_it_is_generated(
    world: World, org: str, name: str, summary: str
) -> None:
    generated = GeneratedRelease(release(org, name), keywords=["IT Operations", "Cost/Free"])
    if org != "acme":
        await world.create_organization(org)
    await world.push(generated.archive(), by=world.people.admin)
    answer = await world.get(f"/packages/{org}/{name}/1.0.0")
    assert answer.status_code == 200
    assert GENERATED in answer.json()["readme"]
    assert answer.json()["summary"].startswith(summary)
    assert answer.json()["keywords"] == ["IT Operations", "Cost/Free"]


def test_keywords_are_those_of_the_package_or_none(tmp_path: Path) -> None:
    described = {"org": "acme", "name": "a", "version": "1.0.0", "keywords": ["net"], "modules": []}
    releases = read(tmp_path, [release("acme", "a"), release("acme", "b")], [described])
    keywords = {each.content.release["name"]: each.content.keywords for each in releases}
    assert keywords == {"a": ("net",), "b": ()}


def test_a_described_release_that_the_index_does_not_list_is_published_too(tmp_path: Path) -> None:
    described = {
        "org": "acme", "name": "c", "version": "2.0.0", "keywords": [], "modules": ["c", "c.sub"],
    }  # fmt: skip
    (only,) = read(tmp_path, [], [described])
    assert only.coordinate.key == "acme/c:2.0.0"
    assert only.content.release["modules"] == [{"name": "c"}, {"name": "c.sub"}]


def test_a_release_is_newer_than_those_for_older_ballerina_versions(tmp_path: Path) -> None:
    index = [
        release("acme", "b", ballerina_version="2201.11.0"),
        release("acme", "a", ballerina_version="slbeta6"),
    ]
    first, second = read(tmp_path, index)
    assert (first.content.release["name"], second.content.release["name"]) == ("a", "b")
    assert (_date(first.at_ms)[:4], _date(second.at_ms)[:4]) == ("2021", "2024")


def test_versions_for_one_ballerina_version_follow_each_other_over_months(tmp_path: Path) -> None:
    versions = ["1.0.0", "1.2.0", "1.10.0"]
    index = [release("acme", "a", version=each) for each in reversed(versions)]
    releases = read(tmp_path, index)
    assert [each.content.release["version"] for each in releases] == versions
    assert len({_date(each.at_ms)[:7] for each in releases}) > 1


def test_a_nightly_build_has_the_date_that_its_version_names(tmp_path: Path) -> None:
    nightly = release("acme", "a", ballerina_version="2201.8.0-20230830-220400-8a7556d8")
    (only,) = read(tmp_path, [nightly])
    assert _date(only.at_ms) == "2023-08-30T22:04:00+00:00"


@pytest.mark.slow
async def test_the_demo_is_published_with_its_dates_and_leaves_no_token(tmp_path: Path) -> None:
    folder, index = tmp_path / "demo", tmp_path / "index.jsonl"
    index.write_text(json.dumps(release("acme", "a")))
    releases = demo.read_releases(index, tmp_path / "missing.json")
    await asyncio.to_thread(demo.fill, folder, releases)
    settings = Settings.load().model_copy(update={"data": folder, "log_level": "error"})
    async with closing_registry(settings) as registry:
        (found,) = (await registry.packages.search.search(Query(), ResultPage(), by=OPERATOR)).hits
        assert _date(found.listing.release.created_ms).startswith("2024-01")
        account = await registry.identity.accounts.by_name_or_id(ADMINISTRATOR)
        tokens = await registry.tokens.access_tokens.list(account.id, by=OPERATOR)
        assert [each.token.name for each in tokens] == ["Settings.toml"]


@asynccontextmanager
async def closing_registry(settings: Settings) -> AsyncGenerator[Registry]:
    registry = build_registry(settings)
    try:
        yield registry
    finally:
        await registry.close()


def test_without_the_index_packages_are_invented_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = list[DatedRelease]()
    monkeypatch.setenv("BALLROOM_DATA", str(tmp_path))
    monkeypatch.setattr(demo, "fill", lambda _, releases: filled.extend(releases))
    monkeypatch.setattr(demo.localhost, "main", lambda _: 0)
    with pytest.raises(SystemExit):
        demo.main(tmp_path / "missing.jsonl")
    assert "missing.jsonl: these packages are invented" in capsys.readouterr().out
    assert len({each.coordinate.package for each in filled}) > 25
    read = [read_bala(each.content.archive()) for each in filled]
    assert [each.coordinate for each in read] == [each.coordinate for each in filled]
    assert all("does not exist elsewhere" in each.texts.readme for each in read)


def test_an_invented_package_depends_on_versions_that_were_invented_before() -> None:
    published = set[str]()
    for each in invented_releases():
        needed = {f"{d['org']}/{d['name']}:{d['version']}" for d in each.release["dependencies"]}
        assert needed <= published
        published.add("{org}/{name}:{version}".format(**each.release))
