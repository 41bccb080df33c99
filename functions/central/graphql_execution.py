"""The GraphQL schema of Central, as far as its clients use it, and the execution of queries.

Every list of a module is a string that holds JSON: an array, or the one object that a filter names.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from inspect import isawaitable
from pathlib import Path
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    InlineFragmentNode,
    NameNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    Visitor,
    build_schema,
    execute,  # pyright: ignore[reportUnknownVariableType] - its middleware has no types.
    parse,
    specified_rules,
    validate,
    visit,
)
from msgspec import Struct, field

from functions.central.package_model import package_model
from functions.http.calls import Call
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.approved_packages import NotApproved
from shared.domain.coordinates import Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.errors.requests import ApiDocsPending
from shared.domain.listings import Listing
from shared.domain.names import parse_org
from shared.domain.packages import Dependency, Release
from shared.domain.principals import Principal
from shared.domain.search import MAX_LIMIT, Query, ResultPage, Sort
from shared.domain.versions import Range, Version, parse_version_or_range
from shared.registry import Registry
from shared.services.api_docs.api_docs import DocumentedModule, ModuleName
from shared.services.packages.pull_counter import utc_day
from shared.services.packages.source import PackageSource
from shared.telemetry.log import log

Json = dict[str, Any]

MAX_ERRORS = 5  # Errors reported for one query; each would search for similar names.

# Overlapping fields take quadratic time; `_collect_fields` compares those of each selection.
RULES = [
    *(each for each in specified_rules if each is not OverlappingFieldsCanBeMergedRule),
    NoSchemaIntrospectionCustomRule,
]


async def execute_query(call: Call, body: Mapping[str, object]) -> Json:
    """Return the answer to the body of a request: `data` and `errors`."""
    query, operation, variables = (body.get(k) for k in ("query", "operationName", "variables"))
    if not isinstance(query, str):
        return _refused([GraphQLError("Send a JSON object with the text of a query as query.")])
    try:
        document = parse_within_limits(query)
        context = _Context(call.registry, call.package_source, call.caller, Allowance.of(document))
        document = _with_pulls_of_today(document)
        errors = validate(SCHEMA, document, RULES, max_errors=MAX_ERRORS, hide_suggestions=True)
    except GraphQLError as error:
        return _refused([error])
    except RecursionError:  # The library reads what is nested by recursion.
        return _refused([GraphQLError("The query is nested too deep.")])
    if errors:
        return _refused(errors)
    result = execute(
        SCHEMA,
        document,
        context_value=context,
        variable_values=cast("Json", variables) if isinstance(variables, dict) else {},
        operation_name=operation if isinstance(operation, str) and operation else None,
    )
    if isawaitable(result):
        result = await result
    if context.allowance.cost < 0:
        return _refused([too_expensive()])
    answer: Json = {"data": result.data}
    if result.errors:
        answer["errors"] = [_error(each) for each in result.errors]
    return answer


_DAILY_PULLS = "dailyPullCount"
_PULLS_TODAY = NameNode(value="pullsToday")


def _with_pulls_of_today(document: DocumentNode) -> DocumentNode:
    """Return the document with the number of today for `dailyPullCount` without a selection:
    Central has a list of days, and some clients read a number."""
    return cast("DocumentNode", visit(document, _PullsOfToday()))


class _PullsOfToday(Visitor):
    def enter_field(self, node: FieldNode, *_args: object) -> FieldNode | None:
        if node.name.value != _DAILY_PULLS or node.selection_set:
            return None
        return FieldNode(name=_PULLS_TODAY, alias=node.alias or node.name)


def _refused(errors: list[GraphQLError]) -> Json:
    return {"data": None, "errors": [_error(each) for each in errors]}


def _error(error: GraphQLError) -> Json:
    """Return an error as it is sent: an exception of ours is logged, and not told."""
    cause = error.original_error
    path = {"path": error.path} if error.path else {}
    if cause is None or isinstance(cause, Refusal | GraphQLError):
        return {"message": str(cause or error.message), **path}
    log.error("graphql.failed", exc_info=cause)
    return {"message": "The registry failed. Tell its operator.", **path}


# --- Limits ------------------------------------------------------------------------------------

MAX_QUERY_CHARACTERS = 64 * 1024
MAX_TOKENS = 3_000  # An editor asks for the 86 versions of a package, with 2,700.
MAX_DEFINITIONS = 20  # Operations and fragments; clients have one or two.
# The cost of ten modules, every version of http as an editor asks for it, or a list of a thousand.
MAX_COST = 525
# Bytes of documentation in one answer; `/2.0/docs` sends it without this limit.
MAX_ANSWER_BYTES = 2 << 20
PULLS_LISTED_FOR = timedelta(days=30)

# Parts that are read by themselves.
_FURTHER_QUESTIONS = {"dependentPackages", "dailyPullCount", "pullsToday"}
_PARTS_OF_MODULES = 4  # There are several of a package.


def parse_within_limits(query: str) -> DocumentNode:
    """Return the parsed query, or raise `GraphQLError` if it is invalid or too large."""
    if len(query) > MAX_QUERY_CHARACTERS:
        message = f"The query has more than {MAX_QUERY_CHARACTERS:,} characters."
        raise GraphQLError(message)
    document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    if len(document.definitions) > MAX_DEFINITIONS:
        message = f"The query has more than {MAX_DEFINITIONS} operations and fragments."
        raise GraphQLError(message)
    return document


class Allowance(Struct):
    """What the answer to a document may still cost, and the bytes of documentation it may have.

    A field counts wherever it stands in the document, so no fragment hides it.
    """

    parts: int = 0  # The different fields, as often as the aliases below the top multiply them.
    questions: int = 0  # Fields among them that need a separate read for each package.
    aliases: int = 0  # Below the top.
    cost: int = MAX_COST
    bytes: int = MAX_ANSWER_BYTES
    has_read_dependents: bool = False

    @classmethod
    def of(cls, document: DocumentNode) -> "Allowance":
        """Raise `GraphQLError` if two different fields have one name in the answer."""
        fields = set[str]()
        aliases = 0
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode):
                aliases += _collect_fields(each.selection_set, fields)
            if isinstance(each, OperationDefinitionNode):
                top = (one for one in each.selection_set.selections if isinstance(one, FieldNode))
                aliases -= sum(field.alias is not None for field in top)
        parts = len(fields) + (_PARTS_OF_MODULES if "modules" in fields else 0)
        questions = len(fields & _FURTHER_QUESTIONS)
        return cls(parts * (1 + aliases), questions * (1 + aliases), aliases)

    def spend_module(self) -> None:
        self._spend(50 * (1 + self.aliases // 10))

    def spend_package(self) -> None:
        self._spend(4 + self.parts // 12 + self.questions)

    def spend_list(self, packages: int) -> None:
        self._spend(50 + packages // 4 * (1 + self.parts // 12 + 40 * self.questions))

    def spend_dependents(self) -> None:
        """All dependents are a list of hundreds of packages: one of them in a query."""
        self._spend(300)

    def spend_dependents_of_package(self, count: int) -> None:
        """Those of one package are free: an editor asks for them with all versions of it."""
        if self.has_read_dependents:
            self._spend(count // 4)
        self.has_read_dependents = True

    def _spend(self, cost: int) -> None:
        """Raise `GraphQLError` once the document has cost too much."""
        self.cost -= cost
        if self.cost < 0:
            raise too_expensive()

    def spend_bytes(self, size: int) -> None:
        """Reserve room for a piece, or raise `GraphQLError` and leave it to smaller ones."""
        if size > self.bytes:
            message = (
                f"The answer has more than {MAX_ANSWER_BYTES >> 20} MB of documentation. Ask for "
                "fewer modules or lists, or read the whole document at /2.0/docs."
            )
            raise GraphQLError(message)
        self.bytes -= size


def _collect_fields(selections: SelectionSetNode, fields: set[str]) -> int:
    """Add the names of all fields, and return how many have an alias."""
    aliases = 0
    answers = dict[str, FieldNode]()
    for each in selections.selections:
        if isinstance(each, FieldNode):
            key = (each.alias or each.name).value
            first = answers.setdefault(key, each)
            # The library compares them in quadratic time.
            if first.name != each.name or first.arguments != each.arguments:
                message = f"The query has two fields named {key}: give each an alias."
                raise GraphQLError(message)
            fields.add(each.name.value)
            aliases += each.alias is not None
        if isinstance(each, FieldNode | InlineFragmentNode) and each.selection_set:
            aliases += _collect_fields(each.selection_set, fields)
    return aliases


def too_expensive() -> GraphQLError:
    return GraphQLError(
        f"The query costs too much: it may have a cost of {MAX_COST}, of which apiDocs takes 50, "
        "package 4, packages 50, and all dependentPackages of a version 300. Each 12 different "
        "fields of the query take 1 more of a package. A list takes as much for each 4 packages "
        "of its limit, and 1 more. dependentPackages and dailyPullCount of a package take 1 more, "
        "and 10 more of each package of a list. For each package after the first one, "
        "dependentPackages take 1 more for each 4 of them. Aliases below the top multiply this."
    )


class _Dependent(Struct, frozen=True):
    """A package whose latest release depends on another one directly, and on which versions."""

    named: Json
    versions: tuple[str, ...]
    pulls: int


class _Context(Struct, frozen=True):
    """The state that the fields of a query share; versions of a package share what is asked of the
    package, by its key."""

    registry: Registry
    package_source: PackageSource
    by: Principal
    allowance: Allowance
    dependents: dict[str, asyncio.Task[list[_Dependent]]] = field(
        default_factory=dict[str, asyncio.Task[list[_Dependent]]]
    )
    recent_pulls: dict[str, asyncio.Task[Mapping[str, int]]] = field(
        default_factory=dict[str, asyncio.Task[Mapping[str, int]]]
    )


_Info = GraphQLResolveInfo[_Context]


# --- API documentation -------------------------------------------------------------------------


class _Module(Struct, frozen=True):
    """A documented module, and the filters of a query."""

    found: DocumentedModule
    facts: Json  # The fields that are not lists.
    wanted: Json


async def _api_docs(_root: object, info: "_Info", **arguments: Any) -> Json:
    """Return the module; one that is unknown, hidden or not documented yet is no module at all."""
    context = info.context
    context.allowance.spend_module()
    wanted: Json = arguments.get("inputFilter") or {}
    module: Json = wanted.get("moduleInfo") or {}
    name = ModuleName(*(module.get(key) or "" for key in ("orgName", "moduleName", "version")))
    modules = list[_Module]()
    # Readers index the list, and break on an error beside `null`.
    with suppress(NotFound, ApiDocsPending, NotApproved):
        found = await context.registry.api_docs.documentation.find(name, by=context.by)
        await context.package_source.require_approved(found.coordinate, by=context.by)
        facts = await _piece(context, found, PieceKind.LIST, "")
        if facts is not None:
            modules.append(_Module(found, orjson.loads(facts), wanted))
    return {
        "apiDocsVersion": "1.0.0",
        "docsData": {"releaseVersion": "", "langLibs": [], "modules": modules},
    }


_FILTERS = {
    "functions": ("functionFilter", PieceKind.FUNCTION),
    "clients": ("clientFilter", PieceKind.CLIENT),
}


async def _module_field(module: _Module, info: "_Info") -> object:
    """Return a fact of a module, or a list as JSON: all of it, or the one item that a filter
    names."""
    key = info.field_name
    if key in module.facts:
        return module.facts[key]
    of_filter, kind = _FILTERS.get(key, ("", PieceKind.LIST))
    named: Json | None = module.wanted.get(of_filter)
    if named is None:
        return await _piece(info.context, module.found, PieceKind.LIST, key)
    return await _piece(info.context, module.found, kind, named.get("name") or "") or "{}"


async def _piece(
    context: _Context, found: DocumentedModule, kind: PieceKind, name: str
) -> str | None:
    """Return a piece of a module as text; raise `GraphQLError` if the answer is full."""
    api_docs = context.registry.api_docs.documentation
    of = (kind, found.module, name)
    place = await api_docs.place(found.digest, found.coordinate, *of)
    if place is None:
        return None
    context.allowance.spend_bytes(place.unpacked_length)
    piece = await api_docs.piece(found.digest, found.coordinate, *of)
    return piece and piece.unpack().decode()


# --- Packages ----------------------------------------------------------------------------------


async def _packages(_root: object, info: "_Info", **arguments: Any) -> Json:
    context = info.context
    limit, offset = (arguments.get(key) for key in ("limit", "offset"))
    page = ResultPage.parse(*("" if each is None else str(each) for each in (limit, offset)))
    context.allowance.spend_list(page.limit)
    query = Query.parse(arguments.get("query") or "")
    org = arguments.get("orgName")
    if org:
        query = query.within(frozenset({parse_org(org)}))
    results = await context.registry.packages.search.search(query, page, by=context.by)
    return {
        "packages": [_package_model(context, hit.listing) for hit in results.hits],
        "count": results.count,
        "limit": page.limit,
        "offset": page.offset,
    }


async def _package(_root: object, info: "_Info", **arguments: Any) -> Json | None:
    """Return a package, or None; with days, `totalPullCount` has the pulls between them."""
    context = info.context
    context.allowance.spend_package()
    org, name, version = (arguments.get(key) or "" for key in ("orgName", "packageName", "version"))
    if not (org and name):
        return None
    package = Package.parse(org, name)
    wanted = parse_version_or_range(version or "*")
    try:
        listing = await context.package_source.describe(
            package, wanted, client=ANY_CLIENT, by=context.by
        )
    except NotFound:
        return None
    model = _package_model(context, listing) | {"wanted": wanted}
    days = _days(arguments)
    if days is None:
        return model
    pulls = await context.registry.packages.recent_pulls.count_between(listing.head.package, *days)
    return model | {"totalPullCount": pulls}


def _days(arguments: Json) -> tuple[str, str] | None:
    """Return the first and the last day, or None if neither is given."""
    first, last = (arguments.get(key) for key in ("pullStatStartDate", "pullStatEndDate"))
    if not first and not last:
        return None
    return _day(first or "2000-01-01"), _day(last or "9999-12-31")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        message = "A day is written as 2026-11-20."
        raise GraphQLError(message) from None


def _package_model(context: _Context, listing: Listing) -> Json:
    model: Json = package_model(context.registry, listing)
    return model | {"totalPullCount": model["pullCount"], "listing": listing}


async def _dependents(package: Json, info: "_Info") -> list[Json]:
    """Return the packages whose latest release depends directly on the version that was asked for,
    or on any version that it admits, those with the most pulls first."""
    context = info.context
    of = package["listing"].head.package
    if of.key not in context.dependents:
        context.dependents[of.key] = asyncio.create_task(_counted_dependents(context, of))
    found = _on(package.get("wanted", Range()), await context.dependents[of.key])
    return [each.named for each in sorted(found, key=lambda each: -each.pulls)]


async def _counted_dependents(context: _Context, package: Package) -> list[_Dependent]:
    """Return all dependents of a package, once the query may still cost that much."""
    count = await context.registry.packages.search.count_dependents(package, by=context.by)
    context.allowance.spend_dependents_of_package(count)
    return await _every_dependent(context, package)


async def _dependents_of_version(_root: object, info: "_Info", **arguments: Any) -> list[Json]:
    """Return every package whose latest release depends directly on a version, or on any version
    if none is named."""
    org, name, version = (arguments.get(key) or "" for key in ("orgName", "packageName", "version"))
    info.context.allowance.spend_dependents()
    wanted = parse_version_or_range(version or "*")
    found = await _every_dependent(info.context, Package.parse(org, name))
    return [each.named for each in _on(wanted, found)]


async def _every_dependent(context: _Context, package: Package) -> list[_Dependent]:
    """Return all packages whose latest release depends on the package directly, by their names."""
    found = list[_Dependent]()
    offset = 0
    total = 1
    while offset < total:
        page = ResultPage(offset=offset, limit=MAX_LIMIT, sort=Sort.NAME, descending=False)
        results = await context.registry.packages.search.dependents(package, page, by=context.by)
        found += [_dependent(each.listing, package) for each in results.hits]
        offset = offset + MAX_LIMIT
        total = results.count
    return found


def _dependent(listing: Listing, package: Package) -> _Dependent:
    own = (e for e in listing.release.dependencies if f"{e.org}/{e.name}".lower() == package.key)
    versions = tuple(each.version for each in own)
    return _Dependent(_name_of(listing.release), versions, listing.head.pulls)


def _on(wanted: Version | Range, dependents: Iterable[_Dependent]) -> Iterator[_Dependent]:
    """Yield those that depend on the version, or on one in the range."""
    for each in dependents:
        if any(_is_wanted(version, wanted) for version in each.versions):
            yield each


def _is_wanted(version: str, wanted: Version | Range) -> bool:
    if isinstance(wanted, Version):
        return version == wanted.text
    return wanted == Range() or wanted.contains(Version.parse(version))


def _dependencies(package: Json, _info: "_Info") -> list[Json]:
    return [_name_of(each) for each in package["listing"].release.dependencies]


def _name_of(package: Release | Dependency) -> Json:
    return {"organization": package.org, "name": package.name, "version": package.version}


async def _daily_pulls(package: Json, info: "_Info") -> list[Json]:
    by_day = await _recent_pulls(package, info.context)
    return [{"pullDate": day, "pullCount": by_day[day]} for day in sorted(by_day)]


async def _pulls_today(package: Json, info: "_Info") -> int:
    today = utc_day(info.context.registry.clock.now_ms())
    return (await _recent_pulls(package, info.context)).get(today, 0)


async def _recent_pulls(package: Json, context: _Context) -> Mapping[str, int]:
    of = package["listing"].head.package
    if of.key not in context.recent_pulls:
        counting = context.registry.packages.recent_pulls.count_by_day(of, PULLS_LISTED_FOR)
        context.recent_pulls[of.key] = asyncio.create_task(counting)
    return await context.recent_pulls[of.key]


# --- The schema --------------------------------------------------------------------------------

_SCHEMA_FILE = Path(__file__).parent / "schema.graphql"
SCHEMA = build_schema(_SCHEMA_FILE.read_text("utf-8"), assume_valid=True)
for _name, _resolvers in {
    "Query": {
        "apiDocs": _api_docs,
        "packages": _packages,
        "package": _package,
        "dependentPackages": _dependents_of_version,
    },
    "Package": {
        "dependentPackages": _dependents,
        "packageDependencies": _dependencies,
        "dailyPullCount": _daily_pulls,
        "pullsToday": _pulls_today,
    },
}.items():
    for _field, _resolver in _resolvers.items():
        cast("GraphQLObjectType", SCHEMA.type_map[_name]).fields[_field].resolve = _resolver
for _part in cast("GraphQLObjectType", SCHEMA.type_map["ApiDocsModule"]).fields.values():
    _part.resolve = _module_field
