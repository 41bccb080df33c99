"""What is wrong with the parameters of a deployment is said before anything is made."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from infra.cost.model import COST_PLANS, Size
from tests.paths import ROOT
from tests.repo.bicep_templates import INFRA, MAIN, template

GIVEN = {
    "AZURE_ENV_NAME": "ballroom",
    "AZURE_LOCATION": "northeurope",
    "BALLROOM_ADDRESSES": "203.0.113.7",
}
ZONES = "eastus\nnortheurope\nuksouth"


@pytest.fixture(scope="module", autouse=True)
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put a stand-in for the Azure CLI first, which says what REGIONS has, or fails without it."""
    folder = tmp_path_factory.mktemp("azure")
    wanted = "functionapp list-flexconsumption-locations --zone-redundant=true"
    (folder / "az").write_text(
        f"""#!/bin/sh
case "$*" in "{wanted} "*) ;; *) exit 2 ;; esac
[ -n "$REGIONS" ] || {{ echo "ERROR: Please run 'az login' to set up an account." >&2; exit 1; }}
echo "$REGIONS"
"""
    )
    (folder / "az").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
        yield


def checked(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the check in this environment."""
    return subprocess.run(
        [sys.executable, "infra/preflight.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "REGIONS": ZONES, **GIVEN, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def parameters_file(folder: Path, **parameters: object) -> str:
    """Write a file with these parameters beside what azd fills in."""
    document = json.loads((INFRA / "main.parameters.json").read_text())
    document["parameters"] |= {name: {"value": value} for name, value in parameters.items()}
    file = folder / "parameters.json"
    file.write_text(json.dumps(document))
    return str(file)


def with_parameters(folder: Path, **parameters: object) -> subprocess.CompletedProcess[str]:
    """Check a file with these parameters."""
    return checked(parameters_file(folder, **parameters))


@pytest.mark.parametrize("location", ["northeurope", "North Europe"])
def test_variables_that_azd_sets_are_accepted(location: str) -> None:
    url = "https://packages.example.org"
    passed = checked(BALLROOM_SIZE="public", BALLROOM_URL=url, AZURE_LOCATION=location)
    assert (passed.returncode, passed.stdout, passed.stderr) == (0, "", "")
    for size in ("team", "public"):
        assert checked(str(INFRA / f"{size}.parameters.json")).returncode == 0


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        *(
            ("BALLROOM_URL", url, f"BALLROOM_URL is {url!r}. It is an https address without a path")
            for url in ("example.org", "http://example.org", "https://example.org/p", "https://")
        ),
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
        ("maximumInstances", 0, "Flex Consumption takes 1 to 1,000"),
        ("maximumInstances", True, "Flex Consumption takes 1"),
        ("alwaysReady", 41, "from 0 to maximumInstances (40)"),
        ("tokenEnvironment", "Prod-1", "1 to 12 lower-case letters and digits"),
        ("size", "huge", "It is dev, team or public"),
        ("moreSettings", {"BALLROOM_X": True}, "BALLROOM_X the value true"),
        ("moreSettings", ["BALLROOM_X"], "moreSettings is no object"),
        ("isolated", True, "isolated is true"),  # Nobody could set up the stores.
    ],
)
def test_a_deployment_that_would_fail_late_is_refused_early(
    tmp_path: Path, parameter: str, value: object, sentence: str
) -> None:
    refused = with_parameters(tmp_path, **{parameter: value})
    assert refused.returncode == 1
    assert parameter in refused.stderr or "BALLROOM_SIZE" in refused.stderr
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
        assert NO_ADDRESSES in refused.stderr
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


def test_more_instances_than_a_subscription_allows_are_reported(tmp_path: Path) -> None:
    shown = with_parameters(tmp_path, size="public")
    assert (shown.returncode, shown.stderr) == (0, "")
    shown = with_parameters(tmp_path, size="public", maximumInstances=171)
    assert shown.returncode == 0
    memory = COST_PLANS[Size.PUBLIC].gigabytes * 1024
    assert f"Note: 251 instances of {memory:,.0f} MB are more" in shown.stderr


# --- Whether archives may be sent to the app for uploads ----------------------------------------


class App(BaseHTTPRequestHandler):
    """Answers as the app for uploads does, when it is asked as Front Door is."""

    app = "uploads"

    def do_GET(self) -> None:
        is_asked = self.path == "/health/ready?app=uploads"
        body = json.dumps({"status": "ready", "app": self.app}).encode()
        self.send_response(200 if is_asked else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited.
        """Keep silent."""


class AppForReads(App):
    """Answers while no rule of Front Door leads to the other app."""

    app = "reads"


@contextmanager
def answering(app: type[App]) -> Generator[str]:
    with HTTPServer(("127.0.0.1", 0), app) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


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
    with answering(AppForReads) as endpoint:
        assert is_ready(**made, BALLROOM_ENDPOINT=endpoint)[0] == "false"
    with answering(App) as endpoint:
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


@pytest.mark.parametrize("location", ["westeurope", "West Europe"])
def test_a_region_without_zones_for_the_app_is_refused_with_those_that_have_them(
    location: str,
) -> None:
    refused = checked(BALLROOM_SIZE="public", AZURE_LOCATION=location)
    assert refused.returncode == 1
    assert f"Flex Consumption has no zones in {location}" in refused.stderr
    assert "eastus, northeurope, uksouth" in refused.stderr


def test_where_azure_does_not_name_its_regions_the_way_out_is_said() -> None:
    refused = checked(BALLROOM_SIZE="public", REGIONS="")
    assert refused.returncode == 1
    assert "Please run 'az login'" in refused.stderr
    assert "zoneRedundant" in refused.stderr


def test_azure_is_not_asked_where_one_zone_is_enough(tmp_path: Path) -> None:
    assert checked(BALLROOM_SIZE="team", REGIONS="").returncode == 0
    file = parameters_file(tmp_path, size="public", zoneRedundant=False)
    assert checked(file, REGIONS="").returncode == 0


@pytest.mark.parametrize("known", [{"BALLROOM_VAULT": "kv-br-1"}, {"BALLROOM_ISOLATED": "true"}])
def test_stores_are_isolated_once_they_are_set_up_or_if_somebody_says_so(
    tmp_path: Path, known: dict[str, str]
) -> None:
    assert checked(parameters_file(tmp_path, isolated=True), **known).returncode == 0


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
