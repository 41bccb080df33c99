"""No two Functions answer one path and method, but the one for every other path, whose name is the
last; each of the others is named for its face, and none is left out.
"""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import combinations, product
from pathlib import Path
from types import ModuleType

import azure.functions as func
import pytest

import functions
from functions import timers
from functions.central.double_slash import ROUTE as DOUBLED_ROUTE
from functions.faces import MODULES, build_app, operations
from functions.host_functions import CATCH_ALL, EVERY_PATH
from shared.auth.identity_providers import PROVIDERS
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import migrate
from shared.hosting.host import ARCHIVE_SEGMENTS, ARCHIVES
from shared.hosting.triggers import AppFunctions, functions_of
from shared.registry import Registry
from shared.runtime.routing import CatchAll, Literal, Parameter, Route, Segment
from shared.settings import Settings
from tests.lazy_app import lazy_functions

# What the names of Functions begin with, where it is not the folder or the module: operators read
# the names in logs and metrics, and so they stay when code moves.
PREFIXES = {
    "account": ("account_", "device_", "login_", "sign_in_"),
    "api": ("api_", "token_", "device_api_"),
    "archives": ("archive_",),
    "health": ("health_", "metrics_"),
    "log": ("log_", "witness_"),
    "sparse_index": ("index_",),
    "web": ("web_", "static_", "security_txt_"),
}


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncGenerator[Registry]:
    settings = Settings(data=tmp_path)
    migrate(settings)
    built = build_registry(settings)
    yield built
    await built.close()


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield every module below `functions`, with its name there."""
    for each in pkgutil.walk_packages(functions.__path__, "functions."):
        yield each.name.removeprefix("functions."), importlib.import_module(each.name)


def names(loaded: AppFunctions) -> list[str]:
    return [each.name for each in [*loaded.http, *loaded.timers]]


# The only template with a constraint: its second slash makes a segment that only a rest matches.
DOUBLED = (Literal("2.0"), Literal("registry"), Literal(""), CatchAll("rest"))


def shapes(route: Route) -> list[tuple[Segment, ...]]:
    return [DOUBLED] if route.template.text == DOUBLED_ROUTE else [*route.template.shapes]


def overlap(one: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """Check segment by segment whether a path can match both; in doubt the answer is yes."""
    for left, right in zip(one, other, strict=False):
        if isinstance(left, CatchAll) or isinstance(right, CatchAll):
            return True
        if not meet(left, right):
            return False
    longer = [*one[len(other) :], *other[len(one) :]]
    return not longer or isinstance(longer[0], CatchAll)


def meet(one: Segment, other: Segment) -> bool:
    match one, other:
        case (Literal(text), Literal(same)):
            return text == same
        case (Literal(text), _) | (_, Literal(text)):
            return bool(text)
        case _:
            return True


async def test_the_one_function_for_every_path_is_the_last_by_name(registry: Registry) -> None:
    read = functions_of(build_app(registry))
    *others, last = read.http
    assert (last.name, last.route.template.text) == (CATCH_ALL, EVERY_PATH)
    # The library for Python 3.13 and later has a name for QUERY too, which no client of ours sends.
    assert last.route.methods == {each.value for each in func.HttpMethod} - {"QUERY"}
    assert max(name.lower() for name in names(read)) == CATCH_ALL
    assert [each.name for each in others if each.route.template.text == EVERY_PATH] == []


async def test_no_two_other_templates_match_one_path_and_method(registry: Registry) -> None:
    *routes, _ = [each.route for each in functions_of(build_app(registry)).http]
    assert len(routes) > 1
    constrained = [each.template.text for each in routes if ":" in each.template.text]
    assert constrained == [DOUBLED_ROUTE]
    both = [
        (one.function, other.function)
        for one, other in combinations(routes, 2)
        if (one.methods or frozenset()) & (other.methods or frozenset())
        and any(overlap(*pair) for pair in product(shapes(one), shapes(other)))
    ]
    assert both == []


async def test_no_route_begins_like_one_of_the_hosts_own(registry: Registry) -> None:
    texts = [each.route.template.text for each in functions_of(build_app(registry)).http]
    assert [each for each in texts if each.lower().startswith(("admin", "runtime"))] == []


def test_the_app_has_the_faces_of_every_module() -> None:
    assert list(MODULES) == sorted(name for name, module in modules() if hasattr(module, "FACES"))


@pytest.mark.parametrize("name", MODULES)
def test_every_operation_is_named_for_its_face(name: str) -> None:
    package = name.split(".", maxsplit=1)[0]
    words = PREFIXES.get(package, (f"{package}_",))
    found = [
        each.name for face in importlib.import_module(f"functions.{name}").FACES for each in face
    ]
    assert found
    assert [each for each in found if not each.startswith(words)] == []


async def test_the_app_has_every_operation_and_no_name_twice(registry: Registry) -> None:
    loaded = names(functions_of(build_app(registry)))
    app = func.FunctionApp()
    app.register_functions(timers.blueprint(registry))
    declared = [each.name for each in operations(registry.settings)]
    assert sorted(loaded) == sorted([*declared, *names(functions_of(app))])
    assert len({name.lower() for name in loaded}) == len(loaded)


async def test_the_local_host_streams_the_path_of_the_archive_function(registry: Registry) -> None:
    served = functions_of(build_app(registry)).http
    routes = [each.route for each in served if f"/{each.route.template.text}".startswith(ARCHIVES)]
    assert {each.function for each in routes} == {"archive_bytes", "archive_of_release"}
    assert {each.methods for each in routes} == {frozenset(("GET", "HEAD"))}
    # The host streams the first; the other one may have to fetch what it sends.
    lengths = {each.function: len(each.template.segments) - 1 for each in routes}
    assert lengths["archive_bytes"] == ARCHIVE_SEGMENTS != lengths["archive_of_release"]


async def test_the_worlds_of_tests_serve_the_routes_of_the_app(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    assert [each.route for each in lazy_functions(registry).http] == routes


async def test_every_route_lists_its_methods(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    assert [route.function for route in routes if not route.methods] == []


# What is in paths, which logs of hosts and proxies have. None of them is a secret: the code of a
# one-time link is its fragment, and its page posts it. Mail programs know no fragments, so `mail`
# is in the path: whoever reads it ends the mail to one person, and can do nothing else.
PARAMETERS = {
    "org",
    "name",
    "package",
    "version",
    "module",
    "symbol",
    "distribution",
    "tab",
    "page",
    "file",
    "path",
    "rest",
    "provider",
    "scope",
    "digest",  # Of an archive, which is private without the signature in the query.
    "account",
    "id",
    "number",  # Of an account; of a token, webhook, invitation; of a delivery.
    "index",  # Of an entry of the log, which everybody counts.
    "folder",  # Of a log that follows another one, such as log2.
    "log",  # The hash of the name of a log, which is public.
    "advisory",  # The id of an advisory of an organization, which its owners alone see.
    "mail",  # That it ends.
    "dispute",  # The id of a name dispute, which its parties and administrators alone see.
}


async def test_no_route_has_a_parameter_that_is_a_secret(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    segments = [segment for route in routes for segment in route.template.segments]
    named = {each.name for each in segments if isinstance(each, Parameter | CatchAll)}
    assert named == PARAMETERS


# What a `GET` of these begins or ends is nothing that anybody reads.
NO_READS = {*(f"sign_in_begin_{name}" for name in PROVIDERS), "sign_in_callback"}


async def test_a_head_is_answered_wherever_a_get_is(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    without = {
        route.function
        for route in routes
        if "GET" in (route.methods or ()) and "HEAD" not in (route.methods or ())
    }
    assert without == NO_READS
