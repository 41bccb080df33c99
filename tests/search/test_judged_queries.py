"""What the search finds for judged queries over the packages of a real registry."""

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial

import pytest

from shared.adapters.search.index import SqliteSearchIndex
from shared.adapters.search.rows import listing_words
from shared.adapters.search.synonyms import GROUPS
from shared.adapters.search.words import stem
from tests.search.corpus import INDEX, PACKAGES, Corpus
from tests.search.judging import first_page, judge, judged_queries, questions
from tests.search.plain_ranking import PlainRanking

MEAN_RECIPROCAL_RANK = 0.92
FIRST_IS_RIGHT = 0.85
# Of questions, most of whose words are in readmes and symbols, which these packages lack.
QUESTIONS_MEAN_RECIPROCAL_RANK = 0.87
QUESTIONS_FIRST_IS_RIGHT = 0.83

pytestmark = pytest.mark.skipif(
    not (INDEX.exists() and PACKAGES.exists()), reason=f"the real packages are not at {INDEX}"
)


@pytest.fixture(scope="module")
async def index(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index of the real packages."""
    index = SqliteSearchIndex(tmp_path_factory.mktemp("search") / "search.db")
    index.migrate()
    await index.rebuild(Corpus.read().stored())
    yield index
    index.close()


@pytest.mark.parametrize("half", ["tuned", "reported"])
async def test_people_find_first_what_they_want(index: SqliteSearchIndex, half: str) -> None:
    verdict = await judge(partial(first_page, index), judged_queries(half))
    assert verdict.mean_reciprocal_rank >= MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= FIRST_IS_RIGHT


@pytest.mark.parametrize("author", ["tuner", "independent"])
@pytest.mark.parametrize("half", ["tuned", "reported"])
async def test_questions_are_answered_by_names_and_keywords(
    index: SqliteSearchIndex, half: str, author: str
) -> None:
    verdict = await judge(partial(first_page, index), questions(half, author))
    assert verdict.mean_reciprocal_rank >= QUESTIONS_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= QUESTIONS_FIRST_IS_RIGHT


async def test_a_plain_ranking_finds_less(index: SqliteSearchIndex) -> None:
    queries = judged_queries("reported")
    ours = await judge(partial(first_page, index), queries)
    plain = await judge(PlainRanking(Corpus.read().listings()).search, queries)
    assert ours.mean_reciprocal_rank > plain.mean_reciprocal_rank
    assert ours.first_is_right > plain.first_is_right


async def test_every_accepted_package_exists() -> None:
    packages = {str(each.head.package) for each in Corpus.read().listings()}
    missing = [
        (each.query, name)
        for each in (*judged_queries(), *questions())
        for name in each.accepted
        if not any(replace(each, accepted=(name,)).accepts(package) for package in packages)
    ]
    assert missing == []


def test_the_vocabulary_leads_to_words_of_packages() -> None:
    known = {stem(word) for each in Corpus.read().listings() for word in listing_words(each)}
    meant = {word for each in GROUPS for word in each.meant.split()}
    assert {word for word in meant if stem(word) not in known} == set()


def test_there_are_enough_queries_and_each_says_why() -> None:
    queries = judged_queries()
    assert len({each.query for each in queries}) == len(queries) >= 150
    assert all(each.reason.endswith(".") for each in queries)
    halves = Counter(each.half for each in queries)
    assert halves["tuned"] == halves["reported"]


def test_there_are_enough_questions_in_both_halves() -> None:
    asked = questions()
    assert len({each.query for each in asked}) == len(asked)
    assert min(Counter((each.author, each.half) for each in asked).values()) >= 150
