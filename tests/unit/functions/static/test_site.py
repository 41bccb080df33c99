"""The style sheet: contrasts of both colour schemes by WCAG 2.2 AA."""

import re

import pytest

from functions.html.page_templates import STATIC

SHEET = (STATIC / "site.css").read_text("utf-8")
TEXT = 4.5  # The least contrast of text.
SHAPE = 3.0  # The least contrast of what else has to be seen.

PAIRS = [
    *((ink, ground, TEXT) for ink in ("text", "text-quiet") for ground in ("ground", "surface")),
    *((ink, "sunken", TEXT) for ink in ("text", "text-quiet")),
    *((ink, ground, TEXT) for ink in ("accent", "bad") for ground in ("ground", "surface")),
    *((mood, f"{mood}-soft", TEXT) for mood in ("good", "warn", "bad")),
    *(("text", f"{mood}-soft", TEXT) for mood in ("good", "warn", "bad")),
    ("accent-strong", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    *(
        (f"code-{kind}", "code-ground", TEXT)
        for kind in ("word", "name", "text", "number", "note", "sign", "gone")
    ),
    *(
        (line, ground, SHAPE)
        for line in ("line-strong", "focus")
        for ground in ("ground", "surface")
    ),
]


def colours() -> dict[str, dict[str, str]]:
    """Return the colours by name, of the light and of the dark scheme."""
    hues = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", SHEET)
    return {
        "light": {name: light for name, light, _ in hues},
        "dark": {name: dark for name, _, dark in hues},
    }


def luminance(colour: str) -> float:
    """Return how light a colour is, from 0 to 1, as WCAG 2.2 has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_every_text_has_enough_contrast(scheme: str, ink: str, ground: str, least: float) -> None:
    known = colours()[scheme]
    darker, lighter = sorted((luminance(known[ink]), luminance(known[ground])))
    assert (lighter + 0.05) / (darker + 0.05) >= least


def test_every_colour_of_the_sheet_is_one_of_its_tokens() -> None:
    rules = re.sub(r":root \{.*?\n\s*\}", "", SHEET, flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules)


def test_every_token_that_is_used_is_there_and_every_one_that_is_there_is_used() -> None:
    defined = set(re.findall(r"(--[\w-]+):", SHEET))
    used = set(re.findall(r"var\((--[\w-]+)", SHEET))
    assert used == defined
