"""Every page that links lead to has no errors and is accessible."""

from collections.abc import Iterable

import httpx
import pytest

from tests.browser.axe import assert_accessible
from tests.browser.chromium import Watched
from tests.browser.conftest import Open
from tests.browser.crawler import Crawl
from tests.browser.forms import problems_of
from tests.browser.sample_registry import Site

BEGINNINGS = (
    "/",
    "/search",
    "/search?q=greet",
    "/search?q=nothing-is-called-that",
    "/symbols",
    "/symbols?q=greet",
    "/symbols?q=nothing-is-called-that",
    "/packages/acme/greet",
    "/packages/acme/hostile",
    "/packages/acme/welcome",
    "/packages/acme/greet/0.9.0",
    "/packages/acme/greet/versions",
    "/packages/acme/greet/dependencies",
    "/packages/acme/base/dependents",
    "/packages/acme/greet/statistics",
    "/compare",
    "/compare?packages=acme/greet,acme/base,acme/hostile",
    "/about",
    "/about/api-changes",
    "/about/trust",
    "/docs",
    "/docs?q=token",
    "/docs?q=nothing-is-called-that",
    "/docs/clients",
    "/device",
    "/sign-in",
)
# Pages that look otherwise than the first of their kind.
ODD = (
    "/search?q=greet",
    "/search?q=nothing-is-called-that",
    "/packages/acme/hostile",
    "/packages/acme/welcome",
    "/compare?packages=acme/greet,acme/base,acme/hostile",
    "/about/trust",
)
OWN = (
    "/account",
    "/account/tokens",
    "/account/organizations",
    "/account/organizations/acme",
    "/account/organizations/acme/packages",
    "/account/organizations/acme/packages/greet",
    "/account/organizations/acme/held",
    "/account/organizations/acme/tokens",
    "/account/organizations/acme/publishers?provider=gitlab",
    "/account/organizations/acme/webhooks",
    "/account/organizations/acme/pulls",
    "/account/organizations/acme/log",
    "/account/organizations/acme/rules",
    "/account/organizations/acme/staged",
    "/account/following",
    "/account/organizations/acme/settings",
    "/account/sessions",
    "/account/identities",
    "/account/security",
    "/account/data",
    "/device",
    "/",
)


@pytest.fixture(scope="module")
def pages_for_everybody(shared_site: Site) -> Crawl:
    """Return what somebody who is not signed in can reach."""
    return crawled(shared_site, httpx.Client(timeout=30), *BEGINNINGS)


def test_no_link_of_a_page_for_everybody_is_broken(pages_for_everybody: Crawl) -> None:
    assert not pages_for_everybody.broken, "\n".join(pages_for_everybody.broken)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pages_for_everybody_are_accessible(
    shared_site: Site, opened: Open, pages_for_everybody: Crawl
) -> None:
    addresses = pages_for_everybody.kinds().values()
    paths = [address.removeprefix(shared_site.url) for address in addresses]
    assert_all_accessible(opened(shared_site.url), (*paths, *ODD))


@pytest.mark.timeout(600)
def test_no_link_of_somebody_s_own_pages_is_broken(shared_site: Site, opened: Open) -> None:
    crawl = crawled(shared_site, signed_in_client(shared_site, opened(shared_site.url)), *OWN)
    assert not crawl.broken, "\n".join(crawl.broken)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_somebody_s_own_pages_are_accessible(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    shared_site.sign_in(watched.page, shared_site.served.people.ann)
    assert_all_accessible(watched, OWN)


def test_a_page_that_is_not_there_is_accessible(shared_site: Site, opened: Open) -> None:
    watched = opened(shared_site.url)
    for path in ("/packages/acme/gret", "/about/nothing", "/docs/nothing", "/sign-in/link/nothing"):
        assert_accessible(watched.open(path))


@pytest.mark.parametrize("path", ["/", "/packages/acme/greet", "/search?q=greet"])
def test_a_page_works_without_a_script(shared_site: Site, opened: Open, path: str) -> None:
    page = opened(shared_site.url, scripts="off").open(path)
    assert page.get_by_role("heading", level=1).is_visible()
    page.get_by_role("searchbox", name="Search packages").first.fill("greet")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=greet*")
    page.get_by_role("link", name="greet").first.click()
    page.wait_for_url("**/packages/acme/greet*")


def crawled(site: Site, client: httpx.Client, *beginnings: str) -> Crawl:
    """Follow the links from these pages."""
    crawl = Crawl(site.url, client)
    with client:
        crawl.follow(*beginnings)
    return crawl


def signed_in_client(site: Site, watched: Watched) -> httpx.Client:
    """Return a client with the cookies of Ann's browser."""
    site.sign_in(watched.page, site.served.people.ann)
    cookies = {
        str(each.get("name")): str(each.get("value")) for each in watched.page.context.cookies()
    }
    return httpx.Client(cookies=cookies, timeout=30)


def assert_all_accessible(watched: Watched, paths: Iterable[str]) -> None:
    """Look at each page in each form; fail with all that is wrong with any of them."""
    wrong = [problem for path in paths for problem in problems_of(watched.open(path))]
    assert not wrong, "\n".join(wrong)
    watched.assert_nothing_happened()
