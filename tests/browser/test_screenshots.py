"""Key pages in four forms fit their window; with whole tables pictures go to bench/out/screens."""

import pytest

from tests.browser.chromium import keep_picture
from tests.browser.conftest import Open
from tests.browser.forms import FORMS, show_as, width_problem
from tests.browser.sample_registry import Site

pytestmark = pytest.mark.slow

PAGES = {
    "home": "/",
    "search": "/search?q=greet",
    "nothing-found": "/search?q=nothing-is-called-that",
    "package": "/packages/acme/greet",
    "right-to-left": "/packages/acme/welcome",
    "hostile": "/packages/acme/hostile",
    "versions": "/packages/acme/greet/1.1.0/versions",
    "dependencies": "/packages/acme/greet/1.1.0/dependencies",
    "source": "/packages/acme/greet/1.1.0/files?path=modules/greet/greet.bal",
    "api-module": "/packages/acme/shop/1.1.0/docs",
    "api-client": "/packages/acme/shop/1.1.0/docs/shop/Client",
    "api-function": "/packages/acme/shop/1.1.0/docs/shop/greetAll",
    "api-changes": "/packages/acme/shop/1.1.0/changes",
    "account": "/account",
    "tokens": "/account/tokens",
    "organization": "/account/organizations/acme",
    "organization-package": "/account/organizations/acme/packages/greet",
    "organization-log": "/account/organizations/acme/log",
    "organization-publishers": "/account/organizations/acme/publishers",
    "packages-of-acme": "/orgs/acme",
    "statistics": "/packages/acme/greet/1.1.0/statistics",
    "about": "/about",
    "docs": "/docs",
    "docs-clients": "/docs/clients",
    "docs-search": "/docs?q=token",
    "about-api-changes": "/about/api-changes",
}


@pytest.mark.timeout(300)
def test_key_pages_fit_their_window(documented_site: Site, opened: Open) -> None:
    watched = opened(documented_site.url)
    documented_site.sign_in(watched.page, documented_site.served.people.ann)
    for name, path in PAGES.items():
        page = watched.open(path)
        for form, scheme in FORMS:
            show_as(page, form, scheme)
            keep_picture(page, f"{name}-{form}-{scheme}")
            assert not width_problem(page)
    watched.assert_nothing_happened()
