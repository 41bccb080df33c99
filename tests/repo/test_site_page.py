"""docs/site.md states the limits of rendering as the code has them."""

import pytest

from shared.prose import rendering
from tests.paths import docs

PAGE = docs("site", "package-pages")
LIMITS = {name: value for name, value in vars(rendering).items() if name.startswith("MAX_")}


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_of_a_text_is_documented(name: str) -> None:
    [table] = [part for part in PAGE.split("\n\n") if part.startswith("| bound")]
    assert f"{LIMITS[name]:,}" in table
