"""What every search index promises."""

import dataclasses
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.api_docs.item_summaries import NO_API
from shared.domain.api_docs.symbols import Symbol, pack_symbols
from shared.domain.distributions import ClientProfile
from shared.domain.events import Event
from shared.domain.listings import MAX_FACET_VALUES, Facet, FacetCount, FacetValue, Listing
from shared.domain.mentions import MAX_MENTIONS
from shared.domain.names import OrgName
from shared.domain.packages import Dependency, ModuleText, Texts, UpstreamOrigin
from shared.domain.search import (
    ANYONE,
    FacetPage,
    IndexTotals,
    KeywordCount,
    Query,
    ResultPage,
    Results,
    Sort,
    SymbolQuery,
    Viewer,
)
from shared.domain.visibility import Visibility
from shared.ports.search import SearchIndex
from tests.contract.immediate_search import immediate_search, opened_search
from tests.contract.sample_records import coordinate, head, package, release
from tests.contract.stores import prepared
from tests.fakes.system import FakeClock

Opener = Callable[[Path], AbstractAsyncContextManager[SearchIndex]]


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncGenerator[SearchIndex]:
    """Open the index of one machine."""
    index = SqliteSearchIndex(folder / "search.db")
    index.migrate()
    try:
        yield index
    finally:
        index.close()


@asynccontextmanager
async def cloud(folder: Path) -> AsyncGenerator[SearchIndex]:
    """Open the index of an instance in the cloud."""
    clock = FakeClock()
    async with opened_search(await prepared(folder, clock), clock, folder) as search:
        yield immediate_search(search.index)


INDEXES: dict[str, Opener] = {"sqlite": sqlite, "cloud": cloud}


@pytest.fixture(params=sorted(INDEXES))
def opener(request: pytest.FixtureRequest) -> Opener:
    """Return how to open an index; to open it twice is to be two processes."""
    return INDEXES[request.param]


@pytest.fixture
async def index(opener: Opener, tmp_path: Path) -> AsyncGenerator[SearchIndex]:
    """Return an empty index."""
    async with opener(tmp_path) as opened:
        yield opened


def listing(text: str, **fields: Any) -> Listing:
    """Return the listing of `org/name:version`; the fields are the head's or the release's."""
    of_head = {"visibility", "pulls", "head_revision", "package_deprecation"} & fields.keys()
    taken = {name: fields.pop(name) for name in of_head}
    if "head_revision" in taken:
        taken["revision"] = taken.pop("head_revision")
    if "package_deprecation" in taken:
        taken["deprecation"] = taken.pop("package_deprecation")
    readme = fields.pop("readme", "")
    made = release(text, **fields)
    modules = tuple(ModuleText(name=name, readme="long") for name in made.modules)
    owner = head(str(coordinate(text).package), **taken)
    return Listing(owner, made, Texts(readme=readme, modules=modules))


def names(results: Results) -> list[str]:
    """Return what was found, in order."""
    return [str(hit.listing.head.package) for hit in results.hits]


async def found(
    index: SearchIndex, text: str, viewer: Viewer = ANYONE, **restrictions: Any
) -> list[str]:
    """Return the packages that a search finds, checking that the count agrees."""
    query = replace(Query.parse(text), **restrictions)
    results = await index.search(query, ResultPage(limit=100), viewer)
    assert results.count == len(results.hits)
    return names(results)


async def offer_all(index: SearchIndex, *listings: Listing) -> None:
    """Offer these, one after the other."""
    for each in listings:
        await index.offer(each)


async def versions(index: SearchIndex) -> list[str]:
    """Return the versions that are shown."""
    query = replace(Query(), include_deprecated=True)
    results = await index.search(query, ResultPage(), Viewer(sees_everything=True))
    return [hit.listing.release.version for hit in results.hits]


PRIVATE = {"visibility": Visibility.PRIVATE}


# --- what is shown ------------------------------------------------------------------------------


async def test_an_empty_index_finds_nothing(index: SearchIndex) -> None:
    assert await index.search(Query.parse("kafka"), ResultPage(), ANYONE) == Results((), 0)
    assert await index.suggest("kafka", ANYONE, 5) == []


async def test_an_offered_release_is_found_at_once_by_every_process(
    index: SearchIndex, opener: Opener, tmp_path: Path
) -> None:
    async with opener(tmp_path) as other:
        await index.offer(listing("acme/greet:1.0.0"))
        assert await found(other, "greet") == ["acme/greet"]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"version": "1.10.0"}, {"version": "1.9.0"}),
        ({"version": "1.0.0"}, {"version": "2.0.0-rc.1"}),
        ({"version": "1.0.0-rc.2"}, {"version": "1.0.0-rc.1"}),
        ({"version": "1.0.0"}, {"version": "2.0.0", "deprecation": "Broken."}),
        ({"version": "1.0.0", "deprecation": ""}, {"version": "2.0.0-rc.1"}),
        ({"version": "1.0.0", "revision": 2}, {"version": "1.0.0", "revision": 1}),
        (
            {"version": "1.0.0", "revision": 2, "deprecation": "Broken."},
            {"version": "1.0.0", "revision": 1},
        ),
    ],
    ids=[
        "newer",
        "stable",
        "newer-rc",
        "not-deprecated",
        "deprecated-but-stable",
        "revised",
        "deprecated-since",
    ],
)
async def test_the_best_release_is_shown_in_whatever_order_they_are_offered(
    index: SearchIndex, better: dict[str, Any], worse: dict[str, Any]
) -> None:
    good, bad = (
        listing(f"acme/{{}}:{each['version']}".format("greet"), summary=summary, **each)
        for each, summary in ((better, "good"), (worse, "bad"))
    )
    await offer_all(index, good, bad)
    assert await found(index, "good", include_deprecated=True) == ["acme/greet"]
    await index.remove(package("acme/greet"))
    await offer_all(index, bad, good)
    assert await found(index, "good", include_deprecated=True) == ["acme/greet"]
    assert await found(index, "bad", include_deprecated=True) == []


async def test_the_newer_head_counts_whichever_release_is_shown(index: SearchIndex) -> None:
    hidden = {**PRIVATE, "head_revision": 2}
    await offer_all(index, listing("acme/greet:1.0.0", **hidden), listing("acme/greet:1.1.0"))
    assert await found(index, "greet") == []
    assert await versions(index) == ["1.1.0"]
    public = {"visibility": Visibility.PUBLIC, "head_revision": 3}
    await index.offer(listing("acme/greet:0.9.0", **public))
    assert await found(index, "greet") == ["acme/greet"]
    assert await versions(index) == ["1.1.0"]


async def test_a_removed_package_is_found_no_longer(index: SearchIndex) -> None:
    await offer_all(index, listing("acme/greet:1.0.0"), listing("acme/grin:1.0.0"))
    await index.remove(package("Acme/Greet"))
    assert await found(index, "") == ["acme/grin"]
    await index.remove(package("acme/greet"))
    assert await index.suggest("greet", ANYONE, 5) == []


async def test_a_hit_needs_no_other_store(index: SearchIndex) -> None:
    event = Event(id="1", kind="pushed", at_ms=1, actor="ann", subject="acme/greet")
    shown = listing(
        "acme/greet:1.0.0", readme="x" * 5_000, modules=("greet",), outbox=(event,), summary="Hi"
    )
    await index.offer(shown)
    await index.offer(dataclasses.replace(shown, head=shown.head.model_copy(update={"pulls": 7})))
    [hit] = (await index.search(Query(), ResultPage(), ANYONE)).hits
    assert hit.listing.head == shown.head.model_copy(update={"pulls": 7})
    assert hit.listing.release == shown.release.model_copy(update={"outbox": ()})
    assert hit.listing.texts == Texts(readme="x" * 1_300, modules=(ModuleText(name="greet"),))


async def test_replacing_and_removing_say_whether_anything_else_was_listed(
    index: SearchIndex,
) -> None:
    shown = documented("acme/greet:1.0.0", "parse")
    for each in (
        shown,
        dataclasses.replace(shown, api=NO_API),
        dataclasses.replace(shown, symbols=""),
    ):
        assert await index.replace(each)
        assert not await index.replace(each)
    assert await index.remove(shown.head.package)
    assert not await index.remove(shown.head.package)


async def test_many_packages_are_listed_together(index: SearchIndex) -> None:
    shown = [listing(f"acme/{name}:1.0.0", summary="a tree") for name in ("alder", "birch")]
    await index.offer(listing("acme/alder:2.0.0", summary="another tree"))
    await index.fill([*shown, documented("acme/cedar:1.0.0", "parse")], None)
    assert await index.filled_until() is None
    found = await index.search(Query(), ResultPage(), ANYONE)
    names = [str(hit.listing.release.coordinate) for hit in found.hits]
    assert sorted(names) == ["acme/alder:1.0.0", "acme/birch:1.0.0", "acme/cedar:1.0.0"]
    assert (await index.search(Query.parse("tree"), ResultPage(), ANYONE)).count == 2
    assert (await index.symbols(SymbolQuery.parse("parse"), ResultPage(), ANYONE)).count == 1
    await index.fill([], None)


async def test_an_index_of_one_machine_says_up_to_where_it_was_filled(tmp_path: Path) -> None:
    for until in ("", "acme/alder", "acme/birch", None):
        async with sqlite(tmp_path) as index:
            if until != "":
                await index.fill([listing(f"{until or 'acme/cedar'}:1.0.0")], until)
        async with sqlite(tmp_path) as index:
            assert await index.filled_until() == until


async def test_a_push_keeps_the_documentation_of_the_release_that_is_listed(
    index: SearchIndex,
) -> None:
    shown = documented("acme/greet:1.0.0", "parse")
    await offer_all(index, shown, listing("acme/greet:1.0.0"))
    assert not await index.replace(shown)


async def test_an_offer_says_whether_nothing_of_the_package_was_shown(index: SearchIndex) -> None:
    first = listing("acme/greet:1.0.0")
    second = listing("acme/greet:0.9.0")
    assert await index.offer(first)
    assert not await index.offer(second)
    await index.remove(first.head.package)
    assert await index.offer(second)


# --- what a query means -------------------------------------------------------------------------


@pytest.fixture
async def shelf(index: SearchIndex) -> SearchIndex:
    """Return an index with some packages."""
    await offer_all(
        index,
        listing(
            "ballerinax/kafka:3.0.0",
            keywords=("Messaging", "IT Operations/Queues & Streams"),
            summary="Connects to Apache Kafka brokers",
            modules=("kafka", "kafka.admin"),
            pulls=500,
        ),
        listing("ballerina/http:2.0.0", keywords=("network",), summary="HTTP for services"),
        listing("acme/http:0.1.0", readme="Not the one you want. Speaks of Kafka once."),
        listing("ballerinax/googleapis.sheets:1.0.0", summary="Connects to Google Sheets"),
        listing("ballerinax/azure_functions:1.0.0", summary="Café functions"),
        listing("acme/EchoService:1.0.0", tools=("echo",)),
        listing("acme/old:1.0.0", deprecation="Use new.", keywords=("network",)),
    )
    return index


EVERYTHING = [
    "acme/EchoService",
    "acme/http",
    "ballerina/http",
    "ballerinax/azure_functions",
    "ballerinax/googleapis.sheets",
    "ballerinax/kafka",
]
MEANINGS: dict[str, list[str]] = {
    "": EVERYTHING,
    "kafka": ["acme/http", "ballerinax/kafka"],
    "KAFKA broker": ["acme/http", "ballerinax/kafka"],  # The former only mentions it.
    "kaf*": ["ballerinax/kafka"],  # Words of readmes are whole.
    "kafak": ["acme/http", "ballerinax/kafka"],
    "ballerina/http": ["ballerina/http"],
    "google/sheets": ["ballerinax/googleapis.sheets"],  # No package has this path.
    "org:acme": ["acme/EchoService", "acme/http"],
    "org:(acme OR ballerina) AND http": ["acme/http", "ballerina/http"],
    "org:acme org:ballerina": [],
    "org:ballerina*": [
        "ballerina/http",
        "ballerinax/azure_functions",
        "ballerinax/googleapis.sheets",
        "ballerinax/kafka",
    ],
    "name:http": ["acme/http", "ballerina/http"],
    "name:brokers": [],
    "name:google": ["ballerinax/googleapis.sheets"],
    "keyword:messaging": ["ballerinax/kafka"],
    "keyword:IT Operations/Queues & Streams": ["ballerinax/kafka"],
    "keyword:IT Operations": [],
    "keyword:(network OR messaging)": ["ballerina/http", "ballerinax/kafka"],
    "module:kafka.admin": ["ballerinax/kafka"],
    "module:admin": ["ballerinax/kafka"],
    "module:http": [],
    '"apache kafka"': ["ballerinax/kafka"],
    '"kafka apache"': [],
    '"kafka connects"': [],  # One ends a keyword or a name, the other begins the summary.
    "*sheet*": ["ballerinax/googleapis.sheets"],
    "*t*p": ["acme/http", "ballerina/http"],
    "a*/http": ["acme/http"],
    "http*s": [],
    "*e_f*": ["ballerinax/azure_functions"],
    "*e%f*": [],
    r"azure\_functions": ["ballerinax/azure_functions"],
    "azure functions": ["ballerinax/azure_functions"],
    "echo service": ["acme/EchoService"],
    "cafe": ["ballerinax/azure_functions"],
    "sheets nosuchword": ["ballerinax/googleapis.sheets"],
    "nosuchword": [],
}


async def test_a_query_finds_what_it_says(shelf: SearchIndex) -> None:
    assert {text: sorted(await found(shelf, text)) for text in MEANINGS} == MEANINGS


@pytest.mark.parametrize(
    ("platforms", "language", "expected"),
    [
        ("", "", ["any", "beta", "java21", "newer", "odd"]),
        ("any", "", ["any", "beta", "newer", "odd"]),
        ("java21", "2201.8.3", ["any", "beta", "java21"]),
        ("java17", "2201.8.3", ["any", "beta"]),
        ("java17", "2201.12.0", ["any", "beta", "newer"]),
        ("", "unknown", ["any", "beta", "java21", "newer", "odd"]),
    ],
)
async def test_a_client_finds_what_it_can_use(
    index: SearchIndex, platforms: str, language: str, expected: list[str]
) -> None:
    await offer_all(
        index,
        listing("acme/any:1.0.0", ballerina_version="2201.8.9"),
        listing("acme/java21:1.0.0", ballerina_version="2201.8.0", platform="java21"),
        listing("acme/newer:1.0.0", ballerina_version="2201.9.0"),
        listing("acme/beta:1.0.0", ballerina_version="slbeta6"),
        listing("acme/odd:1.0.0", ballerina_version="slalpha5"),
    )
    client = ClientProfile.of(platforms, language)
    assert sorted(await found(index, "", client=client)) == [f"acme/{each}" for each in expected]


# --- order --------------------------------------------------------------------------------------


async def test_a_path_comes_first_then_a_name_then_keywords_then_texts(index: SearchIndex) -> None:
    await offer_all(
        index,
        listing("acme/readme:1.0.0", readme="Much about kafka.", pulls=10**9),
        listing("acme/summary:1.0.0", summary="About kafka", pulls=10**8),
        listing("acme/keyword:1.0.0", keywords=("kafka",), pulls=10**7),
        listing("kafka/other:1.0.0", pulls=10**6),
        listing("acme/kafkaesque:1.0.0", pulls=10**5),
        listing("acme/kafka.admin:1.0.0", pulls=10**4),
        listing("acme/kafka:1.0.0"),
        listing("other/kafka:1.0.0", deprecation="Old."),
    )
    assert await found(index, "kafka", include_deprecated=True) == [
        "acme/kafka",
        "other/kafka",
        "acme/kafka.admin",
        "acme/kafkaesque",
        "kafka/other",
        "acme/keyword",
        "acme/summary",
        "acme/readme",
    ]
    assert (await found(index, "acme/kafka"))[0] == "acme/kafka"


async def test_among_equals_what_is_used_more_comes_first_then_what_is_newer(
    index: SearchIndex,
) -> None:
    year_ms = 365 * 24 * 3600 * 1000
    await offer_all(
        index,
        listing("acme/client.old:1.0.0", created_ms=51 * year_ms),
        listing("acme/client.new:1.0.0", created_ms=55 * year_ms),
        listing("acme/client.used:1.0.0", created_ms=51 * year_ms, pulls=1_000),
        listing("acme/client.beloved:1.0.0", created_ms=51 * year_ms, pulls=1_000_000),
    )
    expected = ["beloved", "used", "new", "old"]
    assert await found(index, "client") == [f"acme/client.{name}" for name in expected]


# --- who sees it --------------------------------------------------------------------------------


async def test_only_members_of_its_organization_find_a_private_package(
    index: SearchIndex,
) -> None:
    await offer_all(
        index,
        listing("acme/secret.sauce:1.0.0", **PRIVATE, keywords=("sauce",)),
        listing("other/sauce:1.0.0"),
    )
    for text in ("sauce", "acme/secret.sauce", "org:acme", "keyword:sauce", "*sauce*", "sacue", ""):
        assert "acme/secret.sauce" not in await found(index, text)
        assert "acme/secret.sauce" not in await found(index, text, Viewer(frozenset({"other"})))
        assert "acme/secret.sauce" in await found(index, text, Viewer(frozenset({"acme"})))
        assert "acme/secret.sauce" in await found(index, text, Viewer(sees_everything=True))
    assert await index.suggest("secret", ANYONE, 5) == []
    assert len(await index.suggest("secret", Viewer(frozenset({"acme"})), 5)) == 1
    await index.replace(listing("other/sauce:1.0.0", **PRIVATE))
    for text in ("sauce", "sacue", "sauc", "*auc*"):
        assert await found(index, text) == []


ORGS = ("acme", "other", "third")
WORDS = ("kafka", "http", "client", "data")
FIELDS = ("org:", "org:acme", "name:*t*", "module:http", "keyword:x")
SIGNS = ("*a*", '"http client"', "AND", "OR", "(", ")", "\\", '"', "acme/http", "kafak")


@pytest.fixture
async def mixed(index: SearchIndex) -> SearchIndex:
    """Return an index with public and private packages of every name in every organization."""
    for org in ORGS:
        for number, word in enumerate(WORDS):
            fields = PRIVATE if number % 2 else {}
            await index.offer(listing(f"{org}/{word}:1.0.0", summary=" ".join(WORDS), **fields))
    return index


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from([*WORDS, *FIELDS, *SIGNS]), max_size=6).map(" ".join),
    ),
    orgs=st.frozensets(st.sampled_from(ORGS)),
    limit=st.integers(1, 5),
    order=st.tuples(st.sampled_from(Sort), st.booleans()),
)
async def test_whatever_is_typed_pages_add_up_and_show_nothing_that_is_not_theirs(
    mixed: SearchIndex, text: str, orgs: frozenset[str], limit: int, order: tuple[Sort, bool]
) -> None:
    viewer = Viewer(orgs)
    query = Query.parse(text)
    seen: list[str] = []
    count = 1
    while len(seen) < count:
        page = ResultPage(offset=len(seen), limit=limit, sort=order[0], descending=order[1])
        results = await mixed.search(query, page, viewer)
        heads = [hit.listing.head for hit in results.hits]
        assert all(each.visibility is Visibility.PUBLIC or each.org in orgs for each in heads)
        seen += names(results)
        count = results.count
        assert heads or len(seen) == count
    assert len(seen) == len(set(seen)) == count


# --- dependents ---------------------------------------------------------------------------------


def needing(text: str, *needed: str, **fields: Any) -> Listing:
    """Return the listing of a release that depends on these, each `org/name`."""
    named = [package(each) for each in needed]
    dependencies = tuple(Dependency(org=p.org, name=p.name, version="1.0.0") for p in named)
    return listing(text, dependencies=dependencies, **fields)


async def test_packages_are_found_by_what_they_depend_on_themselves(index: SearchIndex) -> None:
    await offer_all(
        index,
        needing("acme/shop:1.0.0", "acme/greet", "acme/log"),
        needing("other/app:1.0.0", "Acme/Greet"),
        needing("acme/greet:1.0.0", "acme/log"),
        listing("acme/alone:1.0.0"),
    )
    assert sorted(await found(index, "", depends_on="acme/greet")) == ["acme/shop", "other/app"]
    assert sorted(await found(index, "", depends_on="acme/log")) == ["acme/greet", "acme/shop"]
    assert await found(index, "", depends_on="acme/alone") == []
    await index.offer(needing("third/app:1.0.0", "acme/alone", **PRIVATE))
    assert await found(index, "", depends_on="acme/alone") == []
    members = Viewer(frozenset({"third"}))
    assert await found(index, "", members, depends_on="acme/alone") == ["third/app"]


async def test_packages_are_sorted_by_their_public_dependents(index: SearchIndex) -> None:
    await offer_all(
        index,
        *(listing(f"acme/{name}:1.0.0") for name in "abc"),
        needing("other/one:1.0.0", "acme/c"),
        needing("other/two:1.0.0", "acme/c", "acme/b"),
        needing("other/hidden:1.0.0", "acme/a", **PRIVATE),
    )
    for descending, expected in ((True, "cba"), (False, "abc")):
        page = ResultPage(sort=Sort.DEPENDENTS, descending=descending)
        results = await index.search(Query.parse("org:acme"), page, ANYONE)
        assert names(results) == [f"acme/{name}" for name in expected]


async def test_a_count_of_dependents_follows_the_index(index: SearchIndex) -> None:
    dependents = Query(depends_on="acme/greet")
    count_only = ResultPage(limit=0)
    for number in range(3):
        await index.offer(needing(f"acme/shop{number}:1.0.0", "acme/greet"))
        for _ in range(2):
            assert (await index.search(dependents, count_only, ANYONE)).count == number + 1
    await index.replace(needing("acme/shop0:1.1.0"))
    assert (await index.search(dependents, count_only, ANYONE)).count == 2


# --- suggestions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ka", ["ballerinax/kafka"]),
        ("http", ["ballerina/http", "acme/http"]),
        ("sheets", ["ballerinax/googleapis.sheets"]),
        ("google sh", ["ballerinax/googleapis.sheets"]),
        ("kafak", ["ballerinax/kafka"]),
        ("ballerinax/ka", ["ballerinax/kafka"]),
        ("Acme/", ["acme/EchoService", "acme/http"]),
        ("nobody/", []),
        ("brokers", []),
        ("old", []),
    ],
)
async def test_suggestions_are_names_that_begin_so_or_are_near(
    shelf: SearchIndex, text: str, expected: list[str]
) -> None:
    suggested = await shelf.suggest(text, ANYONE, 5)
    assert [f"{each.org}/{each.name}" for each in suggested] == expected


# --- facets and totals -------------------------------------------------------------------------


async def divided(
    index: SearchIndex, facet: Facet, text: str = "", viewer: Viewer = ANYONE, **more: Any
) -> dict[str, int]:
    """Return how the results of a search divide."""
    query = replace(Query.parse(text), **more)
    found = await index.search_with_facets(query, ResultPage(limit=0), viewer)
    return {share.value: share.count for share in found.facets.get(facet, ())}


async def test_results_divide_by_what_they_are(index: SearchIndex) -> None:
    await offer_all(
        index,
        listing("acme/one:1.0.0", licenses=("MIT",), keywords=("http", "web")),
        listing("acme/two:1.0.0", licenses=("MIT", "Apache-2.0"), keywords=("HTTP",)),
        listing("other/three:1.0.0", platform="java21", tools=("three",)),
    )
    assert await divided(index, Facet.ORG) == {"acme": 2, "other": 1}
    assert await divided(index, Facet.LICENSE) == {"MIT": 2, "Apache-2.0": 1}
    assert sorted((await divided(index, Facet.KEYWORD)).values()) == [1, 2]
    assert await divided(index, Facet.KIND) == {"library": 2, "tool": 1}
    assert await divided(index, Facet.KIND, "three") == {"tool": 1}
    assert await divided(index, Facet.KIND, "org:a*") == {"library": 2}
    assert await divided(index, Facet.KIND, "nothing") == {}


async def test_a_page_comes_with_the_facets_of_all_matches(index: SearchIndex) -> None:
    await offer_all(
        index,
        *(listing(f"acme/mail{each}:1.0.0", licenses=("MIT",)) for each in range(4)),
        listing("other/mail:1.0.0"),
        listing("other/mailer:1.0.0", deprecation="Use mail."),
        listing("other/sms:1.0.0", deprecation="Use nothing."),
    )
    query = Query.parse("mail")
    page = ResultPage(limit=2)
    for _ in range(2):  # The second time, the counts may be those of the first.
        found = await index.search_with_facets(query, page, ANYONE)
        assert found.results == await index.search(query, page, ANYONE)
        assert (len(found.results.hits), found.results.count, found.deprecated) == (2, 5, 1)
    found = await index.search_with_facets(replace(query, deprecated_last=True), page, ANYONE)
    assert (len(found.results.hits), found.results.count, found.deprecated) == (2, 6, 1)
    await index.remove(package("acme/mail0"))
    found = await index.search_with_facets(query, page, ANYONE)
    assert (found.results.count, found.deprecated) == (4, 1)


async def test_private_packages_are_in_nobody_elses_counts(index: SearchIndex) -> None:
    await offer_all(
        index,
        *(listing(f"acme/mail{each}:1.0.0", **PRIVATE) for each in range(3)),
        listing("acme/mailer:1.0.0", **PRIVATE, deprecation="Use mail1."),
    )
    query = Query.parse("mail")
    page = ResultPage()
    for viewer, counts in ((Viewer(frozenset({"acme"})), (3, 1)), (ANYONE, (0, 0))):
        found = await index.search_with_facets(query, page, viewer)
        assert (found.results.count, found.deprecated) == counts
        assert bool(found.facets) == bool(counts[0])
    assert await index.totals() == IndexTotals(packages=0, organizations=0, pulls=0)


NOBODY_ELSE = Viewer(frozenset({"elsewhere"}))  # Sees what everybody sees.
_NEEDS_A = Dependency(org="acme", name="a", version="1.0.0")
_SHOWN = st.builds(
    dict,
    version=st.sampled_from(["1.0.0", "1.1.0"]),
    visibility=st.sampled_from([Visibility.PUBLIC, Visibility.PUBLIC, Visibility.PRIVATE]),
    keywords=st.sampled_from([(), ("http",), ("HTTP", "web"), ("Web", "sql")]),
    deprecation=st.sampled_from([None, None, "Use another."]),
    is_stored=st.booleans(),
    pulls=st.integers(0, 3),
    created_ms=st.integers(1, 3),
    dependencies=st.sampled_from([(), (_NEEDS_A,)]),
)
_CHANGED = st.tuples(
    st.sampled_from(["offer", "replace", "remove"]),
    st.sampled_from(["acme/a", "acme/b", "Other/c", "other/d"]),
    _SHOWN,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
@given(changes=st.lists(_CHANGED, min_size=4, max_size=12))
async def test_what_is_kept_of_public_packages_is_what_counting_finds(
    tmp_path: Path, changes: list[tuple[str, str, dict[str, Any]]]
) -> None:
    async with sqlite(tmp_path / str(uuid4())) as index:
        for change, name, shown in changes:
            if change == "remove":
                await index.remove(package(name))
            else:
                fields = dict(shown)
                if not fields.pop("is_stored"):
                    fields |= {"upstream": UpstreamOrigin(name="central", first_seen_ms=1)}
                    fields |= {"size_bytes": 0}
                if name == "acme/a":  # No package needs itself.
                    fields["dependencies"] = ()
                offered = listing(f"{name}:{fields.pop('version')}", **fields)
                await (index.offer if change == "offer" else index.replace)(offered)
        await _check_what_is_kept(index, Sort)


async def test_what_is_kept_of_public_packages_follows_each_change(index: SearchIndex) -> None:
    first = listing("acme/a:1.0.0", keywords=("http",), pulls=3)
    user = listing("other/b:1.0.0", keywords=("HTTP",), dependencies=(_NEEDS_A,))
    changes = (
        listing("acme/a:1.1.0", keywords=("http", "sql"), pulls=4, head_revision=2),
        listing("acme/a:1.1.0", keywords=("http",), pulls=9, deprecation="Use b."),
        listing("acme/a:1.1.0", keywords=("http",), pulls=9, **PRIVATE),
        first,
    )
    await offer_all(index, first, user)
    await _check_what_is_kept(index, (Sort.PULLS,))
    for change in changes:
        await index.replace(change)
        await _check_what_is_kept(index, (Sort.PULLS,))
    await index.remove(package("other/b"))
    await _check_what_is_kept(index, (Sort.PULLS,))


async def _check_what_is_kept(index: SearchIndex, sorts: Iterable[Sort]) -> None:
    """Compare what everybody is shown with what is counted for a viewer who sees no more."""
    lists = (
        Query(),
        Query(include_deprecated=True),
        Query(deprecated_last=True),
        Query(include_deprecated=True, stored_only=True),
    )
    for query in lists:
        for sort in sorts:
            for page in (ResultPage(1, 2, sort), ResultPage(sort=sort, descending=False)):
                kept = await index.search_with_facets(query, page, ANYONE)
                assert kept == await index.search_with_facets(query, page, NOBODY_ELSE)
    assert await index.search(Query(), ResultPage(), ANYONE) == await index.search(
        Query(), ResultPage(), NOBODY_ELSE
    )
    stored = Query(include_deprecated=True, stored_only=True)
    counted = await index.search_with_facets(stored, ResultPage(limit=100), NOBODY_ELSE)
    orgs = counted.facets.get(Facet.ORG, ())
    pulls = sum(hit.listing.head.pulls for hit in counted.results.hits)
    assert await index.totals() == IndexTotals(counted.results.count, len(orgs), pulls)
    everything = Query(include_deprecated=True)
    every = (await index.search_with_facets(everything, ResultPage(), NOBODY_ELSE)).facets
    for facet in (Facet.ORG, Facet.KEYWORD, Facet.KIND):
        values = every.get(facet, ())
        for page in (ResultPage(0, 1), ResultPage(1, 100)):
            kept = await index.facet_values(facet, "", page, ANYONE)
            shown = values[page.offset : page.offset + page.limit]
            assert kept == FacetPage(shown, len(values))
    for org in every.get(Facet.ORG, ()):
        orgs = frozenset({org.value})
        listed = Query(deprecated_last=True).within(orgs)
        counted = await index.search_with_facets(everything.within(orgs), ResultPage(), ANYONE)
        for viewer in (ANYONE, NOBODY_ELSE):
            kept = await index.search_with_facets(listed, ResultPage(), viewer)
            assert kept.facets == counted.facets
    needed = Query(depends_on="acme/a", include_deprecated=True)
    for page in (ResultPage(limit=0), ResultPage()):
        kept = await index.search(needed, page, ANYONE)
        assert kept.count == (await index.search(needed, page, NOBODY_ELSE)).count


async def test_keywords_are_shared_by_organizations_if_there_are_several(
    index: SearchIndex,
) -> None:
    await offer_all(
        index,
        listing("acme/one:1.0.0", keywords=("http", "Category")),
        listing("acme/two:1.0.0", keywords=("category",)),
        listing("acme/three:1.0.0", keywords=("category",)),
        listing("other/hidden:1.0.0", **PRIVATE, keywords=("category",)),
    )
    category = KeywordCount("category", 3, is_shared=True)
    assert await index.keywords(2) == (category, KeywordCount("http", 1, is_shared=True))
    await index.offer(listing("other/four:1.0.0", keywords=("HTTP",)))
    own = KeywordCount("category", 3, is_shared=False)
    assert await index.keywords(2) == (own, KeywordCount("HTTP", 2, is_shared=True))
    assert await index.keywords(1) == (own,)


async def test_pages_of_a_facet_have_every_value_with_its_count(index: SearchIndex) -> None:
    keywords = tuple(f"word{number:03}" for number in range(MAX_FACET_VALUES + 1))
    await offer_all(
        index,
        listing("acme/one:1.0.0", keywords=(*keywords, "HTTP")),
        listing("acme/two:1.0.0", keywords=("http",)),
    )
    first = await index.facet_values(Facet.KEYWORD, "", ResultPage(0, 2), ANYONE)
    others = await index.facet_values(Facet.KEYWORD, "", ResultPage(2, 1000), ANYONE)
    assert first.count == others.count == len(keywords) + 1
    values = (*first.values, *others.values)
    assert values == (FacetCount("HTTP", 2), *(FacetCount(each, 1) for each in keywords))


async def test_values_that_contain_a_text_are_found_whatever_its_case(index: SearchIndex) -> None:
    keywords = ("HTTP", "http client", "sql")
    await offer_all(index, listing("acme/one:1.0.0", keywords=keywords))
    found = await index.facet_values(Facet.KEYWORD, "TP", ResultPage(), ANYONE)
    assert found == FacetPage((FacetCount("HTTP", 1), FacetCount("http client", 1)), 2)
    second = await index.facet_values(Facet.KEYWORD, "tp", ResultPage(1, 1), ANYONE)
    assert second == FacetPage((FacetCount("http client", 1),), 2)
    none = await index.facet_values(Facet.KEYWORD, "%", ResultPage(), ANYONE)
    assert none == FacetPage((), 0)


async def test_facets_of_an_organization_count_its_private_packages_for_its_members(
    index: SearchIndex,
) -> None:
    await offer_all(
        index,
        listing("acme/one:1.0.0", keywords=("http",)),
        listing("acme/hidden:1.0.0", **PRIVATE, keywords=("HTTP", "secret")),
    )
    query = Query(deprecated_last=True).within(frozenset({"acme"}))
    for orgs, keywords in (
        ({"acme"}, (FacetCount("HTTP", 2), FacetCount("secret", 1))),
        ({"other"}, (FacetCount("http", 1),)),
    ):
        found = await index.search_with_facets(query, ResultPage(), Viewer(frozenset(orgs)))
        assert found.facets[Facet.KEYWORD] == keywords


async def test_values_of_private_packages_are_counted_for_who_sees_these(
    index: SearchIndex,
) -> None:
    await offer_all(
        index,
        listing("acme/one:1.0.0", keywords=("http", "sql")),
        listing("other/hidden:1.0.0", **PRIVATE, keywords=("SQL", "secret")),
        listing("third/hidden:1.0.0", **PRIVATE, keywords=("secret", "http")),
    )
    member = Viewer(frozenset({"other"}))
    found = await index.facet_values(Facet.KEYWORD, "", ResultPage(), member)
    counts = (FacetCount("SQL", 2), FacetCount("http", 1), FacetCount("secret", 1))
    assert found == FacetPage(counts, 3)
    for place, count in enumerate(counts):
        page = await index.facet_values(Facet.KEYWORD, "", ResultPage(place, 1), member)
        assert page == FacetPage((count,), 3)
    filtered = await index.facet_values(Facet.KEYWORD, "s", ResultPage(), member)
    assert filtered == FacetPage((counts[0], counts[2]), 2)
    orgs = await index.facet_values(Facet.ORG, "", ResultPage(), member)
    assert orgs == FacetPage((FacetCount("acme", 1), FacetCount("other", 1)), 2)
    everyone = await index.facet_values(Facet.KEYWORD, "secret", ResultPage(), ANYONE)
    assert everyone == FacetPage((), 0)


async def test_a_value_narrows_to_as_many_as_it_was_counted_for(index: SearchIndex) -> None:
    await offer_all(
        index,
        listing("acme/one:1.0.0", licenses=("MIT",), keywords=("Web",)),
        listing("acme/two:1.0.0", licenses=("MIT",)),
        listing("acme/three:1.0.0", licenses=("BSD",), keywords=("web",)),
    )
    mit = FacetValue(Facet.LICENSE, "mit")
    web = FacetValue(Facet.KEYWORD, "web")
    assert sorted(await found(index, "", facet_values=(mit,))) == ["acme/one", "acme/two"]
    assert await found(index, "", facet_values=(mit, web)) == ["acme/one"]
    assert await found(index, "", facet_values=(FacetValue(Facet.ORG, "nobody"),)) == []
    assert await divided(index, Facet.LICENSE, facet_values=(web,)) == {"MIT": 1, "BSD": 1}


async def test_new_packages_are_not_those_that_were_updated(index: SearchIndex) -> None:
    old = listing("acme/old:1.0.0")
    new = listing("acme/new:1.0.0", created_ms=5)
    older = dataclasses.replace(old, head=old.head.model_copy(update={"created_ms": 1}))
    newer = dataclasses.replace(new, head=new.head.model_copy(update={"created_ms": 2}))
    await offer_all(index, newer, older)
    page = ResultPage(sort=Sort.ADDED)
    assert names(await index.search(Query(), page, ANYONE)) == ["acme/new", "acme/old"]
    page = ResultPage(sort=Sort.ADDED, descending=False)
    assert names(await index.search(Query(), page, ANYONE)) == ["acme/old", "acme/new"]


# --- symbols ------------------------------------------------------------------------------------


def documented(text: str, *symbols: str, **fields: Any) -> Listing:
    """Return a listing whose release declares functions, and methods named as `Client.get`."""
    made = listing(text, **fields)
    declared = tuple(symbol(each, made.head.name) for each in symbols)
    return dataclasses.replace(made, symbols=pack_symbols(declared))


def symbol(name: str, module: str) -> Symbol:
    parent, _, last = name.rpartition(".")
    return Symbol(kind="method" if parent else "function", module=module, parent=parent, name=last)


async def symbols_found(index: SearchIndex, text: str, viewer: Viewer = ANYONE) -> list[str]:
    """Return the symbols that are found, in order."""
    results = await index.symbols(SymbolQuery.parse(text), ResultPage(limit=100), viewer)
    return [f"{each.listing.head.package}:{each.symbol.title}" for each in results.hits]


async def test_symbols_of_all_packages_are_found_by_name_module_and_parent(
    index: SearchIndex,
) -> None:
    await index.replace(documented("acme/http:1.0.0", "Client", "Client.get", "parseUrl"))
    await index.replace(documented("acme/sql:1.0.0", "Client"))
    assert sorted(await symbols_found(index, "Client")) == [
        "acme/http:Client",
        "acme/http:Client.get",
        "acme/sql:Client",
    ]
    assert await symbols_found(index, "sql:Client") == ["acme/sql:Client"]
    assert await symbols_found(index, "Client.get") == ["acme/http:Client.get"]
    assert await symbols_found(index, "url") == ["acme/http:parseUrl"]
    assert await symbols_found(index, "") == []
    assert await symbols_found(index, "nothing") == []


async def test_symbols_of_packages_that_are_used_more_come_first_and_of_deprecated_ones_last(
    index: SearchIndex,
) -> None:
    needs = (Dependency(org="acme", name="used", version="1.0.0"),)
    await index.replace(documented("acme/gone:1.0.0", "parse", deprecation="", pulls=10_000))
    for name in ("first", "used", "pulled"):
        pulls = 100 if name == "pulled" else 0
        await index.replace(documented(f"acme/{name}:1.0.0", "parse", pulls=pulls))
    for number in range(9):  # After what they use, whose place they change.
        await index.replace(listing(f"acme/user{number}:1.0.0", dependencies=needs))
    assert await symbols_found(index, "parse") == [
        "acme/used:parse",
        "acme/pulled:parse",
        "acme/first:parse",
        "acme/gone:parse",
    ]


async def test_members_find_the_symbols_of_private_packages(index: SearchIndex) -> None:
    members, others = (Viewer(frozenset({OrgName(org)})) for org in ("acme", "other"))
    await index.replace(documented("acme/secret:1.0.0", "parse", **PRIVATE))
    await index.replace(documented("other/open:1.0.0", "parse"))
    everything = ["acme/secret:parse", "other/open:parse"]
    assert await symbols_found(index, "parse", members) == everything
    assert await symbols_found(index, "parse", Viewer(sees_everything=True)) == everything
    assert await symbols_found(index, "org:acme", members) == ["acme/secret:parse"]
    for viewer in (ANYONE, others):
        assert await symbols_found(index, "parse", viewer) == ["other/open:parse"]
        assert await symbols_found(index, "org:acme", viewer) == []
    await index.replace(documented("acme/secret:1.1.0", "format", **PRIVATE))
    assert await symbols_found(index, "acme/secret:", members) == ["acme/secret:format"]
    await index.replace(documented("acme/secret:1.1.0", "format"))
    assert await symbols_found(index, "format") == ["acme/secret:format"]
    await index.remove(package("acme/secret"))
    assert await symbols_found(index, "format", members) == []


@pytest.mark.parametrize(
    ("code", "symbols"),
    [
        ("http:Client->post", ["acme/http:Client.post"]),
        ('http:Client->post("/a", message)', ["acme/http:Client.post"]),
        ("http:", ["acme/http:Client", "acme/http:Client.post"]),
        ("import acme/http;", ["acme/http:Client", "acme/http:Client.post"]),
        ("import acme/http as h;", ["acme/http:Client", "acme/http:Client.post"]),
        ("import other/http;", []),
        ("Client -post", ["acme/http:Client"]),
        ("Client -http", []),
    ],
)
async def test_symbols_and_their_package_are_found_by_code(
    index: SearchIndex, code: str, symbols: list[str]
) -> None:
    await index.replace(documented("acme/http:1.0.0", "Client", "Client.post"))
    await index.replace(listing("acme/http.driver:1.0.0"))
    assert await symbols_found(index, code) == symbols
    if symbols and code[:6] != "Client":
        assert (await found(index, code))[0] == "acme/http"


async def test_words_of_a_query_for_symbols_may_stand_for_their_package(index: SearchIndex) -> None:
    await index.replace(documented("acme/mqtt:1.0.0", "Client.subscribe", "Client.subscribeAll"))
    await index.replace(documented("acme/kafka:1.0.0", "Consumer.subscribe", "Caller.commitOffset"))
    assert (await symbols_found(index, "mqtt subscribe"))[0] == "acme/mqtt:Client.subscribe"
    for text in ("mqtt:subscribe", "how to subscribe with mqtt", "mqtt Subscribe"):
        found = await symbols_found(index, text)
        assert found[0] == "acme/mqtt:Client.subscribe", text
        assert all(each.startswith("acme/mqtt:") for each in found), text
    assert await symbols_found(index, "kafka commit offset") == ["acme/kafka:Caller.commitOffset"]
    assert await symbols_found(index, "mqtt -kafka commit offset") == []


async def test_symbols_with_most_words_are_found_where_none_has_all(index: SearchIndex) -> None:
    said = dataclasses.replace(
        symbol("Client.put", "ftp"), description="Sends a document to the server."
    )
    made = listing("acme/ftp:1.0.0")
    await index.replace(
        dataclasses.replace(made, symbols=pack_symbols((said, symbol("Client.list", "ftp"))))
    )
    await index.replace(documented("acme/file:1.0.0", "createDir", "remove"))
    assert (await symbols_found(index, "ftp upload"))[0] == "acme/ftp:Client.put"
    assert (await symbols_found(index, "ftp document"))[0] == "acme/ftp:Client.put"
    assert (await symbols_found(index, "create directory file"))[0] == "acme/file:createDir"
    assert await symbols_found(index, "telegram balloon") == []


async def test_private_packages_stand_only_for_words_of_their_members(index: SearchIndex) -> None:
    secret = documented("acme/mqtt:1.0.0", "Client.subscribe", **PRIVATE)
    await index.replace(secret)
    await index.replace(documented("other/open:1.0.0", "Client.subscribe"))
    members = Viewer(frozenset({OrgName("acme")}))
    assert await symbols_found(index, "mqtt subscribe", members) == ["acme/mqtt:Client.subscribe"]
    texts = (
        "mqtt subscribe",
        "mqtt:subscribe",
        "mqtt publish",
        "subscrbie mqtt",
        "Client.subscrib",
    )
    answers = [await symbols_found(index, text) for text in texts]
    await index.remove(package("acme/mqtt"))
    assert [await symbols_found(index, text) for text in texts] == answers


async def test_names_of_private_packages_correct_nothing_for_others(index: SearchIndex) -> None:
    await index.replace(documented("acme/hidden:1.0.0", "frobnicate", **PRIVATE))
    await index.replace(documented("other/open:1.0.0", "frobinate"))
    assert await symbols_found(index, "frobnicaet") == []
    assert await symbols_found(index, "frobniate") == ["other/open:frobinate"]
    await index.replace(documented("acme/hidden:1.0.0", "frobnicate"))
    assert await symbols_found(index, "frobnicaet") == ["acme/hidden:frobnicate"]
    await index.remove(package("acme/hidden"))
    assert await symbols_found(index, "frobnicaet") == []


@pytest.mark.parametrize(
    ("text", "first", "read"),
    [
        ("getTopicPartitons", "acme/kafka:Client.getTopicPartitions", "getTopicPartitions"),
        ("kafka getTopcPartitions", "acme/kafka:Client.getTopicPartitions", "getTopicPartitions"),
        ("Client.psot", "acme/http:Client.post", "Client.post"),
        ("http:Client.psot", "acme/http:Client.post", "http:Client.post"),
    ],
)
async def test_a_mistyped_name_of_a_symbol_is_corrected(
    index: SearchIndex, text: str, first: str, read: str
) -> None:
    await index.replace(documented("acme/kafka:1.0.0", "Client.getTopicPartitions"))
    await index.replace(documented("acme/http:1.0.0", "Client", "Client.post"))
    assert (await symbols_found(index, text))[0] == first
    answer = await index.symbols(SymbolQuery.parse(text), ResultPage(), ANYONE)
    assert answer.corrections == ((text.rsplit(maxsplit=1)[-1], read),)
    exact = await index.symbols(SymbolQuery.parse("Client.post"), ResultPage(), ANYONE)
    assert exact.corrections == ()


async def test_a_word_that_nothing_has_is_left_out(index: SearchIndex) -> None:
    await index.replace(documented("acme/io:1.0.0", "fileWriteCsv", "fileReadCsv"))
    answer = await index.symbols(SymbolQuery.parse("zqxv fileWriteCsv"), ResultPage(), ANYONE)
    assert [each.symbol.name for each in answer.hits] == ["fileWriteCsv"]
    assert answer.unknown == ("zqxv",)
    assert await symbols_found(index, "zqxv vxqz") == []


async def test_a_plural_finds_the_name_in_the_singular(index: SearchIndex) -> None:
    await index.replace(documented("acme/a:1.0.0", "log", "printLog"))
    assert await symbols_found(index, "logs") == ["acme/a:log", "acme/a:printLog"]
    assert (await symbols_found(index, "print logs"))[0] == "acme/a:printLog"


async def test_a_record_is_found_by_its_fields_and_names_them(index: SearchIndex) -> None:
    config = Symbol(
        kind="record",
        module="ftp",
        name="ClientConfiguration",
        description="Configuration of a client.",
        fields=("host", "userDirIsRoot"),
    )
    made = listing("acme/ftp:1.0.0")
    await index.replace(dataclasses.replace(made, symbols=pack_symbols((config,))))
    await index.replace(documented("acme/other:1.0.0", "host"))
    for text in (
        "userDirIsRoot",
        "ClientConfiguration userDirIsRoot",
        "ftp userDirIsRoot",
        "ClientConfiguration.userDirIsRoot",
        "userDirIsRot",
        "ftp:ClientConfiguration.userDirIsRoot",
    ):
        answer = await index.symbols(SymbolQuery.parse(text), ResultPage(), ANYONE)
        assert [each.symbol.title for each in answer.hits] == ["ClientConfiguration"], text
        [hit] = answer.hits
        assert hit.symbol.description == "Field userDirIsRoot. Configuration of a client.", text
    assert await symbols_found(index, "host") == ["acme/other:host", "acme/ftp:ClientConfiguration"]
    answer = await index.symbols(SymbolQuery.parse("ClientConfiguration"), ResultPage(), ANYONE)
    assert answer.hits[0].symbol.description == "Configuration of a client."


async def test_deprecated_symbols_come_last_and_plain_methods_before_resource_methods(
    index: SearchIndex,
) -> None:
    def method(name: str, *flags: str) -> Symbol:
        return Symbol(kind="method", module="http", parent="Client", name=name, flags=flags)

    methods = (method("get [string path]", "is_resource"), method("put", "is_deprecated"))
    methods += (method("get"), method("putText"))
    made = listing("acme/http:1.0.0", pulls=1_000)
    await index.replace(dataclasses.replace(made, symbols=pack_symbols(methods)))
    await index.replace(documented("acme/other:1.0.0", "put", "Client.get"))
    assert await symbols_found(index, "get") == [
        "acme/http:Client.get",
        "acme/other:Client.get",
        "acme/http:Client.get [string path]",
    ]
    assert await symbols_found(index, "http get") == [
        "acme/http:Client.get",
        "acme/http:Client.get [string path]",
    ]
    assert await symbols_found(index, "put") == [
        "acme/other:put",
        "acme/http:Client.putText",
        "acme/http:Client.put",
    ]
    assert (await symbols_found(index, "http:Client.put"))[0] == "acme/http:Client.put"


@pytest.mark.parametrize(
    "text",
    [
        "broker without kafka",
        "broker other than kafka",
        "broker except kafka",
        "broker ohne Kafka",
        "broker sin kafka",
        "broker without using kafka",
        "without kafka broker",
        "broker without kafka or mqtt",
    ],
)
async def test_what_is_not_wanted_is_not_found(index: SearchIndex, text: str) -> None:
    for name in ("kafka", "rabbitmq", "kafka.driver", "mqtt"):
        keywords = [] if name == "mqtt" else ["broker"]
        await index.replace(listing(f"acme/{name}:1.0.0", keywords=keywords, pulls=len(name)))
    assert await found(index, text) == ["acme/rabbitmq"]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("not found handler", "acme/not_found_handler"),
        ("no content handler", "acme/no_content"),
        ("could not connect to kafka", "acme/kafka"),
        ("no kafka broker available", "acme/kafka"),
        ("kafka handler not found", "acme/kafka"),
    ],
)
async def test_no_and_not_are_words_of_names_and_error_texts(
    index: SearchIndex, text: str, first: str
) -> None:
    await index.replace(listing("acme/not_found_handler:1.0.0"))
    await index.replace(listing("acme/no_content:1.0.0", keywords=["handler"]))
    await index.replace(listing("acme/kafka:1.0.0", keywords=["broker", "connect", "handler"]))
    assert (await found(index, text))[0] == first


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("wie sende ich eine E-Mail", "acme/email"),
        ("Passwort verschlüsseln", "acme/crypto"),
        ("Passwort verschluesseln", "acme/crypto"),
        ("Zufallszahl", "acme/random"),
        ("cómo enviar un correo", "acme/email"),
        ("cifrar una contraseña", "acme/crypto"),
        ("factura", "acme/factura"),
        ("die hard", "acme/die_hard"),
    ],
)
async def test_german_and_spanish_words_find_what_the_english_ones_find(
    index: SearchIndex, text: str, first: str
) -> None:
    for name, keyword in {"email": "send", "crypto": "encrypt", "random": "number"}.items():
        await index.replace(listing(f"acme/{name}:1.0.0", keywords=[keyword, "password"]))
    await index.replace(listing("acme/factura:1.0.0"))
    await index.replace(listing("acme/die_hard:1.0.0"))
    assert (await found(index, text))[0] == first


async def test_packages_are_found_by_what_their_symbols_and_readmes_say(index: SearchIndex) -> None:
    hashing = symbol("hashBcrypt", "crypto")
    hashing = dataclasses.replace(hashing, description="Returns the hash of a sesame.")
    said = dataclasses.replace(listing("acme/crypto:1.0.0"), symbols=pack_symbols((hashing,)))
    await index.replace(said)
    await index.replace(listing("acme/other:1.0.0", readme="# Other\n\nSends telegrams."))
    assert await found(index, "how to hash sesame") == ["acme/crypto"]
    assert await found(index, "sesame") == ["acme/crypto"]
    assert await found(index, "bcrypt") == ["acme/crypto"]
    assert await found(index, "telegram") == ["acme/other"]
    secret = dataclasses.replace(listing("acme/crypto:1.0.0", **PRIVATE))
    await index.replace(dataclasses.replace(secret, symbols=said.symbols))
    assert await found(index, "bcrypt") == []
    assert await found(index, "bcrpyt") == []
    await index.remove(package("acme/crypto"))
    await index.replace(listing("acme/crypto:1.0.0"))
    assert await found(index, "sesame") == []


FAR = "x " * 1_300  # What comes later of a readme is not stored.
SHELVES = FAR + (
    "Reads files such as `.shlf` by `https://<account>.shelf.acmecorp.com/v1`. It returns a"
    " `ShelfSealedException` where a shelf is sealed."
)


@pytest.mark.parametrize(
    "text",
    [
        "https://mine.shelf.acmecorp.com:8443/v2/shelves",
        "shelf.acmecorp.com",
        "other.acmecorp.com",  # Another host of the same owner.
        "ShelfSealedException",
        "com.acmecorp.ShelfSealedException: nothingelse",
        ".shlf",
        "books.shlf",
    ],
)
async def test_packages_are_found_by_hosts_exceptions_and_files_of_their_documents(
    index: SearchIndex, text: str
) -> None:
    await index.replace(listing("acme/storage:1.0.0", readme=SHELVES))
    await index.replace(
        listing("acme/elsewhere:1.0.0", readme=FAR + "See https://github.com/acme.")
    )
    assert await found(index, text) == ["acme/storage"]


async def test_what_documents_mention_weighs_less_than_names(index: SearchIndex) -> None:
    mentioned = dataclasses.replace(listing("acme/first:1.0.0", pulls=10**9), mentions=(".shlf",))
    await index.replace(mentioned)
    await index.replace(listing("acme/shlf.reader:1.0.0"))
    assert await found(index, "shlf") == ["acme/shlf.reader", "acme/first"]


async def test_a_package_is_found_by_a_bounded_number_of_mentions(index: SearchIndex) -> None:
    readme = " ".join(f"https://h{number}.acmecorp.com" for number in range(1_000))
    await index.replace(listing("acme/hostile:1.0.0", readme=readme))
    assert await found(index, "h1.acmecorp.com") == ["acme/hostile"]
    query = Query(include_deprecated=True)
    [hit] = (await index.search(query, ResultPage(), ANYONE)).hits
    assert len(hit.listing.mentions) == MAX_MENTIONS


async def test_mentions_of_private_packages_change_nothing_for_others(index: SearchIndex) -> None:
    for name in ("storage", "mail"):
        await index.replace(listing(f"acme/{name}:1.0.0", readme=SHELVES))
    asked = ("ShelfSealedException", "mine.shelf.acmecorp.com", ".shlf", "ShelfSaeledException")
    page = ResultPage(explains=True)
    before = [await index.search(Query.parse(text), page, ANYONE) for text in asked]
    await index.replace(listing("acme/secret:1.0.0", **PRIVATE, readme=SHELVES))
    after = [await index.search(Query.parse(text), page, ANYONE) for text in asked]
    assert after == before
    members = Viewer(frozenset({"acme"}))
    assert len(await found(index, "ShelfSealedException", members)) == 3


async def test_scores_are_explained_in_every_order(index: SearchIndex) -> None:
    await index.replace(listing("acme/storage:1.0.0"))
    for viewer in (ANYONE, Viewer(frozenset({"acme"}))):
        for sort in (Sort.NAME, Sort.RELEVANCE):
            found = await index.search(Query(), ResultPage(sort=sort, explains=True), viewer)
            assert found.hits[0].score is not None


async def test_mentions_end_with_the_release_that_has_them(index: SearchIndex) -> None:
    await index.replace(listing("acme/storage:1.0.0", readme=SHELVES))
    await index.replace(listing("acme/storage:1.1.0"))
    assert await found(index, "ShelfSealedException") == []


async def test_a_word_with_a_sign_is_left_out(index: SearchIndex) -> None:
    await index.replace(listing("acme/aws.s3:1.0.0", keywords=["storage", "Vendor/Amazon"]))
    await index.replace(listing("acme/azure_storage:1.0.0", keywords=["storage"]))
    assert len(await found(index, "storage")) == 2
    for text in (
        "storage -aws",
        "storage -keyword:vendor/amazon",
        "storage -name:s3",
        'storage -"aws s3"',
        "storage -acme/aws.s3",
        "-s3",
        "storage -amazon -nothing",
    ):
        assert await found(index, text) == ["acme/azure_storage"], text
    assert await found(index, "storage -org:acme") == []
    assert (await found(index, "azure-storage"))[0] == "acme/azure_storage"


@pytest.mark.parametrize(
    "text",
    [
        "queue but not kafka",
        "queue, but not with kafka",
        "queue not kafka",
        "queue except kafka",
        "queue except for kafka",
        "queue instead of kafka",
        "queue no kafka",
        "queue anything but kafka",
        "queue nicht kafka",
        "queue sans kafka",
        "queue sem kafka",
    ],
)
async def test_what_a_query_does_not_want_is_left_out(index: SearchIndex, text: str) -> None:
    await index.replace(listing("acme/kafka:1.0.0", summary="A queue."))
    await index.replace(listing("acme/rabbitmq:1.0.0", summary="A queue."))
    assert await found(index, text) == ["acme/rabbitmq"]


@pytest.mark.parametrize("text", ["queue but not acmemail", "queue not googleapi sheets"])
async def test_packages_that_nobody_listed_as_products_are_left_out_too(
    index: SearchIndex, text: str
) -> None:
    await index.replace(listing("acme/acmemail:1.0.0", summary="A queue."))
    await index.replace(listing("acme/googleapis.sheets:1.0.0", summary="A queue."))
    await index.replace(listing("acme/rabbitmq:1.0.0", summary="A queue."))
    assert "acme/rabbitmq" in await found(index, text)
    assert len(await found(index, text)) == 2


async def test_how_a_query_is_read_does_not_tell_of_private_packages(index: SearchIndex) -> None:
    await index.replace(listing("acme/rabbitmq:1.0.0", summary="A queue, not secretmail."))
    without = await found(index, "queue not secretmail")
    await index.replace(listing("acme/secretmail:1.0.0", **PRIVATE))
    assert await found(index, "queue not secretmail") == without == ["acme/rabbitmq"]


async def test_who_asks_for_something_like_a_product_gets_it_last(index: SearchIndex) -> None:
    for name in ("kafka", "eventhub", "cloudpubsub"):
        await index.replace(listing(f"acme/{name}:1.0.0", keywords=["messaging"]))
    for text in ("like kafka but lighter", "something like kafka, only simpler"):
        names = await found(index, text)
        assert names[0] in ("acme/eventhub", "acme/cloudpubsub"), text
        assert names[-1] == "acme/kafka" or "acme/kafka" not in names, text


@pytest.mark.parametrize(
    "text",
    [
        "wie verschicke ich eine E-Mail",
        "cómo enviar un correo",
        "comment envoyer un courriel",
        "enviar um e-mail",
        "inviare una email",
        "jak wysłać e-mail",
        "как отправить письмо",
        "メールを送信する",
        "怎么发送邮件",
        "如何發送電子郵件",
        "이메일을 보내는 방법",
    ],
)
async def test_a_question_is_understood_in_its_language(index: SearchIndex, text: str) -> None:
    await index.replace(listing("acme/email:1.0.0", summary="Sends messages."))
    await index.replace(listing("acme/queue:1.0.0", summary="Sends messages."))
    assert (await found(index, text))[0] == "acme/email"


@pytest.mark.parametrize(
    "text", ["kolejka wiadomości", "cola de mensajes", "Nachrichtenwarteschlange", "消息队列"]
)
async def test_words_of_another_language_have_the_synonyms_of_their_english_ones(
    index: SearchIndex, text: str
) -> None:
    await index.replace(listing("acme/rabbitmq:1.0.0"))
    await index.replace(listing("acme/message.logger:1.0.0", summary="Logs messages."))
    assert (await found(index, text))[0] == "acme/rabbitmq"


async def test_a_package_is_found_beside_those_that_only_accompany_it(index: SearchIndex) -> None:
    for name in ("rows_to_mail", "issues_to_mail", "news_to_mail"):
        await index.replace(listing(f"acme/{name}:1.0.0", keywords=["post", "mail"]))
    await index.replace(listing("acme/mail:1.0.0"))
    assert (await found(index, "post mail"))[0] == "acme/mail"


async def test_names_are_found_within_a_sentence_without_spaces(index: SearchIndex) -> None:
    await index.replace(listing("acme/kafka:1.0.0"))
    await index.replace(listing("acme/sms:1.0.0", summary="发送短信"))
    assert await found(index, "Kafkaにメッセージを送信したい") == ["acme/kafka"]
    assert (await found(index, "发送短信"))[0] == "acme/sms"


async def test_a_long_question_finds_only_what_it_is_about(index: SearchIndex) -> None:
    await index.replace(listing("acme/kafka:1.0.0", summary="Produces and consumes messages."))
    for number in range(30):
        await index.replace(listing(f"acme/other{number}:1.0.0", summary="A service of messages."))
    question = "how does a service consume kafka messages with exactly once semantics"
    assert await found(index, question) == ["acme/kafka"]
    await index.replace(listing("acme/kafka:1.0.0", **PRIVATE))
    assert len(await found(index, question)) == 30  # It says nothing to those who cannot see it.


async def test_another_form_of_a_word_is_no_correction(index: SearchIndex) -> None:
    await index.replace(listing("acme/mail:1.0.0", summary="Sends spreadsheets."))
    for word in ("spreadsheet", "spreadsheets", "send", "sending"):
        results = await index.search(Query.parse(word), ResultPage(), ANYONE)
        assert (results.count, results.corrections) == (1, ()), word
    mistyped = await index.search(Query.parse("spraedsheets"), ResultPage(), ANYONE)
    assert mistyped.corrections == (("spraedsheets", "spreadsheets"),)


async def test_short_words_are_not_mended_to_others_that_are_as_short(index: SearchIndex) -> None:
    for name in ("aws", "avs", "ocl", "core", "db", "redis"):
        await index.replace(listing(f"acme/{name}:1.0.0"))
    for word in ("aes", "ocr", "cors", "db2"):
        results = await index.search(Query.parse(word), ResultPage(), ANYONE)
        assert (results.count, results.corrections) == (0, ()), word
    assert await found(index, "rdis") == ["acme/redis"]


async def test_another_release_has_its_own_symbols(index: SearchIndex) -> None:
    await index.replace(documented("acme/http:1.1.0", "parse", "format"))
    await index.offer(documented("acme/http:1.0.0", "old"))
    parsing = SymbolQuery.parse("parse")
    beyond = await index.symbols(parsing, ResultPage(offset=1, limit=10), ANYONE)
    assert (beyond.hits, beyond.count) == ((), 1)
    [hit] = (await index.symbols(parsing, ResultPage(), ANYONE)).hits
    assert (hit.symbol, hit.listing.symbols) == (symbol("parse", "http"), "")
    assert str(hit.listing.release.coordinate) == "acme/http:1.1.0"
    assert await symbols_found(index, "old") == []
    await index.replace(documented("acme/http:1.2.0", "format", "parse"))
    assert await symbols_found(index, "parse") == ["acme/http:parse"]
    await index.offer(documented("acme/http:1.3.0", "new"))
    assert await symbols_found(index, "parse") == []
    assert await symbols_found(index, "new") == ["acme/http:new"]
