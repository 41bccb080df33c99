"""Version numbers tell the truth: releases that break callers and whose version does not say so."""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.domain.api_docs.records import ApiVerdict
from shared.domain.archives.bala import Bala
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.publishing_rules import (
    OF_REGISTRY,
    OwnedRule,
    RegistryRules,
    RuleEffect,
    VersionRule,
    stricter,
)
from shared.domain.rules.version_rule import fitting_version, version_findings
from shared.services.api_docs.version_checks import Compared, VersionChecks, VersionUnchecked
from shared.services.publishing.publishing_rules import (
    PUSH_WAITS,
    Occasion,
    RuledArchive,
    VersionNumberRule,
)
from tests.protocol.rules.rule_world import findings, refusal_of_push, set_rules
from tests.support.browsers import signed_in
from tests.support.documented_packages import documented_bala
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

BEFORE = """public function hello() {}
public function bye() {}
public function yes(int n) {}
public function no() {}
public function so() {}
"""
AFTER = "public function yes(string n) {}\npublic function so() {}\n"
SENTENCE = (
    "acme/greet:1.1.0 breaks callers of 1.0.0, and its version does not say so: removed function "
    "bye, removed function hello, removed function no and 1 more. 2.0.0 would fit: publish it as "
    "that, or keep what callers use."
)


def archive(version: str, source: str = AFTER) -> bytes:
    return documented_bala(f"acme/greet:{version}", {"greet.bal": source})


@pytest.fixture
async def published(world: World) -> World:
    """Return a registry with a documented version."""
    await world.push(archive("1.0.0", BEFORE))
    await world.document()
    return world


async def test_by_default_it_is_accepted_and_its_owners_are_told(published: World) -> None:
    world = published
    account = world.people.ann.account.model_copy(update={"email": "ann@example.org"})
    await world.stores.directory.replace(account)
    assert await refusal_of_push(world, archive("1.1.0")) == ""
    await world.document()
    [mail] = world.mailer.to("ann@example.org")
    assert mail.subject == "acme/greet:1.1.0 was accepted with warnings"
    assert SENTENCE in mail.text
    path = f"{URL}/api/v1/packages/acme/greet/1.1.0/warnings"
    answer = await world.get(path, by=world.people.ann)
    [warning] = answer.json()["warnings"]
    assert warning == {"rule": "version-too-low", "whose": OF_REGISTRY, "message": SENTENCE}
    assert (await world.get(path, by=world.people.mia)).status_code == 403
    assert (await world.get(path, by=world.people.bob)).status_code == 404
    ann = await signed_in(world, world.people.ann, "/account/organizations/acme/packages/greet")
    assert "removed function bye, removed function hello" in ann.text


@pytest.mark.parametrize("choice", ["refuse", "hold"])
async def test_a_version_that_is_too_low_is_refused_or_held_where_the_rules_say_so(
    published: World, choice: str
) -> None:
    await set_rules(published, versionRule=choice)
    said = await refusal_of_push(published, archive("1.1.0"))
    assert SENTENCE in said
    assert f"The rules of acme {choice} releases with breaking changes" in said
    assert ("is stored and held" in said) == (choice == "hold")
    assert (await published.get("/packages/acme/greet/1.1.0")).status_code == 404
    await published.push(archive("2.0.0"))
    await published.push(archive("1.0.1", BEFORE))


async def test_a_dry_run_finds_what_a_push_would(published: World) -> None:
    assert (await findings(published, archive("1.1.0")))["version-too-low"] == {
        "rule": "version-too-low",
        "severity": "warning",
        "message": SENTENCE,
    }
    await set_rules(published, versionRule="refuse")
    found = (await findings(published, archive("1.1.0")))["version-too-low"]
    assert found["severity"] == "error"
    assert found["message"].startswith(SENTENCE)


async def test_a_dry_run_of_the_rule_says_what_it_would_have_said(published: World) -> None:
    await published.push(archive("1.1.0"))
    await published.document()
    ann = await signed_in(published, published.people.ann)
    answer = await ann.api("POST", "/api/v1/orgs/acme/rules/dry-run", {"versionRule": "refuse"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["releasesRead"] == 2
    [release] = answer.json()["releases"]
    assert release["release"] == "acme/greet:1.1.0"
    [finding] = release["findings"]
    assert (finding["rule"], finding["effect"]) == ("version-too-low", "refuse")
    admin = await signed_in(published, published.people.admin)
    answer = await admin.api("POST", "/api/v1/rules/dry-run", {"versionRule": "hold"})
    assert [each["release"] for each in answer.json()["releases"]] == ["acme/greet:1.1.0"]


async def test_a_push_is_held_while_the_version_before_is_not_documented(world: World) -> None:
    await world.push(archive("1.0.0", BEFORE))
    await set_rules(world, versionRule="refuse")
    said = await refusal_of_push(world, archive("1.1.0"))
    assert "is stored and held" in said
    assert "could not be compared with that of the version before in time" in said
    assert "the rules of acme refuse releases" in said


class NoTurn(VersionChecks, frozen=True):
    """Compares nothing in time."""

    async def compare_within(
        self, content: bytes | memoryview, bala: Bala, patience: timedelta
    ) -> Compared:
        assert patience == PUSH_WAITS == timedelta(seconds=5)
        raise VersionUnchecked


async def test_a_push_that_is_not_compared_in_time_is_held(published: World) -> None:
    found = await published.stores.metadata.find(Coordinate.parse("acme", "greet", "1.0.0"))
    [rule] = [each for each in published.registry.publishing.rules.rules if _is_version_rule(each)]
    assert isinstance(rule, VersionNumberRule)
    checks = NoTurn(rule.version_checks.inputs, rule.version_checks.confined)
    content = archive("1.1.0")
    bala = await published.registry.packages.archive_reader.read(content)
    asked = RuledArchive(content, bala, found.head, None, OPERATOR, Occasion.PUSH)
    rules = stricter(RegistryRules(version_rule=VersionRule.REFUSE), None, "acme")
    [finding] = await replace(rule, version_checks=checks).of_archive(asked, rules)
    assert (finding.rule, finding.effect) == ("api-not-compared", RuleEffect.HOLD)


def _is_version_rule(rule: object) -> bool:
    return isinstance(rule, VersionNumberRule)


async def test_a_push_is_held_while_no_files_can_be_written_for_the_comparison(
    published: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_rules(published, versionRule="refuse")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    said = await refusal_of_push(published, archive("1.1.0"))
    assert "could not be compared with that of the version before in time" in said


async def test_the_first_version_and_pre_releases_are_not_compared(world: World) -> None:
    await set_rules(world, versionRule="refuse")
    await world.push(archive("1.0.0", BEFORE))
    await world.document()
    await world.push(archive("1.1.0-beta"))
    assert await world.java().versions("acme/greet") == ["1.0.0", "1.1.0-beta"]


@pytest.mark.parametrize(
    ("before", "version", "taken", "fits"),
    [
        ("1.4.2", "1.5.0", [], "2.0.0"),
        ("1.4.2", "1.5.0", ["2.0.0", "3.0.0"], "4.0.0"),
        ("0.4.2", "0.4.3", [], "0.5.0"),
        ("0.4.2", "0.4.3", ["0.5.0"], "0.6.0"),
        ("0.4.2", "1.0.0", [], "1.0.0"),
    ],
)
def test_the_suggested_version_is_the_next_free_one_that_fits(
    before: str, version: str, taken: list[str], fits: str
) -> None:
    verdict = ApiVerdict(
        org="acme",
        name="greet",
        version=version,
        compared_with=before,
        required="major",
        published="patch",
        changes=5,
        breaking=5,
        is_version_too_low=True,
    )
    assert fitting_version(verdict, taken) == fits
    rule = OwnedRule(VersionRule.WARN, OF_REGISTRY)
    [finding] = version_findings(verdict, rule)  # Of an earlier version, which named no changes.
    assert "does not say so. " in finding.message
