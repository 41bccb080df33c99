"""The status pages of administrators in each state are accessible."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import Site


def lose_archives(site: Site) -> None:
    """Remove the bytes of every release, and have the audit find out."""
    for archive in (site.folder / "archives" / "sha256").rglob("*"):
        if archive.is_file():
            archive.unlink()
    assert "its archive is missing" in site.command("upkeep", "run", "audit-archives").stdout


@pytest.mark.timeout(300)
@STARTS
def test_the_running_registry_in_trouble_and_not(
    furnished_site: Site, opened: Open, form: str
) -> None:
    site = furnished_site
    watched = opened(site.url, form=form)
    site.sign_in(watched.page, site.served.people.admin)
    for path in ("/manage", "/manage/tasks"):
        watched.open(path)
        assert_shown_well(watched.page, f"{path.strip('/').replace('/', '-')}-new")
    site.command("upkeep", "run", "create-snapshot")
    lose_archives(site)
    watched.open("/manage")
    expect(watched.page.get_by_text("The task audit-archives found")).to_be_visible()
    assert_shown_well(watched.page, "manage-troubled")
    watched.page.get_by_role("link", name="Go to the task audit-archives").click()
    watched.page.get_by_role("link", name="problems").first.click()
    expect(watched.page.get_by_text("its archive is missing").first).to_be_visible()
    watched.page.get_by_role("button", name="Run now: repair-derived-data").click()
    expect(watched.page.get_by_role("status")).to_contain_text("It starts within a minute")
    assert_shown_well(watched.page, "manage-tasks-requested")
    watched.assert_nothing_happened()
