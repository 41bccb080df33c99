"""Badges as SVG."""

from xml.etree import ElementTree

import pytest

from functions.web.badges import NOT_FOUND_BADGE, Badge, BadgeColour

SVG = "{http://www.w3.org/2000/svg}"


def drawn(badge: Badge) -> ElementTree.Element:
    """Return the picture, parsed."""
    return ElementTree.fromstring(badge.svg())


def luminance(colour: str) -> float:
    """Return how light a colour is, as WCAG 2.2 has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_badge_says_what_it_says_to_everybody() -> None:
    picture = drawn(Badge("ballroom", "v1.2.0"))
    assert picture.get("aria-label") == "ballroom: v1.2.0"
    assert [each.text for each in picture.iter(f"{SVG}text")] == ["ballroom", "v1.2.0"]


def test_the_text_of_each_half_fits_into_it() -> None:
    picture = drawn(Badge("status", "maintained"))
    widths = [int(each.get("width", "")) for each in picture.iter(f"{SVG}rect")][1:]
    lengths = [int(each.get("textLength", "")) for each in picture.iter(f"{SVG}text")]
    assert [width - length for width, length in zip(widths, lengths, strict=True)] == [12, 12]
    assert sum(widths) == int(picture.get("width", ""))


def test_a_wide_character_takes_more_room_than_a_narrow_one() -> None:
    widths = [int(drawn(Badge("a", letter * 10)).get("width", "")) for letter in "ieW"]
    assert widths == sorted(set(widths))


def test_no_text_is_markup() -> None:
    hostile = Badge('"><script>alert(1)</script>', "</text><a>&")
    assert {each.tag.removeprefix(SVG) for each in drawn(hostile).iter()} == {
        *("svg", "title", "clipPath", "rect", "g", "text")
    }


def test_a_long_text_is_cut() -> None:
    texts = [each.text or "" for each in drawn(Badge("x", "y" * 500)).iter(f"{SVG}text")]
    assert texts == ["x", "y" * 39 + "…"]


@pytest.mark.parametrize("tone", BadgeColour)
def test_white_text_can_be_read_on_every_colour(tone: BadgeColour) -> None:
    assert 1.05 / (luminance(tone.value) + 0.05) >= 4.5


def test_a_missing_package_has_a_badge_that_says_so() -> None:
    assert "package: not found" in NOT_FOUND_BADGE.svg()
