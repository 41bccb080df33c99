"""Judged queries: what people type, and which packages they want.

Each query of `judged_queries.json` has its kind, the accepted packages (`*` stands for anything)
and the reason. The answers were decided by reading what packages say, not by what a search found.
Queries of the half `tuned` may be used to change the ranking. Those of the half `reported` are
only counted: nobody looks at what they find.

`questions.json` has questions in words of their own, all written before any of them was searched
for. Their half is decided by their text, so that nobody chooses it. Those of the author `tuner` are
by the author of the ranking, those of `independent` by somebody who saw what packages do, and
neither the ranking nor its synonyms.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from shared.domain.search import ANYONE, Query, ResultPage
from shared.ports import SearchIndex

FIRST_PAGE = 20  # What is not on the first page is not found.

Search = Callable[[str], Awaitable[list[str]]]  # From a query to packages, the best one first.


@dataclass(frozen=True)
class JudgedQuery:
    query: str
    kind: str
    half: str
    accepted: tuple[str, ...]
    reason: str = ""
    author: str = ""

    def accepts(self, package: str) -> bool:
        return any(fnmatchcase(package, each) for each in self.accepted)

    def rank(self, found: Iterable[str]) -> int | None:
        """Return the place of the first accepted package, counted from one."""
        places = (place for place, package in enumerate(found, start=1) if self.accepts(package))
        return next(places, None)


@dataclass(frozen=True)
class Verdict:
    """How good a search is over some queries."""

    queries: int
    mean_reciprocal_rank: float
    first_is_right: float  # Share of the queries.

    @classmethod
    def of(cls, ranks: list[int | None]) -> "Verdict":
        reciprocal = sum(1 / rank for rank in ranks if rank)
        first = sum(rank == 1 for rank in ranks)
        return cls(len(ranks), reciprocal / len(ranks), first / len(ranks))


async def first_page(index: SearchIndex, text: str) -> list[str]:
    """Return the packages that the search page shows first."""
    query = replace(Query.parse(text), deprecated_last=True)
    results = await index.search(query, ResultPage(limit=FIRST_PAGE), ANYONE)
    return [str(hit.listing.head.package) for hit in results.hits]


def judged_queries(half: str = "") -> list[JudgedQuery]:
    """Return the queries of one half, or all of them."""
    file = Path(__file__).parent / "judged_queries.json"
    read = [JudgedQuery(**each) for each in json.loads(file.read_text("utf-8"))]
    return [each for each in read if half in ("", each.half)]


def questions(half: str = "", author: str = "") -> list[JudgedQuery]:
    """Return the questions of one half and of one author, or all of them."""
    file = Path(__file__).parent / "questions.json"
    read = [
        JudgedQuery(half=_half_of(each["query"]), **each)
        for each in json.loads(file.read_text("utf-8"))
    ]
    return [each for each in read if half in ("", each.half) and author in ("", each.author)]


def _half_of(text: str) -> str:
    """Return the half of a question: that of the last bit of its digest's first byte."""
    return "reported" if hashlib.sha256(text.encode()).digest()[0] % 2 else "tuned"


async def judge(search: Search, queries: Iterable[JudgedQuery]) -> Verdict:
    """Return how good the search is over these queries."""
    found = [(each, await search(each.query)) for each in queries]
    return Verdict.of([each.rank(packages[:FIRST_PAGE]) for each, packages in found])
