"""The times that pages state for moderation decisions are those of the code."""

from functions import sparse_index
from functions.html.public_pages import PAGE_CACHE_TIME
from shared.adapters.blob import client as signed_links
from shared.adapters.search import cloud_index
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import ARCHIVE_CACHE_PUBLIC
from tests.protocol.web.page_reader import opened
from tests.support.world import World


async def test_the_times_are_those_of_the_caches(world: World) -> None:
    text = (await opened(world, "/about/policies")).text
    for stated in (
        "5 seconds, on every",
        "30 seconds<",
        "60 seconds<",
        "5 minutes<",
        "60 seconds in",
    ):
        assert f"within {stated}" in text
    assert PAGE_CACHE_TIME.total_seconds() == 5
    assert cloud_index.REFRESH_INTERVAL.total_seconds() < 30
    assert signed_links.LINK_LIFETIME[ArchiveContainer.PRIVATE].total_seconds() == 60
    assert f"public, max-age={5 * 60}" == ARCHIVE_CACHE_PUBLIC
    assert sparse_index.INDEX_CACHE_PUBLIC == "public, max-age=60"
