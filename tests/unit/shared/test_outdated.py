"""The script that checks dependencies: which versions it reads, and what it says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from shared.cli import cli
from shared.outdated import CheckFailed, as_sarif, ask, read_versions, sentence

BALLERINA = """\
[package]
org = "acme"
name = "app"
version = "0.1.0"

[[dependency]]  # The least.
org = "acme"
name = "greet"
version = "1.0.0"

[[dependency]]
org = "acme"
name = "loose"
version = "2.0.0"

[[platform.java21.dependency]]
groupId = "org.example"
version = "3.0.0"
"""
DEPENDENCIES = """\
[ballerina]
dependencies-toml-version = "2"

[[package]]
org = "ballerina"
name = "lang.int"
version = "0.0.0"

[[package]]
org = 'acme'
name = 'greet'
version = '1.2.0'
dependencies = [
\t{org = "ballerina", name = "jballerina.java"}
]
modules = [
\t{org = "acme", packageName = "greet", moduleName = "greet"}
]
"""


def test_what_is_locked_is_checked_and_else_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "Ballerina.toml").write_text(BALLERINA)
    (tmp_path / "Dependencies.toml").write_text(DEPENDENCIES)
    found = list(read_versions(tmp_path / "Ballerina.toml"))
    assert [(each.name, each.version, Path(each.file).name, each.line) for each in found] == [
        ("greet", "1.2.0", "Dependencies.toml", 9),
        ("loose", "2.0.0", "Ballerina.toml", 11),
    ]
    assert [each.version for each in read_versions(tmp_path / "Dependencies.toml")] == ["1.2.0"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"state": "withdrawn", "withdrawal": {"reason": "malware", "note": "Keys."}},
            "withdrawn (malware: Keys.)",
        ),
        ({"state": "withdrawn", "withdrawal": None, "newest": "2"}, "withdrawn; newest is 2"),
        ({"state": "missing"}, "not in this registry, or not for you"),
        (
            {"state": "deprecated", "deprecation": "Use it.", "successor": "acme/new"},
            "deprecated: Use it.; replaced by acme/new",
        ),
        ({"state": "deprecated", "deprecation": ""}, "deprecated"),
        (
            {"state": "newer", "newest": "3.0.0", "breakingVersions": ["2.0.0", "3.0.0"]},
            "newest is 3.0.0; callers break in 2.0.0, 3.0.0",
        ),
        ({"state": "deprecated", "deprecation": "a\x1b[31mb"}, "deprecated: a[31mb"),
    ],
)
def test_a_sentence_says_what_became_of_a_version(row: dict[str, object], said: str) -> None:
    assert sentence(row) == said


def test_sarif_without_findings_has_its_rules() -> None:
    [run] = as_sarif([], "https://registry.test")["runs"]  # type: ignore[misc]
    assert run["results"] == []
    rules = [each["id"] for each in run["tool"]["driver"]["rules"]]
    assert rules == ["withdrawn", "missing", "deprecated", "newer"]


@pytest.mark.parametrize(
    ("address", "token", "said"),
    [
        ("ftp://registry.test", "", "is not a valid URL"),
        ("http://registry.test", "blr", "Others could read the token"),
        ("http://127.0.0.1:9", "", "cannot be reached"),
        ("https://a..b", "", "cannot be reached"),
        ("https://registry.test", "blr\nt", "BALLROOM_TOKEN is no access token"),
    ],
)
def test_nothing_is_sent_to_a_bad_address(
    tmp_path: Path, address: str, token: str, said: str
) -> None:
    (tmp_path / "Dependencies.toml").write_text(DEPENDENCIES)
    used = list(read_versions(tmp_path / "Dependencies.toml"))
    with pytest.raises(CheckFailed, match=said):
        ask(address, used, token)


def test_the_command_ends_with_2_where_nothing_can_be_checked(tmp_path: Path) -> None:
    file = str(tmp_path / "Ballerina.toml")
    done = CliRunner().invoke(cli, ["outdated", file, "--registry", "https://registry.test"])
    assert done.exit_code == 2
