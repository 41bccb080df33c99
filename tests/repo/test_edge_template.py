"""The edge keeps copies of what is everybody's, and of nothing else."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from functions.central.double_slash import BASE
from functions.faces import operations
from functions.http.operations import READ_METHODS, Effect, Operation
from shared.adapters.blob.client import ARCHIVE_CONTAINERS, LINK_CACHE_CONTROL
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import ARCHIVE_CACHE_PUBLIC
from shared.domain.archives.digests import Digest
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.rate_limits import RateLimit, RateLimitClass, RateLimitSubject
from shared.domain.visibility import Readers, Visibility
from shared.services.packages.archive_delivery import ArchiveLink, public_link_prefix
from shared.settings import Settings
from tests.contract.sample_records import NAME
from tests.support.archives import bala
from tests.support.bicep_templates import MAIN, function_apps, module, template
from tests.support.front_door import owner_of, readable_containers

EDGE = module("edge")
ROLES = module("roles")


def configured(name: str) -> Mapping[str, Any]:
    """Return the properties of a resource of the edge."""
    (found,) = [config for each, _, config in EDGE.resources() if each == name]
    return found["properties"]


# Of which one is made: with blobs that Front Door reaches, the other.
KEEPING = ("keep", "keepBlobs")


@pytest.mark.parametrize("rule", KEEPING)
def test_copies_are_kept_of_public_archives_static_files_and_tiles_alone(rule: str) -> None:
    condition, *others = configured(rule)["conditions"]
    assert [each["name"] for each in others] in ([], ["RequestMethod", "QueryString"])
    assert condition["name"] == "UrlPath"
    assert condition["parameters"]["operator"] == "BeginsWith"
    (prefix,) = condition["parameters"]["matchValues"]
    paths = {
        visibility: ArchiveLink(visibility.value, Digest("0" * 64), "1.0.0", "a.bala").path
        for visibility in Visibility
    }
    kept = [each for each, path in paths.items() if path.startswith(f"/{prefix}")]
    assert kept == [Visibility.PUBLIC]
    assert configured("staticFiles")["patternsToMatch"] == ["/static/*"]
    # Each log has a path of its own, so that no tile is ever kept in the place of another one.
    assert configured("logTiles")["patternsToMatch"] == ["/log/tile/*", "/logs/*"]
    # Nowhere else is anything said of keeping: a route without it keeps nothing.
    assert EDGE.text.count("cacheConfiguration") == 5
    assert "cacheConfiguration" not in configured("route")


@pytest.mark.parametrize("rule", KEEPING)
def test_a_public_archive_is_requested_without_the_token_of_the_caller(rule: str) -> None:
    removed = [
        action["parameters"]["headerName"]
        for action in configured(rule)["actions"]
        if action["parameters"].get("headerAction") == "Delete"
    ]
    assert removed == ["Authorization"]


def test_the_registry_decides_how_long_a_copy_is_cached() -> None:
    assert "cacheBehavior: 'HonorOrigin'" in EDGE.text
    # Of a blob that an earlier version stored without headers; Front Door would keep it for days.
    assert "cacheBehavior: 'OverrideIfOriginMissing'" in EDGE.text
    [duration] = set(re.findall(r"cacheDuration: '(.+)'", EDGE.text))
    [minutes] = re.findall(r"^00:(\d\d):00$", duration)
    assert f"public, max-age={int(minutes) * 60}" == LINK_CACHE_CONTROL[ArchiveContainer.PUBLIC]
    assert LINK_CACHE_CONTROL[ArchiveContainer.PUBLIC] == ARCHIVE_CACHE_PUBLIC


def test_everything_goes_to_the_app_over_tls() -> None:
    route = configured("route")
    assert route["patternsToMatch"] == ["/*"]
    assert route["forwardingProtocol"] == "HttpsOnly"
    assert route["httpsRedirect"] == "Enabled"


def test_the_edge_is_no_stricter_with_an_address_than_the_registry() -> None:
    default = Settings.model_fields["limit_read"].default
    allowed = RateLimit.parse(RateLimitClass.READ, default).limits[RateLimitSubject.ADDRESS]
    assert EDGE.parameters["requestsAMinute"]["default"] >= allowed


# Of a condition of Front Door, as its interface lists them; PATCH is none.
METHODS_OF_THE_CONDITION = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"}

WITH_FRONT_DOOR = Settings(archive_cdn_url="https://registry.test", archive_cdn_origin="blobs")


def served(effect: Effect, method: str) -> list[Operation]:
    """Return the operations of a registry behind Front Door with this effect and method."""
    found = operations(WITH_FRONT_DOOR)
    return [each for each in found if each.effect is effect and method in each.methods]


def test_changes_go_to_the_app_for_changes_and_reads_to_the_other() -> None:
    (methods,) = configured("sendChanges")["conditions"]
    assert methods["parameters"]["negateCondition"]
    assert methods["parameters"]["matchValues"] == [*READ_METHODS, "OPTIONS", "POST"]
    assert set(methods["parameters"]["matchValues"]) <= METHODS_OF_THE_CONDITION
    for rule in ("sendChanges", "sendPosts"):
        [action] = configured(rule)["actions"]
        assert "originGroupOverride" in action["parameters"]
    # Of all routes, and of the first with and without blobs; archives leave before.
    assert EDGE.text.count("[{ id: uploading.id }, { id: changes.id }, { id: archives") == 2
    assert EDGE.text.count("ruleSets: [{ id: changes.id }]") == 1
    # Of tiles, with and without blobs.
    assert "? [{ id: changes.id }, { id: tilesFromBlobs.id }] : [{ id: changes.id }]" in EDGE.text
    assert EDGE.text.count("{ id: changes.id }") == 5


def test_archives_go_to_the_app_for_uploads_and_nothing_else_does() -> None:
    taking = [each for each in operations(WITH_FRONT_DOOR) if each.accepts_archive]
    assert {method for each in taking for method in each.methods} == {"POST", "PUT"}
    method, path = (each["parameters"] for each in configured("sendForms")["conditions"])
    assert (method["matchValues"], method["negateCondition"]) == (["POST"], False)
    assert (path["operator"], path["negateCondition"]) == ("Equal", False)
    forms = [each.route for each in taking if "POST" in each.methods]
    doubled = [each.replace(BASE, f"{BASE}/") for each in forms if each.startswith(BASE)]
    assert sorted(EDGE.value("formsOfArchives")) == sorted([*forms, *doubled])
    method, path = (each["parameters"] for each in configured("sendFiles")["conditions"])
    assert (method["matchValues"], method["negateCondition"]) == (["PUT"], False)
    assert (path["operator"], path["negateCondition"]) == ("BeginsWith", False)
    assert path["matchValues"] == [
        each.route.removesuffix("{*path}") for each in taking if "PUT" in each.methods
    ]
    for rule in ("sendForms", "sendFiles", "askUploads"):
        [action] = configured(rule)["actions"]
        override = action["parameters"]["originGroupOverride"]
        assert owner_of(override["originGroup"]) == "pushes"


def test_no_app_is_kept_awake_by_probes_of_front_door() -> None:
    for group in ("group", "writes", "pushes"):
        assert "healthProbeSettings" not in configured(group)


def test_archives_are_sent_there_when_its_package_is_there() -> None:
    for rule in ("sendForms", "sendFiles"):
        assert re.search(rf"resource {rule} .* = if \(sendUploads\) {{", EDGE.text)
    for rule in ("askUploads", "askChanges"):
        assert re.search(rf"resource {rule} '[^']+' = {{", EDGE.text)
    main = template(MAIN)
    assert main.given("frontDoor")["sendUploads"] == "uploadsTakeArchives"
    # Bodies of the app for changes are small from the same moment on.
    assert "role: uploadsTakeArchives ? 'changes' : 'all'" in main.text
    assert "var uploadsTakeArchives = edge && uploadsReady == 'true'" in main.text


def test_a_post_is_a_read_by_its_whole_path() -> None:
    method, path = (each["parameters"] for each in configured("sendPosts")["conditions"])
    assert (method["matchValues"], method["negateCondition"]) == (["POST"], False)
    assert (path["operator"], path["negateCondition"]) == ("Equal", True)
    # A condition compares whole paths, so it leaves out those with two slashes.
    reads = [each.route for each in served(Effect.READ, "POST") if "{" not in each.route]
    assert EDGE.value("readsByPost") == sorted(reads)
    assert not {each.route for each in served(Effect.CHANGE, "POST")} & set(reads)


@pytest.mark.parametrize("name", ["reads", "uploads"])
def test_an_app_beside_that_for_changes_has_what_it_has(name: str) -> None:
    everything, *others = function_apps()
    [app] = [each for each in others if each["module"] == name]
    assert set(everything) == set(app)
    apart = {each for each in app if app[each] != everything[each]}
    assert apart >= {"name", "service", "role", "packagesContainer", "maximumInstances"}
    assert (app["service"], app["role"]) == (name, name)
    # One module makes all of them, and gives everything else to each.
    assert apart <= {
        "module",
        "name",
        "service",
        "role",
        "packagesContainer",
        "maximumInstances",
        "alwaysReady",
        "subnet",
    }
    assert len(re.findall(r"'modules/functions\.bicep'", MAIN.read_text())) == 1


def test_the_app_takes_nobody_but_this_front_door() -> None:
    functions = module("functions").text
    assert "ipSecurityRestrictionsDefaultAction: isOpen ? 'Allow' : 'Deny'" in functions
    assert "var isOpen = !edge && trim(addresses) == '*'" in functions
    assert "'x-azure-fdid': [frontDoorId]" in functions


def test_an_app_without_front_door_takes_nobody_but_named_addresses() -> None:
    functions = module("functions").text
    assert template(MAIN).parameters["addresses"]["default"] == ""
    assert template(MAIN).given("functions")["addresses"] == "addresses"
    assert "ipSecurityRestrictions: !edge ? callers : [" in functions
    assert "var callers = [for (network, at) in networks: {" in functions
    # Azure asks from addresses that change, so nobody could name them.
    assert template(MAIN).given("alerts")["isPublic"] == "isPublic"
    assert "var isPublic = edge || trim(addresses) == '*'" in template(MAIN).text
    assert "var probesSent = (empty(email) || !isPublic) ? [] : filter(" in module("alerts").text


@pytest.mark.parametrize("rule", KEEPING)
def test_purged_paths_are_those_that_are_cached(rule: str) -> None:
    (prefix,) = configured(rule)["conditions"][0]["parameters"]["matchValues"]
    assert public_link_prefix(NAME).startswith(f"/{prefix}")
    path = ArchiveLink("public", NAME.digest, "1.0.0", "a.bala").path
    assert path.startswith(public_link_prefix(NAME))


def test_the_app_is_an_origin_and_nobody_reads_a_container_without_signing_in() -> None:
    (origin,) = [kind for name, kind, _ in EDGE.resources() if name == "origin"]
    assert "originGroups/origins" in origin
    assert configured("origin")["hostName"] == "originHost"
    assert configured("writesOrigin")["hostName"] == "writesHost"
    assert configured("pushesOrigin")["hostName"] == "uploadsHost"
    given = template(MAIN).given("frontDoor")
    assert (given["originHost"], given["writesHost"]) == ("readsHost", "functionsHost")
    assert given["uploadsHost"] == "uploadsHost"
    assert "publicAccess: 'None'" in module("storage").text
    assert "allowBlobPublicAccess: false" in module("storage").text


def test_front_door_reads_public_blobs_alone_and_as_itself() -> None:
    assert configured("blobs")["authentication"] == {
        "type": "SystemAssignedIdentity",
        "scope": "https://storage.azure.com/.default",
    }
    (given,) = [config for name, _, config in ROLES.resources() if name == "readsPublicBlobs"]
    assert given["scope"]["operator"]["operands"]["operand_1"] == "containers"
    assert given["properties"]["condition"] == "currentBlobsOnly"  # And no deleted versions.
    assert "isCurrentVersion] BoolEquals true" in ROLES.value("currentBlobsOnly")
    assert "identity: { type: 'SystemAssigned' }" in module("edge-profile").text
    containers = readable_containers()
    assert ARCHIVE_CONTAINERS[ArchiveContainer.PUBLIC] in containers
    assert ARCHIVE_CONTAINERS[ArchiveContainer.PRIVATE] not in containers
    assert set(containers) <= set(template(MAIN).given("registryStorage")["containers"])


def test_full_tiles_of_the_first_log_alone_come_from_blobs() -> None:
    begins, is_part, method, query = (
        (each["name"], each["parameters"]["matchValues"], each["parameters"]["negateCondition"])
        for each in configured("keepTiles")["conditions"]
    )
    assert begins == ("UrlPath", ["log/tile/"], False)
    assert is_part == ("UrlPath", [".p/"], True)
    assert method == ("RequestMethod", ["GET", "HEAD"], False)
    assert query == ("QueryString", [], True)
    [rewritten] = [
        each for each in configured("keepTiles")["actions"] if each["name"] == "UrlRewrite"
    ]
    assert rewritten["parameters"]["destination"] == "/transparency/log/tile/"


def test_the_edge_reads_tiles_itself_where_everybody_reads_the_registry_alone() -> None:
    main = template(MAIN)
    assert main.given("frontDoor")["readsTiles"] == "edgeReadsTiles"
    assert "var edgeReadsTiles = edgeReadsBlobs && everybodyReads" in main.text
    given = "furtherSettings.BALLROOM_READERS"
    assert f"? {given} == '{Readers.EVERYBODY.value}' : true" in main.text
    assert Settings.model_fields["readers"].default is Readers.EVERYBODY
    # Nor may it read the container elsewhere.
    chosen = main.value("edgeContainers")["operator"]["operands"]
    assert chosen["condition"] == "edgeReadsTiles"
    assert chosen["true_value"] == [*chosen["false_value"], "transparency"]


# --- What the firewall says of large bodies ------------------------------------------------------


def firewall_rules() -> dict[str, Any]:
    rules = configured("firewall")["customRules"]["rules"]
    return {each["name"]: each for each in rules}


ABOUT_LARGE_BODIES = {
    "largeElsewhere",
    "largeByOtherMethods",
    "largeWithoutToken",
    "largeAndNoArchive",
}
MOST_RULES_WITH_AN_EXPRESSION = 5  # Of a policy of Front Door.


def own_condition(rule: str) -> Mapping[str, Any]:
    """Return the condition of a rule beside that the body is large."""
    found = firewall_rules()[rule]
    assert found["action"] == "Block"
    assert found["ruleType"] == "MatchRule"
    is_large, (own,) = found["matchConditions"]["function"]["parameters"].values()
    assert is_large == "isLarge"
    return own


@pytest.mark.parametrize(
    "length", ["0", "5", "00000000000000", "99999", "100000", "129999", "130999", "131072"]
)
def test_a_small_body_passes_the_firewall(length: str) -> None:
    assert re.search(EDGE.value("smallLength"), length)


@pytest.mark.parametrize(
    "length",
    [
        "131073",
        "131080",
        "131100",
        "132000",
        "140000",
        "200000",
        "1000000",
        "34603008",
        "+5",
        "0x10",
        "5,5",
        " 131073",
        "-1",
        "1e9",
        "",
    ],
)
def test_a_body_above_the_limit_is_large_for_the_firewall(length: str) -> None:
    assert not re.search(EDGE.value("smallLength"), length)


def test_the_firewall_and_the_apps_have_one_limit() -> None:
    small = re.compile(EDGE.value("smallLength"))
    assert small.search(str(MAX_BODY_BYTES))
    assert not small.search(str(MAX_BODY_BYTES + 1))
    names, expressions = EDGE.value("isLarge")
    for each in (names, expressions):
        assert (each["matchVariable"], each["selector"]) == ("RequestHeader", "Content-Length")
    assert (names["operator"], names["negateCondition"]) == ("Any", False)
    assert (expressions["operator"], expressions["negateCondition"]) == ("RegEx", True)


@pytest.mark.parametrize("host", ["", "https://packages.example.org:443"])
@pytest.mark.parametrize("query", ["", "?a=b", "/"])
def test_large_bodies_pass_where_archives_are_taken(host: str, query: str) -> None:
    condition = own_condition("largeElsewhere")
    assert (condition["matchVariable"], condition["negateCondition"]) == ("RequestUri", True)
    assert condition["transforms"] == ["Lowercase"]
    taking = re.compile(EDGE.value("uploads"))
    found = operations(WITH_FRONT_DOOR)
    for each in (each for each in found if not {*each.methods}.isdisjoint(("POST", "PUT"))):
        path = each.route.replace("{*path}", "acme/greet/1.0.0/greet-1.0.0.bala")
        assert bool(taking.search(f"{host}/{path}{query}")) == each.accepts_archive, each.name


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/2.0/graphql",
        "/2.0/registry/packages/a/b",
        "/2.0/maven/",
        "/mcp",
        "/2.0/registry///packages",
        "/x?https://h/2.0/registry/packages",
        "/x/2.0/registry/packages",
        "/2.0/registry/packages/resolve-dependencies",
    ],
)
def test_large_bodies_pass_nowhere_else(path: str) -> None:
    for host in ("", "https://packages.example.org"):
        assert not re.search(EDGE.value("uploads"), f"{host}{path}")


def test_large_bodies_come_by_the_methods_of_uploads_and_with_a_token() -> None:
    methods = own_condition("largeByOtherMethods")
    assert (methods["matchVariable"], methods["negateCondition"]) == ("RequestMethod", True)
    taking = [each for each in operations(WITH_FRONT_DOOR) if each.accepts_archive]
    assert set(methods["matchValue"]) == {method for each in taking for method in each.methods}
    token = own_condition("largeWithoutToken")
    assert (token["selector"], token["operator"]) == ("Authorization", "Any")
    assert token["negateCondition"]


def test_large_bodies_begin_as_a_form_or_as_an_archive_does() -> None:
    body = own_condition("largeAndNoArchive")
    assert (body["matchVariable"], body["operator"]) == ("RequestBody", "BeginsWith")
    assert body["negateCondition"]
    archive = bala("acme/greet:1.0.0")
    assert [each.encode() for each in body["matchValue"]] == [b"--", archive[:2]]


def test_the_firewall_has_no_more_expressions_than_front_door_takes() -> None:
    assert set(firewall_rules()) >= ABOUT_LARGE_BODIES
    rules = [json.dumps(each["matchConditions"]) for each in firewall_rules().values()]
    assert sum('"isLarge"' in each for each in rules) == len(ABOUT_LARGE_BODIES)
    with_expression = [each for each in rules if '"RegEx"' in each or '"isLarge"' in each]
    assert len(with_expression) <= MOST_RULES_WITH_AN_EXPRESSION


# --- What the firewall says of bodies without a token --------------------------------------------


def rate_rule(name: str) -> list[tuple[Any, ...]]:
    """Return the conditions of a rule: variable, selector, operator, values, and negation."""
    rule = firewall_rules()[name]
    assert (rule["ruleType"], rule["action"]) == ("RateLimitRule", "Block")
    assert (rule["rateLimitDurationInMinutes"], rule["rateLimitThreshold"]) == (
        FIVE_MINUTES,
        "anonymousBodies",
    )
    keys = ("matchVariable", "selector", "operator", "matchValue", "negateCondition")
    return [tuple(each.get(key) for key in keys) for each in rule["matchConditions"]]


FIVE_MINUTES = 5
WITHOUT_TOKEN = ("RequestHeader", "Authorization", "Any", [], True)


def test_posts_without_a_token_are_counted_except_reads() -> None:
    posts, without_token, path = rate_rule("anonymousPosts")
    assert posts == ("RequestMethod", None, "Equal", ["POST"], False)
    assert without_token == WITHOUT_TOKEN
    assert path == ("RequestUri", None, "RegEx", ["readByPost"], True)


@pytest.mark.parametrize("host", ["", "https://packages.example.org:443"])
@pytest.mark.parametrize("query", ["", "?a=b"])
def test_a_read_by_post_is_known_by_its_whole_path(host: str, query: str) -> None:
    [line] = re.findall(r"^var readByPost = '(.+)'$", EDGE.text, re.MULTILINE)
    reads = EDGE.value("readsByPost")
    joined = "${replace(join(readsByPost, '|'), '.', '[.]')}"
    assert joined in line
    known = re.compile(line.replace(joined, "|".join(reads).replace(".", "[.]")))
    for path in reads:
        assert known.search(f"{host}/{path}{query}")
    for path in ("sign-in/link", "mcp/x", "x/mcp", "2x0/graphql", "sign-in/link?x=/mcp"):
        assert not known.search(f"{host}/{path}{query}")


def test_bodies_of_other_methods_without_a_token_are_counted() -> None:
    others, without_token, has_length, is_empty = rate_rule("anonymousBodies")
    assert others == ("RequestMethod", None, "Equal", ["POST"], True)
    assert without_token == WITHOUT_TOKEN
    assert has_length == ("RequestHeader", "Content-Length", "Any", [], False)
    assert is_empty == ("RequestHeader", "Content-Length", "Equal", ["0"], True)


def test_one_address_sends_fewer_bodies_without_a_token_than_there_are_slots_for_changes() -> None:
    most = int(EDGE.parameters["anonymousBodies"]["default"])
    slots = int(module("functions").value("bounds")["changes2048"]["slots"])
    instances = re.search(r"maximumInstances: edge \? (\d+) :", template(MAIN).text)
    assert instances
    assert most < slots * int(instances[1])
    # And more than the registry lets an address do without a token in that time.
    limits = [
        RateLimit.parse(kind, Settings.model_fields[f"limit_{kind.name.lower()}"].default).limits
        for kind in (RateLimitClass.SIGN_IN, RateLimitClass.DEVICE, RateLimitClass.TOKEN_ISSUE)
    ]
    assert most >= sum(each[RateLimitSubject.ADDRESS] for each in limits)
