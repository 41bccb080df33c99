"""GET /organizations and /keywords: everything that packages are published under, with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from functions.http.answers import JSON
from functions.http.pagination import Pager
from functions.http.public_pages import PublicPageCall, PublicPages
from shared.domain.search import MAX_QUERY_LENGTH
from shared.domain.search_facets import FacetCount
from shared.runtime.answers import Answer

VALUES_PER_PAGE = 60  # In columns of three, as many as twenty rows.
SORTS = {"packages": "Most packages", "name": "Name"}
_FIRST_SORT = "packages"


@dataclass(frozen=True, slots=True)
class Directory:
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


pages = PublicPages()
FACES = (pages,)


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
