"""The commands of `az` that the documents and scripts give."""

# ruff: noqa: ARG001 - every handler gets Azure and the command.

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.az.grammar import AZ, Call, Grammar
from tests.fakes.azure_tools.queries import answer
from tests.fakes.azure_tools.state import (
    APP,
    COSMOS,
    IDENTITY,
    PROFILE,
    SECRETS_OFFICER,
    STORAGE,
    SUBSCRIPTION,
    TENANT,
    VAULT,
    Azure,
    refused,
)

REGIONS = ("eastus", "northeurope", "uksouth", "westeurope")
ZONE_REGIONS = ("eastus", "northeurope", "uksouth")
CONTRIBUTOR = "00000000-0000-0000-0000-000000000002"  # Of Cosmos DB.

Handler = Callable[[Azure, Call], Any]
HANDLERS: dict[str, Handler] = {}


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Name the commands of a handler."""

    def kept(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        return handler

    return kept


def run(azure: Azure, words: list[str]) -> str:
    """Run a command; return what it prints."""
    call = Grammar.of(AZ).read(["az", *words])
    if not azure.signed_in.get("az") and call.name != "login":
        raise refused("az", "Please run 'az login' to setup account.")
    if option(call, "--subscription") not in ("", SUBSCRIPTION) and call.name != "account set":
        raise refused("az", "The subscription doesn't exist in cloud 'AzureCloud'.")
    if call.name not in HANDLERS:
        raise refused("az", f"This double does not know az {call.name}: add it here.")
    document = HANDLERS[call.name](azure, call)
    if query := option(call, "--query"):
        document = answer(query, document)
    return printed(document, option(call, "--output") or "json")


def option(call: Call, *names: str) -> str:
    """Return the value of an option by one of its names; empty where it is not given."""
    return next((" ".join(call.options[name]) for name in names if name in call.options), "")


def printed(document: Any, style: str) -> str:
    """Return a document as `--output` asks for it."""
    if style == "none" or document is None:
        return ""
    if style != "tsv":
        return f"{json.dumps(document)}\n"
    rows: list[Any] = document if isinstance(document, list) else [document]
    cells = (row.values() if isinstance(row, dict) else [row] for row in rows)
    return "".join("\t".join(map(str, row)) + "\n" for row in cells)


# Who is there


@handles("login")
def login(azure: Azure, call: Call) -> None:
    azure.signed_in["az"] = True


@handles("account show")
def account(azure: Azure, call: Call) -> Any:
    return {"id": SUBSCRIPTION, "tenantId": TENANT}


@handles("account set")
def choose_account(azure: Azure, call: Call) -> None:
    """Any subscription is chosen."""


@handles("provider register")
def register(azure: Azure, call: Call) -> None:
    azure.services.append(option(call, "--namespace"))


@handles("ad signed-in-user show")
def signed_in_user(azure: Azure, call: Call) -> Any:
    return {"id": azure.me}


# Groups, deployments, resources


@handles("group create")
def create_group(azure: Azure, call: Call) -> Any:
    azure.groups.setdefault(option(call, "--name"), option(call, "--location"))
    return show_group(azure, call)


@handles("group exists")
def group_exists(azure: Azure, call: Call) -> bool:
    return option(call, "--name") in azure.groups


@handles("group show")
def show_group(azure: Azure, call: Call) -> Any:
    name = azure.require_group(option(call, "--name"))
    return {"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}", "name": name}


@handles("deployment group list")
def list_deployments(azure: Azure, call: Call) -> Any:
    group = azure.require_group(option(call, "--resource-group"))
    return [
        {
            "name": each["name"],
            "properties": {
                "timestamp": each["at"],
                "provisioningState": each["state"],
                "parameters": each["parameters"],
                "outputs": each["outputs"],
            },
        }
        for each in azure.deployments
        if each["group"] == group
    ]


@handles("deployment group create")
def create_deployment(azure: Azure, call: Call) -> None:
    group = azure.require_group(option(call, "--resource-group"))
    given: dict[str, Any] = {}
    for word in call.options["--parameters"]:
        name, equals, value = word.partition("=")
        if equals:
            given[name] = value
        else:
            written = json.loads(Path(name).read_text("utf-8"))["parameters"]
            given |= {each: about["value"] for each, about in written.items()}
    infra = Path(option(call, "--template-file")).parent
    given.setdefault("location", azure.groups[group])
    # Few commands need the templates.
    from tests.fakes.azure_tools.deployments import deploy

    outputs = deploy(azure, infra, group, given)
    azure.record("main", group, given, outputs, state="Succeeded")


@handles("deployment group show")
def show_deployment(azure: Azure, call: Call) -> Any:
    for each in list_deployments(azure, call):
        if each["name"] == option(call, "--name"):
            return each
    raise refused("DeploymentNotFound", option(call, "--name"))


@handles("resource list")
def list_resources(azure: Azure, call: Call) -> Any:
    group = option(call, "--resource-group")
    type_ = option(call, "--resource-type")
    return list(azure.of_group(azure.require_group(group), type_))


@handles("rest")
def rest(azure: Azure, call: Call) -> Any:
    url = option(call, "--uri", "--url")
    path, _, version = url.partition("?api-version=")
    if not version:
        raise refused("MissingApiVersionParameter", "The api-version is missing.")
    profile = azure.by_id(path.rpartition(f"/{path.split('/')[9]}")[0])
    if profile["type"] != PROFILE:
        raise refused("az", f"This double does not know {path}.")
    return {"value": [{"properties": {"hostName": profile.get("domain") or "host"}}]}


# Identities, roles, applications


@handles("identity delete")
def delete_identity(azure: Azure, call: Call) -> None:
    azure.resources.remove(azure.by_id(option(call, "--ids")))


@handles("identity list")
def list_identities(azure: Azure, call: Call) -> Any:
    return list(azure.of_group(azure.require_group(option(call, "--resource-group")), IDENTITY))


@handles("role assignment create")
def create_role(azure: Azure, call: Call) -> None:
    azure.give_role(option(call, "--role"), option(call, "--scope"), option(call, "--assignee"))


@handles("role assignment list")
def list_roles(azure: Azure, call: Call) -> Any:
    asked = _asked_roles(azure, call)
    kinds = dict.fromkeys(azure.members, "Group")
    return [
        each | {"id": role_id(each), "principalType": kinds.get(each["principal"], "User")}
        for each in asked
    ]


@handles("role assignment delete")
def delete_role(azure: Azure, call: Call) -> None:
    ids = call.options.get("--ids", [])
    named = [each for each in azure.roles if role_id(each) in ids]
    gone = named if ids else _asked_roles(azure, call)
    if not gone:
        raise refused("az", "No matched assignments were found to delete")
    azure.roles = [each for each in azure.roles if each not in gone]


def role_id(role: dict[str, str]) -> str:
    """Return the id of an assignment, which has no spaces."""
    return sha256("/".join(role.values()).encode()).hexdigest()[:12]


def _asked_roles(azure: Azure, call: Call) -> list[dict[str, str]]:
    names = {"role": "--role", "scope": "--scope", "principal": "--assignee"}
    asked = {name: option(call, each) for name, each in names.items() if each in call.options}
    return [each for each in azure.roles if asked.items() <= each.items()]


@handles("role definition list")
def list_role_definitions(azure: Azure, call: Call) -> Any:
    group = azure.require_group(option(call, "--resource-group"))
    return [each for each in azure.role_definitions if each["group"] == group]


@handles("role definition delete")
def delete_role_definition(azure: Azure, call: Call) -> None:
    name = option(call, "--name")
    if any(each["role"] == name for each in azure.roles):
        raise refused("RoleDefinitionHasAssignments", "There are existing role assignments.")
    there = [each for each in list_role_definitions(azure, call) if each["name"] == name]
    azure.role_definitions.remove(there[0])


@handles("ad group show")
def show_member_group(azure: Azure, call: Call) -> Any:
    name = option(call, "--group")
    if name not in azure.members:
        raise refused("az", f"Group {name} was not found.")
    return {"id": name}


@handles("ad app create")
def create_application(azure: Azure, call: Call) -> Any:
    made = {
        "appId": azure.new_id("application"),
        "displayName": option(call, "--display-name"),
        "credentials": {},
    }
    azure.applications.append(made)
    return made


@handles("ad app list")
def list_applications(azure: Azure, call: Call) -> Any:
    return [each for each in azure.applications if _is_chosen(each, option(call, "--filter"))]


def _is_chosen(document: dict[str, Any], chosen: str) -> bool:
    name, _, value = chosen.partition(" eq ")
    return document.get(name) == value.strip("'")


@handles("ad app show")
def show_application(azure: Azure, call: Call) -> Any:
    for each in azure.applications:
        if each["appId"] == option(call, "--id"):
            return each
    raise refused("az", f"Resource '{option(call, '--id')}' does not exist.")


@handles("ad app update")
def update_application(azure: Azure, call: Call) -> None:
    application = show_application(azure, call)
    if back := option(call, "--web-redirect-uris"):
        application["back"] = back
    if changed := option(call, "--set"):
        name, _, value = changed.partition("=")
        application[name] = value


@handles("ad app delete")
def delete_application(azure: Azure, call: Call) -> None:
    azure.applications.remove(show_application(azure, call))


@handles("ad app permission admin-consent")
def consent(azure: Azure, call: Call) -> None:
    show_application(azure, call)["consented"] = True


@handles("ad app federated-credential list")
def list_credentials(azure: Azure, call: Call) -> Any:
    return list(show_application(azure, call)["credentials"].values())


@handles("ad app federated-credential create", "ad app federated-credential update")
def keep_credential(azure: Azure, call: Call) -> None:
    text = option(call, "--parameters")
    about = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    there = show_application(azure, call)["credentials"]
    if (about["name"] in there) == call.name.endswith("create"):
        raise refused("az", f"The federated credential {about['name']} is there, or is not.")
    there[about["name"]] = about


@handles("ad sp list")
def list_principals(azure: Azure, call: Call) -> Any:
    every = [{"id": f"sp-{each}", "appId": each} for each in azure.principals]
    return [each for each in every if _is_chosen(each, option(call, "--filter"))]


@handles("ad sp create")
def create_principal(azure: Azure, call: Call) -> None:
    azure.principals.append(show_application(azure, call)["appId"])


# Stores


@handles("storage account show")
def show_storage(azure: Azure, call: Call) -> Any:
    return azure.named(STORAGE, option(call, "--name"), option(call, "--resource-group"))


@handles("storage account create")
def create_storage(azure: Azure, call: Call) -> None:
    group = azure.require_group(option(call, "--resource-group"))
    azure.add(STORAGE, option(call, "--name"), group, option(call, "--location"))


@handles("cosmosdb show")
def show_database(azure: Azure, call: Call) -> Any:
    account = azure.named(COSMOS, option(call, "--name"), option(call, "--resource-group"))
    return account | {"capabilities": [{"name": each} for each in account["capabilities"]]}


@handles("cosmosdb sql retrieve-latest-backup-time")
def latest_backup(azure: Azure, call: Call) -> Any:
    azure.named(COSMOS, option(call, "--account-name"), option(call, "--resource-group"))
    return {"continuousBackupInformation": {"latestRestorableTimestamp": "11/20/2026 9:00:00 AM"}}


@handles("cosmosdb restore")
def restore_database(azure: Azure, call: Call) -> None:
    group = option(call, "--resource-group")
    old = azure.named(COSMOS, option(call, "--account-name"), group)
    name = option(call, "--target-database-account-name")
    if not re.fullmatch(r"[a-z0-9-]{3,44}", name):
        raise refused("BadRequest", f"{name} is no name of an account.")
    azure.add(
        COSMOS, name, group, option(call, "--location"), capabilities=old["capabilities"], tags={}
    )


@handles("cosmosdb delete")
def delete_database(azure: Azure, call: Call) -> None:
    account = azure.named(COSMOS, option(call, "--name"), option(call, "--resource-group"))
    require_unlocked(azure, account["id"])
    azure.resources.remove(account)


@handles("cosmosdb locations show")
def database_region(azure: Azure, call: Call) -> Any:
    # Azure may say that there is room, and refuse when it is asked for it.
    is_allowed = option(call, "--location") not in azure.full_regions or azure.says_there_is_room
    names = (
        "isSubscriptionRegionAccessAllowedForRegular",
        "isSubscriptionRegionAccessAllowedForAz",
    )
    return {"properties": dict.fromkeys(names, is_allowed)}


@handles("cosmosdb sql role assignment create")
def create_database_role(azure: Azure, call: Call) -> None:
    account = azure.named(COSMOS, option(call, "--account-name"), option(call, "--resource-group"))
    if option(call, "--role-definition-id") != CONTRIBUTOR:
        raise refused("NotFound", "There is no such role definition.")
    azure.give_role(CONTRIBUTOR, account["id"], option(call, "--principal-id"))


@handles("cosmosdb sql role assignment list")
def list_database_roles(azure: Azure, call: Call) -> Any:
    account = azure.named(COSMOS, option(call, "--account-name"), option(call, "--resource-group"))
    return [
        {"name": role_id(each), "principalId": each["principal"]}
        for each in azure.roles
        if each["scope"] == account["id"]
    ]


@handles("cosmosdb sql role assignment delete")
def delete_database_role(azure: Azure, call: Call) -> None:
    name = option(call, "--role-assignment-id")
    azure.roles = [each for each in azure.roles if role_id(each) != name]


@handles("storage container-rm delete")
def delete_container(azure: Azure, call: Call) -> None:
    storage = azure.named(STORAGE, option(call, "--storage-account"))
    require_unlocked(azure, storage["id"])


@handles("cosmosdb sql container delete")
def delete_database_container(azure: Azure, call: Call) -> None:
    account = azure.named(COSMOS, option(call, "--account-name"), option(call, "--resource-group"))
    require_unlocked(azure, account["id"])


def require_unlocked(azure: Azure, id_: str) -> None:
    """Refuse what a lock keeps from being deleted."""
    if any(each["id"].startswith(f"{id_}/") for each in azure.locks):
        raise refused("ScopeLocked", f"The scope {id_} cannot perform delete operation.")


# The vault


def reached_vault(azure: Azure, call: Call) -> str:
    """Return the vault of a command; refuse where the caller may not, or cannot, reach it."""
    vault = azure.named(VAULT, option(call, "--vault-name"))
    if vault["isolated"]:
        raise refused("Forbidden", "Public network access is disabled.")
    if not azure.has_role(SECRETS_OFFICER, vault["id"]):
        raise refused("Forbidden", "Caller is not authorized to perform action.")
    return vault["name"]


@handles("keyvault show")
def show_vault(azure: Azure, call: Call) -> Any:
    return azure.named(VAULT, option(call, "--name"))


@handles("keyvault secret list")
def list_secrets(azure: Azure, call: Call) -> Any:
    return [{"name": each} for each in azure.secrets[reached_vault(azure, call)]]


@handles("keyvault secret list-deleted")
def list_deleted_secrets(azure: Azure, call: Call) -> Any:
    return [{"name": each} for each in azure.deleted_secrets[reached_vault(azure, call)]]


@handles("keyvault secret show")
def show_secret(azure: Azure, call: Call) -> Any:
    return {"value": azure.secrets[reached_vault(azure, call)][option(call, "--name")]}


@handles("keyvault secret set")
def set_secret(azure: Azure, call: Call) -> None:
    vault = reached_vault(azure, call)
    name = option(call, "--name")
    if name in azure.deleted_secrets[vault]:
        raise refused("Conflict", f"Secret {name} is currently in a deleted state.")
    azure.secrets[vault][name] = Path(option(call, "--file")).read_text("utf-8")


@handles("keyvault secret recover")
def recover_secret(azure: Azure, call: Call) -> None:
    vault = reached_vault(azure, call)
    name = option(call, "--name")
    azure.secrets[vault][name] = azure.deleted_secrets[vault].pop(name)


@handles("keyvault list-deleted")
def list_deleted_vaults(azure: Azure, call: Call) -> Any:
    return [{"name": each} for each in azure.deleted_vaults]


@handles("keyvault recover")
def recover_vault(azure: Azure, call: Call) -> None:
    name = option(call, "--name")
    if name not in azure.deleted_vaults:
        raise refused("az", f"No deleted Vault or HSM was found with name '{name}'.")
    vault = azure.deleted_vaults[name]
    azure.require_group(vault["group"])
    azure.resources.append(azure.deleted_vaults.pop(name))


# Apps, regions, locks


@handles("functionapp list-flexconsumption-locations")
def app_regions(azure: Azure, call: Call) -> Any:
    has_zones = option(call, "--zone-redundant", "-z") == "true"
    return [{"name": each} for each in (ZONE_REGIONS if has_zones else REGIONS)]


@handles("functionapp restart", "functionapp show")
def app(azure: Azure, call: Call) -> Any:
    return azure.named(APP, option(call, "--name"), option(call, "--resource-group"))


@handles("functionapp stop")
def stop_app(azure: Azure, call: Call) -> None:
    azure.stopped.append(app(azure, call)["name"])


@handles("functionapp start")
def start_app(azure: Azure, call: Call) -> None:
    azure.stopped.remove(app(azure, call)["name"])


@handles("functionapp deployment source config-zip")
def deploy_package(azure: Azure, call: Call) -> None:
    name = app(azure, call)["name"]
    if not Path(option(call, "--src")).is_file():
        raise refused("az", f"{option(call, '--src')} is no file.")
    azure.packages[name] = azure.packages.get(name, 0) + 1


@handles("network list-service-tags")
def service_tags(azure: Azure, call: Call) -> Any:
    prefixes = ["192.0.2.0/24", "2001:db8::/32"]
    name = "AzureFrontDoor.Backend"
    return {"values": [{"name": name, "properties": {"addressPrefixes": prefixes}}]}


@handles("lock list")
def list_locks(azure: Azure, call: Call) -> Any:
    group = azure.require_group(option(call, "--resource-group"))
    return [each for each in azure.locks if f"/resourceGroups/{group}/" in each["id"]]


@handles("lock delete")
def delete_lock(azure: Azure, call: Call) -> None:
    ids = call.options.get("--ids", [])
    azure.locks = [each for each in azure.locks if each["id"] not in ids]
