"""GET /organizations and /keywords: everything that packages are published under, with counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import azure.functions as func

from functions.http.pagination import Pager
from functions.http.public_pages import PageRequest, PublicPages
from functions.http.requests import READ_METHODS
from functions.http.responses import JSON
from shared.composition import Registry
from shared.domain.search import MAX_QUERY_LENGTH, FacetCount

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
        """Return the path of the packages with this value."""
        quoted = quote_plus(value) if "?" in self.target else quote(value, safe="")
        return f"{self.target}{quoted}"


ORGANIZATIONS = Directory("/organizations", "Organizations", "organization", "/orgs/")
KEYWORDS = Directory("/keywords", "Keywords", "keyword", "/search?keyword=")


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("organizations", methods=READ_METHODS)
    @pages.page
    async def web_organizations(request: PageRequest) -> func.HttpResponse:
        text = _text(request)
        values = await registry.search.organizations(text, by=request.principal)
        return _directory_page(request, ORGANIZATIONS, text, values)

    @bp.route("keywords", methods=READ_METHODS)
    @pages.page
    async def web_keywords(request: PageRequest) -> func.HttpResponse:
        text = _text(request)
        values = await registry.search.keywords(text, by=request.principal)
        return _directory_page(request, KEYWORDS, text, values)

    return bp


def _text(request: PageRequest) -> str:
    return request.query.get("q", "")[:MAX_QUERY_LENGTH].strip()


def _directory_page(
    request: PageRequest, directory: Directory, text: str, values: Sequence[FacetCount]
) -> func.HttpResponse:
    sort = request.query.get("sort", "")
    sort = sort if sort in SORTS else _FIRST_SORT
    if sort != _FIRST_SORT:
        values = sorted(values, key=lambda each: each.value.casefold())
    pagers = {each: _pager(request, directory, text, each, len(values)) for each in SORTS}
    pager = pagers[sort]
    if request.wants(JSON):
        return request.json(_directory_json(directory, pager, values))
    return request.show(
        "web/directory.html",
        directory=directory,
        sought=text,
        sort=sort,
        sorts=[(key, SORTS[key], each.address(1)) for key, each in pagers.items()],
        pager=pager,
        values=pager.slice(values),
    )


def _pager(request: PageRequest, directory: Directory, text: str, sort: str, total: int) -> Pager:
    parameters = {
        "q": text,
        "sort": "" if sort == _FIRST_SORT else sort,
        "page": request.query.get("page", ""),
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
