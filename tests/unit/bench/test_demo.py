"""What `make demo` fills a registry with is taken by a registry, and marked as made up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import demo
from bench.generated_texts import GENERATED, Made
from tests.support.world import World


def release(org: str, name: str, **changes: Any) -> Mapping[str, Any]:
    """Return a line of the index."""
    known = {
        "org": org,
        "name": name,
        "version": "1.0.0",
        "platform": "java17",
        "ballerina_version": "2201.8.4",
        "modules": [{"name": name}],
        "dependencies": [{"org": "ballerina", "name": "http", "version": "2.0.0"}],
    }
    return {**known, **changes}


@pytest.mark.parametrize(
    ("org", "name", "kind"),
    [
        ("ballerinax", "googleapis.calendar", "connector"),
        ("ballerinax", "trigger.github", "trigger"),
        ("acme", "test_tool_1", "tool"),
        ("acme", "computeMaxPrime", "library"),
    ],
)
async def test_a_package_is_published_with_a_readme_that_says_what_it_is(
    world: World, org: str, name: str, kind: str
) -> None:
    made = Made(release(org, name))
    await world.push(made.archive(), by=world.people.admin)
    answer = await world.get(f"/packages/{org}/{name}/1.0.0")
    assert answer.status_code == 200
    assert GENERATED in answer.json()["readme"]
    assert kind in answer.json()["keywords"]


def test_a_release_is_newer_than_those_of_older_distributions() -> None:
    index = [
        release("acme", "b", ballerina_version="2201.11.0"),
        release("acme", "a", ballerina_version="slbeta6"),
    ]
    first, second = demo.dated(iter(index))
    assert (first.made.release["name"], second.made.release["name"]) == ("a", "b")
    assert first.at_ms < second.at_ms


def test_without_the_index_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLROOM_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match=r"no index of real packages at .*missing\.jsonl"):
        demo.main(tmp_path / "missing.jsonl")
