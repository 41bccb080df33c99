"""Users, groups and their changes as SCIM has them (RFC 7643, RFC 7644), parsed and written with
`scim2-models`.

The library takes a second to import on a small machine, so this module is imported with the first
request of a directory. Members of groups are read and written here without it: it makes an object
of each, and a group may have thousands.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from msgspec import Struct
from pydantic import Field, ValidationError
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Context,
    ETag,
    Filter,
    Meta,
    Mutability,
    Pagination,
    Patch,
    PatchOp,
    Reference,
    Required,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    ScimFilter,
    ScimPolicy,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.path import Comparison, LogicalExpr

from shared.domain.errors.base import Refusal, printable
from shared.domain.scim import ScimEmail, ScimGroup, ScimName, ScimPerson, ScimRefused, ScimUser
from shared.services.scim.groups import GroupValues, GroupWithMembers
from shared.services.scim.records import version_of

PAGE_SIZE = 100
MAX_PAGE_SIZE = 500
MAX_SCANNED = 2_000  # Resources that a filter without an index may be compared with.
MAX_OPERATIONS = 5_000  # Of a PATCH: Entra may send one for each member of a group.

# What Entra ID sends: attributes that are not stored here, values of what it removes, and paths of
# values that are not there yet.
_POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_MEMBER = re.compile(r'members\[\s*value\s+eq\s+"([^"]+)"\s*\]', re.IGNORECASE)


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

    __schema__ = URN(_USER)

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

    __schema__ = URN(_GROUP)

    display_name: Annotated[str | None, Required.true] = None
    members: list[Member] | None = None


ModelT = TypeVar("ModelT", User, Group)


class AttributeSelection(Struct, frozen=True):
    """Which attributes a request wants in the answer."""

    parameters: ResponseParameters[Any]

    def has(self, attribute: str) -> bool:
        """Check whether an attribute is sent that is sent unless it is excluded."""
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
    return AttributeSelection(_refusing(lambda: ResponseParameters[Any].model_validate(given)))


# --- Users ---


def person_of(body: Mapping[str, object], *, is_new: bool) -> ScimPerson:
    """Return the person of a whole user that a directory sent."""
    return _person(_whole(User, body, is_new=is_new))


def patched_person(user: ScimUser, body: Mapping[str, object]) -> ScimPerson:
    """Return the person of a user after a PATCH."""
    model = _user_model(user)
    _patch(User, model, _operations(body))
    return _person(model)


def user_json(user: ScimUser, base_url: str, selection: AttributeSelection) -> dict[str, Any]:
    model = _user_model(user)
    model.meta = _meta("User", user, base_url)
    return _dumped(model, selection)


def _whole(model: type[ModelT], body: Mapping[str, object], *, is_new: bool) -> ModelT:
    context = Context.RESOURCE_CREATION_REQUEST if is_new else Context.RESOURCE_REPLACEMENT_REQUEST
    return _refusing(
        lambda: model.model_validate(dict(body), scim_ctx=context, scim_policy=_POLICY)
    )


def _patch(model: type[ModelT], resource: ModelT, operations: Sequence[Mapping[str, Any]]) -> None:
    if not operations:
        return
    schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    body = {"schemas": [schema], "Operations": [_plain(each) for each in operations]}
    kind: Any = PatchOp.__class_getitem__(model)

    def apply() -> None:
        patch = kind.model_validate(
            body, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=_POLICY
        )
        patch.patch(resource, scim_policy=_POLICY)

    _refusing(apply)


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


def _person(model: User) -> ScimPerson:
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


def _user_model(user: ScimUser) -> User:
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
    return _values(model, _ids(members or []))


def patched_group(current: GroupWithMembers, body: Mapping[str, object]) -> GroupValues:
    """Return the values of a group after a PATCH."""
    members = dict.fromkeys(current.members)
    others: list[Mapping[str, Any]] = []
    for each in _operations(body):
        rest = _change_members(members, each)
        others += [rest] if rest else []
    model = _group_model(current.group)
    _patch(Group, model, others)
    return _values(model, members)


def group_json(
    group: ScimGroup, members: Iterable[str], base_url: str, selection: AttributeSelection
) -> dict[str, Any]:
    model = _group_model(group)
    model.meta = _meta("Group", group, base_url)
    dumped = _dumped(model, selection)
    listed = [_member(each, base_url) for each in members]
    if listed and selection.has("members"):
        dumped["members"] = listed
    return dumped


def _member(user_id: str, base_url: str) -> dict[str, str]:
    return {"value": user_id, "$ref": f"{base_url}/scim/v2/Users/{user_id}", "type": "User"}


def _change_members(
    members: dict[str, None], operation: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Apply what an operation says of members; return what it says of anything else."""
    name = str(operation.get("op", "")).lower()
    path = str(operation.get("path") or "").removeprefix(f"{_GROUP}:")
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
    named = _ids(value or [])
    if name == "remove":
        for each in named if value else tuple(members):
            members.pop(each, None)
        return
    if name == "replace":
        members.clear()
    members.update(dict.fromkeys(named))


def _ids(value: object) -> tuple[str, ...]:
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


def _values(model: Group, members: Iterable[str]) -> GroupValues:
    return GroupValues(model.display_name or "", model.external_id, tuple(members))


def _group_model(group: ScimGroup) -> Group:
    return Group(id=group.id, external_id=group.external_id, display_name=group.display_name)


# --- Lists ---


class ListFilter(Struct, frozen=True):
    """What a list is asked for: comparisons that all have to hold, by attribute in lower case; or
    the text of another filter."""

    equal: Mapping[str, str] = {}
    other: str = ""


def list_filter_of(text: str, kind: type[ModelT]) -> ListFilter:
    """Read a filter; raise `scim-refused`."""
    if not text:
        return ListFilter()
    bound: Any = ScimFilter.__class_getitem__(kind)
    parsed = _refusing(lambda: bound(text))
    equal: dict[str, str] = {}
    for each in _terms(parsed.ast):
        if each is None:
            return ListFilter(other=text)
        equal[each[0]] = each[1]
    return ListFilter(equal=equal)


def _terms(node: object) -> Iterator[tuple[str, str] | None]:
    if isinstance(node, LogicalExpr) and node.op.value == "and":
        for each in node.terms:
            yield from _terms(each)
    elif isinstance(node, Comparison) and node.op.value == "eq" and isinstance(node.value, str):
        yield str(node.attr_path).rpartition(":")[2].lower(), node.value
    else:
        yield None


def matching(wanted: ListFilter, found: Sequence[ScimUser]) -> list[ScimUser]:
    """Return the users that a filter selects of those that were found."""
    return _matching(wanted, found, User, _user_model)


def matching_groups(wanted: ListFilter, found: Sequence[ScimGroup]) -> list[ScimGroup]:
    return _matching(wanted, found, Group, _group_model)


StoredT = TypeVar("StoredT", ScimUser, ScimGroup)


def _matching(
    wanted: ListFilter,
    found: Sequence[StoredT],
    kind: type[ModelT],
    model_of: Callable[[StoredT], ModelT],
) -> list[StoredT]:
    parts = [
        f"{field} eq {ScimFilter.quote(text)}"
        for field, text in wanted.equal.items()
        if not field.startswith("member")
    ]
    text = wanted.other or " and ".join(parts)
    if not text:
        return list(found)
    if len(found) > MAX_SCANNED:
        raise ScimRefused(
            "tooMany",
            f"The filter would be compared with {len(found):,} resources. Filter by id, userName "
            "or externalId.",
        )
    bound: Any = ScimFilter.__class_getitem__(kind)
    parsed = _refusing(lambda: bound(text))
    return [each for each in found if parsed.match(model_of(each))]


class Page(Struct, frozen=True):
    """Which resources of a list are sent: `count` of them from the number `start`, from 1 on."""

    start: int
    count: int

    @classmethod
    def of(cls, params: Mapping[str, str]) -> "Page":
        start = _number(params, "startIndex", 1)
        count = _number(params, "count", PAGE_SIZE)
        return cls(max(1, start), min(max(0, count), MAX_PAGE_SIZE))

    def select(self, found: Sequence[StoredT]) -> Sequence[StoredT]:
        return found[self.start - 1 : self.start - 1 + self.count]


def list_json(resources: Sequence[Mapping[str, Any]], total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [_LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 9:  # noqa: PLR2004 - no list has a billion.
        raise ScimRefused("invalidValue", f"{name} is {printable(text)!r}, which is no number.")
    return int(text)


# --- Discovery ---


def config_json(base_url: str) -> dict[str, Any]:
    """Return what this service does of SCIM."""
    config = ServiceProviderConfig(
        documentation_uri=Reference(f"{base_url}/docs"),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MAX_PAGE_SIZE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        pagination=Pagination(
            cursor=False,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=PAGE_SIZE,
            max_page_size=MAX_PAGE_SIZE,
        ),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Token of a directory",
                description="A token that `ballroom scim token` prints, as a bearer token.",
                primary=True,
            )
        ],
    )
    location = f"{base_url}/scim/v2/ServiceProviderConfig"
    config.meta = Meta(resource_type="ServiceProviderConfig", location=location)
    return config.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def schemas_json(base_url: str) -> dict[str, dict[str, Any]]:
    """Return the schemas by their ids."""
    found: dict[str, dict[str, Any]] = {}
    for each in (User, Group, ServiceProviderConfig, ResourceType, Schema):
        schema = each.to_schema()
        schema.meta = Meta(
            resource_type="Schema", location=f"{base_url}/scim/v2/Schemas/{schema.id}"
        )
        found[str(schema.id)] = schema.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return found


def resource_types_json(base_url: str) -> dict[str, dict[str, Any]]:
    """Return the types of resources by their names."""
    found: dict[str, dict[str, Any]] = {}
    for each in (User, Group):
        kind = ResourceType.from_resource(each)
        kind.meta = Meta(
            resource_type="ResourceType", location=f"{base_url}/scim/v2/ResourceTypes/{kind.id}"
        )
        found[str(kind.id)] = kind.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return found


# --- What both have in common ---


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


def _refusing(call: Callable[[], ResultT]) -> ResultT:
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
