"""What is wrong with the parameters of a deployment is said before anything is made."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from infra import preflight
from infra.cost.model import COST_PLANS, Size
from tests.support.bicep_templates import INFRA, MAIN, template
from tests.support.served_handlers import QuietHandler, served_handler

GIVEN = {
    "AZURE_ENV_NAME": "ballroom",
    "AZURE_LOCATION": "northeurope",
    "AZURE_RESOURCE_GROUP": "rg-ballroom",
    "BALLROOM_ADDRESSES": "203.0.113.7",
}
ZONES = '["eastus", "northeurope", "uksouth"]'
# Where nothing is deployed. REGIONS are those with zones; without it, nobody is signed in.
AZ = """\
#!/bin/sh
[ -n "$REGIONS" ] || { echo "ERROR: Please run 'az login' to set up an account." >&2; exit 1; }
case "$*" in
"group exists --name rg-ballroom "*) echo false ;;
"functionapp list-flexconsumption-locations --zone-redundant=true "*) echo "$REGIONS" ;;
"functionapp list-flexconsumption-locations "*) echo '["northeurope", "westeurope"]' ;;
"cosmosdb locations show --location "*)
    echo "{\\"properties\\": {\\"isSubscriptionRegionAccessAllowedForRegular\\": ${ROOM:-true}}}" ;;
*) exit 2 ;;
esac
"""


@pytest.fixture(scope="module", autouse=True)
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put a stand-in for the Azure CLI first."""
    folder = tmp_path_factory.mktemp("azure")
    (folder / "az").write_text(AZ)
    (folder / "az").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
        yield


@dataclass(frozen=True)
class Said:
    """What a check printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def checked(*arguments: str, **environment: str) -> Said:
    """Run the check in this environment, in this process: Python takes longer to start."""
    given = surroundings(**environment)
    out = io.StringIO()
    errors = io.StringIO()
    with patch.dict(os.environ, given, clear=True), redirect_stdout(out), redirect_stderr(errors):
        result = preflight.main(list(arguments))
    reason = f"{result}\n" if isinstance(result, str) else ""
    code = 1 if reason else int(result)
    return Said(code, out.getvalue(), errors.getvalue() + reason)


def surroundings(**environment: str) -> dict[str, str]:
    """Return the variables that azd sets, with those of a test."""
    return {"PATH": os.environ["PATH"], "REGIONS": ZONES, **GIVEN, **environment}


def parameters_file(folder: Path, **parameters: object) -> str:
    """Write a file with these parameters beside what azd fills in."""
    document = json.loads((INFRA / "main.parameters.json").read_text())
    document["parameters"] |= {name: {"value": value} for name, value in parameters.items()}
    file = folder / "parameters.json"
    file.write_text(json.dumps(document))
    return str(file)


def with_parameters(folder: Path, **parameters: object) -> Said:
    """Check a file with these parameters."""
    return checked(parameters_file(folder, **parameters))


@pytest.mark.parametrize("size", ["public", "unknown"])
def test_the_command_says_the_same(size: str) -> None:
    """The hook runs it by a Python that has nothing but its library."""
    ended = subprocess.run(
        [sys.executable, "-I", str(INFRA / "preflight.py")],
        env=surroundings(BALLROOM_SIZE=size),
        capture_output=True,
        text=True,
        check=False,
    )
    assert Said(ended.returncode, ended.stdout, ended.stderr) == checked(BALLROOM_SIZE=size)


OF_THE_OPERATOR = {
    "BALLROOM_ABUSE_CONTACT": "abuse@example.org",
    "BALLROOM_SECURITY_CONTACT": "mailto:security@example.org",
    "BALLROOM_PRIVACY_URL": "https://example.org/privacy",
}


@pytest.mark.parametrize("location", ["northeurope", "North Europe"])
def test_variables_that_azd_sets_are_accepted(location: str) -> None:
    url = "https://packages.example.org"
    settings = json.dumps(OF_THE_OPERATOR)
    passed = checked(
        BALLROOM_SIZE="public",
        BALLROOM_URL=url,
        AZURE_LOCATION=location,
        BALLROOM_MORE_SETTINGS=settings,
    )
    assert (passed.returncode, passed.stdout, passed.stderr) == (0, "", "")
    for size in ("team", "public"):
        assert checked(str(INFRA / f"{size}.parameters.json")).returncode == 0


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        *(
            ("BALLROOM_URL", url, f"BALLROOM_URL is {url!r}. It is an https address without a port")
            for url in (
                "example.org",
                "http://example.org",
                "https://example.org/p",
                "https://",
                "https://example.org:8443",
            )
        ),
        ("BALLROOM_URL", "https://example.org", "without Front Door nothing answers for a domain"),
        *(
            ("BALLROOM_ALERT_EMAIL", email, f"BALLROOM_ALERT_EMAIL is {email!r}. It is one mailbox")
            for email in ("ops", "ops@example", "a@example.org,b@example.org", "ops@ example.org")
        ),
        ("BALLROOM_ISOLATED", "yes", 'BALLROOM_ISOLATED is "yes". It is true or false'),
        ("BALLROOM_MORE_SETTINGS", "{", 'BALLROOM_MORE_SETTINGS is "{". It is an object'),
        ("BALLROOM_SIZE", "Team", 'BALLROOM_SIZE is "Team". It is dev, team or public'),
        # No token can hold these.
        *(("AZURE_ENV_NAME", name, "azd env new NAME") for name in ("my.env", "-_-", "", "a b")),
    ],
)
def test_a_variable_that_would_fail_late_is_refused_early(
    variable: str, value: str, sentence: str
) -> None:
    refused = checked(**{variable: value})
    assert refused.returncode == 1
    assert sentence in refused.stderr


@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        ("maximumThroughput", 4_500, "It is a multiple of 1,000"),
        ("maximumThroughput", "4000", "not in quotes"),
        ("maximumThroughput", 0, "It is at least 1,000"),
        ("maximumInstances", 0, "It is a number from 1 to 1,000"),
        ("maximumInstances", True, "It is a whole number"),
        ("alwaysReady", 41, "from 0 to maximumInstances (40)"),
        ("tokenEnvironment", "Prod-1", "1 to 12 lower-case letters and digits"),
        ("capacity", "Serverless", 'capacity is "Serverless". It is serverless or autoscale'),
        ("pythonVersion", 3.99, "pythonVersion is 3.99. It is a text in quotes"),
        ("instanceMemory", 512, "instanceMemory is 512. It is 2048 or 4096"),
        ("logDays", 10, "logDays is 10. It is a number from 30 to 730"),
        ("isolated", "false", 'isolated is "false". It is true or false, and not in quotes'),
        ("zoneRedundent", False, "no parameter of main.bicep. Did you mean zoneRedundant?"),
        ("moreSettings", {"BALLROOM_FOUNDING": True}, "BALLROOM_FOUNDING the value true"),
        ("moreSettings", {"BALLROOM_FOUNDNIG": "x"}, "Did you mean BALLROOM_FOUNDING?"),
        ("moreSettings", {"BALROOM_FOUNDING": "x"}, "Did you mean BALLROOM_FOUNDING?"),
        ("moreSettings", ["BALLROOM_X"], "moreSettings is no object"),
        ("monthlyBudget", "200", "It is a whole number"),
        ("monthlyBudget", 200, "first day of the month in which monthlyBudget"),
        ("isolated", True, "isolated is true"),  # Nobody could set up the stores.
    ],
)
def test_a_deployment_that_would_fail_late_is_refused_early(
    tmp_path: Path, parameter: str, value: object, sentence: str
) -> None:
    refused = with_parameters(tmp_path, **{parameter: value})
    assert refused.returncode == 1
    assert parameter in refused.stderr
    assert sentence in refused.stderr


@pytest.mark.parametrize(("size", "is_noted"), [("public", True), ("team", False)])
def test_a_public_registry_whose_operator_cannot_be_found_is_noted(
    tmp_path: Path, size: str, is_noted: bool
) -> None:
    shown = with_parameters(tmp_path, size=size)
    assert shown.returncode == 0
    for setting in OF_THE_OPERATOR:
        assert (f"{setting} is not in moreSettings" in shown.stderr) is is_noted
        others = {name: value for name, value in OF_THE_OPERATOR.items() if name != setting}
        noted = with_parameters(tmp_path, size=size, moreSettings=others).stderr
        assert (f"{setting} is not in moreSettings" in noted) is is_noted
        assert not any(f"{other} is not" in noted for other in others)


def test_more_instances_than_a_subscription_allows_are_reported(tmp_path: Path) -> None:
    shown = with_parameters(tmp_path, size="public")
    assert shown.returncode == 0
    assert "instances" not in shown.stderr
    shown = with_parameters(tmp_path, size="public", maximumInstances=171)
    assert shown.returncode == 0
    memory = COST_PLANS[Size.PUBLIC].gigabytes * 1024
    assert f"Note: 251 instances of {memory:,.0f} MB are more" in shown.stderr


@pytest.mark.parametrize("location", ["westeurope", "West Europe"])
def test_a_region_without_zones_for_the_app_is_refused_with_those_that_have_them(
    location: str,
) -> None:
    refused = checked(BALLROOM_SIZE="public", AZURE_LOCATION=location)
    assert refused.returncode == 1
    assert "Flex Consumption has no zones in westeurope" in refused.stderr
    assert "eastus, northeurope, uksouth" in refused.stderr


def test_where_azure_does_not_answer_a_first_deployment_takes_a_word() -> None:
    refused = checked(BALLROOM_SIZE="team", REGIONS="")
    assert refused.returncode == 1
    assert "What is deployed could not be compared with: az group exists" in refused.stderr
    assert "Please run 'az login'" in refused.stderr
    assert "BALLROOM_PREFLIGHT=--first azd up" in refused.stderr
    passed = checked("--first", BALLROOM_SIZE="public", REGIONS="")
    assert passed.returncode == 0
    assert "Note: What the region has could not be checked" in passed.stderr


def test_where_the_outputs_of_a_deployment_are_known_a_silent_azure_ends_nothing() -> None:
    passed = checked(BALLROOM_SIZE="team", REGIONS="", BALLROOM_FUNCTION_APP="func-ballroom-1")
    assert passed.returncode == 0
    assert "Note: What is deployed could not be compared" in passed.stderr


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AZURE_LOCATION": "polandcentral"}, "Flex Consumption is not in polandcentral"),
        ({"ROOM": "false"}, "Cosmos DB takes no new account of this subscription in northeurope"),
    ],
)
def test_a_region_without_room_is_refused_before_anything_is_made(
    environment: dict[str, str], sentence: str
) -> None:
    refused = checked(BALLROOM_SIZE="team", **environment)
    assert refused.returncode == 1
    assert sentence in refused.stderr


NO_ADDRESSES = (
    "BALLROOM_ADDRESSES is empty, and without Front Door only the addresses that it names"
)


def test_dev_is_closed_until_somebody_names_addresses() -> None:
    for refused in (
        checked(BALLROOM_ADDRESSES=""),
        checked(BALLROOM_ADDRESSES=" , "),
        checked(str(INFRA / "dev.parameters.json")),
    ):
        assert refused.returncode == 1
        assert NO_ADDRESSES.removeprefix("BALLROOM_ADDRESSES") in refused.stderr
    assert checked(BALLROOM_ADDRESSES="", BALLROOM_SIZE="team").returncode == 0


@pytest.mark.parametrize(
    "addresses", ["203.0.113.7", "203.0.113.7, 198.51.100.0/24", "2001:db8::1,2001:db8::/32,"]
)
def test_addresses_and_networks_are_accepted(addresses: str) -> None:
    passed = checked(BALLROOM_ADDRESSES=addresses)
    assert (passed.returncode, passed.stderr) == (0, "")


@pytest.mark.parametrize("addresses", ["example.org", "203.0.113.7/24", "203.0.113.7,*", "1.2.3"])
def test_what_azure_would_not_take_as_an_address_is_refused(addresses: str) -> None:
    refused = checked(BALLROOM_ADDRESSES=addresses)
    assert refused.returncode == 1
    assert "It takes addresses and networks" in refused.stderr


def test_more_networks_than_azure_takes_are_refused() -> None:
    refused = checked(
        BALLROOM_ADDRESSES=",".join(f"10.{at // 256}.{at % 256}.1" for at in range(501))
    )
    assert refused.returncode == 1
    assert "names 501 networks, and Azure takes 500" in refused.stderr


def test_whoever_opens_dev_to_everybody_is_told_the_risk() -> None:
    shown = checked(BALLROOM_ADDRESSES="*")
    assert shown.returncode == 0
    assert "a single large request of a stranger, without a token, can stop it" in shown.stderr
    assert checked(BALLROOM_ADDRESSES="*", BALLROOM_SIZE="team").stderr == ""


def test_a_budget_has_its_first_month_and_a_mailbox(tmp_path: Path) -> None:
    budget: dict[str, object] = {"monthlyBudget": 200, "budgetStart": "2026-11-01"}
    refused = with_parameters(tmp_path, **budget)
    assert "monthlyBudget tells nobody without BALLROOM_ALERT_EMAIL" in refused.stderr
    assert with_parameters(tmp_path, **budget, alertEmail="ops@example.org").returncode == 0
    budget["budgetStart"] = "2026-11-27"
    refused = with_parameters(tmp_path, **budget, alertEmail="ops@example.org")
    assert "budgetStart is '2026-11-27'" in refused.stderr


# --- Whether archives may be sent to the app for uploads ----------------------------------------


class App(QuietHandler):
    """Answers as the app for uploads does, when it is asked as Front Door is."""

    app = "uploads"

    def do_GET(self) -> None:
        is_asked = self.path == "/health/ready?app=uploads"
        body = json.dumps({"status": "ready", "app": self.app}).encode()
        self.answer(200 if is_asked else 404, body)


class AppForReads(App):
    """Answers while no rule of Front Door leads to the other app."""

    app = "reads"


def is_ready(**environment: str) -> tuple[str, str]:
    """Return what the check prints, and the note beside it."""
    shown = checked("--uploads-ready", BALLROOM_SIZE="team", **environment)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.strip(), shown.stderr


def test_a_new_installation_sends_archives_to_their_app_at_once() -> None:
    assert is_ready() == ("true", "")


def test_an_existing_one_waits_until_the_app_for_uploads_answers() -> None:
    of_before = {"BALLROOM_ENDPOINT": "http://127.0.0.1:1", "BALLROOM_READS_APP": "reads-1"}
    made = {"BALLROOM_UPLOADS_APP": "uploads-1", "BALLROOM_UPLOADS_READY": "false"}
    for environment in (of_before, of_before | made):
        printed, note = is_ready(**environment)
        assert printed == "false"
        assert "run azd up once more" in note
    with served_handler(AppForReads) as endpoint:
        assert is_ready(**made, BALLROOM_ENDPOINT=endpoint)[0] == "false"
    with served_handler(App) as endpoint:
        assert is_ready(**made, BALLROOM_ENDPOINT=endpoint) == ("true", "")


def test_an_outage_of_the_app_for_uploads_moves_no_archives() -> None:
    environment = {
        "BALLROOM_ENDPOINT": "http://127.0.0.1:1",
        "BALLROOM_UPLOADS_APP": "uploads-1",
        "BALLROOM_UPLOADS_READY": "true",
    }
    assert is_ready(**environment) == ("true", "")


def test_the_answer_is_a_parameter_and_an_output_of_the_template() -> None:
    parameters = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert parameters["uploadsReady"]["value"] == "${BALLROOM_UPLOADS_READY=true}"
    assert "BALLROOM_UPLOADS_READY" in template(MAIN).outputs


def test_stores_are_isolated_once_they_are_set_up_or_if_somebody_says_so() -> None:
    assert checked(BALLROOM_ISOLATED="true", BALLROOM_VAULT="kv-br-1").returncode == 0
    assert checked("--isolated-first", BALLROOM_ISOLATED="true").returncode == 0


def test_every_variable_that_azd_fills_in_is_an_output_of_the_template() -> None:
    """What `azd env refresh` brings back is all that another machine has to know."""
    text = (INFRA / "main.parameters.json").read_text()
    filled = re.findall(r'"(\w+)": \{ "value": "\$\{(BALLROOM_\w+)', text)
    outputs = template(MAIN).outputs
    assert filled
    assert {name for _, name in filled} <= set(outputs)
    # These say what became of the parameter, which is what the next deployment has to be told.
    others = {"BALLROOM_COSMOS", "BALLROOM_UPLOADS_READY"}
    assert {name: outputs[name]["value"] for _, name in filled if name not in others} == {
        name: parameter for parameter, name in filled if name not in others
    }


@pytest.mark.parametrize(
    ("parameters", "has_edge"),
    [
        ({"size": "dev"}, False),
        ({"size": "dev", "edge": True}, True),
        ({"size": "team"}, True),
        ({"size": "team", "edge": False}, False),
    ],
)
def test_whether_there_is_an_edge_follows_from_the_parameters(
    tmp_path: Path, parameters: dict[str, object], has_edge: bool
) -> None:
    said = checked("--has-edge", parameters_file(tmp_path, **parameters))
    assert (said.returncode == 0) == has_edge
    assert (said.stdout, said.stderr) == ("", "")
