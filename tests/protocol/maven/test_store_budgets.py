"""Store operations of each Maven request, as docs/reference/store-operations.md lists them."""

import pytest

from tests.protocol.bal.maven import AETHER, pom
from tests.protocol.test_store_budgets import PUSH
from tests.support.archives import bala
from tests.support.instances import edition_confirmed
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance
from tests.support.world import MAVEN, OpenWorld, World, asking

pytestmark = [pytest.mark.measured, one_instance("it counts calls of one instance")]

V = "v2201-13-0"
RELEASE = "acme/greet/1.0.0"
BALA = f"{RELEASE}/greet-1.0.0.bala"
SURVEY = {"metadata.survey": 1}
FIND = {"metadata.find": 1}
RIGHT = {"directory.access_context": 1}
HINT = {"search.search": 2}  # Whether anything is private: the index, and no store.


@pytest.fixture
async def counted(worlds: OpenWorld, store_calls: CallRecorder) -> World:
    """Return a registry with a public and a private package, whose calls are counted from now."""
    world = await worlds(wrap=store_calls.wrap, host=asking)
    await world.push(bala("acme/greet:1.0.0", tools=["greeter"]))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await world.document()
    for person in (world.people.ann, world.people.mia):
        await world.get("/packages", by=person)  # The token is read and remembered.
    await world.registry.identity.authentication.close()
    await edition_confirmed(world.registry)
    store_calls.forget()
    return world


LISTENERS = {"documents.api_docs_record": 1, "documents.read_pieces": 1}


@pytest.mark.parametrize(
    ("path", "calls"),
    [
        ("acme/greet/maven-metadata.xml", SURVEY),
        ("acme/greet/maven-metadata.xml.sha1", SURVEY),
        (f"{V}/acme/greet/maven-metadata.xml", SURVEY),
        (f"{V}/__tools__/greeter/maven-metadata.xml", {"metadata.tool_owners": 1} | SURVEY),
        (f"{V}/__packagesearch__/Z3JlZXQ/maven-metadata.xml", {"search.search": 1}),
        (f"{V}/__toolsearch__/Z3JlZXQ/maven-metadata.xml", {"search.search": 1}),
        (f"{V}/__symbolsearch__/cT14/maven-metadata.xml", {"search.symbols": 1}),
        (f"{V}/__connectorsearch__/cT14/maven-metadata.xml", {"search.search": 1}),
        (BALA, FIND),
        (f"{BALA}.sha256", FIND),
        (f"{BALA}.sha1", FIND | {"archives.read": 1}),
        (f"{RELEASE}/greet-1.0.0.pom", FIND),
        (f"{RELEASE}/greet-1.0.0-listeners.json", FIND | LISTENERS),
        (f"{RELEASE}/greet-1.0.0-depgraph.json", FIND | {"documents.graphs": 1}),
    ],
)
async def test_a_read_makes_exactly_these_store_calls(
    counted: World, store_calls: CallRecorder, path: str, calls: dict[str, int]
) -> None:
    answer = await counted.get(f"{MAVEN}/{path}")
    assert answer.status_code in (200, 302)
    assert store_calls.counts() == calls


LISTS = pytest.mark.parametrize(
    "url", [f"{MAVEN}/acme/greet/maven-metadata.xml", f"{MAVEN}/{V}/acme/greet/maven-metadata.xml"]
)


@LISTS
async def test_a_list_in_memory_costs_nothing(
    counted: World, store_calls: CallRecorder, url: str
) -> None:
    tag = (await counted.get(url)).headers["etag"]
    store_calls.forget()
    for headers, status in (({}, 200), ({"If-None-Match": tag}, 304)):
        assert (await counted.get(url, headers=headers)).status_code == status
    assert store_calls.counts() == {}


@LISTS
async def test_aether_gets_what_is_there_now(
    counted: World, store_calls: CallRecorder, url: str
) -> None:
    tag = (await counted.get(url)).headers["etag"]
    await counted.push(bala("acme/greet:1.1.0"))
    store_calls.forget()
    headers = {**dict(AETHER), "If-None-Match": tag}
    assert "1.1.0" in (await counted.get(url, headers=headers)).text
    assert store_calls.counts() == SURVEY


async def test_lists_of_many_distributions_are_each_their_own(counted: World) -> None:
    updates = [*range(9, 16), *range(9, 16)]
    urls = [f"{MAVEN}/v2201-{update}-0/acme/greet/maven-metadata.xml" for update in updates]
    texts = [(await counted.get(url)).text for url in urls]
    for update, text in zip(updates, texts, strict=True):
        assert f"v2201-{update}-0.acme" in text
        assert ("1.0.0" in text) is (update >= 12)


async def test_a_checksum_is_computed_once(counted: World, store_calls: CallRecorder) -> None:
    for _ in range(5):
        await counted.get(f"{MAVEN}/{BALA}.md5")
    assert store_calls.counts() == {"metadata.find": 1, "archives.read": 1}


@pytest.mark.parametrize(
    ("path", "calls"),
    [
        ("acme/absent/maven-metadata.xml", SURVEY),
        (f"{V}/acme/absent/maven-metadata.xml", SURVEY),
        ("acme/absent/1.0.0/absent-1.0.0.bala", FIND),
    ],
)
async def test_a_missing_release_adds_the_hint_and_no_store(
    counted: World, store_calls: CallRecorder, path: str, calls: dict[str, int]
) -> None:
    assert (await counted.get(f"{MAVEN}/{path}")).status_code == 401
    assert store_calls.counts() == calls | HINT


async def test_a_member_reads_a_private_package_for_one_read_more(
    counted: World, store_calls: CallRecorder
) -> None:
    await counted.get(f"{MAVEN}/acme/secret/maven-metadata.xml", by=counted.people.mia)
    assert store_calls.counts() == SURVEY | RIGHT


ARCHIVE = bala("acme/greet:2.0.0")
NEW = "acme/greet/2.0.0/greet-2.0.0"


async def test_a_push_costs_what_any_push_costs_and_little_for_each_other_file(
    counted: World, store_calls: CallRecorder
) -> None:
    checks = {"metadata.head": 1} | RIGHT
    files: list[tuple[str, bytes, dict[str, int]]] = [
        (f"{NEW}.bala", ARCHIVE, PUSH),
        (f"{NEW}.bala.sha1", b"0" * 40, checks),
        (f"{NEW}.pom", pom("acme", "greet", "2.0.0"), checks),
        (f"{NEW}.pom.sha1", b"0" * 40, checks),
        ("acme/greet/maven-metadata.xml", b"<metadata/>", checks),
        ("acme/greet/maven-metadata.xml.sha1", b"0" * 40, checks),
        (
            "acme/greet/2.0.0/bom.cdx.json",
            b'{"bomFormat": "CycloneDX"}',
            # The release is read again, as it may have been erased meanwhile.
            RIGHT | {"metadata.find": 2, "documents.put_sbom": 1},
        ),
    ]
    for path, content, calls in files:
        store_calls.forget()
        answer = await counted.send(
            "PUT", f"{MAVEN}/{path}", by=counted.people.ann, content=content
        )
        assert answer.status_code == 201
        assert store_calls.counts() == calls, path
