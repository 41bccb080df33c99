"""Settings from a file: the environment overrides it, and mistakes in it are named."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from shared.command_line import ballroom
from shared.settings import Settings
from shared.settings.problems import setting_problem, unknown_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ballroom.toml"
    monkeypatch.setenv("BALLROOM_CONFIG", str(path))
    return path


def loaded(config: Path, text: str) -> Settings:
    config.write_text(text, encoding="utf-8")
    return Settings.load()


def problem(config: Path, text: str) -> str:
    with pytest.raises(ValidationError) as invalid:
        loaded(config, text)
    return setting_problem(invalid.value)


def test_a_file_has_settings_by_their_variables_in_lower_case(config: Path) -> None:
    settings = loaded(
        config,
        'url = "https://packages.example.org"\nport = 9000\nmax_archive_bytes = "32MiB"\n'
        'metrics = "loopback"\nreserved_names = ["wso2*", "acme"]\npublish_from_github = []\n'
        "oidc_groups_claim = ''\nmax_connections = 77\n",
    )
    assert settings.config == config
    assert settings.url == "https://packages.example.org"
    assert (settings.port, settings.max_archive_bytes) == (9000, 32 * 1024 * 1024)
    assert settings.reserved_patterns == ("wso2*", "acme")
    assert unknown_settings() == []


def test_the_environment_goes_before_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALLROOM_URL", "https://of-environment.example.org")
    monkeypatch.setenv("PORT", "9001")
    settings = loaded(config, 'url = "https://of-file.example.org"\nport = 9000\n')
    assert (settings.url, settings.port) == ("https://of-environment.example.org", 9001)


def test_an_unknown_key_is_said_as_an_unknown_variable_is(config: Path) -> None:
    loaded(config, 'max_archiv_bytes = "1MiB"\nbundle = "x"\nBALLROOM_URL = ""\n')
    first, second, third = unknown_settings()
    assert first == (
        f"max_archiv_bytes in {config} is not a setting, and has no effect. Did you mean "
        "max_archive_bytes? docs/reference/configuration.md lists every setting."
    )
    assert f"bundle in {config} is a setting of an earlier version" in second
    assert third.startswith(f"BALLROOM_URL in {config} is not a setting, and has no effect. Did")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port = 70000\n", "port in {config} cannot be used: '70000' is not a whole number"),
        ("a = 1\na = 2\n", "is not a TOML file: Cannot overwrite a value (at line 2"),
        ("[url]\n", "has url, which is no text, number, true, false or list of texts"),
        ("url = 2026-01-01\n", "has url, which is no text"),
    ],
)
def test_a_mistake_in_the_file_ends_the_start(config: Path, text: str, sentence: str) -> None:
    assert sentence.format(config=config) in problem(config, text)


@pytest.mark.usefixtures("config")
def test_a_file_that_is_missing_ends_the_start() -> None:
    with pytest.raises(ValidationError) as invalid:
        Settings.load()
    said = setting_problem(invalid.value)
    assert said.startswith("BALLROOM_CONFIG cannot be used: ")
    assert "is not a file that can be read (No such file or directory), such as /etc/" in said


def test_an_empty_variable_names_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLROOM_CONFIG", "")
    assert Settings.load().config is None


def test_serve_takes_the_file_as_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BALLROOM_CONFIG", "")  # What the command sets ends with the test.
    path = tmp_path / "ballroom.toml"
    path.write_text(f'data = "{tmp_path}"\nmax_archiv_bytes = 1\n', encoding="utf-8")
    served = CliRunner().invoke(ballroom, ["serve", "--config", str(path)])
    assert served.exit_code == 1
    assert f"max_archiv_bytes in {path} is not a setting" in served.stderr
