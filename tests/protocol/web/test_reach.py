"""What pages say of how fast a decision counts is what is done."""

from pathlib import Path

import pytest

from functions import _index, _reach, archives, web_badges
from functions._public_pages import KEPT_FOR
from shared.adapters.blob import links
from shared.adapters.cloud_search import looking
from shared.domain.package import Visibility
from shared.settings import Settings
from tests.protocol.web.reading import opened
from tests.world import URL, World

CLOUD = {
    "cosmos_endpoint": "https://a.documents.azure.com:443/",
    "blob_endpoint": "https://a.blob.core.windows.net/",
    "link_key": "k" * 64,
}
EDGE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cdn/profiles/p/afdEndpoints/e"


def said(scratch: Path, **settings: str) -> dict[str, str]:
    chosen = Settings.model_validate({"data": scratch, "url": URL, **settings})
    return {reach.where: reach.when for reach in _reach.reaches(chosen)}


def test_the_times_are_those_of_the_caches() -> None:
    files = f"public, max-age={int(_reach.FILES_KEPT_FOR.total_seconds())}"
    assert files == _index.PUBLIC
    assert web_badges.HEADERS["Cache-Control"] == files
    archives_kept = int(_reach.ARCHIVES_KEPT_FOR.total_seconds())
    assert f"public, max-age={archives_kept}" == archives.PUBLIC
    assert links.LIFETIME[Visibility.PRIVATE] == _reach.LINKS_END_AFTER
    assert looking.EVERY < _reach.FOUND_WITHIN
    assert KEPT_FOR.total_seconds() == 5


@pytest.mark.parametrize(
    ("settings", "copies"),
    [
        ({}, "this registry has none; caches of others keep one for 5 minutes at most"),
        (
            {"archive_cdn_url": "https://cdn.example.org"},
            "within 5 minutes, or when the operator purges it",
        ),
        (
            {"archive_cdn_url": "https://cdn.example.org", "archive_cdn_resource": EDGE},
            "as fast as its purge, which is asked for at once; 5 minutes at most",
        ),
    ],
)
def test_what_a_cdn_has_depends_on_whether_it_is_told(
    scratch: Path, settings: dict[str, str], copies: str
) -> None:
    found = said(scratch, **CLOUD, **settings)
    assert found["Copies of the archive at a CDN"] == copies
    assert found["The search"] == "at once here, within 30 seconds on every server"


def test_links_past_the_registry_end_when_the_archive_has_moved(scratch: Path) -> None:
    where = "Links to the archive that were given out before"
    assert "within 60 seconds" in said(scratch, **CLOUD)[where]
    for settings in ({**CLOUD, "archive_links": "registry"}, {}):
        assert "whenever they are followed" in said(scratch, **settings)[where]
    assert said(scratch)["The search"] == "at once"


async def test_everybody_can_read_it(world: World) -> None:
    text = (await opened(world, "/about/policies")).text
    for reach in _reach.reaches(world.registry.settings):
        assert reach.where in text
