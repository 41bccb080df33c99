"""How little the registry may do where it runs: the score of its services, the definition of its
image and of Compose, and the program itself with a root that cannot be written, another user and no
capability. `tests/packaging` says the same of the built image and of what Helm makes of the chart.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.debian import require_packages
from tests.support.registry_process import RegistryProcess, pulled, push, running_registry

MACHINE = ROOT / "infra" / "machine"
CONTAINERFILE = (ROOT / "packaging" / "image" / "Containerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "packaging" / "compose" / "compose.yaml").read_text())
OURS = ("registry", "backup")  # Caddy listens on ports 80 and 443.
BELOW = 2.0  # Of 10, as `systemd-analyze security` counts; a plain service has 9.6.
SECONDS = 60

# As process of another user in a user namespace, every mount but that of the data read-only.
_START = """
set -eu
data=$1; shift
mount --make-rprivate /
mount --bind "$data" "$data"
while read -r _ place _; do
    case $place in "$data" | /proc* | /sys* | /dev*) continue ;; esac
    mount -o remount,bind,ro "$place" 2>/dev/null || true
done < /proc/self/mounts
cd "$data"
exec unshare --user --map-user=10001 --map-group=10001 setpriv --no-new-privs "$@"
"""
CONFINE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _START, "sh")


@pytest.mark.parametrize("name", ["ballroom.service", "ballroom-backup.service"])
def test_a_service_is_exposed_below_two(name: str) -> None:
    require_packages(["systemd"])
    done = subprocess.run(
        [
            shutil.which("systemd-analyze") or "",
            "security",
            "--offline=true",
            "--no-pager",
            str(MACHINE / name),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    [score] = re.findall(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(score) < BELOW, done.stdout


@pytest.mark.parametrize("name", ["ballroom.service", "ballroom-backup.service"])
def test_a_service_has_a_user_no_capability_and_a_system_that_it_cannot_write(name: str) -> None:
    lines = (MACHINE / name).read_text().splitlines()
    given = dict(each.split("=", 1) for each in lines if re.match(r"[A-Za-z]+=", each))
    assert given["User"] == "ballroom"
    assert given["CapabilityBoundingSet"] == ""
    assert given["NoNewPrivileges"] == "yes"
    assert given["ProtectSystem"] == "strict"


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_compose_has_nothing_but_its_volumes(name: str) -> None:
    service: dict[str, Any] = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    granted = {"privileged", "cap_add", "devices", "pid", "network_mode", "user", "ipc"}
    assert not granted & set(service)
    assert all(not each.startswith(("/", "./")) for each in service["volumes"])


def test_the_image_is_defined_for_a_user_without_root() -> None:
    last = CONTAINERFILE.rpartition("\nFROM ")[2]
    [user] = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert user == "10001:10001"
    # What runs as root after it would be built for nobody.
    assert not re.findall(r"^(?:RUN|COPY|ADD) ", last.partition("\nUSER ")[2], re.MULTILINE)
    assert "setcap" not in CONTAINERFILE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for everything that the registry writes, or skip with the reason."""
    found = tmp_path_factory.mktemp("hardening")
    confined = [*CONFINE, str(found)]
    tried = subprocess.run(
        [*confined, "true"], capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if tried.returncode:
        pytest.skip(f"this machine makes no namespaces: {tried.stderr.strip()}")
    return found


def status_of(process: int) -> dict[str, str]:
    """Return what the kernel says of a process."""
    text = Path(f"/proc/{process}/status").read_text()
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def test_the_confinement_of_this_test_holds(folder: Path) -> None:
    tries = "touch inside && ! touch ../outside && ! touch /tmp/outside && id -u"
    done = subprocess.run(
        [*CONFINE, str(folder), "sh", "-c", tries],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, "10001\n"), done.stderr


def test_the_registry_serves_with_a_root_that_cannot_be_written_and_no_capability(
    folder: Path,
) -> None:
    data = folder / "registry"
    (folder / "tmp").mkdir()
    program = shlex.join([sys.executable, str(ROOT / "packaging/ballroom/__main__.py")])
    serve = f"TMPDIR={shlex.quote(str(folder / 'tmp'))} HOME=/nowhere exec {program} serve"
    with running_registry(
        data, workers=1, command=[*CONFINE, str(folder), "sh", "-c", serve], PYTHONPATH=str(ROOT)
    ) as registry:
        _uses(registry)
        status = status_of(registry.process.pid)
        assert {int(status[each], 16) for each in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
        assert status["NoNewPrivs"] == "1"
        assert registry.stop() == 0


def _uses(registry: RegistryProcess) -> None:
    archive = bala("acme/greet:1.0.0")
    answer = push(registry.url, registry.token, archive)
    assert answer.status_code == 204, answer.text
    assert pulled(registry.url, "acme/greet/1.0.0") == archive
