"""compose.yaml: its files exist, its variables are settings, and Caddy reads its configuration."""

import os
import re
import subprocess
from typing import Any

import pytest
import yaml

from shared.settings import Settings
from tests.paths import ROOT, docs
from tests.support.debian import require_packages

COMPOSE = ROOT / "packaging" / "compose"
SCRIPTS = {"BALLROOM_BACKUPS_KEPT"}  # Read by the backup script.


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((COMPOSE / "compose.yaml").read_text())


def test_variables_are_settings(compose: dict[str, Any]) -> None:
    known = {variable.upper() for _, variable in Settings.variables()} | SCRIPTS
    for name in ("registry", "backup"):
        assert set(compose["services"][name]["environment"]) <= known


def test_what_is_mounted_exists_and_each_volume_is_declared(compose: dict[str, Any]) -> None:
    services = compose["services"].values()
    sources = {mount.split(":")[0] for service in services for mount in service["volumes"]}
    files = {each for each in sources if each.startswith("./")}
    assert files
    assert all((COMPOSE / each).is_file() for each in files)
    assert sources - files == compose["volumes"].keys()


def test_files_of_settings_are_mounted_for_each_service_that_reads_the_settings(
    compose: dict[str, Any],
) -> None:
    """Else no backup is made, because a setting names a file that is not there."""
    readers = {name for name, each in compose["services"].items() if "env_file" in each}
    [override] = re.findall(r"`(services: \{.*\})`", docs("run/company"))
    assert set(yaml.safe_load(override)["services"]) == readers
    [row] = re.findall(r"^\| compose \|.*$", docs("reference/configuration"), re.MULTILINE)
    assert all(f"`{each}`" in row for each in readers)


def test_the_registry_runs_without_privileges(compose: dict[str, Any]) -> None:
    for name in ("registry", "backup"):
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "ports" not in service  # Clients reach Caddy alone.


def test_only_the_network_of_compose_is_trusted(compose: dict[str, Any]) -> None:
    [network] = compose["networks"]["default"]["ipam"]["config"]
    settings = compose["services"]["registry"]["environment"]
    assert settings["BALLROOM_TRUSTED_PROXIES"] == network["subnet"]


def test_the_backup_waits_until_half_past_two(compose: dict[str, Any]) -> None:
    [script] = compose["services"]["backup"]["command"]
    [expression] = re.findall(r'sleep "\$(\$\(\(.*\)\))"', script)
    shown = expression.replace("$$(date -u +%s)", "$NOW")
    midnight = 20_000 * 86_400
    for since, seconds in ((0, 9_000), (8_999, 1), (9_000, 86_400), (86_399, 9_001)):
        done = subprocess.run(
            ["sh", "-c", f"echo {shown}"],
            env={"NOW": str(midnight + since)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) == seconds


def test_caddy_reads_its_configuration() -> None:
    require_packages(["caddy"])
    environment = {**os.environ, "BALLROOM_DOMAIN": "ballroom.example.org"}
    command = [
        "caddy",
        "validate",
        "--config",
        str(COMPOSE / "Caddyfile"),
        "--adapter",
        "caddyfile",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
