"""The app settings of the templates are settings of the registry, and their numbers fit."""

import json
import re
from typing import get_args

import pytest

from functions.api.api_face import MAX_API_BODY_BYTES
from functions.faces import operations
from functions.http.body_parsing import MAX_FORM_BYTES
from shared.auth import log_keys, release_keys
from shared.domain.body_sizes import MAX_BODY_BYTES, MAX_MULTIPART_OVERHEAD_BYTES
from shared.settings import Settings
from shared.settings.server import AppRole
from tests.paths import ROOT
from tests.support.bicep_templates import module

PREFIX = "BALLROOM_"

# What means something on one machine alone.
ONE_MACHINE = {"PORT", "WORKERS", *(f"{PREFIX}{name}" for name in ("HOST", "DATA", "TLS_CERT"))}

# What opens emulators. In the cloud the identity of the app does, and there is no key.
EMULATORS = {"BALLROOM_COSMOS_KEY", "BALLROOM_BLOB_CONNECTION"}

# What no installation in the cloud can do without.
NEEDED = {
    "BALLROOM_URL",
    "BALLROOM_ENVIRONMENT",
    "BALLROOM_KEY_VAULT",
    "BALLROOM_KEY_SECRET",
    "BALLROOM_COSMOS_ENDPOINT",
    "BALLROOM_BLOB_ENDPOINT",
}


BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
OF_THE_HOST = "AzureFunctionsJobHost__extensions__http__"  # Names a setting of host.json.

KIB = 1024

KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def bounds() -> dict[str, dict[str, int]]:
    """Return slots, and the largest body in KiB, of each role and size of instance."""
    functions = module("functions")
    assert "var bound = bounds['${role}${instanceMemory}']" in functions.text
    assert "var slots = bound.slots" in functions.text
    assert f"{BODY_LIMIT}: string(bound.body * 1024)" in functions.text
    return {
        name: {key: int(value) for key, value in each.items()}
        for name, each in functions.value("bounds").items()
    }


def given() -> dict[str, object]:
    """Return the app settings of the registry by name."""
    functions = module("functions")
    return {
        name: value
        for part in (
            "settings",
            "entraSettings",
            "edgeSettings",
            "cdnSettings",
            "blobSettings",
            "isolatedSettings",
        )
        for name, value in functions.value(part).items()
    }


def test_every_app_setting_is_a_setting_of_the_registry() -> None:
    assert KNOWN >= EMULATORS
    assert set(given()) <= KNOWN - EMULATORS - ONE_MACHINE


def test_settings_that_the_cloud_needs_are_given() -> None:
    assert set(module("functions").value("settings")) >= NEEDED
    assert set(module("functions").value("entraSettings")) == {
        f"{PREFIX}ENTRA_{name}" for name in ("TENANT", "CLIENT_ID", "MANAGED_IDENTITY")
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


def test_the_key_is_the_one_that_the_script_writes() -> None:
    written = re.findall(r"^secret=(\S+)$", (ROOT / "infra/keys.sh").read_text(), re.MULTILINE)
    (name,) = written
    script = (ROOT / "infra/keys.sh").read_text()
    assert f"\nrelease_secret={release_keys.FILE_NAME}\n" in script
    assert f"\nlog_secret={log_keys.FILE_NAME}\n" in script
    assert given()["BALLROOM_KEY_SECRET"] == name == Settings.model_fields["key_secret"].default


ROLES = get_args(AppRole)
TAKES_ARCHIVES = {"all", "uploads"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("memory", [2048, 4096])
def test_an_app_takes_the_largest_body_of_its_operations(role: str, memory: int) -> None:
    largest = Settings.model_fields["max_archive_bytes"].default + MAX_MULTIPART_OVERHEAD_BYTES
    body = bounds()[f"{role}{memory}"]["body"] * KIB
    if role in TAKES_ARCHIVES:
        assert body > largest
    else:
        assert body == MAX_BODY_BYTES


def test_the_local_settings_take_the_largest_archive() -> None:
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    assert int(example[BODY_LIMIT]) == bounds()["all2048"]["body"] * KIB


def test_no_operation_takes_more_than_its_app() -> None:
    declared = operations(Settings())
    taking = {each.name for each in declared if each.accepts_archive}
    assert taking == {"api_dry_run", "central_push", "maven_write"}
    larger = {each.name for each in declared if each.most_bytes > MAX_BODY_BYTES}
    assert larger == {"scim_groups_create", "scim_groups_patch", "scim_groups_replace"}
    assert max(MAX_API_BODY_BYTES, MAX_FORM_BYTES) <= MAX_BODY_BYTES


# Bodies of 128 KiB in the worst form that an instance survives at once, by its memory (decision
# 0105): 32 were measured with 2,048 MB. One that takes archives has one slot.
SMALL_BODIES_SURVIVED = {2048: 32, 4096: 64}
LEAST_LEFT = 2  # Bodies at once: how much more memory there is than the slots take.


def test_slots_and_bodies_are_what_an_instance_was_measured_to_survive() -> None:
    (sizes,) = re.findall(
        r"@allowed\(\[([\d, ]+)\]\)\nparam instanceMemory", module("functions").text
    )
    memories = {int(each) for each in sizes.split(",")}
    assert memories == set(SMALL_BODIES_SURVIVED)
    assert set(bounds()) == {f"{role}{memory}" for role in ROLES for memory in memories}
    for name, bound in bounds().items():
        memory = int(name[-4:])
        if bound["body"] * KIB > MAX_BODY_BYTES:
            assert bound["slots"] == 1, name
        else:
            assert bound["slots"] * LEAST_LEFT <= SMALL_BODIES_SURVIVED[memory], name


# MiB of memory that host and worker took while so many answers of 64 MiB were sent at once. Slow
# readers ended an instance of 2,048 MB with sixteen.
MEMORY_OF_ANSWERS = {1: 651, 4: 1338, 8: 1673, 16: 2248}
MEASURED_ANSWER = 64 * 1024 * KIB
LEAST_FREE = 0.15  # Of the memory, which what is not an answer needs.


def test_the_largest_answers_of_all_slots_are_what_an_instance_was_measured_to_survive() -> None:
    assert Settings.model_fields["max_archive_bytes"].default == MEASURED_ANSWER
    for name, bound in bounds().items():
        memory = int(name[-4:])
        assert MEMORY_OF_ANSWERS[bound["slots"]] <= memory * (1 - LEAST_FREE), name


def test_the_host_runs_as_many_requests_as_there_are_slots() -> None:
    http = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]
    functions = module("functions")
    # Without the templates, the host takes bodies of 100 MiB.
    assert http["maxConcurrentRequests"] == 1
    assert http["maxOutstandingRequests"] > max(each["slots"] for each in bounds().values())
    assert f"{OF_THE_HOST}maxConcurrentRequests: string(slots)" in functions.text
    assert "perInstanceConcurrency: slots" in functions.text
