"""Judged queries: what people type, and which packages they want.

Each query of `judged_queries.json` has its kind, the accepted packages (`*` stands for anything)
and the reason. The answers were decided by reading what packages say, not by what a search found.
They are read when the ranking is changed, as are the questions of `questions.json`, which are in
words of their own and were written before any of them was searched for. Those of the author `tuner`
are by the author of the ranking, those of `independent` by somebody who saw what packages do, and
neither the ranking nor its synonyms.

`questions_heldout.json` has questions of the same form by another such author. They are only
counted: nobody who changes the ranking or its vocabulary reads them, or what they find.

`questions_fourth.json` (questions in German and Spanish, with negations, and others) and
`questions_symbols.json` (of symbols) were written by the author of the ranking before it was read
for their kinds. Each question is of one half: those of the half `tuning` were read, the others
only counted. `questions_fifth.json` has error texts, classes, hosts, endings of files, needs and
others in people's own words, in the same form; they were written before any was searched for. So
were those of `questions_declarations.json`, which ask for what packages declare.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec.structs import replace

from shared.domain.search import ANYONE, Query, ResultPage
from shared.ports.search import SearchIndex

FOLDER = Path(__file__).parent
TUNING = "tuning"
UNREAD = "held out"
HELD_OUT = FOLDER / "questions_heldout.json"

FIRST_PAGE = 20  # What is not on the first page is not found.

Search = Callable[[str], Awaitable[list[str]]]  # From a query to packages, the best one first.


@dataclass(frozen=True)
class JudgedQuery:
    query: str
    kind: str
    accepted: tuple[str, ...]
    reason: str = ""
    author: str = ""
    half: str = ""  # Of a set of which only `TUNING` is read.

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


def judged_queries() -> list[JudgedQuery]:
    return _read(FOLDER / "judged_queries.json")


def questions(author: str = "") -> list[JudgedQuery]:
    """Return the questions of one author, or all of them, that are read to change the ranking."""
    return [each for each in _read(FOLDER / "questions.json") if author in ("", each.author)]


def heldout_questions() -> list[JudgedQuery]:
    """Return the questions that are only counted; none before somebody wrote them."""
    return _read(HELD_OUT) if HELD_OUT.exists() else []


def halved_questions(name: str, half: str) -> list[JudgedQuery]:
    """Return one half of the questions `fourth`, `fifth`, `symbols` or `declarations`."""
    return [each for each in _read(FOLDER / f"questions_{name}.json") if each.half == half]


def _read(file: Path) -> list[JudgedQuery]:
    return [JudgedQuery(**each) for each in json.loads(file.read_text("utf-8"))]


async def judge(search: Search, queries: Iterable[JudgedQuery]) -> Verdict:
    """Return how good the search is over these queries."""
    found = [(each, await search(each.query)) for each in queries]
    return Verdict.of([each.rank(packages[:FIRST_PAGE]) for each, packages in found])
