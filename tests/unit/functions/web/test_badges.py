"""Badges as SVG."""

import pytest

from functions.web.badges import BAD, GOOD, PLAIN, QUIET, WARNING

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """Return how light a colour is, as WCAG 2.2 has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [PLAIN, GOOD, WARNING, BAD, QUIET])
def test_white_text_can_be_read_on_every_colour(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5
