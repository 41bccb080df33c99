"""What the search finds for judged queries over the packages of a real registry."""

import fnmatch
from collections import Counter
from collections.abc import AsyncGenerator
from functools import partial

import pytest

from shared.adapters.search.index import SqliteSearchIndex
from shared.adapters.search.indexed_words import listing_words
from shared.adapters.search.vocabulary import FILES, LANGUAGES, read_groups
from shared.adapters.search.words import stem
from tests.search.corpus import Corpus
from tests.search.judging import (
    TUNING,
    UNREAD,
    first_page,
    halved_questions,
    heldout_questions,
    judge,
    judged_queries,
    questions,
)
from tests.search.plain_ranking import PlainRanking
from tests.search.symbol_corpus import declared_symbols, declaring, documented, first_symbols
from tests.support.search_files import filled_index

MEAN_RECIPROCAL_RANK = 0.97
FIRST_IS_RIGHT = 0.95
# Of questions that were read when the ranking was changed.
QUESTIONS_MEAN_RECIPROCAL_RANK = 0.93
QUESTIONS_FIRST_IS_RIGHT = 0.9
# Of those that nobody read.
HELD_OUT_MEAN_RECIPROCAL_RANK = 0.9
HELD_OUT_FIRST_IS_RIGHT = 0.85
# Of error texts, classes, hosts, endings of files and needs in people's own words.
OWN_WORDS_MEAN_RECIPROCAL_RANK = 0.9
OWN_WORDS_FIRST_IS_RIGHT = 0.85


@pytest.fixture(scope="module")
async def index(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index of the real packages."""
    file = tmp_path_factory.mktemp("search") / "search.db"
    index = filled_index(file, Corpus.read().listings())
    yield index
    index.close()


async def test_people_find_first_what_they_want(index: SqliteSearchIndex) -> None:
    verdict = await judge(partial(first_page, index), judged_queries())
    assert verdict.mean_reciprocal_rank >= MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= FIRST_IS_RIGHT


@pytest.mark.parametrize("author", ["tuner", "independent", "second"])
async def test_questions_are_answered_by_names_and_keywords(
    index: SqliteSearchIndex, author: str
) -> None:
    verdict = await judge(partial(first_page, index), questions(author))
    assert verdict.mean_reciprocal_rank >= QUESTIONS_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= QUESTIONS_FIRST_IS_RIGHT


async def test_questions_that_nobody_read_are_answered(index: SqliteSearchIndex) -> None:
    verdict = await judge(partial(first_page, index), heldout_questions())
    assert verdict.mean_reciprocal_rank >= HELD_OUT_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= HELD_OUT_FIRST_IS_RIGHT


async def test_a_half_that_nobody_read_of_the_fourth_questions_is_answered(
    index: SqliteSearchIndex,
) -> None:
    verdict = await judge(partial(first_page, index), halved_questions("fourth", UNREAD))
    assert verdict.mean_reciprocal_rank >= HELD_OUT_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= HELD_OUT_FIRST_IS_RIGHT


async def test_a_half_that_nobody_read_of_questions_in_own_words_is_answered(
    index: SqliteSearchIndex,
) -> None:
    verdict = await judge(partial(first_page, index), halved_questions("fifth", UNREAD))
    assert verdict.mean_reciprocal_rank >= OWN_WORDS_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= OWN_WORDS_FIRST_IS_RIGHT


@pytest.fixture(scope="module")
async def declarations(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index of packages that declare symbols."""
    file = tmp_path_factory.mktemp("declarations") / "search.db"
    index = filled_index(file, [each async for each in declaring(Corpus.read())])
    yield index
    index.close()


@pytest.mark.parametrize("half", [TUNING, UNREAD])
async def test_declarations_are_found_by_names_fields_and_tasks(
    declarations: SqliteSearchIndex, half: str
) -> None:
    asked = halved_questions("declarations", half)
    verdict = await judge(partial(first_symbols, declarations), asked)
    assert verdict.mean_reciprocal_rank >= HELD_OUT_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= HELD_OUT_FIRST_IS_RIGHT


def test_every_accepted_declaration_exists() -> None:
    declared = {
        f"{each.module}:{each.title}" for found in declared_symbols().values() for each in found
    }
    asked = [each for half in (TUNING, UNREAD) for each in halved_questions("declarations", half)]
    assert {name for each in asked for name in each.accepted} <= declared


@pytest.fixture(scope="module")
async def symbols(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index of packages with their documentation."""
    file = tmp_path_factory.mktemp("symbols") / "search.db"
    index = filled_index(file, [each async for each in documented(Corpus.read())])
    yield index
    index.close()


@pytest.mark.parametrize("half", [TUNING, UNREAD])
async def test_symbols_are_found_by_words_of_their_packages(
    symbols: SqliteSearchIndex, half: str
) -> None:
    verdict = await judge(partial(first_symbols, symbols), halved_questions("symbols", half))
    assert verdict.mean_reciprocal_rank >= HELD_OUT_MEAN_RECIPROCAL_RANK
    assert verdict.first_is_right >= HELD_OUT_FIRST_IS_RIGHT


async def test_a_plain_ranking_finds_less(index: SqliteSearchIndex) -> None:
    queries = judged_queries()
    ours = await judge(partial(first_page, index), queries)
    plain = await judge(PlainRanking(Corpus.read().listings()).search, queries)
    assert ours.mean_reciprocal_rank > plain.mean_reciprocal_rank
    assert ours.first_is_right > plain.first_is_right


def test_every_accepted_package_exists() -> None:
    packages = Corpus.read().packages()
    missing = [
        (each.query, name)
        for each in (*judged_queries(), *questions(), *heldout_questions())
        for name in each.accepted
        if not fnmatch.filter(packages, name)
    ]
    assert missing == []


def test_the_vocabulary_leads_to_words_of_packages() -> None:
    known = {stem(word) for each in Corpus.read().listings() for word in listing_words(each)}
    files = [name for name in FILES[1:] if name not in LANGUAGES]
    meant = {word for name in files for each in read_groups(name) for word in each.meant}
    assert {word for word in meant if stem(word) not in known} == set()


def test_there_are_enough_queries_and_each_says_why() -> None:
    queries = judged_queries()
    assert len({each.query for each in queries}) == len(queries) >= 150
    assert all(each.reason.endswith(".") for each in queries)


def test_there_are_enough_questions_of_each_author_and_none_twice() -> None:
    asked = (*questions(), *heldout_questions())
    assert len({each.query for each in asked}) == len(asked)
    assert min(Counter(each.author for each in questions()).values()) >= 250


async def test_an_error_text_with_quoted_words_is_read_word_by_word(
    index: SqliteSearchIndex,
) -> None:
    found = await first_page(index, 'password authentication failed for user "nobodyhasthis"')
    assert found[0] == "ballerinax/postgresql"


async def test_a_path_that_is_no_package_is_read_as_words_beside_others(
    index: SqliteSearchIndex,
) -> None:
    found = await first_page(index, "UN/EDIFACT BAPLIE nobodyhasthis")
    assert found[0] == "ballerinax/edifact.d03a.shipping"


async def test_a_phrase_alone_stays_a_phrase(index: SqliteSearchIndex) -> None:
    assert await first_page(index, '"postgresql kafka"') == []


@pytest.mark.parametrize("word", ["alternative", "equivalent", "Replacement"])
async def test_who_asks_for_an_alternative_gets_others_first(
    index: SqliteSearchIndex, word: str
) -> None:
    found = await first_page(index, f"jira {word}")
    assert found[0] != "ballerinax/jira"
    assert found.index("ballerinax/asana") < found.index("ballerinax/jira")
    assert (await first_page(index, "jira"))[0] == "ballerinax/jira"


async def test_two_letters_of_a_short_word_that_changed_places_are_put_right(
    index: SqliteSearchIndex,
) -> None:
    assert "ballerina/yaml" in await first_page(index, "ymal")
    assert "ballerina/yaml" not in await first_page(index, "yawl")  # It may be a name itself.


async def test_a_path_that_is_no_package_is_read_as_words(index: SqliteSearchIndex) -> None:
    assert (await first_page(index, "gorilla/websocket"))[0] == "ballerina/websocket"


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("https://acme.documents.azure.com:443/dbs", "ballerinax/azure_cosmosdb"),
        ("acme.queue.core.windows.net", "ballerinax/azure_storage_service"),
        ("jdbc:mariadb://localhost:3306/shop", "ballerinax/mysql"),
        ("localhost:27017", "ballerinax/mongodb"),
        ("com.rabbitmq.client.ShutdownSignalException:", "ballerinax/rabbitmq"),
        ("org.acme.kafka.KafkaRebalanceListener", "ballerinax/kafka"),
        ("NatsConnectionFactory", "ballerinax/nats"),
        ("report.xlsx", "ballerinax/microsoft.excel"),
        ("github.com/acme/grpc", "ballerina/grpc"),
        ("json.net", "ballerina/data.jsondata"),
        ("files.com", "ballerinax/files.com"),
    ],
)
async def test_names_from_programs_lead_to_packages(
    index: SqliteSearchIndex, typed: str, wanted: str
) -> None:
    assert (await first_page(index, typed))[0] == wanted


async def test_the_name_of_a_product_is_not_divided(index: SqliteSearchIndex) -> None:
    assert (await first_page(index, "announce nothingelsehasthis GitHub"))[0] == "ballerinax/github"
