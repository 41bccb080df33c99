"""Five tasks of users, walked to the end in the steps that docs/develop/site.md states."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import Open
from tests.browser.sample_registry import Site
from tests.clients.recorded_registry import served
from tests.paths import ROOT
from tests.support.served_handlers import QuietHandler, served_handler
from tests.support.world import Template

FORMS = pytest.mark.parametrize("form", ["desktop", "phone"])
DEPENDENCY = """\
[[dependency]]
org = "acme"
name = "greet"
version = "1.1.0"
repository = "ballroom\""""

_TABLE = re.compile(r"<!-- begin: steps -->\n(.*?)<!-- end -->", re.DOTALL)


def documented() -> dict[str, list[str]]:
    """Return the cells of each task in the table, the first of which is ours."""
    [table] = _TABLE.findall((ROOT / "docs" / "develop" / "site.md").read_text("utf-8"))
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return {task: cells for task, *cells in rows}


@dataclass
class Steps:
    """A page, and the steps that were taken on it: clicks, keys that send, and filled fields."""

    page: Page
    count: int = 0

    def click(self, target: Locator) -> None:
        """Click or tap."""
        self.count += 1
        target.click()

    def fill(self, target: Locator, text: str) -> None:
        """Fill in a field."""
        self.count += 1
        target.fill(text)

    def send(self, target: Locator) -> None:
        """Press Enter in a field."""
        self.count += 1
        target.press("Enter")

    def open_menu(self, entry: str) -> None:
        """Choose an entry of the menu of the account."""
        menu = self.page.locator("header .menu:not(.narrow)")
        self.click(menu.locator("summary"))
        self.click(menu.get_by_role("link", name=entry, exact=True))

    def assert_as_documented(self, task: str) -> None:
        """Fail where the table says another number."""
        assert str(self.count) == documented()[task][0], f"{task}: {self.count} steps"


def copied(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def with_clipboard(page: Page) -> Page:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


class _GithubServer(QuietHandler):
    """Tells the ids of the repository octo/greet, as a GitHub server does."""

    def do_GET(self) -> None:
        status = 200 if self.path == "/api/v3/repos/octo/greet" else 404
        self.answer(status, b'{"id":74,"owner":{"id":65}}')


@pytest.fixture
def site(furnished_template: Template, scratch: Path) -> Iterator[Site]:
    """Return a registry with content, whose trusted publishers run at a GitHub server nearby."""
    folder = scratch / "data"
    with served_handler(_GithubServer) as github:
        host = github.removeprefix("http://")
        with served(
            furnished_template, folder, publish_from_github=github, inside_hosts=host
        ) as serving:
            yield Site(serving, folder)


@FORMS
def test_a_package_for_a_task_is_found_and_imported(site: Site, opened: Open, form: str) -> None:
    watched = opened(site.url, form=form)
    page = with_clipboard(watched.open("/"))
    steps = Steps(page)
    search = page.get_by_role("combobox", name="Search")
    steps.fill(search, "greets people")
    steps.send(search)
    first = page.locator(".hit").first
    expect(first).to_contain_text("greet")
    steps.click(first.get_by_role("button", name="Copy dependency on acme/greet"))
    expect(first.get_by_role("button", name="Copied")).to_be_visible()
    assert copied(page) == DEPENDENCY
    steps.assert_as_documented("Find a package for a task, and copy its dependency")
    watched.assert_nothing_happened()


@FORMS
def test_somebody_decides_whether_to_trust_a_package(site: Site, opened: Open, form: str) -> None:
    page = opened(site.url, form=form).open("/packages/acme/base")
    steps = Steps(page)
    facts = page.get_by_role("complementary", name="Package details")
    for fact in (
        "Not published from CI",
        "Published with an access token of acme.",
        "License",
        "Published",
        "Pulls",
    ):
        expect(facts).to_contain_text(fact)
    expect(
        facts.get_by_role("definition").filter(has=page.locator("a[href$='/dependents']"))
    ).to_have_text("1")
    steps.assert_as_documented("Decide whether to trust a package")


@FORMS
def test_a_workflow_publishes_without_a_secret(site: Site, opened: Open, form: str) -> None:
    watched = opened(site.url, form=form)
    page = watched.page
    site.sign_in(page, site.served.people.ann)
    page.goto(f"{site.url}/packages/acme/greet")
    steps = Steps(page)
    steps.click(page.get_by_role("link", name="Manage", exact=True))
    steps.fill(page.get_by_label("Repository", exact=True), "octo/greet")
    steps.click(page.get_by_role("button", name="Add trusted publisher"))
    expect(page.get_by_role("status")).to_contain_text("Trusted publisher added.")
    row = page.get_by_role("row").filter(has_text="octo/greet")
    for rule in ("repository_id 74", "Workflow: release.yml", "Refs: refs/tags/v*"):
        expect(row).to_contain_text(rule)
    expect(page.locator("#pipeline-2")).to_contain_text("python3 publish.py dist/*.bala")
    steps.assert_as_documented("Publish from CI without a secret")
    assert_accessible(page)
    watched.assert_nothing_happened()


@FORMS
def test_a_leaked_token_is_rotated(site: Site, opened: Open, form: str) -> None:
    watched = opened(site.url, form=form)
    page = with_clipboard(watched.page)
    site.sign_in(page, site.served.people.ann)
    page.goto(site.url)
    steps = Steps(page)
    steps.open_menu("Access tokens")
    steps.click(page.get_by_role("link", name=re.compile("^Rotate the token")).first)
    steps.click(page.get_by_role("button", name="Rotate token"))
    steps.click(page.get_by_role("button", name="Copy Access token"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert copied(page).startswith("blr_")
    assert copied(page) != site.served.people.ann.token
    steps.assert_as_documented("Rotate a leaked token")
    watched.assert_nothing_happened()


@FORMS
def test_a_release_is_quarantined(site: Site, opened: Open, form: str) -> None:
    watched = opened(site.url, form=form)
    page = watched.page
    site.sign_in(page, site.served.people.admin)
    page.goto(f"{site.url}/packages/acme/greet")
    steps = Steps(page)
    steps.click(page.get_by_role("link", name="Moderate", exact=True))
    reason = page.locator("#quarantine-reason")
    expect(reason).to_be_visible()
    steps.fill(reason, "It sends tokens to another host.")
    steps.click(page.get_by_role("button", name="Quarantine release"))
    expect(page.get_by_role("status")).to_contain_text("Release quarantined.")
    stranger = opened(site.url, form=form).open("/packages/acme/greet/1.1.0")
    expect(stranger.get_by_role("heading", level=1)).to_contain_text("was withdrawn")
    steps.assert_as_documented("Quarantine a release")
    watched.assert_nothing_happened()


def test_no_task_takes_more_steps_than_at_the_best_of_the_others() -> None:
    tasks = documented()
    assert tasks
    for task, (ours, *others) in tasks.items():
        counted = [int(each) for each in others if each.isdigit()]
        assert counted, task
        assert int(ours) <= min(counted), task
