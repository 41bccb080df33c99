"""The edge keeps copies of what is everybody's, and of nothing else."""

import mimetypes
import re
from collections.abc import Mapping
from typing import Any

from functions.http.pages import STATIC
from shared.domain.archives.names import Digest
from shared.domain.packages import Visibility
from shared.domain.rate_limits import RateLimit, RateLimitClass, RateLimitSubject
from shared.services.archives import ArchiveLink, public_link_prefix
from shared.settings import Settings
from tests.contract.sample_records import NAME
from tests.repo.bicep_templates import MAIN, module, template

EDGE, ROLES = module("edge"), module("roles")


def configured(name: str) -> Mapping[str, Any]:
    """Return the properties of a resource of the edge."""
    (found,) = [config for each, _, config in EDGE.resources() if each == name]
    return found["properties"]


def test_copies_are_kept_of_public_archives_and_static_files_alone() -> None:
    (condition,) = configured("keep")["conditions"]
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
    assert EDGE.text.count("cacheConfiguration") == 2
    assert "cacheConfiguration" not in configured("route")


def test_static_texts_are_compressed_at_the_edge_and_archives_are_not() -> None:
    compression = configured("staticFiles")["cacheConfiguration"]["compressionSettings"]
    assert compression["isCompressionEnabled"]
    static = {mimetypes.guess_type(each)[0] for each in STATIC.iterdir()}
    texts = {each for each in static if each and each.startswith(("text/", "image/svg"))}
    assert set(compression["contentTypesToCompress"]) == texts
    assert EDGE.text.count("isCompressionEnabled") == 2
    assert "isCompressionEnabled: 'Disabled'" in EDGE.text


def test_a_public_archive_is_requested_without_the_token_of_the_caller() -> None:
    removed = [
        action["parameters"]["headerName"]
        for action in configured("keep")["actions"]
        if action["parameters"].get("headerAction") == "Delete"
    ]
    assert removed == ["Authorization"]


def test_the_registry_decides_how_long_a_copy_is_cached() -> None:
    assert "cacheBehavior: 'HonorOrigin'" in EDGE.text
    assert "cacheDuration" not in EDGE.text


def test_everything_goes_to_the_app_over_tls() -> None:
    route = configured("route")
    assert route["patternsToMatch"] == ["/*"]
    assert route["forwardingProtocol"] == "HttpsOnly"
    assert route["httpsRedirect"] == "Enabled"


def test_the_edge_is_no_stricter_with_an_address_than_the_registry() -> None:
    default = Settings.model_fields["limit_read"].default
    allowed = RateLimit.parse(RateLimitClass.READ, default).limits[RateLimitSubject.ADDRESS]
    assert EDGE.parameters["requestsAMinute"]["default"] >= allowed


def test_the_app_takes_nobody_but_this_front_door() -> None:
    functions = module("functions").text
    assert re.search(r"ipSecurityRestrictionsDefaultAction: .*'Deny'", functions)
    assert "'x-azure-fdid': [frontDoorId]" in functions


def test_the_registry_sends_clients_there_and_withdraws_copies() -> None:
    given = module("functions").value("cdnSettings")
    assert given == {
        "BALLROOM_ARCHIVE_CDN_URL": "url",
        "BALLROOM_ARCHIVE_CDN_RESOURCE": "edgeEndpointId",
    }
    assert "edgeEndpointId: edge ? frontDoor!.outputs.endpointId : ''" in template(MAIN).text
    assert re.search(r"resource withdrawsCopies .* = if \(!empty\(frontDoorName\)\)", ROLES.text)


def test_purged_paths_are_those_that_are_cached() -> None:
    (prefix,) = configured("keep")["conditions"][0]["parameters"]["matchValues"]
    assert public_link_prefix(NAME).startswith(f"/{prefix}")
    path = ArchiveLink("public", NAME.digest, "1.0.0", "a.bala").path
    assert path.startswith(public_link_prefix(NAME))


def test_no_container_of_archives_is_an_origin() -> None:
    (origin,) = [kind for name, kind, _ in EDGE.resources() if name == "origin"]
    assert "originGroups/origins" in origin
    assert configured("origin")["hostName"] == "originHost"
    assert "originHost: functionsHost" in template(MAIN).text
    assert "publicAccess: 'None'" in module("storage").text
    assert "allowBlobPublicAccess: false" in module("storage").text


def test_where_the_store_is_out_of_reach_nobody_is_sent_there() -> None:
    functions = module("functions")
    assert functions.value("isolatedSettings") == {"BALLROOM_ARCHIVE_LINKS": "registry"}
    assert "empty(subnetId) ? {} : isolatedSettings" in functions.text
    assert "publicNetworkAccess: isolated ? 'Disabled'" in module("storage").text
    assert "subnetId: isolated ?" in template(MAIN).text
