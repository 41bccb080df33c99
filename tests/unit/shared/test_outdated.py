"""The script that checks dependencies: which versions it reads, and what it says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared.cli import cli
from shared.dependency_files import UsedVersion
from shared.outdated import (
    CheckFailed,
    CheckOptions,
    as_sarif,
    ask,
    main,
    read_versions,
    run,
    sentence,
)
from tests.support.served_handlers import QuietHandler, served_handler

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


def test_sarif_names_the_file_of_a_version_as_an_address() -> None:
    used = UsedVersion("acme", "greet", "1.2.0", "an app/Dependencies.toml", 9)
    [run] = as_sarif([(used, {"state": "missing"})], "https://registry.test")["runs"]  # type: ignore[misc]
    [location] = run["results"][0]["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "an%20app/Dependencies.toml"},
        "region": {"startLine": 9},
    }


@pytest.mark.parametrize(
    ("address", "token", "said"),
    [
        ("ftp://registry.test", "", "is not a valid URL"),
        ("http://registry.test", "blr", "Others could read the token"),
        ("http://127.0.0.1:9", "", "cannot be reached"),
        ("https://a..b", "", "cannot be reached"),
        ("https://registry.test", "blr\nt", "is not an access token"),
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


# --- How it is called ----------------------------------------------------------------------------


@dataclass
class Registry:
    """A registry in which every version is current, and the tokens that came."""

    url: str = ""
    tokens: list[str | None] = field(default_factory=list[str | None])


@pytest.fixture
def registry() -> Iterator[Registry]:
    registry = Registry()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            self.read_body()
            registry.tokens.append(self.headers["Authorization"])
            self.answer(200, json.dumps({"packages": [{"state": "current"}]}).encode())

    with served_handler(Handler) as registry.url:
        yield registry


def test_the_token_of_the_variable_or_of_the_login_is_sent(
    tmp_path: Path, registry: Registry
) -> None:
    (tmp_path / "Dependencies.toml").write_text(DEPENDENCIES)
    options = CheckOptions(f"{registry.url}/", str(tmp_path / "Dependencies.toml"))
    environment = {"BALLERINA_HOME_DIR": str(tmp_path / "home")}
    printed: list[str] = []
    assert run(options, environment, printed.append) == 0
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "Settings.toml").write_text(
        f'[[repository.maven]]\nurl = "{registry.url}/maven"\naccesstoken = "blr_login"\n'
    )
    run(options, environment, printed.append)
    run(options, {**environment, "CI": "true"}, printed.append)
    run(options, {**environment, "BALLROOM_TOKEN": "blr_variable"}, printed.append)
    assert registry.tokens == [None, "Bearer blr_login", None, "Bearer blr_variable"]


@pytest.mark.parametrize("option", ["--format", "--output"])
def test_the_form_of_the_answer_has_the_name_that_audit_gives_it_and_an_earlier_one(
    tmp_path: Path, registry: Registry, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    file = tmp_path / "Dependencies.toml"
    file.write_text(DEPENDENCIES)
    assert main([str(file), option, "json"], registry.url) == 0
    by_file = capsys.readouterr().out
    command = ["outdated", str(file), "--registry", registry.url, option, "json"]
    done = CliRunner().invoke(cli, command)
    assert (done.exit_code, done.stdout) == (0, by_file)
    assert json.loads(by_file) == {"packages": [{"state": "current"}]}
