"""The rate limits of docs/reference/limits.md are those of the settings."""

import re
from datetime import timedelta

from shared.domain.rate_limits import RateLimitClass
from shared.settings import Settings
from tests.paths import docs

ROW = re.compile(
    r"^\| ([a-z-]+) \| [^|]+ \| `(BALLROOM_\w+)`: `([^`]+)` \| ([^|]+) \|", re.MULTILINE
)
WINDOWS = {
    "a minute": timedelta(minutes=1),
    "5 minutes": timedelta(minutes=5),
    "60 minutes": timedelta(minutes=60),
    "a day": timedelta(days=1),
}


def test_each_rate_limit_has_a_row_with_its_setting_default_and_window() -> None:
    rows = {
        name: (setting, default, WINDOWS[window])
        for name, setting, default, window in ROW.findall(docs("limits"))
    }
    assert rows == {
        each.value: (
            f"BALLROOM_LIMIT_{each.name}",
            Settings.model_fields[f"limit_{each.name.lower()}"].default,
            each.window,
        )
        for each in RateLimitClass
    }
