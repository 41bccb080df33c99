"""The app of a registry, each face of which is built when the first request reaches it.

To build all faces takes longer than most tests. Their routes are the same over every registry, so
one process reads them once, from a whole app.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import azure.functions as func
from azure.functions.decorators import utils

from functions.central.double_slash import double_slash_blueprint
from functions.faces import BlueprintFactory, app_of, build_app, factories, routes_of
from functions.web.not_found import not_found_blueprint
from shared.composition import Registry
from shared.hosting.triggers import AppFunctions, FunctionCall, HttpFunction, functions_of

# The library reads the signature of a class for each of its objects: a third of the time to build a
# face. It uses this module for nothing else.
utils.inspect = SimpleNamespace(signature=cache(inspect.signature))  # pyright: ignore[reportPrivateImportUsage]


@dataclass(frozen=True)
class Declared:
    """What is the same over every registry: the HTTP Functions, and what builds each of them."""

    functions: Sequence[HttpFunction]
    faces: Mapping[str, BlueprintFactory]  # By the name of a Function.


def lazy_functions(registry: Registry) -> AppFunctions:
    """Return the HTTP Functions of the app over `registry`; timers and feeds are left out."""
    if not _declared:
        _declared.append(declared_by(registry))
    built = _Built(registry, _declared[0].faces)
    declared = _declared[0].functions
    calling = [HttpFunction(each.name, each.route, built.call(each.name)) for each in declared]
    return AppFunctions(calling, ())


_declared: list[Declared] = []  # One, from the first registry of this process.


def declared_by(registry: Registry) -> Declared:
    """Read the whole app."""
    faces = [*factories(), *_faces_from_routes(registry)]
    by_name = {name: face for face in faces for name in _calls_of(face, registry)}
    return Declared(functions_of(build_app(registry)).http, by_name)


def _faces_from_routes(registry: Registry) -> tuple[BlueprintFactory, BlueprintFactory]:
    """Return the faces that follow from the routes of all others."""
    every = app_of(face(registry) for face in factories()).get_functions()
    routes, central = routes_of(every), [face for face in factories() if _is_central(face)]

    def double_slash(of: Registry) -> func.Blueprint:
        return double_slash_blueprint(app_of(face(of) for face in central).get_functions())

    return double_slash, lambda of: not_found_blueprint(of, routes)


def _is_central(face: BlueprintFactory) -> bool:
    return face.__module__.startswith("functions.central.")


def _calls_of(face: BlueprintFactory, registry: Registry) -> dict[str, FunctionCall]:
    """Return the coroutine functions of a face; `declared_by` had all of them checked."""
    functions: list[Any] = app_of([face(registry)]).get_functions()
    return {each.get_function_name(): each.get_user_function() for each in functions}


class _Built:
    """The faces of one registry that were built so far."""

    def __init__(self, registry: Registry, faces: Mapping[str, BlueprintFactory]) -> None:
        self._registry = registry
        self._faces = faces
        self._calls = dict[str, FunctionCall]()

    def call(self, name: str) -> FunctionCall:
        """Return what calls the Function of this name, which is built at the first call."""

        async def calling(value: object) -> object:
            if name not in self._calls:
                self._calls.update(_calls_of(self._faces[name], self._registry))
            return await self._calls[name](value)

        return calling
