"""Imports point inwards."""

import ast
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.product_source import Module, product

# What the domain may import beside the standard library.
# `cryptography` verifies and makes signatures, and reads nothing.
PURE = {"cryptography", "license_expression", "msgspec", "pydantic", "shared", "tomli"}


def domain() -> list[Module]:
    return [module for module in product() if module.path.startswith("shared/domain/")]


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [command, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("part", "imports"), [("http", set[str]()), ("html", {"functions.http"})])
def test_what_the_faces_share_may_import_no_module_beside_it(part: str, imports: set[str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    [contract] = [each for each in contracts if each["id"] == part]
    folder = ROOT / "functions"
    found = [*folder.glob("*.py"), *(each.parent for each in folder.glob("*/__init__.py"))]
    beside = {f"functions.{each.stem}" for each in found}
    own = {"functions.__init__", f"functions.{part}", *imports}
    assert {*contract["forbidden_modules"]} == beside - own


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {each.path.removesuffix(".py").replace("/", "."): each for each in product()}
    graph = {name: modules.keys() & {*each.imported()} for name, each in modules.items()}
    assert len([*TopologicalSorter(graph).static_order()]) == len(modules)


def test_the_domain_imports_nothing_but_libraries_that_compute() -> None:
    foreign = [
        f"{module.path} imports {name}"
        for module in domain()
        for name in module.imported()
        if (top := name.partition(".")[0]) not in PURE and top not in sys.stdlib_module_names
    ]
    assert not foreign, foreign


def test_the_domain_is_synchronous() -> None:
    waiting = [
        module.path
        for module in domain()
        if "asyncio" in module.imported()
        or any(isinstance(function, ast.AsyncFunctionDef) for function in module.functions())
    ]
    assert not waiting, waiting


# What calls other machines, and the few places that may: to sign people in, to send mail, to prove
# domains. None of them is in reach of what finds packages.
CALLERS = {"aiosmtplib", "dns", "httpx", "msal", "requests", "smtplib", "urllib.request"}
MAY_CALL = (
    "shared/adapters/",
    "shared/audit.py",
    "shared/auth/",
    "shared/bootstrap/",
    "shared/ci_job.py",
    "shared/command_line.py",
    "shared/commands/",
    "shared/login.py",
    "shared/outdated.py",
    "shared/script_client.py",
    "shared/verification/",
    "shared/verify.py",
)


def test_only_adapters_and_signing_in_can_call_other_machines() -> None:
    found = [
        f"{module.path} imports {name}"
        for module in product()
        if not module.path.startswith(MAY_CALL)
        for name in module.imported()
        if name in CALLERS or name.partition(".")[0] in CALLERS
    ]
    assert not found, found


# What reads texts and sources of strangers, and the places from which it is reached: the confined
# process, and what is a part of the readers themselves.
READERS = {
    "shared.ballerina.declarations",
    "shared.ballerina.lexer",
    "shared.ballerina.syntax",
    "shared.domain.api_docs.generator",
    "shared.domain.api_docs.release",
    "sigstore",
    "tuf",
}
MAY_READ = ("shared/ballerina/", "shared/confined/", "shared/domain/api_docs/")


def test_sources_and_bundles_of_strangers_are_read_in_the_confined_process_alone() -> None:
    found = [
        f"{module.path} imports {name}"
        for module in product()
        if not module.path.startswith(MAY_READ)
        for name in module.imported()
        if name in READERS or name.partition(".")[0] in READERS
    ]
    assert not found, found


# Doubles of the clients, which stand beside the tests of the protocol.
DOUBLES_OF_CLIENTS = "tests.protocol.bal"


def test_what_the_suites_share_imports_no_suite() -> None:
    suites = {
        path.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").rglob("test_*.py")
    }
    imports = [
        f"{path.relative_to(ROOT)} imports {node.module}"
        for folder in ("support", "fakes")
        for path in sorted((ROOT / "tests" / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module is not None
        and not f"{node.module}.".startswith(f"{DOUBLES_OF_CLIENTS}.")
        and node.module.split(".")[:1] == ["tests"]
        and {*node.module.split(".")[1:2]} & suites
    ]
    assert imports == []
