"""Answers of an upstream registry in the Central protocol, read as what strangers send.

Every function raises `ValueError` for an answer that cannot be used. Of lists, parts that break the
rules of names and versions are left out.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NoReturn, TypeVar, cast

from shared.domain.api_docs.item_summaries import (
    MAX_LABEL,
    MAX_SUMMARY,
    ConnectorSummary,
    TriggerSummary,
    connector_id,
    trigger_id,
)
from shared.domain.archives.digests import Digest
from shared.domain.bounded_parsing import has_at_most_values, parse_json
from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.dependency_graphs import Graph, GraphNode, graph_document
from shared.domain.distributions import is_platform
from shared.domain.errors.base import Refusal
from shared.domain.listings import Listing
from shared.domain.mirroring import (
    CataloguedPackage,
    EntryT,
    UpstreamItem,
    UpstreamModule,
    UpstreamPage,
    UpstreamResolution,
)
from shared.domain.names import (
    parse_module_name,
    parse_package_name,
    parse_tool_id,
    possible_packages,
)
from shared.domain.outside_values import MAX_LINE, Item, items, line, lines, number, text
from shared.domain.packages import (
    Dependency,
    Graalvm,
    Head,
    ModuleText,
    Origin,
    Release,
    Texts,
    UpstreamOrigin,
)
from shared.domain.principals import MIRROR
from shared.domain.search import SearchKind
from shared.domain.times import LATEST_MS
from shared.domain.upstream_withdrawals import UpstreamChange, UpstreamChanges, UpstreamWithdrawal
from shared.domain.versions import Range, Version
from shared.domain.withdrawal_reasons import WithdrawalReason

MAX_VERSIONS = 10_000  # Versions of one package; on public Central the largest number is 86.
MAX_DESCRIBED = 1_000  # Versions of one list that are described; each takes a request.
MAX_NODES = 5_000  # Packages in one dependency graph.
# JSON values in one answer: parsed values take about twenty times the memory of their text.
MAX_VALUES = 500_000
MAX_PAGE = 1_000  # Entries of a list in an answer; requests ask for fewer.

_WITHDRAWN = "withdrawn"
_RESTORED = "restored"

NO_DIGEST = "sha-256=" + "0" * 64

_GRAALVM = {each.value: each for each in Graalvm}

T = TypeVar("T")


class DescriptionUnusable(ValueError):
    """An answer describes the release that was asked for, in a way that nothing can use."""


def read_object(body: bytes) -> Item:
    """Return the JSON object of a body."""
    value = _read(body)
    if not isinstance(value, dict):
        _refuse("the answer was no JSON object")
    return cast(Item, value)


def read_versions(body: bytes) -> tuple[Version, ...]:
    """Return the versions of a list, in its order."""
    texts = _list(_read(body), "versions", MAX_VERSIONS)
    return _kept(Version.parse, (each for each in texts if isinstance(each, str)))


def read_has_packages(body: bytes) -> bool:
    """Check whether a list of packages has any."""
    return bool(_list(read_object(body).get("packages"), "packages"))


def read_package(
    body: bytes, package: Package, wanted: Version | Range, origin: UpstreamOrigin
) -> Listing:
    """Return the release that a Package of the protocol describes, if it is what was asked for."""
    item = read_object(body)
    named = f"{_text(item, 'organization')}/{_text(item, 'name')}".lower()
    is_wanted = wanted.contains if isinstance(wanted, Range) else wanted.__eq__
    versions = list(filter(is_wanted, _kept(Version.parse, [_text(item, "version")])))
    if named != package.key or not versions:
        _refuse(f"it describes {named[:200]}:{_text(item, 'version')[:200]}")
    now_ms = origin.first_seen_ms
    head = Head(org=package.org, name=package.name, created_ms=now_ms, upstream=origin.name)
    release = _release(item, package, versions[0], origin)
    return Listing(head, release, _texts(item, release))


def read_catalogue_page(body: bytes, origin: UpstreamOrigin) -> UpstreamPage[CataloguedPackage]:
    """Return a page of the list of packages."""
    read = partial(_catalogued_package, origin=origin)
    return _page(body, "packages", read, lambda each: each.package.key)


def read_items_page(
    body: bytes, kind: SearchKind, origin: UpstreamOrigin
) -> UpstreamPage[UpstreamItem]:
    """Return a page of the list of connectors or triggers."""
    read = partial(_item, kind=kind, origin=origin)
    return _page(body, kind.value, read, lambda each: f"{each.release.key} {each.summary.id}")


def read_withdrawal(body: bytes, coordinate: Coordinate) -> UpstreamWithdrawal | None:
    """Return what a refusal says of a version that was withdrawn; None if it says nothing."""
    item = read_object(body)
    return _withdrawal(item, coordinate) if item.get("kind") == _WITHDRAWN else None


def read_changes(body: bytes, since: int) -> UpstreamChanges:
    """Return the withdrawals and returns of releases in a part of a change feed.

    A withdrawal without `reason`, of an earlier version, is left out: it may be of a package that
    became private.
    """
    item = read_object(body)
    after = number(item.get("next"))
    if after < since:
        _refuse("the feed goes back")
    found = (_change(each) for each in items(item, "changes", MAX_PAGE))
    return UpstreamChanges(tuple(each for each in found if each), after)


def _change(item: Item) -> UpstreamChange | None:
    is_withdrawal = item.get("kind") == _WITHDRAWN and "reason" in item
    if not is_withdrawal and item.get("kind") != _RESTORED:
        return None
    try:
        at = Coordinate.parse(_text(item, "org"), _text(item, "name"), _text(item, "version"))
    except Refusal:
        # An item for the version `*`, which means the whole package, is ignored as well.
        return None
    return UpstreamChange(at, _withdrawal(item, at) if is_withdrawal else None)


def _withdrawal(item: Item, coordinate: Coordinate) -> UpstreamWithdrawal:
    """Return a withdrawal; a reason that is unknown here is one without a category."""
    try:
        digest = Digest.parse_header(_text(item, "digest")).hex
    except Refusal:
        # Without a digest the withdrawal matches no archive, so nothing is quarantined.
        digest = ""
    why = _text(item, "reason")
    known = {each.value for each in WithdrawalReason}
    why = why if not why or why in known else WithdrawalReason.OTHER.value
    return UpstreamWithdrawal(coordinate, digest, why, item.get("permanent") is True)


def read_tool(body: bytes) -> Package:
    """Return the package that the description of a tool names."""
    item = read_object(body)
    with suppress(Refusal):
        return Package.parse(_text(item, "organization"), _text(item, "name"))
    return _refuse("the tool names no package")


def read_resolutions(
    body: bytes, requests: Sequence[PackageRequest]
) -> list[UpstreamResolution | None]:
    """Return the choice for each request.

    Both lists of the answer are in the order of the requests, and a resolved item does not repeat
    the version that was asked for: of several requests for a package each takes the next item.
    """
    answer = read_object(body)
    refused = [
        (_name_of(each), _text(each, "version"))
        for each in items(answer, "unresolved", MAX_VERSIONS)
    ]
    resolved = defaultdict[str, list[Item]](list)
    for each in reversed(items(answer, "resolved", MAX_VERSIONS)):
        resolved[_name_of(each)].append(each)
    found: list[UpstreamResolution | None] = []
    for request in requests:
        name = f"{request.org}/{request.name}".lower()
        if (name, request.version) in refused:
            refused.remove((name, request.version))
            found.append(None)
        else:
            found.append(_resolution(resolved[name].pop()) if resolved[name] else None)
    return found


def read_modules(body: bytes, requests: Sequence[ModuleRequest]) -> list[UpstreamModule | None]:
    """Return the package of each module; requests for the same module have the same answer."""
    found = dict[str, UpstreamModule]()
    for item in items(read_object(body), "resolvedModules", MAX_VERSIONS):
        with suppress(Refusal):
            name = parse_package_name(_text(item, "packageName"))
            version = Version.parse(_text(item, "version"))
            key = f"{_text(item, 'organization')}/{_text(item, 'moduleName')}".lower()
            found[key] = UpstreamModule(name, version)
    return [found.get(f"{each.organization}/{each.module}".lower()) for each in requests]


def _catalogued_package(item: Item, origin: UpstreamOrigin) -> CataloguedPackage | None:
    """Return the Package of a list; None if it breaks the rules of names and versions."""
    # A list may leave out digests, and nothing is verified by those of a list.
    known = {**item, "digest": item.get("digest") or NO_DIGEST}
    try:
        package = Package.parse(_text(item, "organization"), _text(item, "name"))
        release = _release(known, package, Version.parse(_text(item, "version")), origin)
    except (Refusal, ValueError):
        return None
    return CataloguedPackage(org=package.org, name=package.name, release=release)


def _read(body: bytes) -> object:
    if not has_at_most_values(MAX_VALUES, body):
        _refuse("it has too many values")
    try:
        return parse_json("answer of the upstream", body, then="")
    except Refusal as refusal:
        return _refuse(str(refusal))


def _refuse(message: str) -> NoReturn:
    raise ValueError(message) from None


def _list(value: object, name: str, most: int = MAX_PAGE) -> list[object]:
    """Return a list that has at most `most` entries."""
    if not isinstance(value, list):
        _refuse(f"the answer was no list of {name}")
    found = cast("list[object]", value)
    return found if len(found) <= most else _refuse(f"the list has {len(found):,} {name}")


def _page(
    body: bytes, name: str, read: Callable[[Item], EntryT | None], key: Callable[[EntryT], str]
) -> UpstreamPage[EntryT]:
    """Return a page of a list, whose entries are those that keep the rules."""
    item = read_object(body)
    total = item.get("count")
    rows = _list(item.get(name), name)
    if not isinstance(total, int) or total < 0:
        _refuse(f"the list of {name} has no count")
    found = (read(cast(Item, each)) for each in rows if isinstance(each, dict))
    return UpstreamPage({key(each): each for each in found if each}, len(rows), total)


def _release(item: Item, package: Package, version: Version, origin: UpstreamOrigin) -> Release:
    """Return the release; raise `DescriptionUnusable` without a digest."""
    try:
        digest = Digest.parse_header(_text(item, "digest"))
    except Refusal:
        message = "it names no digest"
        raise DescriptionUnusable(message) from None
    platform = _text(item, "platform")
    modules = (_text(each, "name") for each in items(item, "modules"))
    return Release(
        org=package.org,
        name=package.name,
        version=version.text,
        digest=digest.hex,
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
        modules=_kept(parse_module_name, modules),
        tools=_kept(parse_tool_id, [_text(item, "balToolId")]),
        # It has passed; 0 if there is none.
        created_ms=min(number(item.get("createdDate"), LATEST_MS), origin.first_seen_ms),
        origin=Origin(principal=MIRROR.id),
        deprecation=_deprecation(item),
        upstream=origin,
    )


def _deprecation(item: Item) -> str | None:
    return _text(item, "deprecateMessage") if item.get("isDeprecated") is True else None


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


def _name_of(item: Item) -> str:
    return f"{_text(item, 'org')}/{_text(item, 'name')}".lower()


def _resolution(item: Item) -> UpstreamResolution | None:
    """Return a choice; None if a part of it breaks the rules: no build can use the rest."""
    try:
        version = Version.parse(_text(item, "version"))
        nodes = tuple(_node(each) for each in items(item, "dependencyGraph", MAX_NODES))
    except Refusal:
        return None
    return UpstreamResolution(version, _deprecation(item), graph_document(Graph(nodes=nodes)))


def _node(item: Item) -> GraphNode:
    own = _dependency(item)
    direct = tuple(_dependency(each) for each in items(item, "dependencies", MAX_NODES))
    return GraphNode(org=own.org, name=own.name, version=own.version, dependencies=direct)


def _dependency(item: Item) -> Dependency:
    """Return a package and a version; raise a refusal for what breaks the rules."""
    package = Package.parse(_text(item, "org"), _text(item, "name"))
    version = Version.parse(_text(item, "version")).text
    return Dependency(org=package.org, name=package.name, version=version)


def _item(item: Item, kind: SearchKind, origin: UpstreamOrigin) -> UpstreamItem | None:
    """Return a connector or trigger as lists show it; None if its names break the rules."""
    package = _catalogued_package(_object(item.get("package")), origin)
    name = _text(item, "name", MAX_LABEL)
    module = _text(item, "moduleName", MAX_LABEL)
    holders = [each for e in _kept(parse_module_name, [module]) for each in possible_packages(e)]
    if package is None or not name or package.name not in holders:
        return None
    is_connector = kind is SearchKind.CONNECTORS
    org = package.org
    display = _object(item.get("displayAnnotation"))
    summary = (ConnectorSummary if is_connector else TriggerSummary)(
        id=connector_id(org, module, name) if is_connector else trigger_id(org, module),
        module=module,
        name=name,
        label=_text(display, "label", MAX_LABEL),
        icon=_text(display, "iconPath", MAX_LABEL),
        documentation=text(item.get("documentation"), MAX_SUMMARY),
    )
    return UpstreamItem(package.release.coordinate, summary)


def _object(value: object) -> Item:
    return cast(Item, value) if isinstance(value, dict) else {}


def _text(item: Item, name: str, most: int = MAX_LINE) -> str:
    return line(item.get(name), most)


def _kept(parse: Callable[[str], T], texts: Iterable[str]) -> tuple[T, ...]:
    """Return what the texts say, without those that `parse` refuses."""
    found = list[T]()
    for each in texts:
        with suppress(Refusal):
            found.append(parse(each))
    return tuple(found)
