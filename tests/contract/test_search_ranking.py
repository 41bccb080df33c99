"""Which of the packages that a search finds come first, for every adapter of the search index."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.search import ANYONE, Query, ResultPage, Sort
from shared.domain.visibility import Visibility
from shared.ports.search import SearchIndex
from tests.contract.test_search_index import INDEXES, found, listing, names, needing, offer_all

pytestmark = pytest.mark.slow


@pytest.fixture(params=sorted(INDEXES))
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SearchIndex]:
    """Return an empty index."""
    async with INDEXES[request.param](tmp_path) as opened:
        yield opened


# --- words --------------------------------------------------------------------------------------


async def test_a_rare_word_counts_more_than_a_usual_one(index: SearchIndex) -> None:
    await offer_all(
        index,
        *(listing(f"acme/n{number}:1.0.0", keywords=("usual",)) for number in range(9)),
        listing("acme/one:1.0.0", keywords=("usual",)),
        listing("acme/two:1.0.0", keywords=("rare",)),
    )
    assert (await found(index, "usual rare"))[0] == "acme/two"


async def test_a_segment_of_a_name_comes_before_a_word_in_an_underscored_name(
    index: SearchIndex,
) -> None:
    await offer_all(
        index, listing("acme/queue_to_email:1.0.0", pulls=10**6), listing("acme/cloud.queue:1.0.0")
    )
    assert await found(index, "queue") == ["acme/cloud.queue", "acme/queue_to_email"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("logging", "ballerina/log"),
        ("encryption", "ballerina/crypto"),
        ("cron", "ballerina/task"),
        ("sql server", "ballerinax/mssql"),
        ("db", "ballerina/sql"),
        ("key vault", "ballerinax/azure.keyvault"),
        ("keyvault", "ballerinax/azure.keyvault"),
        ("azurekeyvault", "ballerinax/azure.keyvault"),
        ("kubernetis", "ballerina/cloud"),
        ("encrryption", "ballerina/crypto"),
    ],
)
async def test_a_word_is_found_in_another_form(index: SearchIndex, typed: str, name: str) -> None:
    await offer_all(
        index,
        listing("ballerina/log:1.0.0"),
        listing("ballerina/crypto:1.0.0", keywords=("encrypt",)),
        listing("ballerina/task:1.0.0"),
        listing("ballerinax/mssql:1.0.0"),
        listing("ballerina/sql:1.0.0", keywords=("database",)),
        listing("ballerinax/azure.keyvault:1.0.0"),
        listing("ballerina/cloud:1.0.0", keywords=("kubernetes",)),
    )
    assert (await found(index, typed))[0] == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("webex alternative", "acme/zoom"),  # A product by those that do the same.
        ("nodemailer", "acme/email"),  # A library of another language.
        ("NoSuchBucketException", "acme/aws.s3"),  # Errors, and the parts of their identifiers.
        ("bot channel_not_found", "acme/slack"),
        ("RFC 4180", "acme/csv"),  # A standard by its number.
        ("speech to text", "acme/audio"),  # Without the words that say nothing.
        ("mysql:Client db = check new (url);", "acme/mysql"),  # Code.
        ("person.cloneWithType(Person)", "acme/lang.value"),
    ],
)
async def test_a_package_is_found_by_what_means_the_same(
    index: SearchIndex, typed: str, name: str
) -> None:
    named = ("zoom", "email", "aws.s3", "slack", "csv", "audio", "mysql", "lang.value", "url")
    await offer_all(index, *(listing(f"acme/{each}:1.0.0") for each in named))
    assert (await found(index, typed))[0] == name


async def test_a_readme_is_found_by_its_words_in_any_form_but_not_by_its_code(
    index: SearchIndex,
) -> None:
    readme = (
        "Streams results.\n\n```ballerina\nimport ballerina/http;\n```\nSee https://x.example/kafka"
    )
    await index.offer(listing("acme/one:1.0.0", readme=readme))
    assert await found(index, "streaming result") == ["acme/one"]
    assert await found(index, "http") == []
    assert await found(index, "kafka") == []


# --- what lifts packages ------------------------------------------------------------------------


async def order(index: SearchIndex) -> list[str]:
    return [name.partition(".")[2] for name in await found(index, "client")]


async def test_packages_that_others_depend_on_come_first_while_they_do(index: SearchIndex) -> None:
    await offer_all(
        index,
        needing("other/early:1.0.0", "acme/client.b"),  # Before the package that it needs.
        listing("acme/client.a:1.0.0"),
        listing("acme/client.b:1.0.0"),
    )
    assert await order(index) == ["b", "a"]
    await offer_all(
        index,
        needing("other/early:1.1.0", "acme/client.b"),  # Counts once.
        needing("other/one:1.0.0", "Acme/Client.A"),
        needing("other/two:1.0.0", "acme/client.a"),
    )
    assert await order(index) == ["a", "b"]
    await index.remove(listing("other/one:1.0.0").head.package)
    await index.replace(listing("other/two:1.1.0"))
    assert await order(index) == ["b", "a"]


async def test_private_dependents_lift_nothing(index: SearchIndex) -> None:
    await offer_all(
        index,
        listing("acme/client.a:1.0.0"),
        listing("acme/client.b:1.0.0"),
        needing("other/hidden:1.0.0", "acme/client.b", visibility=Visibility.PRIVATE),
    )
    assert await order(index) == ["a", "b"]
    await index.replace(needing("other/hidden:1.0.0", "acme/client.b"))
    assert await order(index) == ["b", "a"]


@pytest.mark.parametrize("name", ["trigger.slack", "slack.samples", "slack.test", "slack.driver"])
async def test_what_accompanies_a_package_comes_after_it(index: SearchIndex, name: str) -> None:
    await offer_all(
        index, listing(f"ballerinax/{name}:1.0.0", pulls=10**9), listing("acme/chat.slack:1.0.0")
    )
    assert await found(index, "slack") == ["acme/chat.slack", f"ballerinax/{name}"]
    if name == "trigger.slack":  # It comes first where it was typed.
        for typed in ("slack trigger", "slack events", "slack webhook"):
            assert (await found(index, typed))[0] == "ballerinax/trigger.slack"


async def test_a_sample_comes_after_the_package_that_it_uses(index: SearchIndex) -> None:
    await offer_all(
        index,
        listing("acme/github_issues_to_slack:1.0.0", pulls=10**9),
        listing("acme/github_issues:1.0.0", template=True, keywords=("bot",)),
        listing("ballerinax/github:1.0.0"),
    )
    assert (await found(index, "github issues bot"))[0] == "ballerinax/github"
    assert await found(index, "acme/github_issues_to_slack") == ["acme/github_issues_to_slack"]


async def test_a_keyword_that_begins_the_name_counts_as_part_of_it(index: SearchIndex) -> None:
    await offer_all(
        index,
        listing("ballerina/io:1.0.0", keywords=("json",), pulls=10**7),
        listing("ballerina/data.jsondata:1.0.0", keywords=("json",)),
    )
    assert await found(index, "json") == ["ballerina/data.jsondata", "ballerina/io"]


async def test_the_standard_organizations_and_current_versions_come_first_among_equals(
    index: SearchIndex,
) -> None:
    await offer_all(
        index,
        listing("aaaa/http:1.0.0", ballerina_version="2201.5.0"),
        listing("acme/http:1.0.0", ballerina_version="2201.12.0"),
        listing("ballerina/http:1.0.0", ballerina_version="2201.5.0"),
    )
    assert await found(index, "http") == ["ballerina/http", "acme/http", "aaaa/http"]


# --- deprecated packages ------------------------------------------------------------------------


@pytest.fixture
async def renamed(index: SearchIndex) -> SearchIndex:
    """Return an index with a deprecated package, its successor and a neighbor."""
    await offer_all(
        index,
        listing("ballerinax/azure_functions:1.0.0", deprecation="Renamed.", pulls=10**9),
        listing("ballerinax/azure.functions:1.0.0"),
        listing("acme/other:1.0.0", readme="Deploys azure functions."),
    )
    return index


LAST: dict[str, Any] = {"deprecated_last": True}


async def test_deprecated_packages_come_last_except_by_their_exact_names(
    renamed: SearchIndex,
) -> None:
    old = "ballerinax/azure_functions"
    new = "ballerinax/azure.functions"
    assert await found(renamed, "azure functions", **LAST) == [new, "acme/other", old]
    assert await found(renamed, "azure", **LAST) == [new, "acme/other", old]
    assert await found(renamed, "azure_functions", **LAST) == [old, new, "acme/other"]
    assert (await found(renamed, "ballerinax/azure_functions", **LAST))[0] == old
    assert await found(renamed, "azure_functions") == [new, "acme/other"]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("descending", [True, False])
async def test_deprecated_packages_come_last_in_every_order_from_best_to_worst(
    renamed: SearchIndex, sort: Sort, *, descending: bool
) -> None:
    page = ResultPage(sort=sort, descending=descending)
    found = await renamed.search(replace(Query(), **LAST), page, ANYONE)
    is_reversed = sort is Sort.RELEVANCE and not descending  # The worst first.
    assert names(found)[0 if is_reversed else -1] == "ballerinax/azure_functions"
