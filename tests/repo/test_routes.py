"""No two Functions answer one path and method, and each is named for its face."""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path

import azure.functions as func
import pytest

import functions
from functions.faces import MODULES, build_app, factories
from shared.bootstrap import build_registry, migrate
from shared.composition import Registry
from shared.hosting.host import ARCHIVE_SEGMENTS, ARCHIVES
from shared.hosting.routing import collisions
from shared.hosting.triggers import AppFunctions, functions_of
from shared.settings import Settings
from tests.lazy_app import lazy_functions

OTHER_METHODS = ("post", "put", "patch", "delete", "options")
CLOUD_ALONE = {"change_feed"}  # Faces without a Function where searches need no feed.
# What the names of Functions begin with, where it is not the folder or the module: operators read
# the names in logs and metrics, and so they stay when code moves.
PREFIXES = {
    "account": ("account_", "sign_in_"),
    "api": ("api_", "token_", "device_api_"),
    "archives": ("archive_",),
    "change_feed": ("feed_",),
    "device": ("device_", "login_"),
    "timers": ("timer_",),
    "web": ("web_", "static_", "security_txt_"),
}


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncGenerator[Registry]:
    settings = Settings(data=tmp_path)
    migrate(settings)
    built = build_registry(settings)
    yield built
    await built.close()


def faces() -> Iterator[str]:
    """Yield every module below `functions` that has a blueprint."""
    for each in pkgutil.walk_packages(functions.__path__, "functions."):
        if hasattr(importlib.import_module(each.name), "blueprint"):
            yield each.name.removeprefix("functions.")


def names(loaded: AppFunctions) -> list[str]:
    return [each.name for each in [*loaded.http, *loaded.timers, *loaded.feeds]]


def by_face(registry: Registry) -> Mapping[str, list[str]]:
    """Return the names of the Functions of each module."""
    found: dict[str, list[str]] = {}
    for make in factories():
        app = func.FunctionApp()
        app.register_functions(make(registry))
        module = make.__module__.removeprefix("functions.")
        found.setdefault(module, []).extend(names(functions_of(app)))
    return found


async def test_no_two_templates_match_one_path_and_method(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    assert len(routes) > 1
    assert [(one.function, other.function) for one, other in collisions(routes)] == []


async def test_no_route_begins_like_one_of_the_hosts_own(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    assert [route.function for route in routes if route.is_reserved] == []


async def test_the_app_has_the_blueprint_of_every_module() -> None:
    assert list(MODULES) == sorted(faces())


async def test_every_function_is_named_for_its_face(registry: Registry) -> None:
    for face, found in by_face(registry).items():
        package = face.split(".")[0]
        words = PREFIXES.get(package, (f"{package}_",))
        assert found or face in CLOUD_ALONE
        assert [name for name in found if not name.startswith(words)] == [], face


async def test_the_app_has_every_face_and_no_name_twice(registry: Registry) -> None:
    loaded = names(functions_of(build_app(registry)))
    of_faces = [name for each in by_face(registry).values() for name in each]
    wrong_methods = (f"web_wrong_method_{each}" for each in OTHER_METHODS)
    made_from_others = ["central_doubled", "web_missing", *wrong_methods]
    assert sorted(loaded) == sorted([*of_faces, *made_from_others])
    assert len({name.lower() for name in loaded}) == len(loaded)


async def test_the_local_host_streams_the_path_of_the_archive_function(registry: Registry) -> None:
    served = functions_of(build_app(registry)).http
    (route,) = [
        each.route for each in served if f"/{each.route.template.text}".startswith(ARCHIVES)
    ]
    assert len(route.template.segments) == ARCHIVE_SEGMENTS + 1
    assert route.methods == {"GET", "HEAD"}


async def test_the_worlds_of_tests_serve_the_routes_of_the_app(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    assert [each.route for each in lazy_functions(registry).http] == routes


async def test_every_route_lists_its_methods(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    assert [route.function for route in routes if not route.methods] == []


# What a `GET` of these begins or ends is nothing that anybody reads.
NO_READS = {"sign_in_begin", "sign_in_callback"}


async def test_a_head_is_answered_wherever_a_get_is(registry: Registry) -> None:
    routes = [each.route for each in functions_of(build_app(registry)).http]
    without = {
        route.function
        for route in routes
        if "GET" in (route.methods or ()) and "HEAD" not in (route.methods or ())
    }
    assert without == NO_READS
