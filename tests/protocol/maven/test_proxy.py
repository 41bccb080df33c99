"""The proxy of Central (`proxyCentral = true`), through which `bal` 2201.13 and later read."""

import json
from base64 import b64encode

import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.maven import Generation, texts
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala, published
from tests.support.world import MAVEN, OpenWorld, World

pytestmark = pytest.mark.measured

GREET = "acme/greet:1.0.0"
V = "v2201-13-0"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<metadata>'


async def read(world: World, path: str) -> str:
    """Return a document of the proxy."""
    answer = await world.get(f"{MAVEN}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    return answer.text


def words(text: str) -> str:
    """Return what is typed as the client puts it into a path."""
    return b64encode(text.encode()).decode().rstrip("=")


async def search(world: World, kind: str, text: str) -> str:
    """Return the answer to a search."""
    return await read(world, f"{V}/__{kind}__/{words(text)}/maven-metadata.xml")


# --- Packages ----------------------------------------------------------------------------------


async def test_the_versions_of_a_package_are_nested_just_so(world: World) -> None:
    await world.push(bala(GREET, modules=["sub"], platform="java17", ballerina_version="2201.8.0"))
    await world.push(bala("acme/greet:1.1.0"))
    await world.java(world.people.ann).deprecate(GREET, "Old.")
    assert await read(world, f"{V}/acme/greet/maven-metadata.xml") == (
        f"{HEAD}<groupId>{V}.acme</groupId><artifactId>greet</artifactId><versions>"
        "<version><number>1.1.0</number><platform>any</platform><isDeprecated>false</isDeprecated>"
        "<ballerinaVersion>2201.12.0</ballerinaVersion>"
        "<modules><module><name>greet</name></module></modules></version>"
        "<version><number>1.0.0</number><platform>java17</platform>"
        "<isDeprecated>true</isDeprecated><ballerinaVersion>2201.8.0</ballerinaVersion>"
        "<modules><module><name>greet</name></module><module><name>greet.sub</name></module>"
        "</modules></version></versions></metadata>\n"
    )


@pytest.mark.parametrize("path", ["acme/none", "nobody/none", "a-b/none", "acme/1no", "acme/a..b"])
async def test_an_unknown_package_is_an_empty_list(shared_world: World, path: str) -> None:
    org, name = path.split("/")
    assert await read(shared_world, f"{V}/{path}/maven-metadata.xml") == (
        f"{HEAD}<groupId>{V}.{org}</groupId><artifactId>{name}</artifactId><versions/></metadata>\n"
    )


async def test_names_from_the_path_are_escaped(shared_world: World) -> None:
    text = await read(shared_world, f"{V}/%3Corg%3E/a&b%07/maven-metadata.xml")
    assert f"<groupId>{V}.&lt;org&gt;</groupId><artifactId>a&amp;b</artifactId>" in text


@pytest.fixture(scope="module")
async def of_platforms(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package that has a version for each platform."""
    world = await shared_worlds()
    for minor, platform in enumerate(["any", "java11", "java17", "java21", "java25", "go1.26"]):
        archive = bala(f"acme/p:1.{minor}.0", platform=platform, ballerina_version="2201.5.0")
        await world.push(archive)
    return world


@pytest.mark.parametrize(
    ("distribution", "offered"),
    [
        ("v2201-14-0", ["java25", "java21", "java17", "java11", "any"]),
        ("v2201-13-0", ["java21", "java17", "java11", "any"]),
        ("v2201-11-0", ["java21", "java17", "java11", "any"]),
        ("v2201-10-0", ["java17", "java11", "any"]),
        ("v2201-7-0", ["java11", "any"]),
        ("v2202-0-0", []),
    ],
)
async def test_a_distribution_is_offered_what_its_virtual_machine_runs(
    of_platforms: World, distribution: str, offered: list[str]
) -> None:
    text = await read(of_platforms, f"{distribution}/acme/p/maven-metadata.xml")
    assert texts(text.encode(), "versions/version/platform") == offered


@pytest.mark.parametrize(
    ("distribution", "offered"),
    [("v2201-13-0", ["1.1.0", "1.0.0"]), ("v2201-12-0", ["1.0.0"]), ("v2201-11-0", [])],
)
async def test_a_distribution_is_offered_what_its_language_can_use(
    world: World, distribution: str, offered: list[str]
) -> None:
    await world.push(bala("acme/greet:1.0.0", ballerina_version="2201.12.3"))
    await world.push(bala("acme/greet:1.1.0", ballerina_version="2201.13.0"))
    assert await world.maven(distribution=distribution).offered("acme/greet") == offered


# --- Graphs and listeners ----------------------------------------------------------------------


async def test_the_graph_is_an_answer_of_the_resolve_call(world: World) -> None:
    needs = {"acme/b:1.0.0": ["acme/c:2.0.0"]}
    await world.push(bala("acme/a:1.0.0", dependencies=["acme/b:1.0.0"], transitive=needs))
    answer = await world.get(f"{MAVEN}/acme/a/1.0.0/a-1.0.0-depgraph.json")
    assert answer.headers["content-type"] == "application/json"
    asked = [{"org": "acme", "name": "a", "version": "1.0.0", "mode": "hard"}]
    resolved = await world.java().resolve_dependencies(asked)
    assert [len(each["dependencyGraph"]) for each in resolved["resolved"]] == [3]
    assert answer.json() == resolved


async def test_listeners_are_those_of_each_module(world: World) -> None:
    await world.push(documented_bala(GREET, modules=["sub"]))
    answer = await world.get(f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0-listeners.json")
    modules = answer.json()["data"]["apiDocs"]["docsData"]["modules"]
    [listener], nothing = [json.loads(each["listeners"]) for each in modules]
    assert (listener["name"], nothing) == ("Listener", [])
    assert listener["initMethod"]["parameters"][0]["name"] == "port"


@pytest.mark.parametrize("file", ["-depgraph.json", "-listeners.json", ".bala"])
async def test_a_file_of_no_release_is_404(world: World, file: str) -> None:
    answer = await world.get(f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0{file}")
    assert answer.status_code == 404


# --- Tools -------------------------------------------------------------------------------------


async def test_a_tool_is_its_package_with_the_latest_version_first(world: World) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0"):
        await world.push(bala(f"acme/greet:{version}", tools=["greeter"]))
    await world.push(bala("acme/greet:2.0.0"))
    assert await read(world, f"{V}/__tools__/greeter/maven-metadata.xml") == (
        f"{HEAD}<groupId>{V}.__tools__</groupId><artifactId>greeter</artifactId><versions>"
        "<version>1.10.0</version><version>1.9.0</version><version>1.0.0</version></versions>"
        "<org>acme</org><package>greet</package></metadata>\n"
    )


async def test_the_first_version_of_a_tool_is_the_one_that_central_gives(world: World) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"):
        await world.push(bala(f"acme/greet:{version}", tools=["greeter"]))
    await world.java(world.people.ann).deprecate("acme/greet:1.2.0", "Broken.")
    text = await read(world, f"{V}/__tools__/greeter/maven-metadata.xml")
    first, *others = texts(text.encode(), "versions/version")
    assert first == (await world.java().pull_tool("greeter")).version == "1.1.0"
    assert others == ["2.0.0-rc.1", "1.2.0", "1.0.0"]


async def test_a_tool_is_offered_to_those_who_can_run_it(world: World) -> None:
    await world.push(bala(GREET, tools=["greeter"], ballerina_version="2201.12.0"))
    await world.push(bala("acme/greet:1.1.0", tools=["greeter"], platform="java21"))
    text = await read(world, f"{V}/__tools__/greeter/maven-metadata.xml")
    assert texts(text.encode(), "versions/version") == ["1.1.0", "1.0.0"]
    with pytest.raises(ClientFailure, match="not found"):
        await world.maven(distribution="v2201-10-0").metadata("__tools__/greeter")


async def test_an_unknown_tool_is_missing(world: World) -> None:
    answer = await world.get(f"{MAVEN}/{V}/__tools__/none/maven-metadata.xml")
    assert answer.status_code == 404
    assert answer.text == "tool not found: none. Search for it with bal tool search.\n"


# --- Searches ----------------------------------------------------------------------------------


async def greeting(world: World) -> None:
    """Push a package with everything that a search shows."""
    archive = bala(
        GREET,
        summary="Greets & <waves>.",
        authors=["Ann", "A\x00nn"],
        keywords=["hello", "wave"],
        tools=["greeter"],
    )
    await world.push(archive)


async def test_packages_are_found(world: World) -> None:
    await greeting(world)
    assert await search(world, "packagesearch", "greet") == (
        f"{HEAD}<groupId>{V}.__packagesearch__</groupId><artifactId>Z3JlZXQ</artifactId><packages>"
        "<package><org>acme</org><name>greet</name><version>1.0.0</version>"
        "<summary>Greets &amp; &lt;waves&gt;.</summary><createdDate>1790000000000</createdDate>"
        "<authors><author>Ann</author><author>A nn</author></authors></package>"
        "</packages></metadata>\n"
    )


async def test_packages_are_found_in_detail(world: World) -> None:
    await greeting(world)
    package = (await world.java().metadata(GREET)) | {"summary": "Greets &amp; &lt;waves&gt;."}
    asked = words("q=greet&limit=5&offset=0")
    assert await search(world, "packagesearchsolr", "q=greet&limit=5&offset=0") == (
        f"{HEAD}<groupId>{V}.__packagesearchsolr__</groupId><artifactId>{asked}</artifactId>"
        "<count>1</count><limit>5</limit><offset>0</offset><packages><package>"
        f"<id>{package['id']}</id><org>acme</org><name>greet</name><version>1.0.0</version>"
        f"<summary>{package['summary']}</summary><createdDate>1790000000000</createdDate>"
        "<balToolId>greeter</balToolId><pullCount>0</pullCount>"
        "<authors><author>Ann</author><author>A nn</author></authors>"
        "<keywords><keyword>hello</keyword><keyword>wave</keyword></keywords>"
        "</package></packages></metadata>\n"
    )


async def test_tools_are_found(world: World) -> None:
    await greeting(world)
    await world.push(bala("acme/greeting:1.0.0"))
    assert await search(world, "toolsearch", "greet") == (
        f"{HEAD}<groupId>{V}.__toolsearch__</groupId><artifactId>Z3JlZXQ</artifactId>"
        "<count>1</count><limit>100</limit><offset>0</offset><tools><tool>"
        "<org>acme</org><name>greet</name><version>1.0.0</version>"
        "<summary>Greets &amp; &lt;waves&gt;.</summary><balToolId>greeter</balToolId>"
        "<createdDate>1790000000000</createdDate></tool></tools></metadata>\n"
    )


async def test_connectors_are_found_with_their_packages(world: World) -> None:
    await world.push(documented_bala(GREET, keywords=["mail"]))
    await world.document()
    root = await world.maven().search("connectorsearch", "q=greet&limit=7")
    [connector] = root.iter("connector")
    package = connector.find("package")
    assert package is not None
    assert [each.text for each in connector[1:4]] == ["Client", "Greeter", "greet"]
    assert package.findtext("organization") == "acme"
    assert package.findtext("isDeprecated") == "false"
    assert [each.text for each in package.iter("keyword")] == ["mail"]
    assert [root.findtext(each) for each in ("count", "limit", "offset")] == ["1", "7", "0"]


async def test_symbols_are_found(world: World) -> None:
    await published(world, documented_bala(GREET))
    [symbol] = (await world.editor().search_symbols(q="greetWorld"))["symbols"]
    asked = words("q=greetWorld&limit=7&offset=0")
    assert await search(world, "symbolsearch", "q=greetWorld&limit=7&offset=0") == (
        f"{HEAD}<groupId>{V}.__symbolsearch__</groupId><artifactId>{asked}</artifactId>"
        "<count>1</count><limit>7</limit><offset>0</offset><symbols><symbol>"
        f"<id>{symbol['id']}</id><packageID>{symbol['packageID']}</packageID>"
        "<name>greet</name><org>acme</org><version>1.0.0</version>"
        "<moduleName>greet</moduleName>"
        "<createdDate>1790000000000</createdDate><icon/><symbolType>function</symbolType>"
        "<symbolParent/><symbolName>greetWorld</symbolName>"
        "<description>Greets the world.</description>"
        "<symbolSignature>public isolated function greetWorld() returns string</symbolSignature>"
        "<isIsolated>true</isIsolated><isRemote>false</isRemote><isResource>false</isResource>"
        "<isClosed>false</isClosed><isDistinct>false</isDistinct><isReadOnly>false</isReadOnly>"
        "</symbol></symbols></metadata>\n"
    )


@pytest.mark.parametrize("kind", ["package", "packagesolr", "tool", "symbol", "connector"])
@pytest.mark.parametrize("text", ["", "nothing like it", "ab?", "ab>", "ab?cd>ef", "q=ü&org=a-b"])
async def test_a_search_that_finds_nothing_is_an_empty_list(
    shared_world: World, kind: str, text: str
) -> None:
    segment = f"{kind.removesuffix('solr')}search{'solr' if kind.endswith('solr') else ''}"
    root = await shared_world.maven().search(segment, text)
    assert len(root[-1]) == 0
    assert root[-1].tag == f"{kind.removesuffix('solr')}s"


async def test_slashes_and_plus_signs_of_base64_arrive(world: World) -> None:
    await world.push(bala(GREET, summary="Says ab?cd>greet."))
    assert words("ab?cd>greet") == "YWI/Y2Q+Z3JlZXQ"
    for typed in ("YWI/Y2Q+Z3JlZXQ", "YWI%2FY2Q%2BZ3JlZXQ", "YWI/Y2Q+Z3JlZXQ="):
        answer = await world.get(f"{MAVEN}/{V}/__packagesearch__/{typed}/maven-metadata.xml")
        assert answer.status_code == 200
    text = await read(world, f"{V}/__packagesearch__/YWI/Y2Q+Z3JlZXQ/maven-metadata.xml")
    assert texts(text.encode(), "packages/package/name") == ["greet"]
    seen_on_the_wire = f"{V}/__packagesearch__/YT9i/+c/maven-metadata.xml"
    assert "<artifactId>YT9i/+c</artifactId>" in await read(world, seen_on_the_wire)


@pytest.mark.parametrize("typed", ["!", "Z3Jl*", "a", "Z3=JlZXQ", "gr%20eet", "ü"])
@pytest.mark.parametrize("kind", ["package", "tool", "symbol", "connector"])
async def test_invalid_base64_is_refused(shared_world: World, kind: str, typed: str) -> None:
    answer = await shared_world.get(f"{MAVEN}/{V}/__{kind}search__/{typed}/maven-metadata.xml")
    assert answer.status_code == 400
    assert "Base64" in answer.text
    assert answer.text.strip().isprintable()


async def test_the_language_server_pages_and_picks_an_organization(world: World) -> None:
    for name in ("one", "two", "three"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    await world.push(bala("other/four:1.0.0"), by=world.people.bob)
    root = await world.maven().search("packagesearchsolr", "org=acme&limit=2&offset=2&sort=name")
    assert root.findtext("count") == "3"
    assert [each.text for each in root.iter("name")] == ["two"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["one", "three", "two"]),
        ("org=other,acme&limit=20", ["one", "three", "two"]),
        ("org=other", []),
        ("package=two", ["two"]),
        ("keyword=mail", ["one"]),
        ("description=postman", ["one"]),
        ("platform=java21", ["two"]),
        ("platform=1", ["one", "three", "two"]),
        ("deprecated=true", ["four", "one", "three", "two"]),
        ("q=keyword:Cloud & More&limit=20", ["three"]),
    ],
)
async def test_a_list_of_connectors_has_the_conditions_of_central(
    of_connectors: World, words: str, found: list[str]
) -> None:
    root = await of_connectors.maven().search("connectorsearch", words)
    assert sorted(each.findtext("moduleName") or "" for each in root.iter("connector")) == found
    fields = words.replace(" & ", " %26 ")
    answer = await of_connectors.get(f"/connectors?{fields}")
    assert sorted(each["moduleName"] for each in answer.json()["connectors"]) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("package=two", ["two"]),
        ("deprecated=true&sort=name,ASC", ["four", "one", "three", "two"]),
        ("q=keyword:Cloud & More&limit=20", ["three"]),
        ("user-packages=true", []),
    ],
)
async def test_a_list_of_packages_has_the_conditions_of_central(
    of_connectors: World, words: str, found: list[str]
) -> None:
    root = await of_connectors.maven().search("packagesearchsolr", words)
    assert [each.text for each in root.iter("name")] == found


@pytest.fixture(scope="module")
async def of_connectors(shared_worlds: OpenWorld) -> World:
    """Return a registry with a connector in each package, which no test changes."""
    world = await shared_worlds()
    mail = documented_bala("acme/one:1.0.0", keywords=["mail"], summary="The postman.")
    await world.push(mail)
    await world.push(documented_bala("acme/two:1.0.0", platform="java21"))
    await world.push(documented_bala("acme/three:1.0.0", keywords=["Cloud & More"]))
    await world.push(documented_bala("acme/four:1.0.0"))
    await world.java(world.people.ann).deprecate("acme/four:*", "Old.")
    await world.document()
    return world


async def test_a_search_shows_what_the_distribution_can_use(world: World) -> None:
    await world.push(bala("acme/new:1.0.0", ballerina_version="2201.14.0"))
    assert len(list((await world.maven().search("packagesearch", "new")).iter("package"))) == 0
    later = world.maven(distribution="v2201-14-0")
    assert len(list((await later.search("packagesearch", "new")).iter("package"))) == 1


# --- Builds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", [Generation.STOPPING, Generation.GOING_ON])
async def test_an_import_is_found_behind_names_that_nobody_has(
    world: World, generation: Generation
) -> None:
    await world.push(bala("acme/aws.s3:1.0.0"))
    await world.push(bala("acme/greet:1.0.0", modules=["sub"]))
    imports = ["acme/aws.s3", "nobody/x.y.z", "acme/greet.sub"]
    found = await world.maven().build(imports, generation)
    assert found == {"acme/aws.s3": ["1.0.0"], "acme/greet": ["1.0.0"]}


@pytest.mark.parametrize("generation", [Generation.STOPPING, Generation.GOING_ON])
async def test_a_build_with_credentials_finds_private_packages_too(
    world: World, generation: Generation
) -> None:
    await world.push(bala("acme/secret.part:1.0.0", visibility="private"))
    client = world.maven(world.people.mia)
    found = await client.build(["acme/aws.s3", "acme/secret.part"], generation)
    assert found == {"acme/secret.part": ["1.0.0"]}
