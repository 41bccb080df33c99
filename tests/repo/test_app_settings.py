"""The app settings of the templates are settings of the registry, and their numbers fit."""

import json
import re

import pytest

from functions.http.requests import MAX_MULTIPART_OVERHEAD_BYTES
from shared.settings import Settings
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
    *("BALLROOM_URL", "BALLROOM_ENVIRONMENT", "BALLROOM_KEY_VAULT", "BALLROOM_KEY_SECRET"),
    *("BALLROOM_COSMOS_ENDPOINT", "BALLROOM_BLOB_ENDPOINT"),
}


BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
OF_THE_HOST = "AzureFunctionsJobHost__extensions__http__"  # Names a setting of host.json.

KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def body_limit() -> int:
    """Return the largest body that the host of an app for changes takes, in bytes."""
    assert f"{BODY_LIMIT}: string(bound.body * 1048576)" in module("functions").text
    return bounds()["changes2048"]["body"] * MIB


def bounds() -> dict[str, dict[str, int]]:
    """Return slots, and archives and bodies in MiB, of each app and size of instance."""
    functions = module("functions")
    assert "var bound = bounds['${kind}${instanceMemory}']" in functions.text
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
            *("settings", "entraSettings", "edgeSettings", "cdnSettings", "blobSettings"),
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
    assert given()["BALLROOM_KEY_SECRET"] == name == Settings.model_fields["key_secret"].default


def test_the_host_takes_the_largest_archive_with_its_form() -> None:
    functions, default = module("functions"), Settings.model_fields["max_archive_bytes"].default
    assert "BALLROOM_MAX_ARCHIVE_BYTES: string(bound.archive * 1048576)" in functions.text
    for name, each in bounds().items():
        if not name.startswith("reads"):
            assert each["body"] * MIB > each["archive"] * MIB + MAX_MULTIPART_OVERHEAD_BYTES
    assert bounds()["changes2048"]["archive"] * MIB == default
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    assert int(example[BODY_LIMIT]) == body_limit()


# MiB of bodies that an instance was measured to survive, by its memory.
SURVIVED = {2048: 2 * 64, 4096: 8 * 64}


@pytest.mark.parametrize("kind", ["only", "changes", "reads"])
@pytest.mark.parametrize("memory", SURVIVED)
def test_the_bodies_of_all_slots_are_what_an_instance_was_measured_to_survive(
    kind: str, memory: int
) -> None:
    (sizes,) = re.findall(
        r"@allowed\(\[([\d, ]+)\]\)\nparam instanceMemory", module("functions").text
    )
    assert {int(each) for each in sizes.split(",")} == set(SURVIVED)
    bound = bounds()[f"{kind}{memory}"]
    largest = bound["body"] if kind == "reads" else bound["archive"]
    # Where uploads arrive, the confined process takes the memory of one slot.
    slots = bound["slots"] + (0 if kind == "reads" else 1)
    assert slots * largest <= SURVIVED[memory]


def test_the_host_runs_as_many_requests_as_there_are_slots() -> None:
    http = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]
    functions = module("functions")
    assert http["maxConcurrentRequests"] == bounds()["only2048"]["slots"]
    assert http["maxOutstandingRequests"] > bounds()["reads4096"]["slots"]
    assert f"{OF_THE_HOST}maxConcurrentRequests: string(slots)" in functions.text
    assert "perInstanceConcurrency: slots" in functions.text


def test_the_firewall_refuses_large_bodies_without_credentials_and_no_body_of_a_read() -> None:
    _, _, rule = module("edge").text.partition("name: 'uploads'")
    conditions, _, _ = rule.partition("action: 'Block'")
    assert "selector: 'Authorization', operator: 'Any', negateCondition: true" in conditions
    assert "selector: 'Content-Length', operator: 'RegEx'" in conditions
    (pattern,) = re.findall(r"matchValue: \['(.+)'\]", conditions)
    assert re.search(pattern, str(body_limit()))
    assert not re.search(pattern, str(bounds()["reads4096"]["body"] * MIB))
