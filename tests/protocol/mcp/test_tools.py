"""What the tools of /mcp answer: what the registry knows, in pages, each with the next call."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.support.archives import bala
from tests.support.documented_packages import CLIENT, LISTENER, TYPES, documented_bala, published
from tests.support.mcp_agent import CALLS, GREET, MCP, META, REVISION, Agent
from tests.support.world import World

pytestmark = pytest.mark.measured

SECOND = {"client.bal": CLIENT.replace("int times = 1", "int times"), "types.bal": TYPES}


@pytest.fixture(scope="module")
async def agent(shared_world: World) -> Agent:
    await published(
        shared_world,
        documented_bala(summary="Greets people."),
        documented_bala("acme/greet:1.1.0", SECOND, summary="Greets people."),
        bala("acme/hidden:1.0.0", visibility="private"),
        bala("acme/old:1.0.0"),
    )
    return Agent(shared_world)


@pytest.mark.parametrize("tool", CALLS)
async def test_a_tool_answers_programs_and_agents(
    agent: Agent, golden: SnapshotAssertion, tool: str
) -> None:
    told = await agent.use(tool, **CALLS[tool])
    assert not told.is_error
    assert {"structured": told.structured, "text": told.text.splitlines()} == golden


async def test_a_token_opens_what_its_account_may_read(agent: Agent) -> None:
    world = agent.world
    ann = Agent(world, world.people.ann)
    bob = Agent(world, world.people.bob)
    opened = await ann.use("get_package", package="acme/hidden")
    assert opened.structured["visibility"] == "private"
    found = await ann.use("search_packages", query="hidden")
    assert [each["package"] for each in found.structured["packages"]] == ["acme/hidden"]
    assert (await bob.use("get_package", package="acme/hidden")).is_error


async def test_a_list_without_a_bucket_or_words_has_no_members(agent: Agent) -> None:
    async def symbols(**asked: str) -> list[str]:
        told = await agent.use("list_api", package=GREET, **asked)
        return [each["symbol"] for each in told.structured["declarations"]]

    assert await symbols() == ["Client", "greet", "greetWorld", "Config", "Person", "Mood", "Error"]
    assert await symbols(query="greetings latest") == [
        "Client.get greetings/[string language]/latest"
    ]
    assert await symbols(module="greet", bucket="functions") == ["greet", "greetWorld"]
    told = await agent.use("list_api", package=GREET, module="other")
    assert told.text == "`acme/greet:1.1.0` exports no module other. It has `greet`."


async def test_a_list_has_pages(agent: Agent) -> None:
    first = await agent.use("list_api", package=GREET, version="1.0.0", bucket="types")
    whole = first.structured["declarations"]
    last = await agent.use("list_api", package=GREET, version="1.0.0", bucket="types", offset=2)
    assert last.structured["declarations"] == whole[2:]
    assert (first.structured["nextOffset"], last.structured["nextOffset"]) == (None, None)


# JSON escapes each twice.
QUOTES = '"\\' * 120
VALUE = '"' + "\\\\" * 90 + '"'


async def test_a_long_readme_and_a_large_library_have_pages(agent: Agent) -> None:
    lines = [f'Line {number} with `code` and "quotes".' for number in range(900)]
    functions = "\n".join(
        f"# Says {number} {QUOTES}.\npublic function say{number}(string a = {VALUE}) {{}}"
        for number in range(120)
    )
    readme = "\n".join(["é" * 20_000, *lines])
    await published(
        agent.world, documented_bala("acme/large:1.0.0", {"a.bal": functions}, readme=readme)
    )
    shown = await pages(agent, "get_readme", package="acme/large")
    assert "".join(shown) == readme
    library = "\n".join(await pages(agent, "get_library", name="acme/large"))
    assert [each for each in range(120) if f"function say{each}(" not in library] == []


async def pages(agent: Agent, tool: str, **arguments: object) -> list[str]:
    """Return what is in the fences of all pages, of which there are several."""
    found = list[str]()
    offset = 0
    while offset is not None:
        told = (await agent.use(tool, **arguments, offset=offset)).structured
        _, _, text = told["authorText"].partition("\n")
        found.append(text.rpartition("\n")[0])
        offset = told["nextOffset"]
    assert len(found) > 2
    return found


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("Greet:Client.greet", "Client.greet"),
        ("Client->greet", "Client.greet"),
        ("greetworld", "greetWorld"),
        ("Person.name", "Person.name"),
        ("Client.get greetings/[string language]/latest", "Client.get greetings/"),
    ],
)
async def test_a_declaration_is_found_as_people_write_it(
    agent: Agent, asked: str, path: str
) -> None:
    told = await agent.use("get_symbol", package=GREET, symbol=asked)
    assert f"# {path}" in told.structured["authorText"]


async def test_what_is_not_declared_is_told_with_what_is_similar(agent: Agent) -> None:
    told = await agent.use("get_symbol", package=GREET, symbol="Client.greetAll")
    assert told.is_error
    assert (
        "declares no `Client.greetAll` in its module `greet`. Similar: `Client.greet`" in told.text
    )
    told = await agent.use("get_symbol", package=GREET, symbol="Client.gret")
    assert "Similar: `Client.greet`" in told.text
    told = await agent.use("get_symbol", package=GREET, symbol="zqxv")
    assert "Look at the list of declarations." in told.text
    told = await agent.use("get_symbol", package=GREET, symbol="Mo")
    assert "`Mood`" in told.text


async def test_a_missing_package_is_told_with_those_of_similar_names(agent: Agent) -> None:
    told = await agent.use("get_package", package="acme/greot")
    assert told.is_error
    assert told.text.endswith(". Similar: `acme/greet`. search_packages finds packages.")
    told = await agent.use("get_package", package=GREET, version="9.0.0")
    assert "Similar" not in told.text
    told = await agent.use("get_library", name="acme/hiden")
    assert "hidden" not in told.text


async def test_a_name_of_several_modules_is_that_of_the_module_before_it(world: World) -> None:
    def source(parameter: str) -> str:
        return f"public client class Client {{ remote function get({parameter}) {{}} }}"

    def two(version: str, types: str) -> bytes:
        entries = {
            f"modules/two{module}/a.bal": source(f"{types} {name}")
            for module, name in (("", "a"), (".sub", "b"))
        }
        return bala(f"acme/two:{version}", modules=["sub"], entries=entries)

    await published(world, two("1.0.0", "int"), two("1.1.0", "string"), two("2.0.0-rc.1", "int"))
    agent = Agent(world)
    for asked, parameter in (
        ({"symbol": "Client.get"}, "string a"),
        ({"symbol": "sub:Client.get"}, "string b"),
        ({"symbol": "two.sub:Client.get"}, "string b"),
        ({"symbol": "Client.get", "module": "sub"}, "string b"),
    ):
        told = await agent.use("get_symbol", package="acme/two", **asked)
        assert parameter in told.structured["authorText"]
    told = (await agent.use("compare_versions", package="acme/two")).structured
    assert (told["before"], told["after"]) == ("1.0.0", "1.1.0")
    assert [each["symbol"] for each in told["changes"]] == ["Client.get", "two.sub:Client.get"]


async def test_the_types_below_a_declaration_are_those_that_it_names(world: World) -> None:
    entries = {
        "modules/two/a.bal": "import acme/two.sub;\npublic enum Mood { GLAD }\n"
        'public function f(sub:Config config, string said = "Mood") {}',
        "modules/two.sub/a.bal": "public type Config record {| int size; |};",
    }
    await published(world, bala("acme/two:1.0.0", modules=["sub"], entries=entries))
    told = await Agent(world).use("get_symbol", package="acme/two", symbol="f")
    text = told.structured["authorText"]
    assert "# Config (record of acme/two.sub 1.0.0)" in text
    assert "# Mood" not in text


async def test_a_path_of_any_length_can_be_followed(world: World) -> None:
    long = "/".join(f"[string {'x' * 30}{number}]" for number in range(9))
    source = f"public client class Client {{ resource function get {long}() {{}} }}"
    await published(world, documented_bala("acme/long:1.0.0", {"a.bal": source}))
    agent = Agent(world)
    told = await agent.use("list_api", package="acme/long", bucket="client")
    symbol = told.structured["declarations"][-1]["next"].partition("symbol=")[2]
    assert not (await agent.use("get_symbol", package="acme/long", symbol=symbol)).is_error


async def test_a_fence_and_names_of_modules_count_for_the_size_of_a_page(world: World) -> None:
    ticks = documented_bala("acme/ticks:1.0.0", readme="a\n" + "`" * 60_000)
    modules = [f"{'m' * 120}{number}" for number in range(40)]
    wide = {"a.bal": f'public const X = "{"x" * 8_000}";'}
    await published(world, ticks, documented_bala("acme/wide:1.0.0", wide, modules=modules))
    agent = Agent(world)
    assert (await agent.use("get_readme", package="acme/ticks")).structured["nextOffset"]
    assert not (await agent.use("get_library", name="acme/wide")).is_error


@pytest.mark.slow
async def test_answers_of_hostile_texts_stay_below_their_limit(world: World) -> None:
    ticks = "`" * 197
    wide = "T" + "語" * 250
    long = '# Say "word".\n' * 900
    used = ", ".join(f"{wide}{each} a{each}" for each in range(8))
    sources = [
        f"{long}public function f({used}) {{}}\n"
        + "\n".join(
            f'public const {kind} C{each} = "{ticks}";\n{long}public type {wide}{each} record {{}};'
            for each in range(60)
        )
        for kind in ("string", "int")
    ]
    facts = {"keywords": [f"{ticks}{each}" for each in range(20)], "licenses": ["\U0001f600" * 190]}
    facts["dependencies"] = [f"acme/{'d' * 190}{each}:1.0.0" for each in range(12)]
    versions = (
        documented_bala(f"acme/tick:{n}.0.0", {"a.bal": s}, **facts)
        for n, s in enumerate(sources, 1)
    )
    await published(world, *versions)
    await world.java(world.people.ann).deprecate("acme/tick:1.0.0", ticks)
    agent = Agent(world)
    told = await agent.use("get_package", package="acme/tick")
    [note] = [each for each in told.structured["notes"] if each.endswith("of 20 keywords.")]
    assert str(len(told.structured["authorKeywords"])) in note
    assert (await agent.use("compare_versions", package="acme/tick")).structured["nextOffset"]
    assert (await agent.use("list_api", package="acme/tick")).structured["nextOffset"]
    assert not (await agent.use("get_symbol", package="acme/tick", symbol="f")).is_error
    lock = "[[package]]\norg='acme'\nname='tick'\nversion='1.0.0'\n" * 40
    assert (await agent.use("check", dependencies=lock)).structured["packages"]


async def test_a_declaration_with_a_fence_is_whole(world: World) -> None:
    source = "public function f(string a = string `x\n```\nz\n```\ny`, int last = 1) {}"
    await published(world, documented_bala("acme/fence:1.0.0", {"a.bal": source}))
    for tool, asked in (
        ("get_library", {"name": "acme/fence"}),
        ("get_symbol", {"package": "acme/fence", "symbol": "f"}),
    ):
        assert "y`, int last = 1)" in (await Agent(world).use(tool, **asked)).text


@pytest.mark.slow
async def test_more_changes_than_a_comparison_keeps_are_counted(world: World) -> None:
    def source(kind: str) -> dict[str, str]:
        return {"a.bal": "\n".join(f"public const C{each} = {kind};" for each in range(1_100))}

    versions = (documented_bala(f"acme/a:{n}.0.0", source(k)) for n, k in ((1, "1"), (2, '"x"')))
    await published(world, *versions)
    told = await Agent(world).use("compare_versions", package="acme/a")
    assert told.structured["breakingCount"] == 1_100
    assert told.structured["notes"][1] == "100 changes more are not listed."


async def test_a_comparison_that_is_not_made_yet_is_awaited(world: World) -> None:
    sources = {
        f"1.{minor}.0": {"a.bal": f"public function added_in_{minor}() {{}}"} for minor in range(3)
    }
    await published(
        world, *(documented_bala(f"acme/greet:{each}", sources[each]) for each in sources)
    )
    agent = Agent(world)
    asked = {"package": GREET, "before": "1.0.0", "after": "1.2.0"}
    told = await agent.use("compare_versions", **asked)
    assert [(each["change"], each["symbol"]) for each in told.structured["changes"]] == [
        ("removed function", "added_in_0"),
        ("added function", "added_in_2"),
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"package": "greet"}, "'greet' names no package. Write it as org/name."),
        ({"package": GREET, "before": "9.0.0"}, "9.0.0"),
        ({"package": GREET, "before": "x"}, "'x' is not a version"),
        ({"package": GREET, "after": "1.0.0"}, "has no version before `1.0.0` to compare with."),
        ({"package": GREET, "after": "9.0.0"}, "9.0.0"),
    ],
)
async def test_what_cannot_be_compared_is_told(
    agent: Agent, arguments: dict[str, str], sentence: str
) -> None:
    told = await agent.use("compare_versions", **arguments)
    assert told.is_error
    assert sentence in told.text


async def test_a_check_tells_each_state(world: World) -> None:
    first = documented_bala()
    second = documented_bala("acme/greet:2.0.0", {"l.bal": LISTENER})
    third = documented_bala("acme/greet:2.1.0", {"l.bal": LISTENER.replace("int port", "string p")})
    await published(world, first, second, third, bala("acme/old:1.0.0"), bala("acme/current:1.0.0"))
    await world.java(world.people.ann).deprecate("acme/old:1.0.0", "Use acme/new.")
    locked = '[ballerina]\ndependencies-toml-version = "2"\n' + "".join(
        f'[[package]]\norg = "acme"\nname = "{name}"\nversion = "{version}"\n'
        for name, version in (
            ("greet", "1.0.0"),
            ("greet", "1.5.0"),
            ("old", "1.0.0"),
            ("current", "1.0.0"),
            ("none", "1.0.0"),
            ("lang.int", "0.0.0"),
        )
    )
    withdrawn = Coordinate.parse("acme", "greet", "2.0.0")
    await world.registry.publishing.moderation.quarantine(withdrawn, "malware", by=OPERATOR)
    told = await Agent(world).use("check", dependencies=locked)
    rows = {f"{e['package']}:{e['version']}": e for e in told.structured["packages"]}
    assert {name: each["state"] for name, each in rows.items()} == {
        "acme/greet:1.0.0": "newer",
        "acme/greet:1.5.0": "missing",
        "acme/old:1.0.0": "deprecated",
        "acme/current:1.0.0": "current",
        "acme/none:1.0.0": "missing",
    }
    assert rows["acme/greet:1.0.0"]["breakingVersions"] == "2.0.0, 2.1.0"
    assert rows["acme/greet:1.0.0"]["newest"] == "2.1.0"
    assert rows["acme/old:1.0.0"]["authorDeprecation"] == "Use acme/new."
    assert rows["acme/greet:1.0.0"]["next"].startswith("compare_versions package=acme/greet ")
    for name in ("acme/greet:1.5.0", "acme/old:1.0.0"):
        assert rows[name]["next"] == f"get_package package={name.partition(':')[0]}"


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("[[package", True),
        ("package = 1\n[[x]]", False),
        ("[[package]]\norg='?'\nversion='1.0.0'", True),
    ],
)
async def test_what_is_no_dependencies_toml_is_refused_or_empty(
    agent: Agent, text: str, is_refused: bool
) -> None:
    told = await agent.use("check", dependencies=text)
    assert told.is_error is is_refused, told
    assert is_refused or told.structured["packages"] == []


async def test_a_resolution_has_what_the_packages_depend_on(world: World) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0", "2.0.0"):
        await world.push(bala(f"acme/base:{version}"))
    for name, needed in (("a", "1.9.0"), ("b", "1.10.0"), ("c", "1.0.0")):
        await world.push(bala(f"acme/{name}:1.0.0", dependencies=[f"acme/base:{needed}"]))
    agent = Agent(world)

    async def resolved(*packages: str, **asked: str) -> list[tuple[str, str, bool]]:
        told = (await agent.use("resolve", packages=packages, **asked)).structured
        return [(each["package"], each["version"], each["isDirect"]) for each in told["packages"]]

    direct = [(f"acme/{name}", "1.0.0", True) for name in "abc"]
    assert await resolved("acme/a:1.0.0", "acme/b", "acme/c") == [
        *direct,
        ("acme/base", "1.10.0", False),
    ]
    assert await resolved("acme/a", "acme/base:1.0.0") == [direct[0], ("acme/base", "1.10.0", True)]
    assert await resolved("acme/a", distribution="2201.12.0") != []
    await world.push(bala("acme/d:1.0.0", dependencies=["acme/base:2.0.0"]))
    told = await agent.use("resolve", packages=["acme/a", "acme/d"])
    assert "Two versions of one package are taken, which a build refuses." in told.text
    assert await resolved("acme/a", distribution="2201.8.0") == []
    wrong = await agent.use("resolve", packages=["acme/app"], distribution="swan")
    assert wrong.text == "'swan' must be a distribution, written as 2201.13.0."
    assert (await agent.use("resolve", packages=["app"])).text.startswith("'app' names no package.")


async def test_a_resolution_for_the_go_toolchain_has_what_that_takes(world: World) -> None:
    # It calls itself 0.6.0, and takes packages that were built with any version of Ballerina.
    await world.push(bala("acme/greet:1.0.0", ballerina_version="2201.13.0"))
    await world.push(bala("acme/greet:1.1.0", platform="go1.27", ballerina_version=""))
    await world.push(bala("acme/greet:1.2.0", platform="java21"))
    told = await Agent(world).use("resolve", packages=["acme/greet"], distribution="0.6.0")
    [taken] = told.structured["packages"]
    toolchain = world.go(version="0.6.0", platform="go1.26")
    assert taken["version"] == (await toolchain.pull("acme/greet")).version == "1.1.0"


async def test_a_resolution_says_what_it_leaves_out(world: World) -> None:
    for name, first, count in (("a", "x", 500), ("b", "y", 501), ("c", "w", 9)):
        base, *others = [f"acme/{first}{each}:1.0.0" for each in range(count)]
        needed = {"dependencies": [base], "transitive": {base: others}}
        await world.push(bala(f"acme/{name}:1.0.0", **needed))
    agent = Agent(world)
    every, most, more = [
        (await agent.use("resolve", packages=[f"acme/{each}" for each in names])).structured
        for names in ("a", "b", "bc")
    ]
    assert every["notes"] == ["1 package taken, 500 unresolved."]
    assert most["notes"][1:] == ["Dependencies after the first 500 were not resolved."]
    assert more["unresolved"][0]["package"].startswith("acme/y")  # The second was not read.
    page = (await agent.use("resolve", packages=["acme/a"])).structured
    found = [each["package"] for each in page["unresolved"]]
    while (offset := page["nextOffset"]) is not None:
        page = (await agent.use("resolve", packages=["acme/a"], offset=offset)).structured
        found += [each["package"] for each in page["unresolved"]]
        offset = page["nextOffset"]
    assert len(found) == len(set(found)) == 500
    assert [each["package"] for each in page["packages"]] == ["acme/a"]


async def test_a_resolution_says_why_and_for_whom_a_package_is_missing(world: World) -> None:
    await world.push(bala("acme/base:1.0.0"))
    await world.push(bala("acme/a:1.0.0", dependencies=["acme/base:9.0.0", "acme/none:1.0.0"]))
    await world.push(bala("acme/hidden:1.0.0", visibility="private"))
    told = await Agent(world).use("resolve", packages=["acme/a", "acme/base:3.0.0", "acme/hidden"])
    rows = {f"{e['package']}:{e['version']}": e for e in told.structured["unresolved"]}
    missing = "The registry has no such package, or it is private."
    assert {name: (e["reason"], e["neededBy"]) for name, e in rows.items()} == {
        "acme/base:3.0.0": ("The package has no such version.", ""),
        "acme/hidden:": (missing, ""),
        "acme/base:9.0.0": ("The package has no such version.", "acme/a:1.0.0"),
        "acme/none:1.0.0": (missing, "acme/a:1.0.0"),
    }


async def test_a_check_takes_a_ballerina_toml(world: World) -> None:
    await published(world, documented_bala(), documented_bala("acme/greet:1.1.0"))
    project = (
        '[package]\norg = "me"\nname = "app"\nversion = "0.1.0"\n'
        '[[dependency]]\norg = "acme"\nname = "greet"\n'
        '[[dependency]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
        '[[dependency]]\norg = "acme"\nname = "none"\n'
    )
    told = await Agent(world).use("check", dependencies=project)
    rows = [(e["package"], e["version"], e["state"]) for e in told.structured["packages"]]
    assert rows == [
        ("acme/greet", "1.0.0", "newer"),
        ("acme/greet", "1.1.0", "current"),
        ("acme/none", "", "missing"),
    ]


async def test_a_client_that_asks_for_one_form_gets_that_alone(agent: Agent) -> None:
    asked = {"name": "get_package", "arguments": {"package": GREET}}
    for form, kept in (("text", "content"), ("structured", "structuredContent")):
        meta = {**META, "ballroom/form": form}
        body = {
            "jsonrpc": "2.0",
            "id": 7,
            "method": "tools/call",
            "params": {**asked, "_meta": meta},
        }
        headers = {"mcp-protocol-version": REVISION, "mcp-method": "tools/call"}
        headers["mcp-name"] = "get_package"
        answer = await agent.world.send("POST", MCP, headers=headers, json=body)
        result = answer.json()["result"]
        assert [each for each in ("content", "structuredContent") if result.get(each)] == [kept]


PAYMENTS = """
# Settings of a payment.
#
# + amount - Cents to pay
public type Payment record {|
    int amount;
    # What the receiver reads.
    string note?;
|};

# Of a payment.
public class Receipt {
    # Cents that were paid
    public int amount = 0;
}

# Pays.
public client class Client {
    # Connects.
    #
    # + url - Address of the bank
    public function init(string url) returns error? {}

    # Pays an amount.
    #
    # + payment - What to pay
    # + return - The receipt
    remote function pay(Payment payment) returns string|error => "";
}
"""


async def test_comments_of_members_are_in_the_source_and_fields_are_shown_once(
    world: World,
) -> None:
    await published(world, documented_bala("acme/pay:1.0.0", {"a.bal": PAYMENTS}))
    agent = Agent(world)
    library = (await agent.use("get_library", name="acme/pay")).structured["authorText"]
    for line in (
        "# + payment - What to pay",
        "# + return - The receipt",
        "# Cents to pay",
        "# Cents that were paid",
    ):
        assert line in library
    told = (await agent.use("get_symbol", package="acme/pay", symbol="Payment")).structured
    assert told["authorText"].count("int amount") == 1
    assert "# Cents to pay" in told["authorText"]
    listed = await agent.use("list_api", package="acme/pay", bucket="client")
    assert listed.structured["declarations"][0]["create"] == "check new (string url)"
    found = await agent.use("search_symbols", query="pay:Client")
    assert found.structured["symbols"][0]["create"] == "check new (string url)"
