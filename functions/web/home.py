"""GET /: totals, categories, and packages that are used most, updated and new; GET /organizations
and /keywords: everything that packages are published under, with counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from urllib.parse import quote, quote_plus

from msgspec import Struct

from functions.http.answers import JSON
from functions.http.pages import PublicPageCall, PublicPages
from functions.http.pagination import Pager
from shared.domain.listings import Facet, FacetCount
from shared.domain.search import MAX_QUERY_LENGTH
from shared.runtime.answers import Answer

CATEGORIES = (
    ("AI", "ai"),
    ("Databases", "database"),
    ("Messaging", "messaging"),
    ("Cloud", "cloud"),
    ("Healthcare", "healthcare"),
    ("Finance", "finance"),
    ("CRM", "crm"),
    ("Communication", "communication"),
)  # Each with the word that it searches for; a line of them, or two on a phone.
FEW_CATEGORIES = 4  # A registry with fewer has another subject, which its keywords tell.
_WORD = re.compile(r"[a-z0-9]+")


pages = PublicPages()
FACES = (pages,)


@pages.read("/")
async def web_home(call: PublicPageCall) -> Answer:
    summary = await call.registry.packages.statistics.summary()
    return call.show(
        "web/home.html",
        summary=summary,
        used=tuple(each for each in summary.used if summary.dependents.get(each.head.package.key)),
        pulled=tuple(each for each in summary.pulled if each.head.pulls),
        categories=categories(summary.facets.get(Facet.KEYWORD, ())),
        has_printed_link=not call.registry.settings.is_in_the_cloud,
    )


def categories(keywords: Sequence[FacetCount]) -> tuple[tuple[str, str], ...]:
    """Return names with the searches for them: the categories of `CATEGORIES` that keywords have,
    or, where they are few, the keywords that several packages have."""
    words = {word for each in keywords for word in _WORD.findall(each.value.lower())}
    found = tuple((name, f"/search?q={word}") for name, word in CATEGORIES if word in words)
    return found if len(found) >= FEW_CATEGORIES else tuple(_popular(keywords))


def _popular(keywords: Sequence[FacetCount]) -> Iterator[tuple[str, str]]:
    shared = (each.value for each in keywords if each.count > 1)
    for keyword in islice(shared, len(CATEGORIES)):
        yield keyword, f"/search?keyword={quote_plus(keyword)}"


VALUES_PER_PAGE = 60  # In columns of three, as many as twenty rows.
SORTS = {"packages": "Most packages", "name": "Name"}
_FIRST_SORT = "packages"


class Directory(Struct, frozen=True):
    """One of the directories: its path, its words, and where its values lead."""

    path: str
    title: str
    noun: str
    target: str

    def target_of(self, value: str) -> str:
        quoted = quote_plus(value) if "?" in self.target else quote(value, safe="")
        return f"{self.target}{quoted}"


ORGANIZATIONS = Directory("/organizations", "Organizations", "organization", "/orgs/")
KEYWORDS = Directory("/keywords", "Keywords", "keyword", "/search?keyword=")


@pages.read("organizations")
async def web_organizations(call: PublicPageCall) -> Answer:
    text = _text(call)
    values = await call.registry.packages.search.organizations(text, by=call.caller)
    return _directory_page(call, ORGANIZATIONS, text, values)


@pages.read("keywords")
async def web_keywords(call: PublicPageCall) -> Answer:
    text = _text(call)
    values = await call.registry.packages.search.keywords(text, by=call.caller)
    return _directory_page(call, KEYWORDS, text, values)


def _text(call: PublicPageCall) -> str:
    return call.redacted_query.get("q", "")[:MAX_QUERY_LENGTH].strip()


def _directory_page(
    call: PublicPageCall, directory: Directory, text: str, values: Sequence[FacetCount]
) -> Answer:
    sort = call.redacted_query.get("sort", "")
    sort = sort if sort in SORTS else _FIRST_SORT
    if sort != _FIRST_SORT:
        values = sorted(values, key=lambda each: each.value.casefold())
    pagers = {each: _pager(call, directory, text, each, len(values)) for each in SORTS}
    pager = pagers[sort]
    if call.wants(JSON):
        return call.json(_directory_json(directory, pager, values))
    return call.show(
        "web/directory.html",
        directory=directory,
        sought=text,
        sort=sort,
        sorts=[(key, SORTS[key], each.address(1)) for key, each in pagers.items()],
        pager=pager,
        values=pager.slice(values),
    )


def _pager(call: PublicPageCall, directory: Directory, text: str, sort: str, total: int) -> Pager:
    parameters = {
        "q": text,
        "sort": "" if sort == _FIRST_SORT else sort,
        "page": call.redacted_query.get("page", ""),
    }
    return Pager.of(total, VALUES_PER_PAGE, directory.path, parameters)


def _directory_json(
    directory: Directory, pager: Pager, values: Sequence[FacetCount]
) -> Mapping[str, object]:
    return {
        "count": pager.total,
        "page": pager.number,
        "pages": pager.last,
        directory.path.removeprefix("/"): [
            {"name": each.value, "packages": each.count} for each in pager.slice(values)
        ],
    }
