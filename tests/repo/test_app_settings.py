"""The app settings of the templates are settings of the registry, and their numbers fit."""

import json
import re
from typing import get_args

import pytest

from functions import change_feed
from functions.http.requests import MAX_JSON_BYTES
from shared.settings import Settings
from shared.settings.server import AppRole
from shared.settings.values import MIB
from tests.paths import ROOT
from tests.repo.bicep_templates import module

PREFIX = "BALLROOM_"

# What means something on one machine alone.
ONE_MACHINE = {"PORT", "WORKERS", *(f"{PREFIX}{name}" for name in ("HOST", "DATA", "TLS_CERT"))}

# What opens emulators. In the cloud the identity of the app does, and there is no key.
EMULATORS = {"BALLROOM_COSMOS_KEY", "BALLROOM_BLOB_CONNECTION"}

# What no installation in the cloud can do without.
NEEDED = {
    f"{PREFIX}{name}"
    for name in (
        "URL",
        "ENVIRONMENT",
        "KEY_VAULT",
        "KEY_SECRET",
        "COSMOS_ENDPOINT",
        "BLOB_ENDPOINT",
    )
}

BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
OF_THE_HOST = "AzureFunctionsJobHost__extensions__http__"  # Names a setting of host.json.

KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def body_limit() -> int:
    """Return the largest body that the host of an app for all requests takes, in bytes."""
    assert BODY_LIMIT in module("functions").value("hostSettings")
    return int(module("functions").value("largestBody")["all"])


def given() -> dict[str, object]:
    """Return the app settings of the registry by name."""
    functions = module("functions")
    return {
        name: value
        for part in (
            *("settings", "entraSettings", "edgeSettings", "cdnSettings", "blobSettings"),
            "isolatedSettings",
        )
        for name, value in functions.value(part).items()
    }


def test_every_app_setting_is_a_setting_of_the_registry() -> None:
    assert set(given()) <= KNOWN


def test_no_app_setting_is_a_key_of_the_stores() -> None:
    assert KNOWN >= EMULATORS
    assert not EMULATORS & set(given())


def test_no_app_setting_belongs_to_one_machine() -> None:
    assert not ONE_MACHINE & set(given())


def test_settings_that_the_cloud_needs_are_given() -> None:
    assert set(module("functions").value("settings")) >= NEEDED
    assert set(module("functions").value("entraSettings")) == {
        f"{PREFIX}ENTRA_{name}" for name in ("TENANT", "CLIENT_ID", "MANAGED_IDENTITY")
    }


def test_the_hosts_own_settings_are_not_ours() -> None:
    host = module("functions").value("hostSettings")
    assert [name for name in host if name.startswith(PREFIX)] == []
    # Flex Consumption refuses these.
    assert not {"FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE"} & set(host)


def test_the_change_feed_is_followed_by_identity() -> None:
    host = module("functions").value("hostSettings")
    connection = {
        name.partition("__")[2]: value
        for name, value in host.items()
        if name.startswith(f"{change_feed.CONNECTION}__")
    }
    assert connection == {
        "accountEndpoint": "cosmosEndpoint",
        "credential": "managedidentity",
        "clientId": "identityClientId",
    }


def test_secrets_are_references_to_the_vault() -> None:
    secret = {
        f"{PREFIX}{name.upper()}"
        for name, info in Settings.model_fields.items()
        if "SecretStr" in str(info.annotation)
    }
    assert "BALLROOM_LINK_KEY" in secret
    for name in secret & set(given()):
        assert str(given()[name]).startswith("@Microsoft.KeyVault(SecretUri=${vaultUri}"), name


def test_the_signing_key_is_read_by_the_app_and_no_reference() -> None:
    # A reference that Azure looked up before the key was there stays unresolved for up to a day.
    assert given()["BALLROOM_KEY_VAULT"] == "vaultUri"
    assert "BALLROOM_LINK_KEY" not in given()


def test_the_key_is_the_one_that_the_script_writes() -> None:
    written = re.findall(r"^secret=(\S+)$", (ROOT / "infra/keys.sh").read_text(), re.MULTILINE)
    (name,) = written
    assert given()["BALLROOM_KEY_SECRET"] == name == Settings.model_fields["key_secret"].default


def test_the_host_takes_more_than_the_largest_archive_and_its_form() -> None:
    # What is above the limit of the host gets an empty answer: most of it has to be below.
    ours = int(str(given()["BALLROOM_MAX_ARCHIVE_BYTES"]))
    assert ours == Settings.model_fields["max_archive_bytes"].default
    assert body_limit() == 80 * MIB > ours + MIB
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    assert int(example[BODY_LIMIT]) == body_limit()


def slots(role: str, memory: int | None = None) -> int:
    """Return how many requests an instance takes at once."""
    functions = module("functions")
    assert "var slots = instanceMemory / slotMemory[role]" in functions.text
    whole = memory or int(functions.parameters["instanceMemory"]["default"])
    return whole // int(functions.value("slotMemory")[role])


@pytest.mark.parametrize("role", get_args(AppRole))
def test_the_bodies_of_all_slots_fit_into_an_instance(role: str) -> None:
    # Host and worker together need six times a body.
    functions = module("functions")
    largest = int(functions.value("largestBody")[role])
    (sizes,) = re.findall(r"@allowed\(\[([\d, ]+)\]\)\nparam instanceMemory", functions.text)
    for memory in map(int, sizes.split(",")):
        needed = slots(role, memory) * largest * 6 // MIB
        assert needed <= memory, memory
        assert f"of {memory:,} MB need {needed:,} MB" in functions.text


def test_an_app_for_reads_takes_the_bodies_of_all_reads() -> None:
    assert set(module("functions").value("largestBody")) == set(get_args(AppRole))
    assert int(module("functions").value("largestBody")["reads"]) >= 2 * MAX_JSON_BYTES


def test_a_core_of_an_instance_has_a_worker_process() -> None:
    assert "var workers = instanceMemory / 2048" in module("functions").text
    host = module("functions").value("hostSettings")
    assert "FUNCTIONS_WORKER_PROCESS_COUNT" in host


def test_the_host_runs_as_many_requests_as_there_are_slots() -> None:
    http = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]
    functions = module("functions")
    assert http["maxConcurrentRequests"] == slots("all")
    assert http["maxOutstandingRequests"] > slots("reads", 4096)
    assert f"{OF_THE_HOST}maxConcurrentRequests: string(slots)" in functions.text
    assert "perInstanceConcurrency: slots" in functions.text


def test_the_archives_in_hand_fit_into_the_slots() -> None:
    in_hand = int(str(given()["BALLROOM_MAX_ARCHIVES_IN_HAND"]))
    assert in_hand <= slots("all")
