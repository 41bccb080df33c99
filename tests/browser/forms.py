"""The forms of a page, each a window and a color scheme, and what has to hold in all of them."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.axe import assert_accessible
from tests.browser.chromium import keep_picture
from tests.sampling import covering

WINDOWS: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 360, "height": 740},
}
ALL_FORMS = [(window, scheme) for window in WINDOWS for scheme in ("light", "dark")]
# Each window and each scheme: a page that is too wide or too pale is so in the other forms too.
FORMS = covering(ALL_FORMS, lambda each: each[0], lambda each: each[1])
# A test of states begins in one window and changes it after each state, so that people do half of
# what it does in each; whole tables have the other half.
STARTS = pytest.mark.parametrize("form", covering(WINDOWS, lambda _: "any"))


def show_as(page: Page, form: str, scheme: str) -> None:
    """Show the page that is open in another window and color scheme.

    This is as if it were opened in them: no script of the site reads either.
    """
    page.set_viewport_size(WINDOWS[form])
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


def assert_shown_well(page: Page, name: str = "") -> None:
    """Fail where the page is not accessible or wider than its window, in any form; keep pictures
    with this name. The page stays in the last form, which is in another window than before."""
    problems = problems_of(page, name)
    assert not problems, "\n".join(problems)


def problems_of(page: Page, name: str = "") -> list[str]:
    """Return what is wrong with a page in each form, as axe sees it and as its width shows."""
    wrong = list[str]()
    for form, scheme in _from_the_window_of(page):
        show_as(page, form, scheme)
        try:
            assert_accessible(page)
        except AssertionError as violations:
            wrong.append(f"{form} {scheme}: {violations}")
        wrong += [
            f"{form} {scheme}: {each}" for each in (width_problem(page), *touching(page)) if each
        ]
        if name:
            keep_picture(page, f"{name}-{form}-{scheme}")
    return wrong


def width_problem(page: Page) -> str:
    """Say that a page is wider than its window, or nothing."""
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return f"{page.url} is {width} wide in a window of {window}" if width > window else ""


def touching(page: Page) -> list[str]:
    """Return which inputs stand less than four pixels from another one."""
    return page.evaluate(_TOUCHING)


_TOUCHING = """() => {
  const kinds = "input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea";
  const boxes = [...document.querySelectorAll(kinds)]
    .filter((each) => each.checkVisibility())
    .map((each) => [each.name || each.id, each.getBoundingClientRect()]);
  const near = ([, a], [, b]) =>
    a.left < b.right + 4 && b.left < a.right + 4 && a.top < b.bottom + 4 && b.top < a.bottom + 4;
  return boxes.flatMap((one, place) => boxes.slice(place + 1)
    .filter((other) => near(one, other))
    .map((other) => `the inputs ${one[0]} and ${other[0]} touch`));
}"""


def _from_the_window_of(page: Page) -> Sequence[tuple[str, str]]:
    return sorted(FORMS, key=lambda each: WINDOWS[each[0]] != page.viewport_size)
