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


@pytest.fixture
def mirror(template: Template, scratch: Path) -> Iterator[Mirror]:
    """Return a mirror with many packages, a refused release, and an incident."""
    upstream = FakeUpstream()
    folder = scratch / "data"
    with upstream.serving(), served(template, folder, upstream=upstream.url) as serving:
        made = Mirror(Site(serving, folder), upstream)
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
    assert_shown_well(page, "manage-mirror")
    page.get_by_role("link", name="compare the digests").click()
    assert_shown_well(page, "manage-mirror-refusals")
    page.get_by_role("button", name="Fetch again: octo/unreadable:1.0.0").click()
    expect(page.get_by_text("The next pull fetches the release again.")).to_be_visible()
    watched.assert_nothing_happened()
