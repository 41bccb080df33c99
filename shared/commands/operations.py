"""Commands that are operations of the HTTP API: they run in this process, with the operator's
rights. Their arguments, options and help are read from what openapi.json says of the operation.
"""

import re
from collections.abc import Callable, Collection, Mapping
from itertools import chain
from typing import Any, TypeVar, cast

import azure.functions as func
import click
import orjson
from pydantic import BaseModel

from functions.api.advisories import advisories_api, assessments_api
from functions.api.api_face import ApiCall
from functions.api.approved_packages import approved_packages_api
from functions.api.directory_locks import directory_locks_api
from functions.api.groups import groups_api
from functions.api.members import members_api
from functions.api.mirror import mirror_api
from functions.api.name_disputes import name_disputes_api
from functions.api.organizations import organizations_api
from functions.api.ownership import ownership_api
from functions.api.packages import successor_api, visibility_api
from functions.api.reports import reports_api
from functions.api.rules import rules_api
from functions.api.scim import scim_api
from functions.api.staged_releases import staged_releases_api
from functions.api.tokens import organization_tokens_api, tokens_api
from functions.api.trusted_publishing import publishers_api
from functions.api.webhooks import webhooks_api
from functions.http.calls import Exchange
from functions.http.operations import Operation
from shared.commands.base import (
    OutputFormat,
    TableRow,
    as_json,
    facts_text,
    print_facts,
    print_rows,
    with_registry,
)
from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import OPERATOR
from shared.registry import Registry
from shared.services.tokens.tokens import TokenOwner

PACKAGE = "ORG/NAME"
PACKAGE_OR_ORGANIZATION = "ORG[/NAME]"
ORGANIZATION_PREFIX = "@"  # Before the name of an organization; no account's name begins with it.

_FACES = (
    advisories_api,
    approved_packages_api,
    assessments_api,
    directory_locks_api,
    groups_api,
    members_api,
    mirror_api,
    name_disputes_api,
    organization_tokens_api,
    organizations_api,
    ownership_api,
    publishers_api,
    reports_api,
    rules_api,
    staged_releases_api,
    scim_api,
    successor_api,
    tokens_api,
    visibility_api,
    webhooks_api,
)
_OPERATIONS = {each.name: each for each in chain.from_iterable(_FACES)}
_IN_BRACES = re.compile(r"\{(\w+)\}")
_IN_CAMEL_CASE = re.compile(r"([A-Z])")

JsonObject = dict[str, Any]
CallableT = TypeVar("CallableT", bound=Callable[..., Any])


def parse_coordinate(text: str) -> Coordinate:
    """Read `ORG/NAME:VERSION`."""
    package, _, version = text.partition(":")
    if not (package.partition("/")[2] and version):
        message = f"{text!r} names no release. Write it as acme/greet:1.0.0."
        raise click.BadParameter(message)
    return Coordinate.from_text(text)


release_argument = click.argument("coordinate", metavar="ORG/NAME:VERSION", type=parse_coordinate)


def parse_package_or_organization(text: str) -> Package | OrgName:
    """Read `ORG/NAME` or `ORG`."""
    return parse_package(text) if "/" in text else parse_org(text)


def parse_package(text: str) -> Package:
    """Read `ORG/NAME`."""
    org, _, name = text.partition("/")
    if not name or ":" in text:
        message = f"{text!r} names no package. Write it as acme/greet."
        raise click.BadParameter(message)
    return Package.parse(org, name)


_PACKAGES = {PACKAGE: parse_package, PACKAGE_OR_ORGANIZATION: parse_package_or_organization}


class OperatorCall(ApiCall):
    """The call of an operation by the operator, who acts for any account."""

    def __init__(
        self, registry: Registry, operation: Operation, path: Mapping[str, str], sent: JsonObject
    ) -> None:
        request = func.HttpRequest(
            method=operation.methods[0],
            url=registry.settings.base_url,
            route_params=path,
            body=orjson.dumps(sent),
        )
        super().__init__(registry, request, Exchange.begin(operation.name))
        self.caller = OPERATOR
        self.account_id = ""

    @property
    def owner(self) -> TokenOwner:
        return self.account_id or super().owner


async def call_operation(
    registry: Registry, handler: Callable[..., object], path: Mapping[str, str], sent: JsonObject
) -> JsonObject:
    """Call the operation of a handler as the operator, and return its answer; raise its refusal.

    Where the path has an `owner`, it is an account, or an organization with its prefix.
    """
    operation = _OPERATIONS[handler.__name__]
    path = dict(path)
    owner = path.pop("owner", "")
    if owner.startswith(ORGANIZATION_PREFIX):
        path["org"] = owner.removeprefix(ORGANIZATION_PREFIX)
        owner = ""
    call = OperatorCall(registry, operation, path, sent)
    if owner:
        call.account_id = (await registry.identity.accounts.by_name_or_id(owner)).id
    answer = await operation.handler(call)
    return orjson.loads(answer.body or b"{}")


def add_operation(
    group: click.Group,
    command: str,
    handler: Callable[..., object],
    arguments: str,
    *,
    text: str = "",
    done: str = "",
) -> click.Command:
    """Add the command of an operation, which has this handler, to a group, and return it.

    The words of `arguments` are positional: ORG/NAME, ORG[/NAME], parts of the path, fields of the
    body, and OWNER. Other fields of the body are options. The help is the summary of the operation,
    if there is no other `text`. In place of the answer, `done` is printed with the arguments in it.
    The use case of the operation, if it has one, says that instead, or which one field is printed,
    for scripts, while the rest of the answer goes to stderr.
    """
    declared = _OPERATIONS[handler.__name__]
    described = declared.openapi
    case = described.case
    done = case.printed if case else done
    alone = case.shown_once if case else ""
    fields = _fields(described.request)
    in_path = {"owner", *_IN_BRACES.findall(declared.route)}

    def run(*, output: OutputFormat = OutputFormat.TABLE, **given: Any) -> None:
        values = dict(given)
        match values.get("package"):
            case Package() as package:
                values |= {"org": package.org, "name": package.name, "package": package.name}
            case str() as org if PACKAGE_OR_ORGANIZATION in arguments:
                values |= {"org": org, "package": None}
            case _:
                pass
        path = {name: value for name, value in values.items() if name in in_path}
        answer = with_registry(
            lambda registry: call_operation(registry, handler, path, _body(fields, values))
        )
        if done:
            click.echo(done.format_map(given))
        elif alone:
            click.echo(answer.pop(alone))
            click.echo(facts_text(_cells(answer)), err=True)
        else:
            print_answer(answer, output)

    made = click.Command(
        command,
        params=_parameters(fields, arguments),
        callback=run,
        help=text or f"{described.summary.partition('; for ')[0].rstrip('.')}.",
    )
    group.add_command(made if done or alone else as_json(made))
    return made


def _parameters(fields: Mapping[str, JsonObject], arguments: str) -> list[click.Parameter]:
    """Return an argument for each of the words, and an option for each other field of the body."""
    positional = [
        click.Argument(["package"], metavar=word, type=_PACKAGES[word])
        if word in _PACKAGES
        else click.Argument([word.lower()], metavar=word, type=_type(fields.get(word.lower(), {})))
        for word in arguments.split()
    ]
    named = {argument.name for argument in positional}
    options = [
        click.Option(words, **shown)
        for words, shown in (_option(*each) for each in fields.items() if each[0] not in named)
    ]
    return [*positional, *options]


def options_of(
    model: type[BaseModel], leave_out: Collection[str] = (), **defaults: object
) -> Callable[[CallableT], CallableT]:
    """Declare options for the fields of a body, with other defaults than those of the model."""

    def decorate(work: CallableT) -> CallableT:
        for name, described in reversed(_fields(model).items()):
            if name not in leave_out:
                default = {"default": defaults[name]} if name in defaults else {}
                words, shown = _option(name, described | default)
                work = click.option(*words, **shown)(work)
        return work

    return decorate


def body_of(model: type[BaseModel], values: Mapping[str, Any]) -> JsonObject:
    """Return the body of these values of options, as `options_of` declares them."""
    return _body(_fields(model), values)


def _fields(model: type[BaseModel] | None) -> dict[str, JsonObject]:
    """Return the fields of a body by their names in Python, as openapi.json describes them."""
    if model is None:
        return {}
    schema = model.model_json_schema()
    shared = schema.get("$defs", {})
    return {
        name: _resolved(schema["properties"][str(field.alias or name)], shared)
        | {"alias": field.alias or name, "is_required": field.is_required()}
        for name, field in model.model_fields.items()
    }


def _resolved(described: JsonObject, shared: Mapping[str, JsonObject]) -> JsonObject:
    """Return the description of a value with all that it refers to in it; null is no choice."""
    choices = [each for each in described.get("anyOf", ()) if each.get("type") != "null"]
    for other in (*choices, described):
        if "$ref" in other:
            described = shared[other["$ref"].rpartition("/")[2]] | described
        described = other | described
    if "items" in described:
        described = described | {"items": _resolved(described["items"], shared)}
    return described


def _type(described: JsonObject) -> click.Choice[str] | click.types.IntParamType | None:
    if "enum" in described:
        return click.Choice(described["enum"])
    return click.INT if described.get("type") == "integer" else None


def _option(name: str, described: JsonObject) -> tuple[list[str], dict[str, Any]]:
    """Return the words of the option of a field, and its attributes."""
    kind = described.get("type")
    default = described.get("default")
    is_repeated = kind in ("array", "object")
    word = re.sub(r"(?<=[as]s)es$|s$", "", name) if is_repeated else name
    # An option with a suggestion can stand without a value.
    suggested = described.get("suggestion")
    alone = {"is_flag": False, "flag_value": suggested} if suggested else {}
    words = f"--{word.replace('_', '-')}"
    if kind == "boolean" and default is None:  # A boolean that is left out keeps its value.
        words += f"/--no-{word.replace('_', '-')}"
    return [words, name], {
        "type": _type(described.get("items", described)),
        "multiple": is_repeated,
        "is_flag": kind == "boolean",
        "metavar": "NAME=VALUE" if kind == "object" else None,
        "default": default,
        "show_default": bool(default),
        "required": described["is_required"] and default is None,
        "help": described.get("description"),
        **alone,
    }


def _body(fields: Mapping[str, JsonObject], values: Mapping[str, Any]) -> JsonObject:
    """Return the fields of the body that were given; a list that has only an empty text is an empty
    list."""
    given = {name: values[name] for name in fields if values.get(name) not in (None, ())}
    return {fields[name]["alias"]: _value(fields[name], value) for name, value in given.items()}


def _value(described: JsonObject, given: Any) -> object:
    """Return a value of a body as it was given by options."""
    if described.get("type") == "object":
        return dict(each.partition("=")[::2] for each in given)
    return () if given == ("",) else given


def print_answer(answer: JsonObject, output: OutputFormat) -> None:
    """Print the body of an answer: JSON as it is, a list as a table, and other fields as facts."""
    [*values] = answer.values()
    if output is OutputFormat.JSON:
        print_facts(answer, output)
    elif len(values) == 1 and isinstance(values[0], list):
        print_rows(list(map(_cells, cast(list[JsonObject], values[0]))), output)
    else:
        print_facts(_cells(answer), output)


def _cells(row: JsonObject) -> TableRow:
    """Return the values of a row as texts, by the words of their names."""
    return {_IN_CAMEL_CASE.sub(r" \1", key).lower(): _cell(value) for key, value in row.items()}


def _cell(value: object) -> object:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_cell(each)}" for key, each in cast(JsonObject, value).items())
    if isinstance(value, list):
        return ", ".join(str(_cell(each)) for each in cast(list[object], value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
