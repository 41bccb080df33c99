"""A PATCH of a user or a group (RFC 7644, 3.5.2): what a person is after it, and which members a
group has.

The library applies a PATCH, except what it says of members: it makes an object of each, and a group
may have thousands.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from scim2_models import Context, PatchOp

from functions.scim.resources import (
    GROUP_SCHEMA,
    POLICY,
    Group,
    ModelT,
    User,
    group_model,
    group_values,
    member_ids,
    person_of_model,
    refusing,
    user_model,
)
from shared.domain.errors.base import printable
from shared.domain.scim import ScimPerson, ScimRefused, ScimUser
from shared.services.scim.groups import GroupValues, GroupWithMembers

MAX_OPERATIONS = 5_000  # Entra ID may send one for each member of a group.

_MEMBER = re.compile(r'members\[\s*value\s+eq\s+"([^"]+)"\s*\]', re.IGNORECASE)


def patched_person(user: ScimUser, body: Mapping[str, object]) -> ScimPerson:
    """Return the person of a user after a PATCH."""
    model = user_model(user)
    _patch(User, model, _operations(body))
    return person_of_model(model)


def patched_group(current: GroupWithMembers, body: Mapping[str, object]) -> GroupValues:
    """Return the values of a group after a PATCH."""
    members = dict.fromkeys(current.members)
    others: list[Mapping[str, Any]] = []
    for each in _operations(body):
        rest = _change_members(members, each)
        others += [rest] if rest else []
    model = group_model(current.group)
    _patch(Group, model, others)
    return group_values(model, members)


def _operations(body: Mapping[str, object]) -> list[Mapping[str, Any]]:
    """Return the operations of a PATCH; raise `scim-refused`."""
    value = next((each for name, each in body.items() if name.lower() == "operations"), None)
    operations = cast("list[object]", value) if isinstance(value, list) else []
    if not operations or not all(isinstance(each, dict) for each in operations):
        raise ScimRefused(
            "invalidSyntax", "A PATCH has Operations, a list of objects. Send one or more."
        )
    if len(operations) > MAX_OPERATIONS:
        message = f"A PATCH has at most {MAX_OPERATIONS:,} operations. Send several."
        raise ScimRefused("tooMany", message)
    return cast("list[Mapping[str, Any]]", operations)


def _patch(model: type[ModelT], resource: ModelT, operations: Sequence[Mapping[str, Any]]) -> None:
    if not operations:
        return
    schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    body = {"schemas": [schema], "Operations": [_plain(each) for each in operations]}
    kind: Any = PatchOp.__class_getitem__(model)

    def apply() -> None:
        patch = kind.model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY
        )
        patch.patch(resource, scim_policy=POLICY)

    refusing(apply)


def _plain(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an operation with a single value as it is: without the flag `aadOptscim062020` Entra
    ID sends `[{"$ref": null, "value": "False"}]`, also for what has one value."""
    value = operation.get("value")
    path = str(operation.get("path") or "").rpartition(":")[2].lower()
    if not path or path in ("emails", "members") or not isinstance(value, list):
        return operation
    values = cast("list[object]", value)
    if len(values) != 1 or not isinstance(values[0], dict):
        return operation
    [only] = cast("list[dict[str, object]]", values)
    return {**operation, "value": only.get("value")} if "value" in only else operation


def _change_members(
    members: dict[str, None], operation: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Apply what an operation says of members; return what it says of anything else."""
    name = str(operation.get("op", "")).lower()
    path = str(operation.get("path") or "").removeprefix(f"{GROUP_SCHEMA}:")
    value = operation.get("value")
    selected = _MEMBER.fullmatch(path)
    if selected and name == "remove":
        members.pop(selected[1], None)
        return None
    if path.lower() == "members":
        _change(members, name, value)
        return None
    if path.lower().startswith("members"):
        message = f'The path {printable(path)!r} names no members. Use members[value eq "ID"].'
        raise ScimRefused("invalidPath", message)
    if path or not isinstance(value, dict):
        return operation
    fields = cast("dict[str, object]", value)
    rest = {key: each for key, each in fields.items() if key.lower() != "members"}
    for key, each in fields.items():
        if key.lower() == "members":
            _change(members, name, each)
    return {**operation, "value": rest} if rest else None


def _change(members: dict[str, None], name: str, value: object) -> None:
    if name not in ("add", "remove", "replace"):
        raise ScimRefused(
            "invalidValue", f"{printable(name)!r} is none of add, remove and replace."
        )
    named = member_ids(value or [])
    if name == "remove":
        for each in named if value else tuple(members):
            members.pop(each, None)
        return
    if name == "replace":
        members.clear()
    members.update(dict.fromkeys(named))
