"""The pictures at the top of README.md: small, light and dark, made by one command."""

import re

import pytest

from bench import screenshots
from tests.paths import ROOT

README = (ROOT / "README.md").read_text("utf-8")
PICTURES = [f"{page}-{scheme}.png" for page in screenshots.PAGES for scheme in screenshots.SCHEMES]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_shown_and_small(name: str) -> None:
    assert f"docs/images/{name}" in README
    picture = (ROOT / "docs" / "images" / name).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= screenshots.MAX_BYTES


def test_the_reader_gets_the_pictures_of_their_color_scheme() -> None:
    dark = re.findall(r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)"', README)
    assert dark == [f"docs/images/{page}-dark.png" for page in screenshots.PAGES]
    for alt in re.findall(r'<img alt="([^"]*)" src="docs/images', README):
        assert alt


def test_without_chromium_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        screenshots.require_browser()
