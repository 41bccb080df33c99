"""Users and groups as SCIM has them (RFC 7643), read and written with `scim2-models`; and which of
their attributes an answer has.

Members of groups are read and written without the library: it makes an object of each, and a group
may have thousands.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from msgspec import Struct
from pydantic import Field, ValidationError
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    Context,
    Meta,
    Mutability,
    Reference,
    Required,
    Resource,
    ResponseParameters,
    SCIMException,
    ScimPolicy,
    Uniqueness,
)

from shared.domain.errors.base import Refusal, printable
from shared.domain.scim import ScimEmail, ScimGroup, ScimName, ScimPerson, ScimRefused, ScimUser
from shared.services.scim.groups import GroupValues
from shared.services.scim.records import version_of

# What Entra ID sends: attributes that are not stored here, values of what it removes, and paths of
# values that are not there yet.
POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
_USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Name(ComplexAttribute):
    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None


class Email(ComplexAttribute):
    """An address; directories of a network have addresses such as kim@corp.local."""

    value: str | None = None
    type: str | None = None
    primary: bool | None = None


class User(Resource[Any]):
    """A person whom a directory provisions."""

    __schema__ = URN(_USER_SCHEMA)

    user_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    display_name: str | None = None
    name: Name | None = None
    emails: list[Email] | None = None
    active: bool | None = None


class Member(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource[Any]):
    """A group that a directory provisions."""

    __schema__ = URN(GROUP_SCHEMA)

    display_name: Annotated[str | None, Required.true] = None
    members: list[Member] | None = None


ModelT = TypeVar("ModelT", User, Group)


class AttributeSelection(Struct, frozen=True):
    """Which attributes a request wants in the answer."""

    parameters: ResponseParameters[Any]

    def has(self, attribute: str) -> bool:
        """Check whether an attribute is sent, if it is one that is sent by default."""
        wanted = [str(each).lower() for each in self.parameters.attributes or ()]
        excluded = [str(each).lower() for each in self.parameters.excluded_attributes or ()]
        short = [each.rpartition(":")[2].partition(".")[0] for each in wanted]
        is_excluded = attribute in [each.rpartition(":")[2] for each in excluded]
        return attribute in short if wanted else not is_excluded


def selection_of(params: Mapping[str, str]) -> AttributeSelection:
    """Read `attributes` and `excludedAttributes` of a query."""
    named = {
        "attributes": params.get("attributes"),
        "excluded_attributes": params.get("excludedAttributes"),
    }
    given = {name: text for name, text in named.items() if text}
    return AttributeSelection(refusing(lambda: ResponseParameters[Any].model_validate(given)))


# --- Users ---


def person_of(body: Mapping[str, object], *, is_new: bool) -> ScimPerson:
    """Return the person of a whole user that a directory sent."""
    return person_of_model(_whole(User, body, is_new=is_new))


def user_json(user: ScimUser, base_url: str, selection: AttributeSelection) -> dict[str, Any]:
    model = user_model(user)
    model.meta = _meta("User", user, base_url)
    return _dumped(model, selection)


def person_of_model(model: User) -> ScimPerson:
    name = model.name
    emails = [
        ScimEmail(value=each.value or "", type=each.type, primary=each.primary)
        for each in model.emails or ()
    ]
    return ScimPerson(
        user_name=model.user_name or "",
        external_id=model.external_id,
        display_name=model.display_name,
        name=name
        and ScimName(
            formatted=name.formatted, family_name=name.family_name, given_name=name.given_name
        ),
        emails=tuple(emails),
        active=model.active,
    )


def user_model(user: ScimUser) -> User:
    person = user.person
    name = person.name
    emails = [
        Email(value=each.value or None, type=each.type, primary=each.primary)
        for each in person.emails
    ]
    return User(
        id=user.id,
        external_id=person.external_id,
        user_name=person.user_name,
        display_name=person.display_name,
        name=name
        and Name(
            formatted=name.formatted, family_name=name.family_name, given_name=name.given_name
        ),
        emails=emails or None,
        active=person.active,
    )


# --- Groups ---


def group_of(body: Mapping[str, object], *, is_new: bool) -> GroupValues:
    """Return the values of a whole group that a directory sent."""
    rest = {name: value for name, value in body.items() if name.lower() != "members"}
    members = next((value for name, value in body.items() if name.lower() == "members"), None)
    model = _whole(Group, rest, is_new=is_new)
    return group_values(model, member_ids(members or []))


def group_json(
    group: ScimGroup, members: Iterable[str], base_url: str, selection: AttributeSelection
) -> dict[str, Any]:
    model = group_model(group)
    model.meta = _meta("Group", group, base_url)
    dumped = _dumped(model, selection)
    listed = [_member(each, base_url) for each in members]
    if listed and selection.has("members"):
        dumped["members"] = listed
    return dumped


def _member(user_id: str, base_url: str) -> dict[str, str]:
    return {"value": user_id, "$ref": f"{base_url}/scim/v2/Users/{user_id}", "type": "User"}


def member_ids(value: object) -> tuple[str, ...]:
    """Return the ids of a list of members, or of one."""
    values: list[object] = cast("list[object]", value) if isinstance(value, list) else [value]
    found: list[str] = []
    for each in values:
        fields = cast("dict[str, object]", each) if isinstance(each, dict) else {"value": each}
        member = fields.get("value")
        if not isinstance(member, str):
            raise ScimRefused("invalidValue", "A member has no value, which is the id of a user.")
        found.append(member)
    return tuple(found)


def group_values(model: Group, members: Iterable[str]) -> GroupValues:
    return GroupValues(model.display_name or "", model.external_id, tuple(members))


def group_model(group: ScimGroup) -> Group:
    return Group(id=group.id, external_id=group.external_id, display_name=group.display_name)


# --- What both have in common ---


def _whole(model: type[ModelT], body: Mapping[str, object], *, is_new: bool) -> ModelT:
    context = Context.RESOURCE_CREATION_REQUEST if is_new else Context.RESOURCE_REPLACEMENT_REQUEST
    return refusing(lambda: model.model_validate(dict(body), scim_ctx=context, scim_policy=POLICY))


def _meta(kind: str, entity: ScimUser | ScimGroup, base_url: str) -> Meta:
    return Meta(
        resource_type=kind,
        created=_time(entity.created_ms),
        last_modified=_time(entity.modified_ms),
        location=f"{base_url}/scim/v2/{kind}s/{entity.id}",
        version=version_of(entity.revision),
    )


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _dumped(model: User | Group, selection: AttributeSelection) -> dict[str, Any]:
    return model.model_dump(
        scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=selection.parameters
    )


ResultT = TypeVar("ResultT")


def refusing(call: Callable[[], ResultT]) -> ResultT:
    """Return what a call of the library returns; raise its errors as refusals."""
    try:
        return call()
    except SCIMException as error:
        raise _refusal(error.scim_type, error.detail or str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        context = first.get("ctx", {})
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        sentence = f"{first['msg']}: {where}" if where else str(first["msg"])
        raise _refusal(str(context.get("scim_type", "invalidValue")), sentence) from None
    except (RecursionError, ValueError) as error:
        raise _refusal("invalidSyntax", str(error)) from None


def _refusal(keyword: str, sentence: str) -> Refusal:
    text = printable(" ".join(sentence.split())).rstrip(".")
    return ScimRefused(keyword or "invalidValue", f"{text}.")
