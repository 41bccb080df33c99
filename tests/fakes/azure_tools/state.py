"""The Azure of the doubles: a document in a file, which each command reads and writes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

SUBSCRIPTION = "00000000-0000-0000-0000-00000000000a"
TENANT = "00000000-0000-0000-0000-00000000000b"

PROFILE = "Microsoft.Cdn/profiles"
APP = "Microsoft.Web/sites"
VAULT = "Microsoft.KeyVault/vaults"
COSMOS = "Microsoft.DocumentDB/databaseAccounts"
STORAGE = "Microsoft.Storage/storageAccounts"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
NETWORK = "Microsoft.Network/virtualNetworks"

SECRETS_OFFICER = "Key Vault Secrets Officer"

Resource = dict[str, Any]


class RefusedError(Exception):
    """What a tool would say before it ends with an error."""


def refused(code: str, sentence: str) -> RefusedError:
    """Return a refusal with Azure's code, or with the name of the tool."""
    return RefusedError(f"ERROR: ({code}) {sentence}")


def _list() -> list[dict[str, Any]]:
    return []


@dataclass
class Azure:
    """Everything that there is, as JSON has it."""

    signed_in: dict[str, bool] = field(default_factory=dict)
    me: str = "00000000-0000-0000-0000-000000000001"
    azd_version: str = "1.31.2"
    services: list[str] = field(default_factory=list)  # That the subscription has registered.
    groups: dict[str, str] = field(default_factory=dict)  # With their regions.
    resources: list[Resource] = field(default_factory=_list)
    deployments: list[dict[str, Any]] = field(default_factory=_list)
    roles: list[dict[str, str]] = field(default_factory=_list)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    deleted_secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    deleted_vaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    applications: list[dict[str, Any]] = field(default_factory=_list)
    principals: list[str] = field(default_factory=list)  # Applications that may sign people in.
    stopped: list[str] = field(default_factory=list)  # The apps that do not run.
    packages: dict[str, int] = field(default_factory=dict)  # How often an app got one.
    members: dict[str, list[str]] = field(default_factory=dict)  # Of groups of the tenant.
    role_definitions: list[dict[str, str]] = field(default_factory=_list)
    locks: list[dict[str, str]] = field(default_factory=_list)
    full_regions: list[str] = field(default_factory=list)  # Where Cosmos DB takes nobody new.
    says_there_is_room: bool = False
    moment: int = 0
    calls: list[str] = field(default_factory=list)

    def of_group(self, group: str, type_: str = "") -> Iterator[Resource]:
        """Yield the resources of a group, or those of one type."""
        for each in self.resources:
            if each["group"] == group and type_ in ("", each["type"]):
                yield each

    def named(self, type_: str, name: str, group: str = "") -> Resource:
        """Return a resource; refuse where it is not there."""
        for each in self.resources:
            if (each["type"], each["name"]) == (type_, name) and group in ("", each["group"]):
                return each
        raise refused("ResourceNotFound", f"{type_}/{name} was not found.")

    def by_id(self, id_: str) -> Resource:
        """Return a resource by its id."""
        for each in self.resources:
            if each["id"] == id_:
                return each
        raise refused("ResourceNotFound", f"{id_} was not found.")

    def require_group(self, group: str) -> str:
        if group not in self.groups:
            raise refused("ResourceGroupNotFound", f"Resource group '{group}' was not found.")
        return group

    def add(self, type_: str, name: str, group: str, location: str, **about: Any) -> Resource:
        """Make a resource, or bring that of the name up to date."""
        id_ = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{type_}/{name}"
        there = next((each for each in self.resources if each["id"] == id_), None)
        if there is None:
            there = {"id": id_, "type": type_, "name": name, "group": group, "location": location}
            self.resources.append(there)
        if there["location"] != location:
            raise refused(
                "InvalidResourceLocation",
                f"The resource '{name}' already exists in location "
                f"'{there['location']}'. A resource with the same name cannot be created in "
                f"location '{location}'.",
            )
        there |= about
        return there

    def has_role(self, role: str, scope: str, principal: str = "") -> bool:
        """Say whether a principal has a role, or a group that it is a member of."""
        who = principal or self.me
        groups = [group for group, members in self.members.items() if who in members]
        return any(
            {"role": role, "scope": scope, "principal": each} in self.roles
            for each in (who, *groups)
        )

    def give_role(self, role: str, scope: str, principal: str) -> None:
        given = {"role": role, "scope": scope, "principal": principal}
        if given not in self.roles:
            self.roles.append(given)

    def lock(self, id_: str) -> None:
        """Keep a resource from being deleted."""
        name = "ballroom"
        lock = {"id": f"{id_}/providers/Microsoft.Authorization/locks/{name}", "name": name}
        if lock not in self.locks:
            self.locks.append(lock)

    def record(
        self,
        name: str,
        group: str,
        given: Mapping[str, Any],
        outputs: Mapping[str, Any],
        **about: Any,
    ) -> None:
        """Keep a deployment, as Azure lists it."""
        self.moment += 1
        self.deployments.append(
            {
                "name": name,
                "group": group,
                "at": f"2026-11-27T10:00:{self.moment:02d}Z",
                "parameters": {each: {"value": value} for each, value in given.items()},
                "outputs": outputs,
                **about,
            }
        )

    def delete_group(self, group: str) -> None:
        """Delete a group with all that it has; a vault stays, deleted, for its 90 days."""
        if any(f"/resourceGroups/{group}/" in each["id"] for each in self.locks):
            raise refused("ScopeLocked", "The scope cannot perform delete operation: locked.")
        for each in list(self.of_group(group)):
            self.resources.remove(each)
            if each["type"] == VAULT:
                self.deleted_vaults[each["name"]] = each
        self.deployments = [each for each in self.deployments if each["group"] != group]
        del self.groups[group]

    def new_id(self, *parts: str) -> str:
        """Return an id that is new each time."""
        self.moment += 1
        digest = sha256("/".join([*parts, str(self.moment)]).encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def load(file: Path) -> Azure:
    """Read Azure from its file."""
    return Azure(**json.loads(file.read_text("utf-8"))) if file.is_file() else Azure()


def save(file: Path, azure: Azure) -> None:
    file.write_text(json.dumps(asdict(azure), indent=1), "utf-8")


def unique(group: str, environment: str) -> str:
    """Return what stands in the names of an environment, as `uniqueString` does."""
    return sha256(f"{group}/{environment}".encode()).hexdigest()[:13]


def outputs_as_values(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return outputs of a deployment as azd stores them."""
    values: dict[str, str] = {}
    for name, output in outputs.items():
        value = output["value"]
        if isinstance(value, bool):
            values[name] = str(value).lower()
        else:
            values[name] = value if isinstance(value, str) else json.dumps(value)
    return values
