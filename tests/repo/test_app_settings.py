"""The app settings of the templates are settings of the registry, and their numbers fit."""

import re

from functions import feeds
from shared.settings import MIB, Settings
from tests.paths import ROOT
from tests.repo.templates import module

PREFIX = "BALLROOM_"

# What means something on one machine alone.
ONE_MACHINE = {"PORT", "WORKERS", *(f"{PREFIX}{name}" for name in ("HOST", "DATA", "TLS_CERT"))}

# What opens emulators. In the cloud the identity of the app does, and there is no key.
EMULATORS = {"BALLROOM_COSMOS_KEY", "BALLROOM_BLOB_CONNECTION"}

# What no installation in the cloud can do without.
NEEDED = {
    f"{PREFIX}{name}"
    for name in ("URL", "ENVIRONMENT", "LINK_KEY", "COSMOS_ENDPOINT", "BLOB_ENDPOINT")
}

KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def given() -> dict[str, object]:
    """Return the app settings of the registry by name."""
    functions = module("functions")
    return {
        name: value
        for part in ("settings", "entraSettings", "edgeSettings", "cdnSettings", "isolatedSettings")
        for name, value in functions.value(part).items()
    }


def test_every_app_setting_is_a_setting_of_the_registry() -> None:
    assert set(given()) <= KNOWN


def test_no_app_setting_is_a_key_of_the_stores() -> None:
    assert KNOWN >= EMULATORS
    assert not EMULATORS & set(given())


def test_no_app_setting_belongs_to_one_machine() -> None:
    assert not ONE_MACHINE & set(given())


def test_what_the_cloud_needs_is_given() -> None:
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
        if name.startswith(f"{feeds.CONNECTION}__")
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


def test_the_key_is_the_one_that_the_script_writes() -> None:
    written = re.findall(r"^secret=(\S+)$", (ROOT / "infra/keys.sh").read_text(), re.MULTILINE)
    (name,) = written
    assert str(given()["BALLROOM_LINK_KEY"]).endswith(f"secrets/{name})")


def test_the_host_takes_the_largest_archive_and_its_form() -> None:
    host, ours = module("functions").value("hostSettings"), given()
    largest = Settings.model_fields["max_archive_bytes"].default
    assert int(str(ours["BALLROOM_MAX_ARCHIVE_BYTES"])) == largest
    assert int(host["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]) == largest + MIB


def test_the_archives_in_hand_fit_into_an_instance() -> None:
    # Megabytes, as functions.bicep adds them up: a PUT of 94 MB took the worker 357.
    functions = module("functions")
    in_hand = int(str(given()["BALLROOM_MAX_ARCHIVES_IN_HAND"]))
    at_once = functions.parameters["requestsAtOnce"]["default"]
    memory = functions.parameters["instanceMemory"]["default"]
    needed = 450 + in_hand * 357 + 200 + (at_once - in_hand) * 25
    assert f"{needed:,} MB" in functions.text
    assert needed < 0.75 * memory
