"""The Helm chart: what Helm itself makes of it, over its defaults and over every value."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.domain.software_version import SOFTWARE_VERSION
from shared.settings import Settings
from tests.paths import ROOT

HELM = "helm.sh/helm/v3/cmd/helm@v3.16.4"
KUBERNETES = "1.31.0"  # A Helm that Go built has no version of its own.
BUILD_SECONDS = 1_800
CHART = ROOT / "packaging" / "helm" / "ballroom"
pytestmark = pytest.mark.timeout(BUILD_SECONDS)
PROXIES = ("HTTPS_PROXY", "NO_PROXY")
EVERYTHING: Mapping[str, Any] = {
    "url": "https://ballroom.example.org",
    "image": {"digest": "sha256:" + "0" * 64},
    "workers": 2,
    "imagePullSecrets": ["registry"],
    "settings": {
        "BALLROOM_LIMIT_PUSH": "",
        "BALLROOM_TOKEN_DAYS": 30,
        "BALLROOM_MAX_ARCHIVE_BYTES": 64 * 2**20,
        "BALLROOM_LOG_SHARE": 0.25,
        "BALLROOM_UPGRADE_BACKUP": False,
        "HTTPS_PROXY": "http://proxy.example.internal:3128",
        "NO_PROXY": ".example.internal",
    },
    "certificateAuthority": {"configMap": "company", "key": "root.crt"},
    "settingsFile": {"configMap": "settings", "key": "team.toml"},
    "settingsFromSecrets": {"BALLROOM_SMTP_PASSWORD": {"name": "mail", "key": "password"}},
    "persistence": {"storageClass": "fast"},
    "ingress": {"enabled": True, "host": "ballroom.example.org", "tlsSecret": "certificate"},
    "trustedProxies": ["10.0.0.0/8"],
    "serviceMonitor": {"enabled": True, "tokenSecret": {"name": "scraper"}},
    "nodeSelector": {"disk": "ssd"},
}


@pytest.fixture(scope="session")
def helm() -> str:
    """Return Helm, built with Go where it is not installed, or skip with the reason."""
    found = shutil.which("helm")
    if found:
        return found
    if not shutil.which("go"):
        pytest.skip("neither Helm nor Go is installed")
    folder = ROOT / ".venvs" / "helm"
    if not (folder / "helm").exists():
        environment = {**os.environ, "GOBIN": str(folder)}
        done = subprocess.run(
            ["go", "install", HELM], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"Helm cannot be built: {done.stderr.splitlines()[-1]}")
    return str(folder / "helm")


def render(helm: str, folder: Path, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that the chart makes of values; raises `CalledProcessError`."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)))
    done = subprocess.run(
        [
            helm,
            "template",
            "team",
            str(CHART),
            "--values",
            str(file),
            "--namespace",
            "packages",
            "--kube-version",
            KUBERNETES,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [each for each in objects if each["kind"] == kind]
    return found


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = of_kind(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return found


def test_helm_finds_nothing_wrong(helm: str) -> None:
    command = [helm, "lint", "--strict", str(CHART), "--set", "url=https://ballroom.example.org"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_defaults_make_one_replica_with_a_volume(helm: str, tmp_path: Path) -> None:
    objects = render(helm, tmp_path, {"url": "https://ballroom.example.org"})
    assert sorted(each["kind"] for each in objects) == [
        "CronJob",
        "PersistentVolumeClaim",
        "Service",
        "StatefulSet",
    ]
    stateful = of_kind(objects, "StatefulSet")["spec"]
    assert stateful["replicas"] == 1
    [claim] = stateful["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert container(objects)["image"] == f"ballroom:{SOFTWARE_VERSION}"
    assert container(objects)["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_value_reaches_its_object(helm: str, tmp_path: Path) -> None:
    objects = render(helm, tmp_path, EVERYTHING)
    assert sorted(each["kind"] for each in objects) == [
        "CronJob",
        "Ingress",
        "PersistentVolumeClaim",
        "Service",
        "ServiceMonitor",
        "StatefulSet",
    ]
    given = {each["name"]: each for each in container(objects)["env"]}
    assert given["WORKERS"]["value"] == "2"
    digest = EVERYTHING["image"]["digest"]
    assert container(objects)["image"] == f"ballroom:{SOFTWARE_VERSION}@{digest}"
    assert given["BALLROOM_TOKEN_DAYS"]["value"] == "30"
    assert given["BALLROOM_MAX_ARCHIVE_BYTES"]["value"] == "67108864"
    assert given["BALLROOM_LOG_SHARE"]["value"] == "0.25"
    assert given["BALLROOM_UPGRADE_BACKUP"]["value"] == "false"
    assert given["BALLROOM_CONFIG"]["value"] == "/etc/ballroom-settings/ballroom.toml"
    assert given["BALLROOM_TRUSTED_PROXIES"]["value"] == "10.0.0.0/8"
    secret = given["BALLROOM_SMTP_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "mail", "key": "password"}
    assert given["BALLROOM_EXEC_PREFIX"]["value"] == "kubectl exec --namespace=packages team-0 --"
    [rule] = of_kind(objects, "Ingress")["spec"]["rules"]
    assert rule["host"] == "ballroom.example.org"


@pytest.mark.parametrize("claim", ["", "disk"])
def test_an_authority_of_ones_own_is_a_file_of_the_registry_and_of_its_backup(
    helm: str, tmp_path: Path, claim: str
) -> None:
    objects = render(helm, tmp_path, {**EVERYTHING, "persistence": {"existingClaim": claim}})
    for pod in pods(objects):
        [serving] = pod["containers"]
        given = {each["name"]: each.get("value") for each in serving["env"]}
        [mount] = [e for e in serving["volumeMounts"] if e["name"] == "certificate-authority"]
        [volume] = [each for each in pod["volumes"] if each["name"] == "certificate-authority"]
        [item] = volume["configMap"]["items"]
        assert given["BALLROOM_CA_FILE"] == f"{mount['mountPath']}/{item['path']}"
        assert (volume["configMap"]["name"], item["key"]) == ("company", "root.crt")


def test_a_backup_is_made_every_night_beside_the_registry(helm: str, tmp_path: Path) -> None:
    objects = render(helm, tmp_path, {"url": "https://ballroom.example.org"})
    job = of_kind(objects, "CronJob")["spec"]
    assert (job["schedule"], job["timeZone"]) == ("30 2 * * *", "Etc/UTC")
    assert job["concurrencyPolicy"] == "Forbid"
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    [backup] = pod["containers"]
    assert backup["command"] == ["ballroom-backup"]
    assert backup["securityContext"] == container(objects)["securityContext"]
    given = {each["name"]: each for each in backup["env"]}
    assert given.pop("BALLROOM_BACKUPS_KEPT")["value"] == "14"
    assert list(given.values()) == container(objects)["env"]
    claims = {each["name"]: each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"]}
    assert claims == {"data": "data-team-0", "backups": "team-backups"}
    assert of_kind(objects, "PersistentVolumeClaim")["metadata"]["name"] == "team-backups"
    [rule] = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    registry = of_kind(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert rule["labelSelector"]["matchLabels"].items() <= registry.items()
    # The registry's service sends no request to the pod of a backup.
    selected = of_kind(objects, "Service")["spec"]["selector"]
    labels = job["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert not selected.items() <= labels.items()


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    job = of_kind(objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return [of_kind(objects, "StatefulSet")["spec"]["template"]["spec"], job]


@pytest.mark.parametrize("values", [{"url": "https://ballroom.example.org"}, EVERYTHING])
def test_pods_run_without_root_capabilities_and_a_root_that_can_be_written(
    helm: str, tmp_path: Path, values: Mapping[str, Any]
) -> None:
    for pod in pods(render(helm, tmp_path, values)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
        assert not [each for each in pod.get("volumes", ()) if "hostPath" in each]
        [only] = pod["containers"]
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_claims_that_exist_are_used(helm: str, tmp_path: Path) -> None:
    objects = render(
        helm,
        tmp_path,
        {
            "url": "https://ballroom.example.org",
            "persistence": {"existingClaim": "disk"},
            "backup": {"existingClaim": "tape"},
        },
    )
    pod = of_kind(objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    claims = [each["persistentVolumeClaim"]["claimName"] for each in pod["volumes"]]
    assert claims == ["disk", "tape"]
    assert "PersistentVolumeClaim" not in {each["kind"] for each in objects}


def test_a_chart_without_backups_makes_none(helm: str, tmp_path: Path) -> None:
    values = {"url": "https://ballroom.example.org", "backup": {"enabled": False}}
    kinds = {each["kind"] for each in render(helm, tmp_path, values)}
    assert kinds == {"Service", "StatefulSet"}


def test_variables_of_the_chart_are_settings(helm: str, tmp_path: Path) -> None:
    variables = {variable.upper() for _, variable in Settings.variables()} | set(PROXIES)
    given = [each["name"] for each in container(render(helm, tmp_path, EVERYTHING))["env"]]
    assert set(given) <= variables
    assert set(PROXIES) <= set(given)
    assert len(given) == len(set(given))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "url"),
        ({"url": "ballroom.example.org"}, "url"),
        ({"url": "https://b.example.org", "workers": 0}, "workers"),
        ({"url": "https://b.example.org", "replicas": 3}, "replicas"),
        ({"url": "https://b.example.org", "settings": {"PATH": "x"}}, "PATH"),
        ({"url": "https://b.example.org", "ingress": {"enabled": True}}, "host"),
        ({"url": "https://b.example.org", "serviceMonitor": {"enabled": True}}, "name"),
    ],
)
def test_the_schema_of_the_chart_refuses_invalid_values(
    helm: str, tmp_path: Path, values: Mapping[str, Any], named: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        render(helm, tmp_path, values)
    assert named in refused.value.stderr


def test_the_chart_has_the_version_of_the_registry() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (SOFTWARE_VERSION, SOFTWARE_VERSION)
