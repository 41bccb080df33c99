"""The edge keeps copies of what is everybody's, and of nothing else."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from functions.archives import ARCHIVE_CACHE_PUBLIC
from functions.faces import operations
from functions.http.operations import READ_METHODS, Effect, Operation
from shared.adapters.blob.client import ARCHIVE_CONTAINERS, LINK_CACHE_CONTROL
from shared.domain.archives.names import Digest
from shared.domain.packages import Visibility
from shared.domain.rate_limits import RateLimit, RateLimitClass, RateLimitSubject
from shared.services.packages.archives import ArchiveLink, public_link_prefix
from shared.settings import Settings
from tests.contract.sample_records import NAME
from tests.repo.bicep_templates import MAIN, module, template
from tests.support.front_door import readable_containers

EDGE, ROLES = module("edge"), module("roles")


def configured(name: str) -> Mapping[str, Any]:
    """Return the properties of a resource of the edge."""
    (found,) = [config for each, _, config in EDGE.resources() if each == name]
    return found["properties"]


# Of which one is made: with blobs that Front Door reaches, the other.
KEEPING = ("keep", "keepBlobs")


@pytest.mark.parametrize("rule", KEEPING)
def test_copies_are_kept_of_public_archives_and_static_files_alone(rule: str) -> None:
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
    # Nowhere else is anything said of keeping: a route without it keeps nothing.
    assert EDGE.text.count("cacheConfiguration") == 3
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
    [duration] = re.findall(r"cacheDuration: '(.+)'", EDGE.text)
    [minutes] = re.findall(r"^00:(\d\d):00$", duration)
    assert f"public, max-age={int(minutes) * 60}" == LINK_CACHE_CONTROL[Visibility.PUBLIC]
    assert LINK_CACHE_CONTROL[Visibility.PUBLIC] == ARCHIVE_CACHE_PUBLIC


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
    # Of both routes, and of the first with and without blobs.
    assert EDGE.text.count("[{ id: changes.id }") == 3


def test_a_post_is_a_read_by_its_whole_path() -> None:
    method, path = (each["parameters"] for each in configured("sendPosts")["conditions"])
    assert (method["matchValues"], method["negateCondition"]) == (["POST"], False)
    assert (path["operator"], path["negateCondition"]) == ("Equal", True)
    # A condition compares whole paths, so it leaves out those with two slashes.
    reads = [each.route for each in served(Effect.READ, "POST") if "{" not in each.route]
    assert EDGE.value("readsByPost") == sorted(reads)
    assert not {each.route for each in served(Effect.CHANGE, "POST")} & set(reads)


def test_the_app_for_reads_has_what_the_other_has() -> None:
    everything, reads = (template(MAIN).given(name) for name in ("functions", "reads"))
    assert set(everything) == set(reads)
    apart = {name for name in reads if reads[name] != everything[name]}
    assert apart >= {"name", "service", "role", "packagesContainer", "maximumInstances"}
    # Where there is an edge, both say the same of it.
    assert apart <= {
        *("name", "service", "role", "packagesContainer", "maximumInstances", "alwaysReady"),
        *("edgeAddresses", "edgeEndpointId", "subnetId"),
    }


def test_the_app_takes_nobody_but_this_front_door() -> None:
    functions = module("functions").text
    assert re.search(r"ipSecurityRestrictionsDefaultAction: .*'Deny'", functions)
    assert "'x-azure-fdid': [frontDoorId]" in functions


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
    given = template(MAIN).given("frontDoor")
    assert (given["originHost"], given["writesHost"]) == ("readsHost", "functionsHost")
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
    assert ARCHIVE_CONTAINERS[Visibility.PUBLIC] in containers
    assert ARCHIVE_CONTAINERS[Visibility.PRIVATE] not in containers
    assert set(containers) <= set(template(MAIN).given("registryStorage")["containers"])
