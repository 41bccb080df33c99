"""The app of a registry without the objects of the Functions library, which take longer to make
than most tests run.
"""

from functools import cache, partial

from functions.faces import operations
from functions.http.operations import Operation, answer
from shared.hosting.triggers import AppFunctions, HttpFunction
from shared.registry import Registry
from shared.runtime.routing import Route, parse_template


def lazy_functions(registry: Registry) -> AppFunctions:
    """Return the HTTP Functions of the app over `registry`; timers and feeds are left out."""
    functions = [
        HttpFunction(each.name, route, partial(each.respond or answer, each, registry))
        for each, route in _routes(operations(registry.settings))
    ]
    return AppFunctions(functions, ())


@cache
def _routes(of: tuple[Operation, ...]) -> list[tuple[Operation, Route]]:
    """Return the operations with their routes, in the order of the host."""
    return [
        (each, Route(each.name, parse_template(each.route), frozenset(each.methods)))
        for each in sorted(of, key=lambda each: each.name.lower())
    ]
