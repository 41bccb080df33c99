"""The API documentation of a release: modules, symbols, and their twins for programs."""

import time

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.calls import Calls
from shared.domain.api_docs.model import FunctionDocs, ModuleDocs
from shared.domain.api_docs.outline import DocsSymbol
from shared.domain.mirror_rules import CENTRAL_PAGES
from tests.protocol.web.page_reader import Elements, main_of, opened, words
from tests.protocol.web.sample_packages import publish
from tests.support.archives import bala
from tests.support.world import World

pytestmark = pytest.mark.measured

SOURCE = """
import ballerina/http;
import acme/words;

# Sends greetings. Nobody answers.
#
# - to people
#   - and to friends
public isolated client class Client {
    # Where it sends to.
    public string url = "";

    # Prepares it.
    #
    # + url - Of the server
    public isolated function init(string url) returns error? {}

    # Sends a greeting.
    #
    # + to - A **person**
    # + options - How to send
    # + return - What was said
    remote isolated function send(Person to, *Options options) returns words:Text|Problem {
        return "";
    }

    resource isolated function get people/[int id](int 'limit = 10) returns Person[]? => ();
}

# A person.
public type Person record {|
    # Of the person
    string name;
    Person[] friends = [];
    http:Response response?;
|};

public type Options record {};

public type Problem distinct error;

# Moods of a greeting.
public enum Mood { GLAD, SAD = "sad" }

# Old.
# # Deprecated
# Use `Client`.
@deprecated
public function greet(string name) returns string => name;

public type Text string;

public annotation Text on type;

# <script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>
public const HOSTILE = "</code><script>alert(1)</script>";
"""
DOCS = "/packages/acme/hello/1.0.0/docs"


@pytest.fixture(scope="module")
async def documented(shelf: World) -> World:
    """Return a registry with a documented package."""
    await publish(
        shelf,
        "acme/hello:1.0.0",
        modules=["low"],
        exported=["hello", "hello.low"],
        dependencies=["acme/words:1.0.0", "ballerina/http:2.10.0"],
        entries={
            "modules/hello/hello.bal": SOURCE,
            "modules/hello.low/hello.low.bal": "function f() {}",
        },
    )
    return shelf


PAGES = {
    "module": "",
    "module_without_declarations": "/hello.low",
    "function": "/hello/greet",
    "client": "/hello/Client",
    "record_with_types_of_others": "/hello/Person",
    "enum": "/hello/Mood",
    "type": "/hello/Text",
    "annotation_of_the_name_of_a_type": "/hello/@Text",
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page(documented: World, page: SnapshotAssertion, name: str) -> None:
    assert main_of(await opened(documented, DOCS + PAGES[name])) == page


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("greet", "var result = hello:greet(name);"),
        ("Client.send", "var result = check helloClient->send(to);"),
        ("Client.get people/[int id]", "var result = helloClient->/people/[id].get();"),
        ("Client.init", ""),
    ],
)
async def test_a_function_page_shows_how_to_call_it(
    documented: World, path: str, call: str
) -> None:
    text = await words(documented, f"{DOCS}/hello/{path}")

    assert f"Call {call}" in text if call else "Call" not in text
    assert ("Deprecated. Use Client" in text) is (path == "greet")


async def test_every_address_of_a_module_shows_the_same(documented: World) -> None:
    pages = [f"{DOCS}", f"{DOCS}?module=hello", f"{DOCS}/hello", f"{DOCS}/hello/"]
    latest = "/packages/acme/hello/latest/docs"
    texts = [await words(documented, each) for each in (*pages, latest)]

    assert len(set(texts)) == 1


@pytest.mark.parametrize(
    ("module", "path"), [("tree", "tree.bal"), ("tree.sub", "modules/sub/sub.bal")]
)
async def test_sources_of_an_archive_that_is_a_project_are_where_it_has_them(
    own_shelf: World, module: str, path: str
) -> None:
    await publish(
        own_shelf,
        "acme/tree:1.0.0",
        layout=4,
        modules=["sub"],
        entries={path: "public function grow() {}"},
    )
    release = "/packages/acme/tree/1.0.0"

    page = Elements.of(await opened(own_shelf, f"{release}/docs/{module}/grow"))

    [source] = [each for each in page.links if "#L-1" in each]
    assert source == f"{release}/files?path={path.replace('/', '%2F')}#L-1"
    assert (await opened(own_shelf, source)).status_code == 200


async def test_a_type_of_another_package_is_found_by_its_module(documented: World) -> None:
    for path in ("Person", "Client.get%20people/%5Bint%20id%5D"):
        answer = await opened(documented, f"/docs/acme/hello/1.0.0/{path}")
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{DOCS}/hello/{path}"
    answer = await opened(documented, "/docs/acme/hello.low/1.0.0")
    assert answer.headers["location"] == f"{DOCS}/hello.low"
    for path in ("acme/hello/9.9.9/Person", "acme/nothing/1.0.0/A", "acme/secret/1.0.0/A"):
        assert (await opened(documented, f"/docs/{path}")).status_code == 404


async def test_a_type_of_an_organization_that_is_not_here_leads_to_central(
    documented: World,
) -> None:
    answer = await opened(documented, "/docs/ballerina/http/2.10.0/Response")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{CENTRAL_PAGES}/ballerina/http/2.10.0"
    for path in ("a%2F%2Fb/http/2.10.0/A", "ballerina/..%5Cevil/2.10.0/A", "ballerina/http/x/A"):
        assert (await opened(documented, f"/docs/{path}")).status_code == 404


@pytest.mark.slow
async def test_a_page_has_thousands_of_symbols(own_shelf: World) -> None:
    functions = "".join(f"public function f{n}() {{}}\n" for n in range(2_100))
    members = ", ".join(f"M{n}" for n in range(2_100))
    source = f"{functions}public enum E {{ {members} }}\n"
    await publish(own_shelf, "acme/many:1.0.0", entries={"modules/many/many.bal": source})
    assert "f998" in await words(own_shelf, "/packages/acme/many/1.0.0/docs")
    assert "M2099" in await words(own_shelf, "/packages/acme/many/1.0.0/docs/many/E")


def test_a_call_with_a_long_path_is_written_in_time() -> None:
    # It takes a twentieth of a second, and more than a minute if the time is quadratic.
    path = f"[{'a' * 1_000_000} !]"
    module = ModuleDocs(id="greet", org_name="acme", version="1.0.0")
    method = FunctionDocs(name="get", is_resource=True, accessor="get", resource_path=path)
    symbol = DocsSymbol("Client.get", "get", "method", method, DocsSymbol("C", "C", "", method))
    began = time.thread_time()
    assert Calls.of(module).source(symbol)
    assert time.thread_time() - began < 10


async def test_comments_and_values_of_a_hostile_author_execute_nothing(documented: World) -> None:
    for path in (f"{DOCS}/hello", f"{DOCS}/hello/HOSTILE"):
        page = (await opened(documented, path)).text
        assert "&lt;script&gt;alert" in page
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
        assert 'onerror="' not in page


@pytest.mark.parametrize("path", ["Nobody", "Client.nothing", "Nobody.send", "Client."])
async def test_a_missing_symbol_is_a_refusal_page_of(documented: World, path: str) -> None:
    assert (await opened(documented, f"{DOCS}/hello/{path}")).status_code == 404
    assert (await opened(documented, f"{DOCS}/nothing/{path}")).status_code == 404


async def test_a_comment_does_not_have_the_address_of_the_registry(own_shelf: World) -> None:
    source = f"# Hello{chr(0) * 9}.\npublic function greet() {{}}\n"
    await publish(own_shelf, "acme/zeros:1.0.0", entries={"modules/zeros/a.bal": source})
    for path in ("docs/zeros/greet?form=markdown", "docs/zeros?form=markdown"):
        answer = await opened(own_shelf, f"/packages/acme/zeros/1.0.0/{path}")
        assert f"Hello{chr(0xFFFD) * 9}." in answer.text


async def test_programs_get_markdown(documented: World) -> None:
    markdown = (await opened(documented, f"{DOCS}/hello?form=markdown")).text
    assert markdown.startswith("# acme/hello 1.0.0\n")
    assert (
        "## Clients\n\n### Client\n\n```ballerina\npublic isolated client class Client" in markdown
    )

    symbol = (await opened(documented, f"{DOCS}/hello/Client?form=markdown")).text
    assert "- to people\n  - and to friends" in symbol
    assert "- `to`: A **person**\n" in symbol

    assert "Old.\n" in (await opened(documented, f"{DOCS}/hello/greet?form=markdown")).text


async def test_lines_that_could_not_be_read_are_named(own_shelf: World) -> None:
    source = "public function good() {}\npublic function broken( {\npublic function other() {}\n"
    await publish(own_shelf, "acme/broken:1.0.0", entries={"modules/broken/broken.bal": source})

    text = await words(own_shelf, "/packages/acme/broken/1.0.0/docs")

    assert "Partial documentation." in text
    assert "broken.bal" in text
    assert "good" in text


async def test_a_release_without_sources_shows_its_readme(own_shelf: World) -> None:
    await publish(
        own_shelf,
        "acme/strange:1.0.0",
        entries={"modules/strange/strange.bal": b"\xff\xfe\x00public"},
    )

    text = await words(own_shelf, "/packages/acme/strange/1.0.0/docs")

    assert "import acme/strange;" in text
    assert "UTF-8" in text


# --- Changes -------------------------------------------------------------------------------------

OLD = """
public function kept(int a) {}
public function widened(int a) {}
public function gone() {}
"""
NEW = """
public function kept(int a) {}
public function widened(int|string a) {}
public function added() {}
"""


TWO = (("1.0.0", OLD), ("1.0.1", NEW))


async def publish_documented(world: World, *versions: tuple[str, str]) -> None:
    for each, source in versions:
        entries = {"modules/moving/moving.bal": source}
        await publish(world, f"acme/moving:{each}", entries=entries)


async def test_breaking_changes_are_listed_first_with_both_signatures(own_shelf: World) -> None:
    await publish_documented(own_shelf, *TWO)

    text = await words(own_shelf, "/packages/acme/moving/1.0.1/changes")

    assert "1 breaking change; this should have been a major version." in text
    assert "gone function removed Breaking - Before: public function gone()" in text
    assert text.index("gone function removed") < text.index("added function added")
    assert "widened function changed - Before: public function widened(int a)" in text
    assert "+ After: public function widened(int|string a)" in text
    assert "The parameter a accepts more types." in text
    assert "kept" not in text


async def test_a_new_major_version_may_break_callers(own_shelf: World) -> None:
    await publish_documented(own_shelf, ("1.0.0", OLD), ("2.0.0", NEW))

    text = await words(own_shelf, "/packages/acme/moving/2.0.0/changes")

    assert "1 breaking change; the major version was raised for it." in text
    assert "should have been" not in text


async def test_a_page_on_which_something_is_being_made_loads_itself_again(own_shelf: World) -> None:
    await own_shelf.push(bala("acme/late:1.0.0", readme="# Late"))
    own_shelf.documents_when_read = False
    for path in ("docs", "changes?from=1.0.0", ""):
        page = await opened(own_shelf, f"/packages/acme/late/1.0.0/{path}".rstrip("/"))
        if "is being made" in page.text:
            assert page.headers["refresh"] == "3"
            assert page.headers["cache-control"] == "no-store"
    page = await opened(own_shelf, "/packages/acme/late/1.0.0/docs")
    assert "is being made" in page.text
    await own_shelf.document()
    page = await opened(own_shelf, "/packages/acme/late/1.0.0/docs")
    assert "is being made" not in page.text
    assert "refresh" not in page.headers


async def test_any_two_versions_can_be_compared(own_shelf: World) -> None:
    await publish_documented(own_shelf, *TWO)

    path = "/packages/acme/moving/1.0.0/changes?from=1.0.1"
    text = await words(own_shelf, path)  # It is made before the first answer.
    assert "API of 1.0.0 compared with 1.0.1" in text
    assert "added function removed" in text
    assert "There is no earlier version." in await words(
        own_shelf, "/packages/acme/moving/1.0.0/changes"
    )
    for version in ("9.9.9", "x"):
        path = f"/packages/acme/moving/1.0.0/changes?from={version}"
        page = await opened(own_shelf, path)
        assert page.status_code == 404
        assert f"There is no version &#39;{version}&#39; of acme/moving" in page.text
        assert "Check the address" not in page.text


async def test_versions_link_to_their_api_changes(own_shelf: World) -> None:
    await publish_documented(own_shelf, *TWO)
    own_shelf.documents_when_read = False

    links = Elements.of(await opened(own_shelf, "/packages/acme/moving/versions")).links

    assert "/packages/acme/moving/1.0.1/changes" in links
