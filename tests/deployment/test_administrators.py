"""A second administrator, or a second machine, does not take the registry apart."""

import json
from collections.abc import Callable

import pytest

from tests.deployment.machines import Machine
from tests.fakes.azure_tools.state import APP, PROFILE, SECRETS_OFFICER, Resource

FRESH_CLONE = """
subscription=$(az account show --query id --output tsv)
azd env new ballroom --location northeurope --subscription "$subscription"
azd env set AZURE_RESOURCE_GROUP rg-ballroom
"""


@pytest.fixture
def second(deployed: Machine, new_machine: Callable[[], Machine]) -> Machine:
    """Return another machine, whose environment has no more than its name."""
    machine = new_machine()
    assert machine.file == deployed.file
    machine.does(FRESH_CLONE)
    return machine


def found(machine: Machine, type_: str) -> list[Resource]:
    return list(machine.azure.of_group("rg-ballroom", type_))


def test_a_refresh_brings_back_all_that_the_templates_were_told(second: Machine) -> None:
    before = (found(second, APP), found(second, PROFILE))
    second.does("azd env refresh && azd provision --no-state")
    assert (found(second, APP), found(second, PROFILE)) == before
    assert second.values["BALLROOM_SIZE"] == "team"
    assert json.loads(second.values["BALLROOM_MORE_SETTINGS"]) == {
        "BALLROOM_FOUNDING": "administrators"
    }


def test_without_the_size_nothing_is_deployed_over_a_registry(second: Machine) -> None:
    count = len(second.azure.deployments)
    said = second.refuses("azd provision")
    assert "BALLROOM_SIZE is not set, and rg-ballroom has a registry of the size team" in said
    assert len(second.azure.deployments) == count


LOST = {
    "url": ("BALLROOM_URL was https://packages.example.org", "the domain leaves Front Door"),
    "alertEmail": ("BALLROOM_ALERT_EMAIL was ops@example.org", "alerts reach nobody"),
    "entraClientId": ("BALLROOM_ENTRA_CLIENT_ID was", "nobody can sign in with Entra ID"),
    "moreSettings": ('BALLROOM_MORE_SETTINGS was {"BALLROOM_FOUNDING"', "this value is lost"),
}


def test_what_would_be_taken_away_is_refused_by_its_name(second: Machine) -> None:
    said = second.refuses("azd env set BALLROOM_SIZE team && azd provision")
    for was, loss in LOST.values():
        assert was in said
        assert loss in said
    assert "azd env set BALLROOM_URL https://packages.example.org" in said
    assert len(found(second, PROFILE)) == 1


def test_what_is_meant_to_be_taken_away_goes(second: Machine) -> None:
    # The account's name, too, which the first deployment chose, as the next one would.
    meant = " ".join(f"--take-away {name}" for name in (*LOST, "cosmosName"))
    second.does("azd env set BALLROOM_SIZE team && azd provision", BALLROOM_PREFLIGHT=meant)
    assert [each["domain"] for each in found(second, PROFILE)] == [""]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("BALLROOM_SIZE=dev BALLROOM_URL=", "BALLROOM_SIZE was team in the last deployment"),
        ("BALLROOM_SIZE=public", "Set zoneRedundant to false"),
        ("AZURE_LOCATION=uksouth", "are in northeurope"),
    ],
)
def test_a_size_or_region_that_the_resources_cannot_have_is_refused(
    deployed: Machine, values: str, sentence: str
) -> None:
    given = f"azd env set {values} BALLROOM_ADDRESSES=203.0.113.0/24"
    assert sentence in deployed.refuses(f"{given} && azd provision")


def test_stores_are_not_opened_in_silence(deployed: Machine) -> None:
    deployed.does("azd env set BALLROOM_ISOLATED true && azd provision")
    said = deployed.refuses("azd env set BALLROOM_ISOLATED false && azd provision")
    assert "the stores are open to the internet" in said


def test_a_value_of_the_file_that_changes_is_named(deployed: Machine) -> None:
    file = deployed.project / "infra" / "main.parameters.json"
    kept = file.read_text("utf-8")
    document = json.loads(kept)
    document["parameters"]["maximumThroughput"] = {"value": 10000}
    file.write_text(json.dumps(document))
    deployed.does("azd provision")
    file.write_text(kept)
    said = deployed.run("azd provision")
    assert said.returncode == 0
    assert "maximumThroughput was 10000 in the last deployment and is 4000 now" in said.stderr


def test_a_group_may_write_the_key_instead_of_each_who_deploys(deployed: Machine) -> None:
    azure = deployed.azure
    azure.roles = [each for each in azure.roles if each["role"] != SECRETS_OFFICER]
    azure.members["group-1"] = [azure.me]
    deployed.change(azure)
    deployed.does("azd env set BALLROOM_OPERATOR_GROUP group-1 && azd provision")
    roles = deployed.azure.roles
    assert [each["principal"] for each in roles if each["role"] == SECRETS_OFFICER] == ["group-1"]


PREFLIGHT = 'set -a; eval "$(azd env get-values)"; set +a; python3 infra/preflight.py'


def sign_out_of_az(machine: Machine) -> None:
    azure = machine.azure
    azure.signed_in["az"] = False
    machine.change(azure)


def test_who_is_signed_out_learns_what_could_not_be_checked(deployed: Machine) -> None:
    sign_out_of_az(deployed)
    done = deployed.run(PREFLIGHT)
    assert done.returncode == 0
    assert "Note: What is deployed could not be compared with: az group exists" in done.stderr
    assert "Please run 'az login'" in done.stderr


def test_a_first_deployment_without_azure_takes_a_word(signed_in: Machine) -> None:
    sign_out_of_az(signed_in)
    signed_in.does("azd env set BALLROOM_SIZE=dev BALLROOM_ADDRESSES=203.0.113.0/24")
    said = signed_in.refuses(PREFLIGHT)
    assert "What is deployed could not be compared with" in said
    assert "BALLROOM_PREFLIGHT=--first azd up" in said
    signed_in.does(f"{PREFLIGHT} --first")
