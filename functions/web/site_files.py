"""Files of the site: static files, audit.py, outdated.py, publish.py, verify.py, robots.txt,
sitemap.xml, favicon.ico, llms.txt, security.txt.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from msgspec.structs import replace

from functions.html.numbered_pages import requested_page
from functions.html.operator_links import vulnerability_contacts
from functions.html.page_templates import STATIC, static_path
from functions.html.public_pages import AnonymousPages, PublicPageCall, PublicPages
from functions.http.addresses import package_path
from functions.http.caching_headers import IMMUTABLE, REVALIDATE
from functions.http.calls import Call
from functions.http.representations import Representation, conditional_answer
from functions.http.scripts import (
    AUDIT_FILE,
    OUTDATED_FILE,
    PUBLISH_FILE,
    VERIFY_FILE,
    script_answer,
)
from shared.domain.documents import xml_document, xml_element, xml_leaf
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.errors.packages import PathNotFound
from shared.domain.listings import Listing
from shared.domain.search import MAX_OFFSET, Query, ResultPage, Results, Sort
from shared.domain.sentences import counted
from shared.domain.text_lines import in_one_line
from shared.domain.times import utc_text
from shared.domain.visibility import Readers
from shared.prose.manual import FILES, page_name
from shared.runtime.answers import Answer

_STATIC_MEDIA_TYPES = {
    "css": "text/css",
    "ico": "image/x-icon",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
}


pages = PublicPages()
anonymous = AnonymousPages()
FACES = (pages, anonymous)


@pages.read("static/{file}", ignores_credentials=True, serves_anonymous_always=True)
async def static_file(call: PublicPageCall) -> Answer:
    file = call.route_params["file"]
    name = _name_without_hash(file)
    # During a deployment, pages of the other version request its files: they get those of this
    # version, and must not cache them.
    is_current = f"/static/{file}" == static_path(name)
    caching = IMMUTABLE if is_current else REVALIDATE
    return conditional_answer(call, replace(_static_documents()[name], caching=caching))


def _name_without_hash(file: str) -> str:
    """Return the name of a static file, whatever version its hash is of."""
    stem, _, kind = file.rpartition(".")
    name = f"{stem.rpartition('.')[0]}.{kind}"
    if name not in _static_documents():
        raise PageNotFound(f"/static/{file}")
    return name


@cache
def _static_documents() -> dict[str, Representation]:
    return {
        file.name: Representation(
            file.read_bytes(), _STATIC_MEDIA_TYPES[file.suffix[1:]], is_public=True
        )
        for file in STATIC.iterdir()
    }


@pages.read("audit.py", ignores_credentials=True, serves_anonymous_always=True)
async def web_audit_file(call: PublicPageCall) -> Answer:
    return script_answer(call, AUDIT_FILE)


@pages.read("outdated.py", ignores_credentials=True, serves_anonymous_always=True)
async def web_outdated_file(call: PublicPageCall) -> Answer:
    return script_answer(call, OUTDATED_FILE)


@pages.read("publish.py", ignores_credentials=True, serves_anonymous_always=True)
async def web_publish_file(call: PublicPageCall) -> Answer:
    return script_answer(call, PUBLISH_FILE)


@pages.read("verify.py", ignores_credentials=True, serves_anonymous_always=True)
async def web_verify_file(call: PublicPageCall) -> Answer:
    return script_answer(call, VERIFY_FILE)


TEXT = "text/plain"
XML = "application/xml"
ICON = "image/x-icon"
# Crawlers shall read one page for each subject, and nothing that needs an account.
_ROBOTS = """\
User-agent: *
Disallow: /account
Disallow: /api/
Disallow: /archives/
Disallow: /device
Disallow: /files/
Disallow: /search
Disallow: /sign-in
Disallow: /2.0/

Sitemap: {url}/sitemap.xml
"""


@pages.read("robots.txt", serves_anonymous_always=True)
async def web_site_robots(call: PublicPageCall) -> Answer:
    return call.text(_ROBOTS.format(url=call.base_url), TEXT)


# A sitemap may have 50,000 addresses, which would take seconds to make: crawlers of a registry with
# more than these read an index of parts.
PACKAGES_PER_SITEMAP = 1_000
SITEMAP_PAGES = (
    "/",
    "/organizations",
    "/keywords",
    "/symbols",
    "/about",
    "/about/api",
    "/about/policies",
    "/about/log",
    "/docs",
    *(f"/docs/{page_name(file)}" for file in FILES),
)
_SITEMAPS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@anonymous.read("sitemap.xml")
async def web_sitemap(call: PublicPageCall) -> Answer:
    """Return the addresses of pages and public packages, or an index of parts of them."""
    number = requested_page(call.redacted_query)
    offset = min((number - 1) * PACKAGES_PER_SITEMAP, MAX_OFFSET)
    page = ResultPage(offset, PACKAGES_PER_SITEMAP, Sort.ADDED, descending=False)
    query = Query(include_deprecated=True, stored_only=True)
    found = await call.registry.packages.search.search(query, page, by=call.caller)
    if number > sitemap_parts(found):
        raise PageNotFound(f"/sitemap.xml?page={number}")
    is_index = "page" not in call.redacted_query and sitemap_parts(found) > 1
    if is_index:
        return call.text(sitemap_index(found, call.base_url), XML)
    return call.text(_sitemap(found, number, call.base_url), XML)


def sitemap_parts(found: Results) -> int:
    return max(1, -(-found.count // PACKAGES_PER_SITEMAP))


def sitemap_index(found: Results, base_url: str) -> bytes:
    """Return the addresses of all parts."""
    numbers = range(1, sitemap_parts(found) + 1)
    addresses = (f"{base_url}/sitemap.xml?page={number}" for number in numbers)
    entries = (xml_element("sitemap", xml_leaf("loc", each)) for each in addresses)
    return xml_document(xml_element("sitemapindex", *entries, scope=_SITEMAPS))


def _sitemap(found: Results, number: int, base_url: str) -> bytes:
    """Return the packages of one part, and in the first one the pages of the site."""
    paths = SITEMAP_PAGES if number == 1 else ()
    entries = [xml_element("url", xml_leaf("loc", base_url + path)) for path in paths]
    entries += [_sitemap_entry(hit.listing, base_url) for hit in found.hits]
    return xml_document(xml_element("urlset", *entries, scope=_SITEMAPS))


def _sitemap_entry(listing: Listing, base_url: str) -> str:
    changed_ms = listing.release.changed_ms or listing.release.created_ms
    return xml_element(
        "url",
        xml_leaf("loc", base_url + package_path(listing.head.package)),
        xml_leaf("lastmod", utc_text(changed_ms)),
    )


@pages.read("favicon.ico", ignores_credentials=True, serves_anonymous_always=True)
async def web_site_icon(call: PublicPageCall) -> Answer:
    icon = (STATIC / "favicon.ico").read_bytes()
    document = Representation(icon, ICON, is_public=True, caching="public, max-age=86400")
    return conditional_answer(call, document)


PACKAGES_PER_LLMS_PAGE = 200  # 30 KB, made in about 20 ms.


@anonymous.read("llms.txt")
async def web_llms(call: PublicPageCall) -> Answer:
    number = requested_page(call.redacted_query)
    offset = min((number - 1) * PACKAGES_PER_LLMS_PAGE, MAX_OFFSET)
    page = ResultPage(offset=offset, limit=PACKAGES_PER_LLMS_PAGE, sort=Sort.NAME, descending=False)
    found = await call.registry.packages.search.search(Query(), page, by=call.caller)
    if number > 1 and not found.hits:
        raise PageNotFound("/llms.txt")
    return call.text(_llms_packages(found, number, call.base_url), TEXT)


def _llms_packages(found: Results, number: int, base_url: str) -> str:
    """Return one page of the list in the format of llmstxt.org."""
    how = (
        "Send `Accept: text/markdown` to the address of a package for its readme and how to use "
        f"it; {base_url}/2.0/registry/packages/ORG/NAME/latest has its facts as JSON. How clients "
        f"read this registry: {base_url}/about. The API: {base_url}/api/v1/openapi.json. Agents "
        f"call the tools of the Model Context Protocol at {base_url}/mcp: {base_url}/docs/agents."
    )
    beginning = (
        "# Ballroom",
        "> A registry of Ballerina packages. The words behind each package are its authors' own.",
        how,
        f"## Packages ({counted(found.count, 'package')}, page {number})",
    )
    lines = "\n".join(_llms_line(hit.listing, base_url) for hit in found.hits)
    is_last = number * PACKAGES_PER_LLMS_PAGE >= found.count
    more = [] if is_last else [f"## More\n\n- [Next page]({base_url}/llms.txt?page={number + 1})"]
    return "\n\n".join([*beginning, lines or "None yet.", *more]) + "\n"


def _llms_line(listing: Listing, base_url: str) -> str:
    package = listing.head.package
    summary = in_one_line(listing.release.summary)
    text = f": {summary}" if summary else ""
    return f"- [{package}]({base_url}{package_path(package)}) {listing.release.version}{text}"


SECURITY_TXT_PATH = ".well-known/security.txt"
VULNERABILITY_POLICY = "/about/policies#weakness"

# From the start of the day, so that the file changes daily. RFC 9116 advises a year at most.
SECURITY_TXT_LIFETIME = timedelta(days=90)


@pages.read(SECURITY_TXT_PATH, ignores_credentials=True, serves_anonymous_always=True)
async def security_txt_file(call: Call) -> Answer:
    settings = call.registry.settings
    contacts = vulnerability_contacts(settings)
    if not contacts:
        raise PathNotFound(SECURITY_TXT_PATH, "The operator of this registry names no contact.")
    text = security_txt(contacts, settings.base_url, call.registry.clock.now_ms())
    if settings.readers is Readers.EVERYBODY:  # Others see the page after a sign-in.
        text += f"Policy: {settings.base_url}{VULNERABILITY_POLICY}\n"
    return conditional_answer(call, Representation(text.encode(), TEXT, is_public=True))


def security_txt(contacts: Iterable[str], base_url: str, now_ms: int) -> str:
    """Return the file, which expires in `SECURITY_TXT_LIFETIME`."""
    today = datetime.fromtimestamp(now_ms // 1000, UTC).replace(hour=0, minute=0, second=0)
    listed = "".join(f"Contact: {contact}\n" for contact in contacts)
    return (
        f"{listed}"
        f"Expires: {today + SECURITY_TXT_LIFETIME:%Y-%m-%dT%H:%M:%SZ}\n"
        "Preferred-Languages: en\n"
        f"Canonical: {base_url}/{SECURITY_TXT_PATH}\n"
    )
