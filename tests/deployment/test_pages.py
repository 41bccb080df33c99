"""The pages about Azure, walked from their first command to `azd down`.

Each script of a page runs as it stands there, in the order of the page and in one shell, over the
doubles of `az` and `azd`. A test of a section begins where the sections before it end.
"""

from pathlib import Path

import pytest

from tests.deployment.machines import Machine, machine
from tests.fakes.azure_tools.state import APP, COSMOS, IDENTITY, NETWORK, PROFILE
from tests.support.page_scripts import blocks, page_of

DEPLOYMENT = page_of("azure/deployment.md")
OPERATIONS = page_of("azure/operations.md")
ADMINISTRATORS = page_of("azure/administrators.md")
BACKUP = page_of("backup.md")

# An example of the page, and what the reader of this test sets instead.
SIZE = "BALLROOM_SIZE dev"
NAMES = 'eval "$(azd env get-values)"; GROUP=$AZURE_RESOURCE_GROUP\n'


def section(page: Path, heading: str = "", *, before: str = "") -> str:
    """Return the scripts of a section as one."""
    return "\n".join(blocks(page, heading, before=before))


def deploy(size: str) -> str:
    return section(DEPLOYMENT, "## Deploy", before="### Without azd").replace(
        SIZE, f"BALLROOM_SIZE {size}"
    )


[SHELL_NAMES] = [each for each in blocks(DEPLOYMENT, "## Deploy") if "COSMOS=$BALLROOM" in each]

DELETE = section(OPERATIONS, "## Delete the deployment")
DELETE_ONCE, _, CREATE_AGAIN = DELETE.partition("az group create")


@pytest.mark.parametrize(
    "size", ["dev", *(pytest.param(each, marks=pytest.mark.slow) for each in ("team", "public"))]
)
def test_a_registry_is_deployed_and_deleted_by_its_pages(first: Machine, size: str) -> None:
    first.does(deploy(size))
    azure = first.azure
    apps = list(azure.of_group("rg-ballroom", APP))
    assert len(apps) == (1 if size == "dev" else len(apps)) == len(azure.packages)
    assert [each["entra"] for each in apps] == [azure.applications[0]["appId"]] * len(apps)
    assert {each["settings"]["BALLROOM_FOUNDING"] for each in apps} == {"administrators"}
    # Nobody keeps the roles of the app.
    assert not [each for each in azure.roles if each["principal"] == azure.me] or {
        each["role"] for each in azure.roles if each["principal"] == azure.me
    } == {"Key Vault Secrets Officer"}
    made = Path(f"{first.file}.ballroom").read_text("utf-8")
    assert made == "account add kim --administrator\nsignin-link kim\n"

    first.does(DELETE_ONCE)
    azure = first.azure
    assert list(azure.of_group("rg-ballroom")) == []
    assert list(azure.deleted_vaults) != []
    assert azure.role_definitions == []
    assert "BALLROOM_SIZE" not in first.values


@pytest.mark.slow
def test_a_deleted_registry_is_created_again_with_its_key_and_its_size(deployed: Machine) -> None:
    first = deployed
    before = first.azure
    first.does(DELETE_ONCE + "\naz group create" + CREATE_AGAIN)
    after = first.azure
    assert after.secrets == before.secrets
    assert first.values["BALLROOM_SIZE"] == "team"
    assert [each["domain"] for each in after.of_group("rg-ballroom", PROFILE)] == [
        "https://packages.example.org"
    ]


def test_a_registry_is_deployed_without_azd(signed_in: Machine) -> None:
    script = section(DEPLOYMENT, "### Without azd")
    signed_in.does("GROUP=rg-ballroom\n" + script)
    assert set(signed_in.azure.packages) == {
        each["name"] for each in signed_in.azure.of_group("rg-ballroom", APP)
    }


def test_a_domain_is_added_by_its_section(deployed: Machine) -> None:
    script = section(DEPLOYMENT, "## Custom domain")
    deployed.does(NAMES + script)
    [application] = deployed.azure.applications
    assert application["back"] == "https://packages.example.org/sign-in/callback/entra"


def test_stores_are_isolated_by_their_section(deployed: Machine) -> None:
    deployed.does("azd env set BALLROOM_ISOLATED true && azd provision && azd provision")
    assert len(list(deployed.azure.of_group("rg-ballroom", NETWORK))) == 1


def test_stores_are_isolated_from_the_start_if_somebody_says_so(signed_in: Machine) -> None:
    signed_in.does("azd env set BALLROOM_SIZE=team BALLROOM_ISOLATED=true")
    assert "isolated is true, and nothing is deployed yet" in signed_in.refuses("azd provision")
    signed_in.does("azd provision", BALLROOM_PREFLIGHT="--isolated-first")


def test_workflows_are_set_up_by_their_section(deployed: Machine) -> None:
    script = section(DEPLOYMENT, "## Deploy from GitHub")
    deployed.does(NAMES + script)
    workflows = deployed.azure.applications[-1]
    assert workflows["displayName"] == "Ballroom workflows"
    assert list(workflows["credentials"]) == ["production"]


def test_another_administrator_goes_on_by_the_page(deployed: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    other = machine(folder, deployed.file, deployed.server)
    azure = other.azure
    azure.members["Ballroom operators"] = [azure.me]
    other.change(azure)
    before = [each["domain"] for each in azure.of_group("rg-ballroom", PROFILE)]
    other.does(section(ADMINISTRATORS))
    azure = other.azure
    assert [each["domain"] for each in azure.of_group("rg-ballroom", PROFILE)] == before
    assert other.values["BALLROOM_ALERT_EMAIL"] == ""
    officers = [each for each in azure.roles if each["role"] == "Key Vault Secrets Officer"]
    assert [each["principal"] for each in officers] == ["Ballroom operators"]


def test_what_an_upgrade_leaves_behind_is_deleted_by_its_section(deployed: Machine) -> None:
    every = list(blocks(page_of("upgrade.md"), "## What this version changes in Azure"))
    [script] = [each for each in every if "originGroups" in each]
    deployed.does(script)
    deleted = [each for each in deployed.calls if " delete " in each]
    assert len(deleted) == 7 + sum("lock delete" in each for each in deleted)


@pytest.mark.slow
def test_an_upgrade_provisions_and_deploys_twice(deployed: Machine) -> None:
    [script] = blocks(page_of("upgrade.md"), "## In the cloud")
    deployed.does(script + "azd up\nazd up")
    assert set(deployed.azure.packages.values()) == {3}


def test_the_identity_is_made_again(deployed: Machine) -> None:
    [before] = deployed.azure.of_group("rg-ballroom", IDENTITY)
    deployed.does(section(OPERATIONS, "### Make the identity again"))
    azure = deployed.azure
    [after] = azure.of_group("rg-ballroom", IDENTITY)
    assert before["principal"] != after["principal"]
    [application] = azure.applications
    assert application["credentials"]["ballroom"]["subject"] == after["principal"]
    assert {each["identity"] for each in azure.of_group("rg-ballroom", APP)} == {after["principal"]}


def test_no_app_runs_while_the_metadata_is_restored_to_a_time(deployed: Machine) -> None:
    script = section(BACKUP, "### Restore the metadata to a time")
    restore, provision, rest = script.partition("azd env set BALLROOM_COSMOS")
    old = deployed.values["BALLROOM_COSMOS"]
    deployed.does(SHELL_NAMES + restore)
    apps = [each["name"] for each in deployed.azure.of_group("rg-ballroom", APP)]
    assert len(apps) == 3
    assert sorted(deployed.azure.stopped) == sorted(apps)

    deployed.does(SHELL_NAMES + "OLD=$COSMOS NEW=$COSMOS-restored\n" + provision + rest)
    assert deployed.azure.stopped == []
    assert deployed.values["BALLROOM_COSMOS"] == f"{old}-restored"
    databases = [each["name"] for each in deployed.azure.of_group("rg-ballroom", COSMOS)]
    assert databases == [f"{old}-restored"]


def test_no_app_runs_while_a_snapshot_is_restored(deployed: Machine) -> None:
    script = section(BACKUP, "### Restore the metadata from a snapshot")
    restore, audit, rest = script.partition("ballroom upkeep run audit-archives")
    operator = "ballroom() { :; }\n"
    deployed.does(SHELL_NAMES + operator + restore)
    assert len(deployed.azure.stopped) == 3
    deployed.does(SHELL_NAMES + operator + audit + rest)
    assert deployed.azure.stopped == []


def test_nothing_that_was_deleted_comes_back_without_no_state(deployed: Machine) -> None:
    """What azd does when template and parameters are those of the last time: nothing."""
    azure = deployed.azure
    [identity] = azure.of_group("rg-ballroom", IDENTITY)
    azure.resources.remove(identity)
    deployed.change(azure)
    assert "no changes to provision" in deployed.does("azd provision")
    assert list(deployed.azure.of_group("rg-ballroom", IDENTITY)) == []
    deployed.does("azd provision --no-state")
    assert len(list(deployed.azure.of_group("rg-ballroom", IDENTITY))) == 1


def test_a_deleted_key_is_recovered_and_never_replaced(deployed: Machine) -> None:
    azure = deployed.azure
    before = deployed.azure.secrets
    [(vault, keys)] = azure.secrets.items()
    azure.deleted_secrets[vault]["link-key"] = keys.pop("link-key")
    deployed.change(azure)
    said = deployed.refuses("azd provision --no-state")
    assert "az keyvault secret recover --vault-name" in said
    [recover] = [each for each in blocks(OPERATIONS) if "keyvault secret recover" in each]
    deployed.does(NAMES + recover + "azd provision --no-state")
    assert deployed.azure.secrets == before


@pytest.mark.slow
def test_a_region_that_filled_up_is_left_by_a_new_environment(signed_in: Machine) -> None:
    azure = signed_in.azure
    signed_in.does("azd env set BALLROOM_SIZE team")
    azure.full_regions = ["northeurope"]
    signed_in.change(azure)
    assert "Cosmos DB takes no new account" in signed_in.refuses("azd up")
    assert list(signed_in.azure.of_group("rg-ballroom")) == []

    azure.says_there_is_room = True
    signed_in.change(azure)
    assert "currently experiencing high demand" in signed_in.refuses("azd up")
    azure = signed_in.azure
    azure.full_regions = []
    signed_in.change(azure)
    left = list(azure.of_group("rg-ballroom"))
    assert left
    said = signed_in.refuses("azd env set AZURE_LOCATION uksouth && azd up")
    assert "are in northeurope" in said
    assert "azd env new NAME" in said

    signed_in.does(
        """
        subscription=$(az account show --query id --output tsv)
        azd env new ballroom-uk --location uksouth --subscription "$subscription"
        azd env set AZURE_RESOURCE_GROUP=rg-ballroom BALLROOM_SIZE=team
        azd up
        """
    )
    assert "uksouth" in {each["location"] for each in signed_in.azure.resources}
