"""Pages fit their window, and cut no control off, with names as long as they may be."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from shared.domain.account_names import MAX_ACCOUNT_NAME_LENGTH
from shared.domain.names import MAX_PACKAGE_LENGTH
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME
from tests.browser.chromium import Watched, keep_picture
from tests.browser.conftest import Open
from tests.browser.forms import show_as
from tests.browser.sample_registry import Site
from tests.clients.recorded_registry import served
from tests.conftest import memory_folder
from tests.support.world import Template

pytestmark = pytest.mark.slow

# One word each, of the widest letter: no line can break inside it by itself.
LONG_ORG = "m" * (MAX_PACKAGE_LENGTH - 1)
SHORT = "p"  # The name of its package: both have the longest length together.
LONG_NAME = "m" * (MAX_PACKAGE_LENGTH - len("acme"))
LONG_ACCOUNT = "m" * MAX_ACCOUNT_NAME_LENGTH
VERSION = f"1.0.0-{'m' * 100}"

PAGES = (
    "/",
    "/search",
    "/organizations",
    f"/orgs/{LONG_ORG}",
    f"/packages/{LONG_ORG}/{SHORT}",
    f"/packages/acme/{LONG_NAME}",
    *(
        f"/packages/acme/{LONG_NAME}/{tab}"
        for tab in ("versions", "dependents", "files", "statistics", "docs")
    ),
    "/packages/acme/needs/dependencies",
    "/packages/acme/needs/changes",
    "/account",
    "/account/organizations",
    "/account/tokens",
    "/account/sessions",
    "/account/security",
    "/account/data",
    f"/account/organizations/{LONG_ORG}",
    *(
        f"/account/organizations/{LONG_ORG}/{tab}"
        for tab in ("packages", "packages/p", "held", "tokens", "publishers", "log", "settings")
    ),
    f"/account/organizations/acme/packages/{LONG_NAME}",
    "/manage",
    f"/manage/accounts?name={LONG_ACCOUNT}",
    "/manage/organizations",
    f"/manage/organizations/{LONG_ORG}",
    f"/manage/releases/acme/{LONG_NAME}",
    f"/manage/releases/acme/{LONG_NAME}/1.0.0",
    "/manage/names",
)

# Controls and labels of which a part is hidden by what they are in.
CUT_OFF = """() => [...document.querySelectorAll("main button, main a.button, main .badge")].filter(
  control => {
    const box = control.getBoundingClientRect();
    if (!box.width || !control.checkVisibility()) return false;
    for (let around = control.parentElement; around; around = around.parentElement) {
      if (getComputedStyle(around).overflowX === "visible") continue;
      const outer = around.getBoundingClientRect();
      if (box.right > outer.right + 1 || box.left < outer.left - 1) return true;
    }
    return box.right > innerWidth + 1;
  }).map(control => control.textContent.trim().slice(0, 40))"""


@pytest.fixture(scope="module")
def long_named_site(template: Template) -> Iterator[Site]:
    with memory_folder() as folder, served(template, folder / "data") as serving:
        site = Site(serving, folder / "data")
        site.command("account", "add", LONG_ACCOUNT, "--administrator")
        site.command("org", "add", LONG_ORG, "--owner", LONG_ACCOUNT)
        site.command("org", "add-member", LONG_ORG, "ann", "--role", "maintainer")
        site.command("org", "add-member", "acme", LONG_ACCOUNT, "--role", "owner")
        summary = {"summary": "m" * 200, "keywords": ["m" * 60], "licenses": ["m" * 60]}
        site.push(f"{LONG_ORG}/{SHORT}:1.0.0", **summary)
        site.push(f"{LONG_ORG}/{SHORT}:{VERSION}")
        site.push(f"acme/{LONG_NAME}:1.0.0", **summary)
        site.push("acme/needs:1.0.0")
        site.push("acme/needs:1.0.1", dependencies=[f"acme/{LONG_NAME}:1.0.0"])
        for page in (f"acme/{LONG_NAME}", f"{LONG_ORG}/{SHORT}", "acme/needs"):
            site.wait_for_texts(page)
        yield site


@pytest.fixture
def owner_of_long_names(long_named_site: Site, opened: Open) -> Watched:
    """Return the browser of an administrator who owns what has long names."""
    watched = opened(long_named_site.url)
    watched.page.goto(long_named_site.command("signin-link", LONG_ACCOUNT).stdout.strip())
    watched.page.get_by_role("button", name="Sign in as").click()
    watched.page.wait_for_url("**/account")
    name_and_describe(watched.page, long_named_site.url)
    return watched


def name_and_describe(page: Page, url: str) -> None:
    """Fill the display name and the description of the organization."""
    page.goto(f"{url}/account/organizations/{LONG_ORG}/settings")
    page.get_by_label("Display name").fill("m" * MAX_DISPLAY_NAME)
    page.get_by_label("Description").fill("m" * MAX_DESCRIPTION)
    page.get_by_role("button", name="Save profile").click()
    page.wait_for_load_state()


@pytest.mark.timeout(600)
def test_no_page_is_wider_than_its_window_with_the_longest_names(
    owner_of_long_names: Watched,
) -> None:
    wrong: list[str] = []
    for path in PAGES:
        page = owner_of_long_names.open(path)
        for form in ("desktop", "phone"):
            show_as(page, form, "light")
            keep_picture(page, f"long-{PAGES.index(path)}-{form}")
            width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            if width[0] > width[1]:
                wrong.append(f"{form} {short(path)}: {width[0]} wide in a window of {width[1]}")
            wrong += [f"{form} {short(path)}: {text} is cut off" for text in page.evaluate(CUT_OFF)]
    assert not wrong, "\n".join(wrong)
    owner_of_long_names.assert_nothing_happened()


def short(path: str) -> str:
    """Return a path with its long names named."""
    return path.replace(LONG_ORG, "ORG").replace(LONG_NAME, "NAME").replace(LONG_ACCOUNT, "ACCOUNT")
