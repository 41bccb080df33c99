"""Answers of an upstream registry in the Central protocol, read as what strangers send.

Every function raises `ValueError` for an answer that cannot be used. Of lists, parts that break the
rules of names and versions are left out.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from shared.domain.api_docs.records import (
    MAX_LABEL,
    MAX_SUMMARY,
    ConnectorSummary,
    TriggerSummary,
    connector_id,
    trigger_id,
)
from shared.domain.archives.names import Digest
from shared.domain.bounded_parsing import has_at_most_values, parse_json
from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.errors.base import Refusal
from shared.domain.listings import Listing
from shared.domain.mirroring import (
    CataloguedPackage,
    EntryT,
    Summary,
    UpstreamItem,
    UpstreamModule,
    UpstreamPage,
    UpstreamResolution,
)
from shared.domain.names import (
    Package,
    Range,
    Version,
    is_platform,
    parse_module_name,
    parse_package_name,
    parse_tool_id,
    possible_packages,
)
from shared.domain.outside_values import (
    LATEST_MS,
    Item,
    in_one_line,
    items,
    line,
    lines,
    number,
    text,
)
from shared.domain.packages import (
    Dependency,
    Graalvm,
    Graph,
    GraphNode,
    Head,
    ModuleText,
    Origin,
    Release,
    Texts,
    UpstreamOrigin,
    graph_document,
)
from shared.domain.releases import MIRROR_ID
from shared.domain.search import SearchKind

MAX_VERSIONS = 10_000  # Of a package; public Central has 86 at most.
MAX_DESCRIBED = 1_000  # Versions of a list with facts, which take a request each.
MAX_NODES = 5_000  # Of a dependency graph.
MAX_VALUES = 500_000  # Of one answer: they take twentyfold memory when they are parsed.
MAX_PAGE = 1_000  # Packages of a page; less is asked for.

NO_DIGEST = "sha-256=" + "0" * 64

_NAME = "answer of the upstream"
_GRAALVM = {each.value: each for each in Graalvm}


def read_object(body: bytes) -> Item:
    """Return the JSON object of a body."""
    value = _read(body)
    if not isinstance(value, dict):
        message = "the answer was no JSON object"
        raise ValueError(message)  # noqa: TRY004 - one error for all unusable answers.
    return cast(Item, value)


def read_versions(body: bytes) -> tuple[Version, ...]:
    """Return the versions of a list, in its order."""
    value = _read(body)
    if not isinstance(value, list):
        message = "the answer was no list of versions"
        raise ValueError(message)  # noqa: TRY004 - one error for all unusable answers.
    texts = [each for each in cast("list[object]", value) if isinstance(each, str)]
    if len(texts) > MAX_VERSIONS:
        message = f"the list has {len(texts):,} versions"
        raise ValueError(message)
    return tuple(version for each in texts if (version := _version(each)))


def read_has_packages(body: bytes) -> bool:
    """Check whether a list of packages has any."""
    packages = read_object(body).get("packages")
    if not isinstance(packages, list):
        message = "the answer was no list of packages"
        raise ValueError(message)  # noqa: TRY004 - one error for all unusable answers.
    return bool(cast("list[object]", packages))


def read_package(
    body: bytes, package: Package, wanted: Version | Range, *, upstream: str, now_ms: int
) -> Listing:
    """Return the release that a Package of the protocol describes, if it is what was asked for."""
    item = read_object(body)
    version = _version(_text(item, "version"))
    named = f"{_text(item, 'organization')}/{_text(item, 'name')}".lower()
    if version is None or named != package.key or not _is_wanted(version, wanted):
        message = f"it describes {named[:200]}:{_text(item, 'version')[:200]}"
        raise ValueError(message)
    head = Head(org=package.org, name=package.name, created_ms=now_ms, upstream=upstream)
    release = _release(item, package, version, UpstreamOrigin(name=upstream, first_seen_ms=now_ms))
    return Listing(head, release, _texts(item, release))


class DescriptionUnusable(ValueError):
    """An answer describes the release that was asked for, in a way that nothing can use."""


def read_catalogue_page(
    body: bytes, *, upstream: str, now_ms: int
) -> UpstreamPage[CataloguedPackage]:
    """Return a page of the list of packages."""
    return _page(body, "packages", lambda each: catalogued_package(each, upstream, now_ms))


def _page(body: bytes, name: str, read: Callable[[Item], EntryT | None]) -> UpstreamPage[EntryT]:
    """Return a page of a list, whose entries are those that keep the rules."""
    item = read_object(body)
    total, rows = item.get("count"), item.get(name)
    if not isinstance(total, int) or total < 0:
        message = f"the list of {name} has no count"
        raise ValueError(message)
    if not isinstance(rows, list) or len(cast("list[object]", rows)) > MAX_PAGE:
        message = f"the answer has no list of {name}, or a longer one than was asked for"
        raise ValueError(message)
    found = (
        read(cast(Item, each)) for each in cast("list[object]", rows) if isinstance(each, dict)
    )
    entries = tuple(each for each in found if each)
    return UpstreamPage(entries, len(cast("list[object]", rows)), total)


def catalogued_package(item: Item, upstream: str, now_ms: int) -> CataloguedPackage | None:
    """Return the Package of a list; None if it breaks the rules of names and versions."""
    try:
        package = Package.parse(_text(item, "organization"), _text(item, "name"))
        version = Version.parse(_text(item, "version"))
    except Refusal:
        return None
    origin = UpstreamOrigin(name=upstream, first_seen_ms=now_ms)
    # A list may leave out digests, and nothing is verified by those of a list.
    known = {"digest": NO_DIGEST, **{key: each for key, each in item.items() if each}}
    try:
        release = _release(known, package, version, origin)
    except ValueError:
        return None
    return CataloguedPackage(org=package.org, name=package.name, release=release)


def read_tool(body: bytes) -> Package:
    """Return the package that the description of a tool names."""
    item = read_object(body)
    try:
        return Package.parse(_text(item, "organization"), _text(item, "name"))
    except Refusal:
        message = "the tool names no package"
        raise ValueError(message) from None


def _is_wanted(version: Version, wanted: Version | Range) -> bool:
    return wanted.contains(version) if isinstance(wanted, Range) else version == wanted


def _release(item: Item, package: Package, version: Version, origin: UpstreamOrigin) -> Release:
    platform = _text(item, "platform")
    tool, message = _text(item, "balToolId"), _text(item, "deprecateMessage")
    return Release(
        org=package.org,
        name=package.name,
        version=version.text,
        digest=_digest(_text(item, "digest")).hex,
        size_bytes=0,
        platform=platform if is_platform(platform) else "any",
        ballerina_version=_text(item, "ballerinaVersion"),
        bala_version=_text(item, "balaVersion"),
        language_spec_version=_text(item, "languageSpecificationVersion"),
        summary=_text(item, "summary"),
        licenses=lines(item, "licenses"),
        authors=lines(item, "authors"),
        keywords=lines(item, "keywords"),
        source_repository=_text(item, "sourceCodeLocation"),
        template=item.get("template") is True,
        graalvm=_GRAALVM.get(_text(item, "graalvmCompatible"), Graalvm.UNKNOWN),
        modules=_modules(item),
        tools=_kept(parse_tool_id, [tool]),
        created_ms=_time(item.get("createdDate"), origin.first_seen_ms),
        origin=Origin(principal=MIRROR_ID),
        deprecation=message if item.get("isDeprecated") is True else None,
        upstream=origin,
    )


def _texts(item: Item, release: Release) -> Texts:
    modules = [
        ModuleText(
            name=_text(each, "name"),
            summary=_text(each, "summary"),
            readme=text(each.get("readme")),
        )
        for each in items(item, "modules")
        if _text(each, "name") in release.modules
    ]
    return Texts(readme=text(item.get("readme")), modules=tuple(modules))


def read_resolutions(
    body: bytes, requests: Sequence[PackageRequest]
) -> list[UpstreamResolution | None]:
    """Return the choice for each request.

    Both lists of the answer are in the order of the requests, and a resolved item does not repeat
    the version that was asked for: of several requests for a package each takes the next item.
    """
    answer = read_object(body)
    refused = [_echo(each) for each in items(answer, "unresolved", MAX_VERSIONS)]
    by_name: dict[str, list[Item]] = {}
    for each in items(answer, "resolved", MAX_VERSIONS):
        by_name.setdefault(_name_of(each), []).append(each)
    resolved = {name: iter(choices) for name, choices in by_name.items()}
    found: list[UpstreamResolution | None] = []
    for request in requests:
        name = f"{request.org}/{request.name}".lower()
        if (name, request.version) in refused:
            refused.remove((name, request.version))
            found.append(None)
        else:
            item = next(resolved.get(name, iter(())), None)
            found.append(_resolution(item) if item else None)
    return found


def _name_of(item: Item) -> str:
    return f"{_text(item, 'org')}/{_text(item, 'name')}".lower()


def _echo(item: Item) -> tuple[str, str]:
    return _name_of(item), _text(item, "version")


def _resolution(item: Item) -> UpstreamResolution | None:
    version = _version(_text(item, "version"))
    try:
        nodes = tuple(_node(each) for each in items(item, "dependencyGraph", MAX_NODES))
    except Refusal:
        return None  # A build cannot use a part of a graph.
    if version is None:
        return None
    message = _text(item, "deprecateMessage") if item.get("isDeprecated") is True else None
    return UpstreamResolution(version, message, graph_document(Graph(nodes=nodes)))


def _node(item: Item) -> GraphNode:
    package, version = _coordinate(item)
    dependencies = _dependencies(item)
    return GraphNode(org=package.org, name=package.name, version=version, dependencies=dependencies)


def _dependencies(item: Item) -> tuple[Dependency, ...]:
    """Return the direct dependencies; raise a refusal for what breaks the rules."""
    direct = [_coordinate(each) for each in items(item, "dependencies", MAX_NODES)]
    return tuple(Dependency(org=p.org, name=p.name, version=v) for p, v in direct)


def _coordinate(item: Item) -> tuple[Package, str]:
    """Return a package and a version; raise a refusal for what breaks the rules."""
    package = Package.parse(_text(item, "org"), _text(item, "name"))
    return package, Version.parse(_text(item, "version")).text


def read_modules(body: bytes, requests: Sequence[ModuleRequest]) -> list[UpstreamModule | None]:
    """Return the package of each module; requests for the same module have the same answer."""
    found: dict[str, UpstreamModule] = {}
    for item in items(read_object(body), "resolvedModules", MAX_VERSIONS):
        version = _version(_text(item, "version"))
        try:
            name = parse_package_name(_text(item, "packageName"))
        except Refusal:
            continue
        key = f"{_text(item, 'organization')}/{_text(item, 'moduleName')}".lower()
        if version:
            found[key] = UpstreamModule(name, version)
    return [found.get(f"{each.organization}/{each.module}".lower()) for each in requests]


def _read(body: bytes) -> object:
    if not has_at_most_values(MAX_VALUES, body):
        message = "it has too many values"
        raise ValueError(message)
    try:
        return parse_json(_NAME, body)
    except Refusal as refusal:
        raise ValueError(str(refusal)) from None


def _version(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except Refusal:
        return None


def _digest(text: str) -> Digest:
    try:
        return Digest.parse_header(text)
    except Refusal:
        message = "it names no digest"
        raise DescriptionUnusable(message) from None


def _text(item: Item, name: str) -> str:
    return line(item.get(name))


def _kept(parse: Callable[[str], str], names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without those that `parse` refuses."""
    found = list[str]()
    for name in names:
        with suppress(Refusal):
            found.append(parse(name))
    return tuple(found)


def _modules(item: Item) -> tuple[str, ...]:
    listed = items(item, "modules")
    return _kept(parse_module_name, (_text(each, "name") for each in listed))


def _time(value: object, now_ms: int) -> int:
    """Return the time of publication in milliseconds, which has passed; 0 if there is none."""
    return min(number(value, LATEST_MS), now_ms)


MAX_NAME = 200  # Characters.


def _cut(length: int) -> Any:
    return BeforeValidator(lambda value: in_one_line(text(value, length)))


_Name = Annotated[str, _cut(MAX_NAME)]
_Label = Annotated[str, _cut(MAX_LABEL)]
_Text = Annotated[str, BeforeValidator(lambda value: text(value, MAX_SUMMARY))]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


_Object = Annotated[dict[str, Any], BeforeValidator(_object)]


class _Row(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)

    name: _Name = ""
    module_name: _Name = ""
    documentation: _Text = ""
    display_annotation: _Object = {}
    package: _Object = {}


class _Display(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)

    label: _Label = ""
    icon_path: _Label = ""


def read_items_page(body: bytes, kind: SearchKind, *, upstream: str) -> UpstreamPage[UpstreamItem]:
    """Return a page of the list of connectors or triggers."""
    return _page(body, kind.value, lambda each: _item(each, kind, upstream))


def _item(item: Item, kind: SearchKind, upstream: str) -> UpstreamItem | None:
    row = _Row.model_validate(item)
    package = catalogued_package(row.package, upstream, 0)
    summary = _summary(row, kind, package.package) if package else None
    if package is None or summary is None:
        return None
    return UpstreamItem(package.release.coordinate, summary)


def _summary(row: _Row, kind: SearchKind, package: Package) -> Summary | None:
    """Return the item as lists show it; None if its names break the rules."""
    module = _module(row.module_name, package)
    if module is None or not row.name:
        return None
    is_connector = kind is SearchKind.CONNECTORS
    summary = ConnectorSummary if is_connector else TriggerSummary
    number = (
        connector_id(package.org, module, row.name)
        if is_connector
        else trigger_id(package.org, module)
    )
    display = _Display.model_validate(row.display_annotation)
    return summary(
        id=number,
        module=module,
        name=row.name,
        label=display.label,
        icon=display.icon_path,
        documentation=row.documentation,
    )


def _module(text: str, package: Package) -> str | None:
    """Return the name of a module of the package; None if it can be none of it."""
    try:
        module = parse_module_name(text)
    except Refusal:
        return None
    return module if package.name in possible_packages(module) else None
