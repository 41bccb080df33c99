"""What a deployment of infra/main.bicep makes, and what it is told."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra.preflight import declarations, has_type, literal
from tests.fakes.azure_tools.state import (
    APP,
    COSMOS,
    IDENTITY,
    NETWORK,
    PROFILE,
    SECRETS_OFFICER,
    STORAGE,
    VAULT,
    Azure,
    refused,
    unique,
)

SERVICES = re.compile(r"^ +service: '(\w+)'", re.MULTILINE)
OUTPUTS = re.compile(r"^output (\w+) \w+ = (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Told:
    """The parameters of a deployment, those that were given and the others by their defaults."""

    values: Mapping[str, Any]
    template: str

    @classmethod
    def of(cls, infra: Path, given: Mapping[str, Any]) -> "Told":
        """Add the defaults; refuse what the template refuses."""
        template = (infra / "main.bicep").read_text("utf-8")
        declared = declarations(template)
        values: dict[str, Any] = {}
        size = str(given.get("size", "dev"))
        for name, about in declared.items():
            if name in given:
                values[name] = given[name]
                if not has_type(given[name], about.kind) or (
                    about.allowed and given[name] not in about.allowed
                ):
                    raise refused("InvalidTemplate", f"'{name}' has an invalid value.")
            elif about.default:
                values[name] = literal(about.default, size)
            else:
                raise refused("InvalidTemplate", f"The value for '{name}' is missing.")
        if unknown := set(given) - set(declared):
            raise refused("InvalidTemplate", f"Unknown parameters: {', '.join(unknown)}.")
        if values["edge"] is None:
            values["edge"] = size != "dev"
        return cls(values, template)

    @property
    def hash(self) -> str:
        """Return what azd compares: the template and all parameters."""
        text = self.template + json.dumps(self.values, sort_keys=True)
        return sha256(text.encode()).hexdigest()

    def services(self) -> Iterator[str]:
        """Yield the service of each app that this deployment has."""
        only, *behind_edge = SERVICES.findall(self.template)
        yield only
        if self.values["edge"]:
            yield from behind_edge


def deploy(azure: Azure, infra: Path, group: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Make what the template has; return the outputs."""
    told = Told.of(infra, given)
    name = unique(group, told.values["environmentName"])
    _make(azure, told, group, name)
    return _outputs(azure, told, group, name)


def app_name(service: str, name: str) -> str:
    return f"func-ballroom-{name}" if service == "registry" else f"func-ballroom-{service}-{name}"


def _make(azure: Azure, told: Told, group: str, name: str) -> None:
    values = told.values
    location = values.get("location") or azure.groups[group]
    about = {"tags": {"azd-env-name": values["environmentName"]}}
    azure.add("Microsoft.OperationalInsights/workspaces", f"log-{name}", group, location, **about)
    identity = azure.add(IDENTITY, f"id-ballroom-{name}", group, location, **about)
    if "principal" not in identity:
        identity["principal"] = azure.new_id("identity")
    for account in (f"stbr{name}", f"stbrhost{name}"):
        azure.add(STORAGE, account, group, location, **about)
    vault_name = f"kv-br-{name}"
    if vault_name in azure.deleted_vaults:
        raise refused("ConflictError", f"A vault named {vault_name} is in deleted state.")
    vault = azure.add(VAULT, vault_name, group, location, **about, isolated=values["isolated"])
    azure.secrets.setdefault(vault_name, {})
    azure.deleted_secrets.setdefault(vault_name, {})
    operator = values.get("operatorGroup") or values.get("operatorId")
    if operator:
        azure.give_role(SECRETS_OFFICER, vault["id"], operator)
    _make_database(
        azure, told, group, location, values.get("cosmosName") or f"cosmos-ballroom-{name}"
    )
    if values["edge"]:
        edge = azure.add(PROFILE, f"afd-{name}", group, "global", **about, domain=values["url"])
        role = {"name": f"purge-{group}", "roleName": f"Ballroom purge {group}", "group": group}
        if role not in azure.role_definitions:
            azure.role_definitions.append(role)
        azure.give_role(role["name"], edge["id"], identity["principal"])
    if values["isolated"]:
        azure.add(NETWORK, f"vnet-ballroom-{name}", group, location, **about)
    for service in told.services():
        azure.add(
            APP,
            app_name(service, name),
            group,
            location,
            tags={**about["tags"], "azd-service-name": service},
            identity=identity["principal"],
            settings=values["moreSettings"],
            entra=values["entraClientId"],
        )
    if values.get("locks"):
        for each in azure.of_group(group):
            if each["type"] in (STORAGE, COSMOS, VAULT):
                azure.lock(each["id"])


def _make_database(azure: Azure, told: Told, group: str, location: str, account: str) -> None:
    wanted = ["EnableServerless"] if told.values["capacity"] == "serverless" else []
    there = next((each for each in azure.of_group(group, COSMOS) if each["name"] == account), None)
    if there is None and location in azure.full_regions:
        raise refused(
            "ServiceUnavailable", "Sorry, we are currently experiencing high demand in this region."
        )
    if there is not None and there["capabilities"] != wanted:
        raise refused("BadRequest", "The capability EnableServerless cannot be changed.")
    azure.add(
        COSMOS,
        account,
        group,
        location,
        capabilities=wanted,
        tags={"azd-env-name": told.values["environmentName"]},
    )


def _outputs(azure: Azure, told: Told, group: str, name: str) -> dict[str, Any]:
    values = told.values
    edge = bool(values["edge"])
    endpoint = f"https://ballroom-{name}.z01.azurefd.net" if edge else _host(name)
    known: dict[str, Any] = {
        "BALLROOM_PUBLIC_URL": values["url"] or endpoint,
        "BALLROOM_ENDPOINT": endpoint,
        "BALLROOM_FUNCTION_APP": app_name("registry", name),
        "BALLROOM_VAULT": f"kv-br-{name}",
        "BALLROOM_STORAGE": f"stbr{name}",
        "BALLROOM_COSMOS": values.get("cosmosName") or f"cosmos-ballroom-{name}",
        "BALLROOM_UPLOADS_READY": str(edge and values.get("uploadsReady") == "true").lower(),
        "BALLROOM_IDENTITY_PRINCIPAL_ID": next(azure.of_group(group, IDENTITY))["principal"],
    }
    found: dict[str, Any] = {}
    for output, expression in OUTPUTS.findall(told.template):
        if output in known:
            value = known[output]
        elif expression in values:
            value = values[expression]
        elif output.endswith("_APART"):
            value = edge
        elif of_app := re.fullmatch(r"BALLROOM_(\w+)_APP", output):
            value = app_name(of_app[1].lower(), name) if edge else ""
        else:
            raise refused("az", f"This double does not know the output {output}: add it here.")
        found[output] = {"value": value}
    return found


def _host(name: str) -> str:
    return f"https://{app_name('registry', name)}.azurewebsites.net"
