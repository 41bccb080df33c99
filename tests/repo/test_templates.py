"""The templates parse, fit together, and hold no key and no surprise."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.support.bicep_templates import INFRA, MAIN, Template, paths, properties, template

# The built-in roles that are given, as Azure's list of built-in roles has them.
ROLES = {
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Cosmos Data Contributor": "00000000-0000-0000-0000-000000000002",
}

# Site properties that a deployment to Flex Consumption is refused for, with error 51021.
REFUSED_BY_FLEX = (
    "ftpsState",
    "linuxFxVersion",
    "windowsFxVersion",
    "netFrameworkVersion",
    "use32BitWorkerProcess",
    "preWarmedInstanceCount",
    "functionsRuntimeScaleMonitoringEnabled",
    "alwaysOn",
)


# What each changes the account of Cosmos DB by: itself, a role in it, a private endpoint to it.
CHANGES_COSMOS = ("cosmos", "roles", "network")

ROLES_FILE = INFRA / "modules" / "roles.bicep"
FILES = [pytest.param(path, id=path.relative_to(INFRA).as_posix()) for path in paths()]


@pytest.fixture(params=FILES)
def each(request: pytest.FixtureRequest) -> Template:
    path: Path = request.param
    return template(path)


def test_roles_are_given_in_one_file(each: Template) -> None:
    giving = [name for name, type_, _ in each.resources() if "roleassignments" in type_.lower()]
    assert bool(giving) == (each.name == "modules/roles.bicep")


def test_no_template_asks_for_a_key(each: Template) -> None:
    # Functions of Bicep that return keys, and the names that connection strings begin with.
    asked = re.findall(r"\blist[A-Z]\w*\(|AccountKey|SharedAccessKey|getSecret\(", each.text)
    assert asked == []


def test_no_output_is_a_secret(each: Template) -> None:
    for name, declared in each.outputs.items():
        shown = f"{name} {json.dumps(declared['value'])}"
        assert not re.search(r"key|secret|password|connectionstring|token", shown, re.IGNORECASE)


def test_the_main_template_only_puts_modules_together() -> None:
    assert list(template(MAIN).resources()) == []
    used = {module["detail"]["path"] for module in template(MAIN).modules.values()}
    assert used == {path.relative_to(INFRA).as_posix() for path in paths()} - {"main.bicep"}


def waited_for(name: str) -> set[str]:
    """Return the modules that are complete before this one begins."""
    used = template(MAIN).text.partition(f"\nmodule {name} ")[2].partition("\n}\n")[0]
    named = re.findall(r"dependsOn: \[([\w, ]+)\]", used)
    direct = {*re.findall(r"\b(\w+)!?\.outputs\.", used), *", ".join(named).split(", ")} - {""}
    return direct.union(*map(waited_for, direct))


def test_changes_of_the_cosmos_account_follow_each_other() -> None:
    # The service refuses the second of two at once: 412, "exclusive lock".
    for earlier, later in pairwise(CHANGES_COSMOS):
        assert earlier in waited_for(later), f"{later} does not wait for {earlier}"
    for name, used in template(MAIN).modules.items():
        text = (INFRA / used["detail"]["path"]).read_text()
        changes = re.search(
            r"databaseAccounts/sqlRoleAss|privateEndpoints@|resource account '.*DocumentDB", text
        )
        assert bool(changes) == (name in CHANGES_COSMOS), name


def test_the_parameters_that_are_filled_in_are_those_of_the_template() -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    asked = template(MAIN).parameters
    assert set(given) <= set(asked)
    assert {name for name, how in asked.items() if how.get("default") is None} <= set(given)


def test_stores_take_tokens_alone() -> None:
    wanted = {
        "Microsoft.Storage/storageAccounts": {
            "allowSharedKeyAccess": False,
            "allowBlobPublicAccess": False,
        },
        "Microsoft.DocumentDB/databaseAccounts": {
            "disableLocalAuth": True,
            "disableKeyBasedMetadataWriteAccess": True,
        },
        "Microsoft.KeyVault/vaults": {
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            "enablePurgeProtection": True,
        },
        "Microsoft.Insights/components": {"DisableLocalAuth": True},
        "Microsoft.Web/sites": {"httpsOnly": True},
    }
    found = {
        type_: properties(config)
        for path in paths()
        for _, type_, config in template(path).resources()
    }
    for type_, asked in wanted.items():
        assert {name: found[type_].get(name) for name in asked} == asked, type_
    workspace = found["Microsoft.OperationalInsights/workspaces"]
    assert workspace["features"]["disableLocalAuth"] is True


def variable_of(role: str) -> str:
    """Return the name that a role has in the template."""
    first, *others = role.split()
    return first.lower() + "".join(others)


def test_every_role_has_its_name_and_the_id_that_azure_gave_it() -> None:
    roles = template(ROLES_FILE)
    guid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    named = dict(re.findall(rf"^var (\w+) = '({guid})'$", roles.text, re.MULTILINE))
    assert len(re.findall(guid, roles.text)) == len(named)
    wanted = {variable_of(name): id_ for name, id_ in ROLES.items()}
    assert named == wanted


def test_the_app_may_purge_the_edge_and_do_nothing_else_there() -> None:
    roles = {name: config for name, _, config in template(ROLES_FILE).resources()}
    [permission] = roles["purgesCopies"]["properties"]["permissions"]
    assert permission == {
        "actions": ["Microsoft.Cdn/profiles/afdEndpoints/purge/action"],
        "notActions": [],
    }
    given = roles["withdrawsCopies"]["properties"]["roleDefinitionId"]
    assert given["operator"]["operands"] == {"operand_1": "purgesCopies", "operand_2": "id"}


def test_nothing_is_asked_for_that_flex_consumption_refuses() -> None:
    asked = template(INFRA / "modules" / "functions.bicep").text
    code = re.sub(r"//.*$", "", asked, flags=re.MULTILINE)
    assert [name for name in REFUSED_BY_FLEX if re.search(rf"\b{name}\b", code)] == []


def test_any_page_may_read_and_no_cookie_goes_along() -> None:
    (site,) = (
        properties(config)["siteConfig"]
        for _, type_, config in template(INFRA / "modules" / "functions.bicep").resources()
        if type_ == "Microsoft.Web/sites"
    )
    assert site["cors"] == {"allowedOrigins": ["*"], "supportCredentials": False}


# With another Python `publish` would make no bytecode, and fails.
@pytest.mark.parametrize("workflow", ["publish", "release"])
def test_a_package_is_made_and_tested_by_the_python_that_runs_it(workflow: str) -> None:
    steps = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text("utf-8")
    versions = re.findall(r'python-version: "(.+)"', steps)
    assert versions == [template(MAIN).parameters["pythonVersion"]["default"]]
