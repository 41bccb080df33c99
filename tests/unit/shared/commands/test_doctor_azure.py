"""What doctor, start and log say where the extra `azure` is not installed."""

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import pytest

from shared.bootstrap.build import build_registry
from shared.runtime.azure_extra import AzureExtraMissing
from shared.settings import Settings
from tests.support.logs import capture_logs
from tests.support.terminal import Terminal

CONNECTION = {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=key"}
CLOUD = {
    "BALLROOM_URL": "https://registry.test",
    "BALLROOM_COSMOS_ENDPOINT": "https://cosmos.test:443/",
    "BALLROOM_BLOB_ENDPOINT": "https://blobs.test/",
    "BALLROOM_LINK_KEY": "0123456789abcdef" * 4,
}


def uninstall(monkeypatch: pytest.MonkeyPatch, distribution: str) -> None:
    """Let the interpreter find all that is installed but this."""

    def found(name: str) -> str:
        if name == distribution:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("shared.runtime.azure_extra.version", found)


def told(terminal: Terminal, what: str, settings: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    result = terminal.invoke("doctor", "--json", **settings)
    [found] = [each for each in json.loads(result.stdout) if each["what"] == what]
    return result.exit_code, found


def test_doctor_says_that_metrics_are_exported(terminal: Terminal) -> None:
    code, found = told(terminal, "telemetry", CONNECTION)
    assert (code, found["way_out"]) == (0, "")
    assert "telemetry" not in terminal.run("doctor")


def test_a_connection_string_without_the_exporter_is_an_error_that_ends_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall(monkeypatch, "azure-monitor-opentelemetry-exporter")
    code, found = told(terminal, "telemetry", CONNECTION)
    assert code == 0
    assert "azure-monitor-opentelemetry-exporter is not installed here" in found["found"]
    assert "pip install './ballroom-VERSION-py3-none-any.whl[azure]'" in found["way_out"]
    [line] = [
        each for each in terminal.run("doctor", **CONNECTION).splitlines() if " telemetry " in each
    ]
    assert line.startswith("error ")
    with capture_logs() as events:
        terminal.run("account", "list", **CONNECTION)
    [event] = [each for each in events if each["event"] == "telemetry.unavailable"]
    assert event["reason"] == found["found"]
    assert event["log_level"] == "error"


def test_the_stores_of_the_cloud_without_their_clients_end_the_start_with_a_sentence(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninstall(monkeypatch, "azure-cosmos")
    code, found = told(terminal, "records", CLOUD)
    assert code == 1
    assert found["found"] == (
        "BALLROOM_COSMOS_ENDPOINT is set, and azure-cosmos is not installed here."
    )
    said = terminal.fail("account", "list", **CLOUD)
    assert said.startswith(found["found"])
    assert "infra/requirements.txt" in said
    for name, value in CLOUD.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AzureExtraMissing, match="azure-cosmos is not installed here"):
        build_registry(Settings.load())
