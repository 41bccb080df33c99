"""What the pages about recovery and backups say of the templates, the alerts, the service and the
benchmark, on which the objectives of recovery rest."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import yaml

from bench.drill import LIMITS_S
from infra.cost.model import Size
from shared.adapters.sqlite.connections import PRAGMAS
from shared.domain.drills import MAX_AGE, SAMPLED_ARCHIVES, DrillStep
from tests.paths import ROOT, docs

RECOVERY = docs("run/recovery")
MACHINE = ROOT / "infra" / "machine"
ZONES = {False: "one", True: "three"}
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"  # Storage Blob Data Contributor.
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"  # Storage Blob Data Reader.
SIZES = [size.value for size in Size]


def rows(head: str) -> dict[str, list[str]]:
    """Return the rows of the table of the recovery page whose header begins so, by their first
    cell; rows without one are left out."""
    _, _, rest = RECOVERY.partition(f"\n| {head} |")
    table = rest.partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    return {first: others for first, *others in cells if first}


def resources(size: str) -> list[dict[str, Any]]:
    file = ROOT / "infra" / "snapshots" / f"{size}.json"
    return json.loads(file.read_text())["predictedResources"]


def of_kind(size: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in resources(size) if each["type"] == kind]


def registry_storage(size: str) -> dict[str, Any]:
    accounts = of_kind(size, "Microsoft.Storage/storageAccounts")
    [account] = [each for each in accounts if not each["name"].startswith("stbrhost")]
    return account


def of_storage(size: str, kind: str) -> dict[str, Any]:
    name = registry_storage(size)["name"]
    [found] = [each for each in of_kind(size, kind) if each["name"] == f"{name}/default"]
    return found["properties"]


@pytest.mark.parametrize("size", SIZES)
def test_the_table_of_the_templates_says_what_is_deployed(size: str) -> None:
    said = {what: cells[SIZES.index(size)] for what, cells in rows("in the templates").items()}
    [cosmos] = of_kind(size, "Microsoft.DocumentDB/databaseAccounts")
    [location] = cosmos["properties"]["locations"]
    tier = cosmos["properties"]["backupPolicy"]["continuousModeProperties"]["tier"]
    blobs = of_storage(size, "Microsoft.Storage/storageAccounts/blobServices")
    kept = blobs["deleteRetentionPolicy"]["days"]
    [ends] = [
        each["definition"]["actions"]["baseBlob"]["delete"]["daysAfterModificationGreaterThan"]
        for each in of_storage(size, "Microsoft.Storage/storageAccounts/managementPolicies")[
            "policy"
        ]["rules"]
        if each["name"] == "age-backups"
    ]
    is_locked = "CanNotDelete" in json.dumps(resources(size))
    assert said == {
        "records: zones": ZONES[location["isZoneRedundant"]],
        "records: restorable to any second of": re.sub(r"\D*(\d+)Days", r"\1 days", tier),
        "archives, snapshots and the log: copies": f"`{registry_storage(size)['sku']['name']}`",
        "deleted and overwritten blobs stay": f"{kept} days",
        "snapshots end after": f"{ends} days at most",
        "regions": "one",
        "nobody deletes the stores before a lock is taken off": "yes" if is_locked else "no",
    }


@pytest.mark.parametrize("size", SIZES)
def test_the_app_cannot_delete_versions_and_the_account_has_no_keys(size: str) -> None:
    account = registry_storage(size)
    assert account["properties"]["allowSharedKeyAccess"] is False
    blobs = of_storage(size, "Microsoft.Storage/storageAccounts/blobServices")
    assert blobs["isVersioningEnabled"] is True
    given = {
        each["properties"]["roleDefinitionId"].rpartition("/")[2]
        for each in of_kind(size, "Microsoft.Authorization/roleAssignments")
        if f"storageAccounts/{account['name']}'" in each["id"]
    }
    # Of the roles for blobs only the owner has the right to versions.
    assert CONTRIBUTOR in given
    assert given <= {CONTRIBUTOR, READER}


def test_each_fault_has_objectives_for_one_machine_and_for_each_size() -> None:
    machine = rows("fault | RPO")
    assert all(all(cells) and len(cells) == 3 for cells in machine.values())
    assert len(machine) == 7
    header = " | ".join(f"`{size}`" for size in SIZES)
    cloud = rows(f"fault | | {header}")
    assert len(cloud) == 7
    assert all(len(cells) == 1 + len(SIZES) for cells in cloud.values())
    assert RECOVERY.count("\n| | RTO | ") == len(cloud)


def test_alerts_come_when_the_page_says() -> None:
    rules = yaml.safe_load((MACHINE / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
    expressions = {each["alert"]: each["expr"] for each in rules}
    hours = MAX_AGE // timedelta(hours=1)
    assert expressions["BallroomBackupIsOld"] == f"ballroom_backup_age_seconds > {hours} * 3600"
    assert expressions["BallroomDrillIsOld"] == "ballroom_drill_age_seconds > 9 * 86400"
    assert f"when the newest backup is {hours}\nhours old" in RECOVERY
    assert f"`--max-age` ({hours} hours)" in RECOVERY
    assert "found everything whole for nine days" in RECOVERY


def test_a_process_starts_again_and_a_commit_is_on_the_disk() -> None:
    service = (MACHINE / "ballroom.service").read_text()
    assert "\nRestart=always\nRestartSec=2\n" in service
    assert "systemd starts it again after two seconds" in RECOVERY
    assert "synchronous = FULL" in PRAGMAS


def test_the_steps_the_sample_and_the_limits_are_those_of_the_code() -> None:
    assert list(rows("step")) == [f"`{step.value}`" for step in DrillStep]
    assert f"a random sample of archives, {SAMPLED_ARCHIVES} or `--sample COUNT`" in RECOVERY
    assert LIMITS_S == {2_000: 120.0, 15_000: 900.0}
    assert "with 2,000 and with 15,000 packages" in RECOVERY
    assert "The limits are two minutes and 15 minutes." in RECOVERY
    assert "The limits are 120 and 900 seconds" in docs("develop/benchmarks")


def test_a_data_folder_gets_a_name_beside_it_under_which_a_restore_finds_it() -> None:
    """Else what was revoked after the backup is not applied."""
    moves = [
        (page, source, target)
        for page in ("run/self-hosting", "run/recovery", "run/backup")
        for source, target in re.findall(
            r"\bmv (\S+) ([^\s`]+)(?=[^`]{,150}ballroom restore|`\) or name)", docs(page)
        )
        if ".db" not in source
    ]
    assert len(moves) == 6
    for page, source, target in moves:
        assert target.strip('"').startswith(source.strip('"')), (page, target)
