"""The number of bytes that a browser loads for a page is small."""

import gzip

import httpx

from tests.browser.crawler import Links
from tests.browser.sample_registry import Site

HEAVIEST = 60 * 1024  # Bytes, compressed, with all that the page needs.
PAGES = ("/", "/search", "/packages/acme/greet", "/packages/acme/greet/1.1.0/versions", "/about")


def test_a_page_with_its_assets_is_light(shared_site: Site) -> None:
    with httpx.Client(base_url=shared_site.url, timeout=30) as client:
        for path in PAGES:
            page = client.get(path)
            links = Links()
            links.feed(page.text)
            parts = [page.content, *(client.get(asset).content for asset in links.assets)]
            weight = sum(len(gzip.compress(part)) for part in parts)
            assert weight <= HEAVIEST, f"{path} with {links.assets} weighs {weight}"
