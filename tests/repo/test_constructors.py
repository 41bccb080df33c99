"""The registry calls the constructor of each service by name, once, and faces reach only services
that are made for them."""

import ast
import inspect
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from textwrap import dedent
from types import NoneType
from typing import get_args, get_type_hints

from shared.registry.group import ServiceGroup
from tests.paths import ROOT
from tests.repo.product_source import Module, product

ADAPTERS = "shared.services.adapters"
FOLDER = ROOT / "shared" / "registry"
MODULES = [
    import_module(f"shared.registry.{each.stem}") for each in sorted(FOLDER.glob("[a-z]*.py"))
]
GROUPS = [
    each
    for module in MODULES
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, ServiceGroup) and each is not ServiceGroup
]
# The limits of archives are a value with defaults, and no service.
OF_A_VALUE = {"ArchiveLimits.archive_bytes", "ArchiveLimits.documentation"}


def services() -> Iterator[tuple[type[ServiceGroup], str, cached_property[object]]]:
    for group in GROUPS:
        for name, made in vars(group).items():
            if isinstance(made, cached_property):
                yield group, name, made


def calls() -> Iterator[tuple[ast.Call, type]]:
    """Yield the calls of constructors of ours that create services, and what they construct."""
    for _, _, made in services():
        source = dedent(inspect.getsource(made.func))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = made.func.__globals__.get(node.func.id)
                if isinstance(called, type) and called.__module__.startswith("shared."):
                    yield node, called


def test_no_argument_that_is_given_has_a_default() -> None:
    found = 0
    with_default = list[str]()
    for call, called in calls():
        parameters = inspect.signature(called).parameters
        for keyword in call.keywords:
            assert keyword.arg
            found += 1
            if parameters[keyword.arg].default is not inspect.Parameter.empty:
                with_default.append(f"{called.__name__}.{keyword.arg}")
    assert found > 500
    assert set(with_default) == OF_A_VALUE


def test_arguments_are_given_by_name() -> None:
    unnamed = [ast.unparse(call) for call, _ in calls() if call.args]
    assert not unnamed, unnamed


def test_each_service_that_can_be_closed_is_closed() -> None:
    closed = list[str]()
    forgotten = list[str]()
    for group, name, made in services():
        kinds = without_none(get_type_hints(made.func)["return"])
        if any(hasattr(kind, "close") for kind in kinds):
            source = inspect.getsource(made.func)
            is_closed = "self._close_at_end(" in source
            (closed if is_closed else forgotten).append(f"{group.__name__}.{name}")
    assert len(closed) > 10
    assert not forgotten, forgotten


def test_each_service_has_one_module_of_the_registry() -> None:
    places = defaultdict[str, set[str]](set)
    for module in registry_modules():
        for node in module.find(ast.ImportFrom):
            if (node.module or "").startswith("shared.services.") and node.module != ADAPTERS:
                for each in node.names:
                    places[f"{node.module}.{each.name}"].add(module.path)
    assert len(places) > 200
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_face_or_command_reaches_a_service_that_only_services_use() -> None:
    reaching = list[str]()
    for module in product():
        if module.path.startswith("shared/registry/"):
            continue
        for node in module.find(ast.Attribute):
            if node.attr in {"_registry", "_parts"} and ast.unparse(node.value) != "self":
                reaching.append(f"{module.path}:{node.lineno}")
        for node in module.find(ast.ImportFrom):
            names = {each.name for each in node.names} if is_of_registry(node) else set[str]()
            if any(name.endswith(("Parts", "ServiceGroup")) for name in names):
                reaching.append(f"{module.path}:{node.lineno}")
    assert reaching == []


def registry_modules() -> Iterator[Module]:
    return (each for each in product() if each.path.startswith("shared/registry/"))


def is_of_registry(node: ast.ImportFrom) -> bool:
    return (node.module or "").startswith("shared.registry")


def without_none(hint: object) -> list[object]:
    """Return the types of a hint such as `Upstreams | None`."""
    return [each for each in get_args(hint) or (hint,) if each is not NoneType]
