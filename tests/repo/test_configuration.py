"""docs/reference/configuration.md lists every setting as the code has it."""

from shared.settings import Settings
from tests.paths import ROOT

UNPREFIXED = {
    "port": "PORT",
    "workers": "WORKERS",
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
