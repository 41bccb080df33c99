"""What is known of an operation stands in its declaration, and of a request in its call."""

import ast

from functions.faces import operations
from functions.host_functions import CATCH_ALL
from functions.http.operations import READ_METHODS, Effect
from shared.settings import Settings
from tests.repo.product_source import Module, product

# All operations: those where Front Door reads copies as well.
ALL = operations(Settings(archive_cdn_url="https://registry.test", archive_cdn_origin="blobs"))

# The trace of a request, which is read at many depths (docs/decisions/0028).
TRACES = {"shared/telemetry/activities.py"}


def calls(module: Module, name: str) -> list[ast.Call]:
    return [
        call
        for call in module.find(ast.Call)
        if isinstance(call.func, ast.Name) and call.func.id == name
    ]


def test_a_read_has_get_and_head_unless_its_declaration_lists_methods() -> None:
    reads = [each for each in ALL if each.effect is Effect.READ and each.name != CATCH_ALL]
    others = [each for each in reads if each.methods != READ_METHODS]
    # A body says what to read, a GET begins a sign-in, and a path with two slashes is another one.
    assert {each.methods for each in others} == {
        ("POST",),
        ("GET",),
        ("GET", "HEAD", "POST", "PUT"),
        ("POST", "GET", "HEAD"),  # /mcp answers a GET by 405, as its clients expect.
    }
    assert [each.name for each in others if each.respond is None and "PUT" in each.methods] == []


def test_a_change_has_no_method_of_a_read_except_what_comes_back_from_a_provider() -> None:
    changes = [each for each in ALL if each.effect is Effect.CHANGE]
    by_read = [each for each in changes if not {*READ_METHODS}.isdisjoint(each.methods)]
    assert [each.route for each in by_read] == ["sign-in/callback/{provider}"]


def test_what_may_be_repeated_is_a_read_that_identifies_its_caller() -> None:
    repeated = [each for each in ALL if each.uses_answer_cache]
    assert repeated
    assert [each.name for each in repeated if each.effect is not Effect.READ] == []
    assert [each.name for each in repeated if each.ignores_credentials or each.limit] == []


def test_a_request_is_passed_on_as_an_argument_and_not_by_context() -> None:
    found = {module.path for module in product() if calls(module, "ContextVar")}
    assert found == TRACES
    imported = {module.path for module in product() if "contextvars" in module.imported()}
    assert imported == TRACES
