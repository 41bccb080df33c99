"""The pages that show administrators what is mirrored, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.forms import STARTS, assert_shown_well
from tests.browser.sample_registry import Site
from tests.clients.recorded_registry import served
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.upstreams import FakeUpstream
from tests.support.world import Template

MIRROR = "/manage/mirror"
PACKAGES = 30  # More than a page lists.
PULL = dict(ACCEPT_ARCHIVE)


@dataclass(frozen=True)
class Mirror:
    """A registry that listens and mirrors an upstream."""

    site: Site
    upstream: FakeUpstream

    def pull(self, coordinate: str) -> int:
        """Pull a release, and return the status of the answer."""
        path = coordinate.replace(":", "/")
        address = f"{self.site.url}/2.0/registry/packages/{path}"
        return httpx.get(address, headers=PULL).status_code

    def count(self) -> None:
        """Count what is stored."""
        for task in ("roll-up-pulls", "count-mirrored-packages"):
            name = {"BALLROOM_UPSTREAM": self.upstream.url}
            self.site.command("upkeep", "run", task, **name)


@pytest.fixture
def mirror(template: Template, scratch: Path) -> Iterator[Mirror]:
    """Return a mirror with many packages, a refused release, and an incident."""
    upstream, folder = FakeUpstream(), scratch / "data"
    with upstream.serving(), served(template, folder, upstream=upstream.url) as serving:
        made = Mirror(Site(serving, folder), upstream)
        for number in range(PACKAGES):
            upstream.publish(f"ballerinax/connector.part{number:02}:1.0.0")
            assert made.pull(f"ballerinax/connector.part{number:02}:1.0.0") == 302
        upstream.archives["octo/unreadable:1.0.0"] = b"no zip"
        assert made.pull("octo/unreadable:1.0.0") == 400
        upstream.publish("octo/changed:1.0.0")
        assert httpx.get(f"{serving.url}/2.0/registry/packages/octo/changed/1.0.0").is_success
        upstream.publish("octo/changed:1.0.0", readme="# Another")
        assert made.pull("octo/changed:1.0.0") == 400
        yield made


@pytest.mark.timeout(300)
@STARTS
def test_operators_see_what_is_mirrored(mirror: Mirror, opened: Open, form: str) -> None:
    site = mirror.site
    watched = opened(site.url, form=form)
    page = watched.page
    site.sign_in(page, site.served.people.admin)
    watched.open(MIRROR)
    expect(page.get_by_text("Nothing was counted yet")).to_be_visible()
    mirror.count()
    watched.open(MIRROR)
    expect(page.get_by_text("30 releases")).to_be_visible()
    assert_shown_well(page, "manage-mirror")
    page.get_by_role("link", name="Mirrored packages").click()
    expect(page.get_by_role("row")).to_have_count(26)
    assert_shown_well(page, "manage-mirror-packages")
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("row")).to_have_count(6)
    watched.open(MIRROR)
    page.get_by_role("link", name="compare the digests").click()
    assert_shown_well(page, "manage-mirror-refusals")
    page.get_by_role("button", name="Fetch again: octo/unreadable:1.0.0").click()
    expect(page.get_by_text("The next pull fetches the release again.")).to_be_visible()
    watched.assert_nothing_happened()
