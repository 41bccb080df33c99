"""The app of a registry, each face of which is built when the first request reaches it.

To build all faces takes longer than most tests. Their routes are the same over every registry, so
one process reads them once, from a whole app.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import azure.functions as func

from functions.faces import BlueprintFactory, build_app, factories
from shared.composition import Registry
from shared.hosting.triggers import AppFunctions, FunctionCall, HttpFunction, functions_of


@dataclass(frozen=True)
class Declared:
    """What is the same over every registry: the HTTP Functions, and the face that each is of."""

    functions: Sequence[HttpFunction]
    faces: Mapping[
        str, BlueprintFactory
    ]  # By the name of a Function; without those of the whole app.


def lazy_functions(registry: Registry) -> AppFunctions:
    """Return the HTTP Functions of the app over `registry`; timers and feeds are left out."""
    if not _declared:
        _declared.append(declared_by(registry))
    built = _Built(registry, _declared[0].faces)
    calling = [replace(each, call=built.call(each.name)) for each in _declared[0].functions]
    return AppFunctions(calling, ())


_declared: list[Declared] = []  # One, from the first registry of this process.


def declared_by(registry: Registry) -> Declared:
    """Read the whole app."""
    faces = {each.name: face for face in factories() for each in _functions_of(face, registry)}
    return Declared(functions_of(build_app(registry)).http, faces)


def _functions_of(face: BlueprintFactory, registry: Registry) -> Sequence[HttpFunction]:
    app = func.FunctionApp()
    app.register_functions(face(registry))
    return functions_of(app).http


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
                self._build(name)
            return await self._calls[name](value)

        return calling

    def _build(self, name: str) -> None:
        face = self._faces.get(name)
        if face is not None:
            functions = _functions_of(face, self._registry)
        else:  # It is made from the routes of all faces, and so with the whole app.
            functions = functions_of(build_app(self._registry)).http
        self._calls.update({each.name: each.call for each in functions})
