"""What `azd up` does with azure.yaml, by the rules that the sources of azd 1.25 to 1.30 have.

azd filters services by their `condition` with what its environment holds at that moment: each step
of a custom workflow reads the environment again, and without one the filter comes before
everything. A provision puts the outputs of the template into the environment.
"""

import pytest

from tests.repo.azd_project import PROJECT
from tests.support.bicep_templates import MAIN, function_apps, module, template

SERVICES: dict[str, dict[str, str]] = PROJECT["services"]
TRUE = ("1", "true", "TRUE", "True", "yes", "YES", "Yes")


def enabled(environment: dict[str, str]) -> set[str]:
    """Return the services that azd finds enabled."""
    return {
        name
        for name, service in SERVICES.items()
        if "condition" not in service
        or environment.get(service["condition"].strip("${}"), "") in TRUE
    }


def deployed_by_a_first_up(outputs: dict[str, str]) -> set[str]:
    """Return what `azd up` deploys in an environment that was never provisioned."""
    environment: dict[str, str] = {}
    steps: list[dict[str, str]] = PROJECT.get("workflows", {}).get("up", [])
    deployed = set[str]() if steps else enabled(environment)
    for step in steps:
        if step["azd"] == "provision":
            environment |= outputs
        else:
            assert step["azd"] == "deploy --all"
            deployed |= enabled(environment)
    return deployed


@pytest.mark.parametrize(
    ("edge", "services"), [("false", {"registry"}), ("true", {"registry", "reads", "uploads"})]
)
def test_a_first_up_deploys_the_package_to_every_app(edge: str, services: set[str]) -> None:
    outputs = {"BALLROOM_READS_APART": edge, "BALLROOM_UPLOADS_APART": edge}
    assert deployed_by_a_first_up(outputs) == services


def test_a_service_is_enabled_by_an_output_of_the_template() -> None:
    conditions = [each["condition"] for each in SERVICES.values() if "condition" in each]
    assert conditions == ["${BALLROOM_READS_APART}", "${BALLROOM_UPLOADS_APART}"]
    for each in conditions:
        assert template(MAIN).outputs[each.strip("${}")]["value"] == "edge"


def test_every_app_gets_the_package_that_a_hook_makes_once() -> None:
    # azd packs services at the same time, so the hook is one of the project.
    for service in SERVICES.values():
        assert service["dist"] == ".package"
        assert service["remoteBuild"] is False
        assert "hooks" not in service
    for hook in ("predeploy", "prepackage"):
        assert PROJECT["hooks"][hook]["posix"]["run"] == "python3 .ci/package.py .package"


def test_azd_deploys_also_from_windows() -> None:
    # A hook without a command for the system ends the command.
    for hook in ("predeploy", "prepackage", "postdeploy"):
        posix, windows = (PROJECT["hooks"][hook][each]["run"] for each in ("posix", "windows"))
        assert windows.split()[:2] == ["python", posix.split()[1]]


def test_every_service_has_the_tag_of_one_app() -> None:
    tagged = [each["service"] for each in function_apps()]
    assert sorted(tagged) == sorted(SERVICES)
    assert "'azd-service-name': service" in module("functions").text
