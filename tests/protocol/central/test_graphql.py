"""POST /2.0/graphql, as the language server, scripts and the Maven proxy of Central call it."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.archives import bala
from tests.support.documented_packages import published
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

GRAPHQL = f"{URL}/2.0/graphql"

# As the language server sends it: with line feeds, unescaped, inside of the JSON string.
LANGUAGE_SERVER = """{"query":"{
    query: apiDocs(inputFilter: {
      moduleInfo: {orgName: \\"%s\\", moduleName: \\"%s\\", version: \\"%s\\"},
      functionFilter: {name: \\"%s\\"}
    }) {
      docsData {
        modules {
          functions
        }
      }
    }
  }"}"""

API_DOCS = """
{apiDocs(inputFilter: {moduleInfo: {orgName: "acme", moduleName: "%s", version: "1.0.0"}%s}) {
  docsData {modules {id orgName version summary description isDefaultModule relatedModules
    functions clients listeners records enums types errors constants}}
}}
"""


async def asked(
    world: World, query: str, *, by: Person | None = None, **more: object
) -> dict[str, Any]:
    """Return the answer to a query."""
    return await sent(world, json.dumps({"query": query, **more}), by)


async def sent(world: World, body: str, by: Person | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    answer = await world.send("POST", GRAPHQL, by=by, headers=headers, content=body.encode())
    assert answer.status_code == 200, "the language server takes an error status for a crash"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


async def modules_of(world: World, query: str, **options: Any) -> list[dict[str, Any]]:
    answer = await asked(world, query, **options)
    assert "errors" not in answer, answer
    return answer["data"]["apiDocs"]["docsData"]["modules"]


async def test_lists_of_a_module_are_strings_of_json(world: World) -> None:
    await published(world)
    [module] = await modules_of(world, API_DOCS % ("greet", ""))
    assert (module["id"], module["orgName"], module["version"]) == ("greet", "acme", "1.0.0")
    assert module["isDefaultModule"] is True
    assert json.loads(module["relatedModules"]) == []
    assert [each["name"] for each in json.loads(module["clients"])] == ["Client"]
    assert [each["name"] for each in json.loads(module["records"])] == ["Config", "Person"]
    assert json.loads(module["errors"])[0]["isDistinct"] is True


async def test_a_filter_makes_a_list_one_object(world: World) -> None:
    await published(world)
    more = ', functionFilter: {name: "greetWorld"}, clientFilter: {name: "Client"}'
    [module] = await modules_of(world, API_DOCS % ("greet", more))
    assert json.loads(module["functions"])["name"] == "greetWorld"
    assert json.loads(module["clients"])["name"] == "Client"
    more = ', functionFilter: {name: "nothing"}'
    [module] = await modules_of(world, API_DOCS % ("greet", more))
    assert json.loads(module["functions"]) == {}


async def test_the_query_of_the_language_server_with_raw_line_feeds_is_read(world: World) -> None:
    await published(world)
    answer = await sent(world, LANGUAGE_SERVER % ("acme", "greet", "1.0.0", "greetWorld"))
    [module] = answer["data"]["query"]["docsData"]["modules"]
    assert json.loads(module["functions"])["returnParameters"][0]["type"]["name"] == "string"


async def test_an_unknown_module_is_no_module_and_no_error(world: World) -> None:
    assert await modules_of(world, API_DOCS % ("nothing", "")) == []
    assert await modules_of(world, "{apiDocs {docsData {modules {id}}}}") == []


async def test_packages_are_listed_with_variables(world: World, golden: SnapshotAssertion) -> None:
    await published(world)
    query = (
        "query Packages($o: String, $l: Int, $f: Int) {query: packages(orgName: $o, limit: $l,"
        " offset: $f) {packages {organization name version icon keywords modules {name} URL summary"
        " createdDate totalPullCount pullCount}}}"
    )
    variables = {"o": "acme", "l": 800, "f": 0}
    assert await asked(world, query, variables=variables, operationName="Packages") == golden


async def test_an_editor_asks_for_every_version_of_a_package_with_its_neighbours(
    world: World, golden: SnapshotAssertion
) -> None:
    await world.push(bala("acme/base:1.0.0"))
    await world.push(bala("acme/user:2.0.0", dependencies=["acme/base:1.0.0"]))
    await world.java().pull("acme/base:1.0.0")
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")
    one = (
        'v%d: package(orgName: "acme", packageName: "%s", version: "%d.0.0") {'
        " dependentPackages {organization name version}"
        " packageDependencies {organization name version} dailyPullCount totalPullCount keywords}"
    )
    versions = [one % (number, "base", number) for number in range(1, 87)]
    fields = " ".join([*versions, one % (0, "user", 2)])
    answer = await asked(world, f"{{{fields}}}")
    assert "errors" not in answer
    assert [answer["data"][each] for each in ("v1", "v0")] == golden
    assert [answer["data"][f"v{number}"] for number in range(2, 87)] == [None] * 85


@pytest.fixture(scope="module")
async def base(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package of many dependents, which no test changes."""
    world = await shared_worlds()
    admin = world.people.admin  # Whom no burst stops.
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/base:{version}"))
    for number in range(25):
        user = bala(f"acme/user{number:02}:1.0.0", dependencies=["acme/base:1.0.0"])
        await world.push(user, by=admin)
    await world.push(bala("acme/newer:1.0.0", dependencies=["acme/base:1.1.0"]))
    secret = bala("acme/secret:2.0.0", dependencies=["acme/base:1.0.0"], visibility="private")
    await world.push(secret)
    return world


async def test_all_dependents_of_a_version_are_listed_to_who_may_see_them(base: World) -> None:
    query = '{dependentPackages(orgName: "acme", packageName: "base"%s) {name version}}'
    users = [{"name": f"user{number:02}", "version": "1.0.0"} for number in range(25)]
    hidden = {"name": "secret", "version": "2.0.0"}
    newer = {"name": "newer", "version": "1.0.0"}
    for version, by, expected in (
        (', version: "1.0.0"', None, users),
        (', version: "1.0.0"', base.people.mia, [hidden, *users]),
        (', version: "1.1.0"', None, [newer]),
        (', version: "9.0.0"', None, []),
        ("", None, [newer, *users]),
    ):
        answer = await asked(base, query % version, by=by)
        found = answer["data"]["dependentPackages"]
        assert sorted(found, key=lambda each: each["name"]) == expected
    one = query[1:-1] % ""
    assert "costs too much" in str(await asked(base, f"{{a: {one} b: {one}}}"))


async def test_a_package_has_all_dependents_of_the_version_that_was_asked_for(base: World) -> None:
    users = [f"user{number:02}" for number in range(25)]
    query = '{package(orgName: "acme", packageName: "base"%s) {dependentPackages {name}}}'
    for version, expected in (
        ("1.0.0", users),
        ("1.1.0", ["newer"]),
        ("1.1.*", ["newer"]),
        ("*", ["newer", *users]),
        ("", ["newer", *users]),
    ):
        asked_for = f', version: "{version}"' if version else ""
        answer = await asked(base, query % asked_for)
        found = answer["data"]["package"]["dependentPackages"]
        assert sorted(each["name"] for each in found) == expected
    both = "".join(
        f'v{each[2]}: package(orgName: "acme", packageName: "base", version: "{each}")'
        " {dependentPackages {name}}"
        for each in ("1.0.0", "1.1.0")
    )
    data = (await asked(base, f"{{{both}}}"))["data"]
    assert [len(data[each]["dependentPackages"]) for each in ("v0", "v1")] == [25, 1]
    listed = await asked(base, "{packages {packages {name dependentPackages {name}}}}")
    [found] = [each for each in listed["data"]["packages"]["packages"] if each["name"] == "base"]
    assert len(found["dependentPackages"]) == 26


async def test_pulls_are_counted_between_two_days(world: World) -> None:
    await published(world)
    await world.java().pull("acme/greet:1.0.0")
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")

    async def pulls(days: str) -> int:
        query = f'{{package(orgName: "acme", packageName: "greet"{days}) {{totalPullCount}}}}'
        return (await asked(world, query))["data"]["package"]["totalPullCount"]

    assert await pulls("") == 1
    assert await pulls(', pullStatStartDate: "2020-01-01"') == 1
    assert await pulls(', pullStatEndDate: "2020-01-01"') == 0
    answer = await asked(
        world,
        '{package(orgName: "acme", packageName: "greet", pullStatEndDate: "x") {totalPullCount}}',
    )
    assert "2026-11-20" in answer["errors"][0]["message"]


PACKAGE_DETAILS = """
  query package($orgName: String!, $packageName: String!, $version: String!) {
    package(orgName: $orgName, packageName: $packageName, version: $version) {
      totalPullCount
      packageDependencies {organization name version},
      dependentPackages {organization name version}
      dailyPullCount {pullDate pullCount}
    }
  }
"""


async def test_the_pulls_of_each_of_the_last_days_are_counted(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    for _ in range(3):  # The first day is too long ago.
        await world.java().pull("acme/greet:1.0.0")
        await world.write_pulls()
        await world.registry.maintenance.task_runner.run("roll-up-pulls")
        world.clock.advance(timedelta(days=10))
    named = {"orgName": "acme", "packageName": "greet", "version": "1.0.0"}
    answer = await asked(world, PACKAGE_DETAILS, variables=named)
    assert answer["data"]["package"]["dailyPullCount"] == [
        {"pullDate": "2026-10-01", "pullCount": 1},
        {"pullDate": "2026-10-11", "pullCount": 1},
    ]


async def test_a_fragment_and_an_operation_are_used_by_name(world: World) -> None:
    await published(world)
    query = (
        "query One {packages {count}} query Two {packages {...Names}}"
        " fragment Names on Packages {packages {... on Package {name}}}"
    )
    answer = await asked(world, query, operationName="Two")
    assert answer["data"] == {"packages": {"packages": [{"name": "greet"}]}}


# --- who may see it ----------------------------------------------------------------------------


async def test_a_wrong_token_is_an_error_of_graphql(world: World) -> None:
    headers = {"Authorization": "Bearer wrong"}
    answer = await world.send("POST", GRAPHQL, headers=headers, content=b'{"query": "{a}"}')
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["message"]


# --- hostile queries ---------------------------------------------------------------------------

MANY = range(2_000)
BOMBS = {
    "depth": "{a" * 5_000 + "}" * 5_000,
    "lists": "{package(orgName: " + "[" * 20_000 + ")",
    "unclosed": "{" * 60_000,
    "aliases": "{" + " ".join(f'a{n}: package(orgName: "x") {{name}}' for n in MANY) + "}",
    "aliased parts": "{apiDocs {docsData {modules {"
    + " ".join(f"a{n}: functions" for n in range(450))
    + "}}}}",
    "modules": "{" + " ".join(f"a{n}: apiDocs {{apiDocsVersion}}" for n in range(40)) + "}",
    "many packages": "{"
    + " ".join(f'a{n}: package(orgName: "x") {{dependentPackages {{name}}}}' for n in range(130))
    + "}",
    "many fields": "{"
    + " ".join(f'a{n}: package(orgName: "x") {{...P}}' for n in range(90))
    + "} fragment P on Package {organization name version platform URL balaVersion balaURL digest "
    "summary readme icon keywords modules {name summary readme} packageDependencies {name} "
    "licenses authors id createdDate pullCount totalPullCount template isDeprecated}",
    "many fields of a list": "{packages(limit: 1000) {packages {organization name version platform "
    "URL balaVersion balaURL digest summary readme icon keywords modules {name summary readme} "
    "licenses authors id createdDate pullCount totalPullCount template isDeprecated}}}",
    "a variable that nobody declared": "{package(orgName: $o) {name}}",
    "a directive that does not exist": "{package @nonsense {name}}",
    "a fragment that does not exist": "{package {...Nonsense}}",
    "dependents of a list": "{packages(limit: 50) {packages {dependentPackages {name}}}}",
    "long lists": "{" + " ".join(f"a{n}: packages(limit: 1000) {{count}}" for n in range(9)) + "}",
    "unknown limit": "query($l: Int = 1000) {"
    + " ".join(f"a{n}: packages(limit: $l) {{count}}" for n in range(9))
    + "}",
    "fragment circle": "{...A} fragment A on Query {...B} fragment B on Query {...A}",
    "fragments": "{...F0} "
    + " ".join(f"fragment F{n} on Query {{...F{n + 1} ...F{n + 1}}}" for n in range(100))
    + " fragment F100 on Query {packages {count}}",
    "fragments without a field": "{...F0} "
    + " ".join(f"fragment F{n} on Query {{...F{n + 1} ...F{n + 1}}}" for n in range(30)),
    "fragments that are all in each other": "{...F0} "
    + " ".join(
        f"fragment F{n} on Query {{{' '.join(f'...F{m}' for m in range(12))}}}" for n in range(12)
    ),
    "operations that share a fragment": " ".join(f"query Q{n} {{...F}}" for n in range(90))
    + " fragment F on Query {"
    + " ".join(f"a{n}: package {{...P}}" for n in range(150))
    + "} fragment P on Package {name URL digest readme template modules {name}}",
    "an unclosed string": '{package(orgName: "' + '\\"' * 32_000,
    "an unclosed block string": '{package(orgName: """' + '\\"""' * 15_000,
    "depth after a comment": "{a #\r" + "{a" * 600 + "}" * 600,
    "depth after a block string": '{package(orgName: """\\"""""") ' + "{a" * 600 + '} """',
    "unknown fields": "{" + " ".join(f"field{n}" for n in range(200)) + "}",
    "two meanings": '{a: package(orgName: "x") {name} a: package(orgName: "y") {name}}',
    "long": "{packages {count}}" + " " * 70_000,
    "introspection": "{__schema {types {fields {type {fields {type {fields {name}}}}}}}}",
    "mutation": "mutation {delete}",
    "nothing": "",
    "no query": "# only a comment",
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_refused_in_a_moment(shared_world: World, name: str) -> None:
    await asked(shared_world, "{packages {count}}")  # The library is imported.
    for _ in range(3):  # A busy machine may be slow once.
        began = time.thread_time()
        answer = await asked(shared_world, BOMBS[name])
        seconds = time.thread_time() - began
        assert answer["errors"][0]["message"]
        assert not answer["data"]
        if seconds < 1:  # A tenth of it where the coverage is not measured.
            return
    pytest.fail("It takes too long.")  # Without the limits it takes many seconds.


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "nonsense",
        '{"query": 1}',
        '{"variables": {}}',
        json.dumps({"query": "{packages {count}}", "variables": {"a": "x" * 3_000_000}}),
        '{"query": "{packages {count}}", "variables": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(7),
)
async def test_an_unreadable_body_is_an_error_of_graphql(shared_world: World, body: str) -> None:
    answer = await sent(shared_world, body)
    assert answer["errors"][0]["message"]
