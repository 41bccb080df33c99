"""Variables that are no setting, and values that cannot be used, each in a sentence."""

import os
from difflib import get_close_matches

from pydantic import ValidationError

from shared.settings import PREFIX, Settings
from shared.settings.operations import INSIGHTS_VARIABLE

# Settings that are read from variables without our prefix, by the names that errors have for them.
_WITHOUT_PREFIX = {
    "PORT": "PORT",
    "WORKERS": "WORKERS",
    INSIGHTS_VARIABLE: INSIGHTS_VARIABLE,
    "INSIGHTS_CONNECTION": INSIGHTS_VARIABLE,
}

# What scripts and tests read from the same environment.
_OF_SCRIPTS = (
    "BALLROOM_BACKUPS",
    "BALLROOM_OPERATE",
    "BALLROOM_PYTHON",
    "BALLROOM_TEST_",
    "BALLROOM_TOKEN",
)


def unknown_settings() -> list[str]:
    """Return a sentence for each variable with our prefix that is no setting."""
    known = {variable.upper() for _, variable in Settings.variables()}
    given = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return [
        f"{name} is not a setting and has no effect.{_suggestion(name.upper(), known)} "
        "docs/reference/configuration.md lists every setting."
        for name in given
        if not (name.upper() in known or name.upper().startswith(_OF_SCRIPTS))
    ]


def _suggestion(name: str, known: set[str]) -> str:
    without = _WITHOUT_PREFIX.get(name.removeprefix(PREFIX))
    near = [without] if without else get_close_matches(name, known, 1)
    return f" Did you mean {near[0]}?" if near else ""


def refused_setting(invalid: ValidationError) -> str:
    """Return the variable of the first invalid setting."""
    name = str(invalid.errors(include_input=False)[0]["loc"][0]).upper()
    return _WITHOUT_PREFIX.get(name, f"{PREFIX}{name}")


def setting_problem(invalid: ValidationError) -> str:
    """Return one line about the first invalid setting."""
    error = invalid.errors(include_input=False)[0]
    variable = refused_setting(invalid)
    reason = error["msg"].removeprefix("Value error, ").rstrip(".")
    return (
        f"{variable} cannot be used: {reason}. docs/reference/configuration.md lists every setting."
    )
