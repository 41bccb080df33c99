"""What the search finds for judged queries over the packages of a real registry.

`judgments.json` says what whoever types a query wants: 3 is what is meant, 2 is close to it, 1 is
acceptable; `*` in a package stands for anything. A failure prints what each poor query found.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import log2
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.search import ANYONE, Query, ResultPage
from tests.paths import SHARED
from tests.search.corpus import Corpus

INDEX = SHARED / "data" / "central-index.jsonl"
JUDGMENTS = json.loads((Path(__file__).parent / "judgments.json").read_text("utf-8"))
PLACES = 10  # What a page shows first.
FLOOR = 0.9  # Mean over all queries; 1 is the best possible order for every one of them.
POOR = 0.8

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason=f"the real index is not at {INDEX}")


@dataclass(frozen=True)
class Judged:
    """One query: what it found, and how good that is."""

    query: str
    found: tuple[str, ...]
    quality: float

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.quality:.2f} {self.query!r}: {', '.join(self.found)}"


@pytest.fixture(scope="module")
async def index(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index of the real packages."""
    index = SqliteSearchIndex(tmp_path_factory.mktemp("search") / "search.db")
    index.migrate()

    async def listings() -> AsyncGenerator[Any]:
        for listing in Corpus.read(INDEX).listings():
            yield listing

    await index.rebuild(listings())
    yield index
    index.close()


async def test_people_find_first_what_they_want(index: SqliteSearchIndex) -> None:
    packages = await _all_packages(index)
    judged = [await _judge(index, judgment, packages) for judgment in JUDGMENTS]
    mean = sum(each.quality for each in judged) / len(judged)
    poor = "\n".join(str(each) for each in judged if each.quality < POOR)
    assert mean >= FLOOR, f"nDCG@{PLACES} over {len(judged)} queries is {mean:.3f}:\n{poor}"


async def test_every_judged_package_exists(index: SqliteSearchIndex) -> None:
    packages = await _all_packages(index)
    names = [(each["query"], name) for each in JUDGMENTS for name in each["relevant"]]
    assert [pair for pair in names if not any(fnmatchcase(key, pair[1]) for key in packages)] == []


def test_there_are_enough_judgments_and_each_says_why() -> None:
    assert len({each["query"] for each in JUDGMENTS}) == len(JUDGMENTS) >= 60
    assert all(each["reason"].endswith(".") for each in JUDGMENTS)


async def _all_packages(index: SqliteSearchIndex) -> list[str]:
    found = [
        await index.search(Query(), ResultPage(offset, 1_000), ANYONE) for offset in (0, 1_000)
    ]
    return [str(hit.listing.head.package) for results in found for hit in results.hits]


async def _judge(index: SqliteSearchIndex, judgment: dict[str, Any], packages: list[str]) -> Judged:
    results = await index.search(Query.parse(judgment["query"]), ResultPage(limit=PLACES), ANYONE)
    found = tuple(str(hit.listing.head.package) for hit in results.hits)
    grades = [_grade(package, judgment["relevant"]) for package in found]
    best = sorted((_grade(each, judgment["relevant"]) for each in packages), reverse=True)
    return Judged(judgment["query"], found, _gain(grades) / _gain(best[:PLACES]))


def _grade(package: str, relevant: Mapping[str, int]) -> int:
    """Return the grade of the package: its own, else that of a pattern it fits."""
    if package in relevant:
        return relevant[package]
    return max((grade for name, grade in relevant.items() if fnmatchcase(package, name)), default=0)


def _gain(grades: list[int]) -> float:
    """Return the discounted cumulative gain: what stands lower counts less."""
    return sum((2**grade - 1) / log2(place + 2) for place, grade in enumerate(grades))
