"""What the worker of the cloud finds in the app, whichever version of its library it brings."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import azure.functions as func
import pytest

from functions.faces import build_app
from functions.failed_start import SettingRefused, started_app
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import migrate
from shared.settings import Settings
from tests.paths import ROOT
from tests.repo.product_source import Module, product

# What the headers of requests and responses have in every azure-functions 1.x that has worker 4.
METHODS_OF_HEADERS = {"add", "get", "get_all", "items"}
ANSWERS = {"answer", "made"}  # What variables of answers are called, whose headers are a dict.


def test_the_worker_does_not_take_the_app_for_one_of_fastapi() -> None:
    # It looks for these words in the text of the file.
    text = (ROOT / "function_app.py").read_text()
    assert "FastAPI()" not in text
    assert "from fastapi import" not in text


# What the host brings along. Every other binding is in an extension bundle, and a host that cannot
# download the bundle of its host.json never starts.
BUILT_IN = {"httpTrigger", "http", "timerTrigger"}


def bindings(app: func.FunctionApp) -> set[str]:
    return {
        str(binding["type"])
        for function in app.get_functions()
        for binding in json.loads(str(function))["bindings"]
    }


def test_the_host_needs_no_extension_bundle() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert "extensionBundle" not in host
    assert set(host["extensions"]) == {"http"}


@pytest.mark.parametrize("role", ["all", "changes", "reads", "uploads"])
async def test_every_binding_of_the_registry_is_built_into_the_host(
    role: Literal["all", "changes", "reads", "uploads"], tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path, app_role=role)
    migrate(settings)
    registry = build_registry(settings)
    app = build_app(registry)
    await registry.close()
    assert {"httpTrigger", "http"} <= bindings(app) <= BUILT_IN


def test_every_binding_of_the_app_that_cannot_be_started_is_built_into_the_host() -> None:
    def refuse() -> func.FunctionApp:
        raise SettingRefused("BALLROOM_URL", "It is no address.")

    assert bindings(started_app(refuse)) == BUILT_IN


def test_headers_are_assigned_by_name() -> None:
    called = [
        f"{module.path}:{line} calls headers.{name}"
        for module in product()
        for name, line in methods_of_headers(module)
        if name not in METHODS_OF_HEADERS
    ]
    assert called == []


def methods_of_headers(module: Module) -> Iterator[tuple[str, int]]:
    """Find the methods of an attribute `headers` that are called, and the lines."""
    for node in module.find(ast.Call):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    attr=name, value=ast.Attribute(attr="headers", value=owner), lineno=line
                )
            ):
                if ast.unparse(owner) not in ANSWERS:
                    yield name, line
            case _:
                continue
