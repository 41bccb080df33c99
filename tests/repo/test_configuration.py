"""docs/reference/configuration.md lists every setting as the code has it."""

import re

from shared.settings import Settings
from shared.settings.earlier import GONE_SETTINGS, is_of_others
from tests.paths import ROOT

UNPREFIXED = {
    "port": "PORT",
    "workers": "WORKERS",
    "https_proxy": "HTTPS_PROXY",
    "http_proxy": "HTTP_PROXY",
    "no_proxy": "NO_PROXY",
    "insights_connection": "APPLICATIONINSIGHTS_CONNECTION_STRING",
}


def documented() -> str:
    return (ROOT / "docs/reference/configuration.md").read_text("utf-8")


def row(field: str) -> str:
    info = Settings.model_fields[field]
    name = UNPREFIXED.get(field, f"BALLROOM_{field.upper()}")
    value = getattr(info.default, "value", info.default)  # Of an enum.
    default = "" if value in (None, "") else f"`{value}`"
    return f"| `{name}` | {default} | {info.description} |"


def test_every_setting_has_its_row_with_default_and_sentence() -> None:
    text = documented()
    missing = [row(field) for field in Settings.model_fields if row(field) not in text]
    assert missing == []


def test_every_row_is_of_a_setting_that_exists() -> None:
    begin = tuple(f"| `{name}" for name in ("BALLROOM_", *UNPREFIXED.values()))
    rows = [line for line in documented().splitlines() if line.startswith(begin)]
    assert len(rows) == len(Settings.model_fields)


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bBALLROOM_[A-Z0-9_]*[A-Z0-9]\b", text))


def test_every_variable_of_scripts_templates_and_workflows_is_known() -> None:
    folders = ("infra", "packaging", ".github/workflows")
    files = [ROOT / "azure.yaml", *(each for name in folders for each in (ROOT / name).rglob("*"))]
    sources = [each for each in files if each.is_file() and each.suffix != ".pyc"]
    text = "".join(each.read_text("utf-8", "replace") for each in sources)
    assert unknown(names_in(text)) == []


def test_every_setting_of_an_earlier_version_is_declared() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    shortened = {f"BALLROOM{name}" for name in re.findall(r"`(_[A-Z_]+)`", changelog)}
    assert unknown((names_in(changelog) | shortened) - set(GONE_SETTINGS)) == []
    settings = {variable for _, variable in Settings.variables()}
    assert not settings & set(GONE_SETTINGS)


def unknown(names: set[str]) -> list[str]:
    """Return the variables that are neither a setting nor read by others."""
    settings = {variable.upper() for _, variable in Settings.variables()}
    return sorted(name for name in names - settings if not is_of_others(name, ""))
