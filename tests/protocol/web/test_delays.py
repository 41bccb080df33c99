"""The times that pages state for moderation decisions are those of the code."""

from pathlib import Path

import pytest

from functions import archives
from functions.http.pages import PAGE_CACHE_TIME
from functions.index import sparse_index
from functions.web import about
from shared.adapters.blob import client as signed_links
from shared.adapters.cloud_search import index
from shared.domain.packages import Visibility
from shared.settings import Settings
from tests.protocol.web.page_reader import opened
from tests.support.world import URL, World

CLOUD = {
    "cosmos_endpoint": "https://a.documents.azure.com:443/",
    "blob_endpoint": "https://a.blob.core.windows.net/",
    "link_key": "k" * 64,
}
EDGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cdn/profiles/p/afdEndpoints/e"


def said(scratch: Path, **settings: str) -> dict[str, str]:
    chosen = Settings.model_validate({"data": scratch, "url": URL, **settings})
    return {reach.where: reach.when for reach in about.propagation_times(chosen)}


def test_the_times_are_those_of_the_caches() -> None:
    files = f"public, max-age={int(about.FILE_CACHE_TIME.total_seconds())}"
    assert files == sparse_index.INDEX_CACHE_PUBLIC
    archives_kept = int(about.ARCHIVE_CACHE_TIME.total_seconds())
    assert f"public, max-age={archives_kept}" == archives.ARCHIVE_CACHE_PUBLIC
    assert signed_links.LINK_LIFETIME[Visibility.PRIVATE] == about.LINK_LIFETIME
    assert index.REFRESH_INTERVAL < about.SEARCH_DELAY
    assert PAGE_CACHE_TIME.total_seconds() == 5


@pytest.mark.parametrize(
    ("settings", "copies"),
    [
        ({}, "this registry uses no CDN; other caches keep copies for at most 5 minutes"),
        (
            {"archive_cdn_url": "https://cdn.example.org"},
            "within 5 minutes, or when the operator purges the CDN",
        ),
        (
            {"archive_cdn_url": "https://cdn.example.org", "archive_cdn_resource": EDGE},
            "when the CDN is purged, which is requested immediately; within 5 minutes at most",
        ),
    ],
)
def test_an_archive_that_a_cdn_has_depends_on_whether_it_is_purged(
    scratch: Path, settings: dict[str, str], copies: str
) -> None:
    found = said(scratch, **CLOUD, **settings)
    assert found["Copies of the archive on a CDN"] == copies
    assert found["Search"] == "within 30 seconds on every server"


def test_links_past_the_registry_end_when_the_archive_has_moved(scratch: Path) -> None:
    where = "Existing links to the archive"
    assert "within 60 seconds" in said(scratch, **CLOUD)[where]
    for settings in ({**CLOUD, "archive_links": "registry"}, {}):
        assert said(scratch, **settings)[where] == "within 5 seconds"
    assert said(scratch)["Search"] == "immediately"


async def test_everybody_can_read_it(world: World) -> None:
    text = (await opened(world, "/about/policies")).text
    for reach in about.propagation_times(world.registry.settings):
        assert reach.where in text
