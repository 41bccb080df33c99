"""The registry as a file: its sections, and how a text is read and written.

    [registry]
    reserved_names = ["acme*"]

    [organizations.acme]
    owners = ["ann"]
    members = { mia = "maintainer" }

What is left out of a file is untouched, so every key may be missing.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, Literal, cast, get_args

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from shared.domain.errors.base import InvalidRequest, Refusal
from shared.domain.errors.requests import token_misplaced
from shared.domain.packages import RequiredProvenance
from shared.domain.registry_files.toml_lines import KeyPath, line_of, lines_of_keys
from shared.domain.registry_files.toml_text import TomlTable, toml_key, toml_text
from shared.domain.scopes import Role
from shared.domain.token_redaction import contains_token
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publisher_rules import Runner
from shared.domain.trusted_publishing.publishers import PublisherReads, PublisherScopes
from shared.domain.visibility import Visibility
from shared.domain.webhooks import Topic

# Keys that earlier versions of the registry wrote, and the names that they have now.
FORMER_KEYS = {"semver": "version_rule"}

MAX_FILE_BYTES = 1024 * 1024  # A company of 300 people needs about 30 KiB.
MAX_PROBLEMS = 20  # A file of another program would have one on each line.

# A text of the file is a member of an enumeration, which is no exact type.
_OneOf = Field(default=None, strict=False)


class _Section(BaseModel):
    """A table of the file. Keys that are not named are refused, and values have exactly the type of
    their key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class RetentionSection(_Section):
    """How long pre-releases of private packages are kept; 0 is for ever."""

    last: int = Field(default=0, ge=0)
    days: int = Field(default=0, ge=0)


class RegistrySection(_Section):
    """What holds for the whole registry: the floor of the rules, and reserved names."""

    licenses: list[str] | None = None
    refused_licenses: list[str] | None = None
    version_rule: Literal["warn", "hold", "refuse"] | None = None
    secrets: bool | None = None
    approved_only: bool | None = None
    staged: bool | None = None
    reserved_names: list[str] | None = None


class PublisherSection(_Section):
    """A trusted publisher, with the fields of the API in the spelling of the file."""

    package: str = ""
    provider: Provider = Field(strict=False)
    server: str = ""
    ids: dict[str, str] = {}
    issuer: str = ""
    audience: str = ""
    claims: dict[str, str] = {}
    scopes: PublisherScopes = Field(default=PublisherScopes.PUBLISH, strict=False)
    reads: PublisherReads | None = _OneOf
    repository: str = ""
    workflow: str = ""
    reusable_workflow: str = ""
    refs: list[str] = []
    tag_version: str = ""
    environment: str = ""
    protected: bool = False
    runner: Runner | None = _OneOf


class WebhookSection(_Section):
    """A webhook, known by its address. `secret_from` names the variable of the environment, or the
    field of the request, that has the secret of a new one; without it the registry makes one."""

    url: str
    events: list[Annotated[Topic, Field(strict=False)]] = Field(min_length=1)
    secret_from: str = ""


_Roles = dict[str, Annotated[Role, Field(strict=False)]]
_RolesOfMembers = dict[str, Literal["maintainer", "member"]]  # Owners have a list of their own.


class OrganizationSection(_Section):
    """An organization: its profile, its people, its rules, and what belongs to it."""

    display_name: str | None = None
    description: str | None = None
    links: list[str] | None = None
    visibility: Visibility | None = _OneOf
    requires_provenance: RequiredProvenance | None = _OneOf
    owners: list[str] | None = Field(default=None, min_length=1)
    members: _RolesOfMembers | None = None
    groups: _Roles | None = None
    licenses: list[str] | None = None
    refused_licenses: list[str] | None = None
    staged: bool | None = None
    approvals: int | None = Field(default=None, ge=1)
    version_rule: Literal["warn", "hold", "refuse"] | None = None
    secrets_allowed: list[str] | None = None
    approved_only: bool | None = None
    max_bytes: int | None = Field(default=None, ge=0)
    max_releases: int | None = Field(default=None, ge=0)
    retention: RetentionSection | None = None
    publishers: list[PublisherSection] | None = None
    webhooks: list[WebhookSection] | None = None


class UpstreamSection(_Section):
    """An upstream registry, and rules that stand with it. The rules of all upstreams are read in
    the order of the file, and the first that matches decides."""

    address: str
    rules: list[str] = []
    minimum_ages: list[str] = []


class RegistryFile(_Section):
    """A whole file."""

    registry: RegistrySection | None = None
    organizations: dict[str, OrganizationSection] = {}
    upstreams: list[UpstreamSection] | None = None

    def text(self) -> str:
        """Return the text of the file; what has its default value is left out."""
        return toml_text(_plain(self))


class ParsedFile(Struct, frozen=True):
    """A file with the lines of its keys."""

    content: RegistryFile
    lines: Mapping[KeyPath, int]

    def problem(self, path: KeyPath, sentence: str) -> "FileProblem":
        """Return a problem with what stands at a path."""
        return FileProblem(line_of(self.lines, path), sentence)


class FileProblem(Struct, frozen=True, order=True):
    """Why a line of a file cannot be applied."""

    line: int
    sentence: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.sentence}"


def unreadable(problems: Sequence[FileProblem]) -> Refusal:
    """Return the refusal of a file with these problems, the first line first."""
    ordered = sorted(set(problems))
    shown = " ".join(map(str, ordered[:MAX_PROBLEMS]))
    more = f" There are {len(ordered) - MAX_PROBLEMS} more." if len(ordered) > MAX_PROBLEMS else ""
    return InvalidRequest(f"{shown}{more} Nothing was changed.")


def parse_registry_file(text: str) -> ParsedFile:
    """Read a file, or raise `InvalidRequest` with the lines that cannot be read."""
    if len(text.encode()) > MAX_FILE_BYTES:
        message = f"The file is larger than {MAX_FILE_BYTES // 1024:,} KiB. Split it in two."
        raise InvalidRequest(message)
    if contains_token(text.encode()):
        raise token_misplaced()
    try:
        read = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = f"The file is no TOML: {error}. Nothing was changed."
        raise InvalidRequest(message) from None
    lines = dict(lines_of_keys(text))
    _rename_former_keys(read, lines)
    try:
        content = RegistryFile.model_validate(read)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise unreadable([_problem(lines, each) for each in faults]) from None
    parsed = ParsedFile(content, lines)
    if doubled := list(_doubled(parsed)):
        raise unreadable(doubled)
    return parsed


def _rename_former_keys(read: dict[str, Any], lines: dict[KeyPath, int]) -> None:
    """Give keys of earlier versions of the registry the names that they have now. One that stands
    beside its present name stays, and is refused as an unknown key."""
    _rename_in_table(read.get("registry"), ("registry",), lines)
    organizations = read.get("organizations")
    if isinstance(organizations, dict):
        for name, table in cast(dict[str, Any], organizations).items():
            _rename_in_table(table, ("organizations", name), lines)


def _rename_in_table(table: Any, path: KeyPath, lines: dict[KeyPath, int]) -> None:
    if not isinstance(table, dict):
        return  # It is refused when the file is validated.
    keys = cast(dict[str, Any], table)
    for former, name in FORMER_KEYS.items():
        if former in keys and name not in keys:
            keys[name] = keys.pop(former)
            lines[(*path, name)] = line_of(lines, (*path, former))


def shown_path(path: KeyPath) -> str:
    """Return a path as people write it, such as `organizations.acme.owners`."""
    return ".".join(f"{each + 1}" if isinstance(each, int) else toml_key(each) for each in path)


def _problem(lines: Mapping[KeyPath, int], fault: Mapping[str, Any]) -> FileProblem:
    path = tuple(each for each in fault["loc"] if each != "[key]")
    line = line_of(lines, path)
    name = shown_path(path)
    known = _keys_at(RegistryFile, path[:-1])
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(str(path[-1]), known, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        return FileProblem(line, f"{name} is an unknown key. {hint}Known keys: {', '.join(known)}.")
    if fault["type"] == "missing":
        return FileProblem(line, f"{shown_path(path[:-1])} needs the key {path[-1]}.")
    message = fault["msg"]
    return FileProblem(line, f"{name} is invalid: {message[0].lower()}{message[1:]}.")


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys of the table at a path."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = _inner_model(field) if field else None
        if field is not None and inner is None:
            return []
        model = inner or model  # The name of an organization, or the number of an element.
    return list(model.model_fields)


def _inner_model(field: FieldInfo) -> type[BaseModel] | None:
    waiting: list[Any] = [field.annotation]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
        waiting += get_args(annotation)
    return None


def _doubled(parsed: ParsedFile) -> Iterator[FileProblem]:
    """Yield what stands twice, in whatever spelling."""
    content = parsed.content
    yield from _twice(parsed, ("organizations",), list(content.organizations))
    for name, org in content.organizations.items():
        path: KeyPath = ("organizations", name)
        people = [*(org.owners or ()), *(org.members or {})]
        yield from _twice(parsed, (*path, "members"), people)
        yield from _twice(parsed, (*path, "groups"), list(org.groups or {}))
        yield from _twice(parsed, (*path, "webhooks"), [each.url for each in org.webhooks or ()])
    registry = content.registry or RegistrySection()
    yield from _twice(parsed, ("registry", "reserved_names"), registry.reserved_names or [])
    upstreams = [each.address for each in content.upstreams or ()]
    yield from _twice(parsed, ("upstreams",), upstreams)


def _twice(parsed: ParsedFile, path: KeyPath, names: Sequence[str]) -> Iterator[FileProblem]:
    seen = set[str]()
    for number, name in enumerate(names):
        if name.lower() in seen:
            keyed = (*path, name)
            where = keyed if keyed in parsed.lines else (*path, number)
            yield parsed.problem(where, f"{name} stands twice in {shown_path(path)}. Keep one.")
        seen.add(name.lower())


_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}")  # 24 to 64 bytes, as the standard says.


def parse_webhook_secret(text: str, name: str) -> str:
    """Return the secret of a webhook that is given under this name, or raise `InvalidRequest`,
    which does not say it."""
    if not _SECRET.fullmatch(text):
        message = (
            f"{name} is no secret of a webhook: write whsec_ and 24 to 64 random bytes in Base64, "
            "or leave secret_from out, and the registry makes one."
        )
        raise InvalidRequest(message)
    return text


def _plain(section: _Section) -> TomlTable:
    """Return a section as a table, without what has its default value."""
    found = dict[str, object]()
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if not field.is_required() and value == field.get_default():
            continue
        found[name] = _plain_value(value)
    return found


def _plain_value(value: object) -> object:
    match value:
        case _Section():
            return _plain(value)
        case Enum():
            return value.value
        case dict():
            items = cast(dict[str, object], value)
            return {key: _plain_value(each) for key, each in items.items()}
        case list():
            return [_plain_value(each) for each in cast(list[object], value)]
        case _:
            return value
