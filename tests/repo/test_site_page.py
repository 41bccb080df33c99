"""docs/site.md states the limits of rendering and caching as the code has them."""

import pytest

from shared.prose import rendering
from shared.services.archive_files import (
    RENDERED_ON_THE_LOOP,
    RENDERINGS_KEPT_BYTES,
    STORED_IF_SLOWER_THAN,
)
from tests.paths import docs

PAGE = docs("site", "package-pages")
LIMITS = {name: value for name, value in vars(rendering).items() if name.startswith("MAX_")}


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_of_a_text_is_documented(name: str) -> None:
    [table] = [part for part in PAGE.split("\n\n") if part.startswith("| bound")]
    assert f"{LIMITS[name]:,}" in table


def test_caching_and_rendering_by_threads_are_documented() -> None:
    text = " ".join(PAGE.split())
    assert (
        f"A text of more than {RENDERED_ON_THE_LOOP:,} characters is rendered by a thread" in text
    )
    assert f"keeps {RENDERINGS_KEPT_BYTES >> 20} MiB of those used last" in text
    assert f"took more than {STORED_IF_SLOWER_THAN.microseconds // 1_000} ms" in text
