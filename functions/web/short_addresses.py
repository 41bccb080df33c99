"""Short addresses that lead to pages: `/org/name` and `/org/name/version`, which `bal` prints, and
addresses that end too early."""

from collections.abc import Set
from contextlib import suppress

from functions.http.pages import PAGE_HEADERS
from functions.http.public_pages import AnonymousPages, PublicPageCall
from shared.domain.errors.base import Refusal
from shared.domain.names import Package, parse_org
from shared.domain.versions import Version
from shared.runtime.answers import Answer

pages = AnonymousPages()
FACES = (pages,)


@pages.read("packages/{org?}")
async def web_missing_name(call: PublicPageCall) -> Answer:
    org = call.redacted_route.get("org")
    return redirect(f"/orgs/{parse_org(org)}" if org else "/search")


@pages.read("orgs")
async def web_missing_org_name(call: PublicPageCall) -> Answer:
    return redirect("/organizations")


def package_page(path: str, prefixes: Set[str]) -> str:
    """Return the page of `org/name` or `org/name/version`, whether there is one or not; empty for
    other paths. `bal` prints such addresses, which are pages of Central."""
    org, _, rest = path.strip("/").partition("/")
    name, _, version = rest.partition("/")
    if org.lower() in prefixes:
        return ""
    with suppress(Refusal):
        page = f"/packages/{Package.parse(org, name)}"
        return f"{page}/{Version.parse(version)}" if version else page
    return ""


def redirect(path: str) -> Answer:
    """Redirect permanently, which caches may keep for an hour."""
    headers = {**PAGE_HEADERS, "Location": path, "Cache-Control": "public, max-age=3600"}
    return Answer(status=308, headers=headers)
