"""docs/site.md tells the bounds of texts as the code has them."""

import pytest

from shared.prose import limits
from shared.services.archive_files import RENDERED_ON_THE_LOOP, SOURCES_KEPT
from tests.paths import docs

PAGE = docs("site", "package-pages")
BOUNDS = {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


@pytest.mark.parametrize("name", BOUNDS)
def test_each_bound_of_a_text_is_told(name: str) -> None:
    [table] = [part for part in PAGE.split("\n\n") if part.startswith("| bound")]
    assert f"{BOUNDS[name]:,}" in table


def test_what_is_kept_and_what_a_thread_does_is_told() -> None:
    text = " ".join(PAGE.split())
    assert (
        f"A text of more than {RENDERED_ON_THE_LOOP:,} characters is rendered by a thread" in text
    )
    assert f"keeps the {SOURCES_KEPT} last ones" in text
