"""The Bicep templates, parsed for the tests that ask them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

from tests.paths import ROOT

INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"


@dataclass(frozen=True)
class Template:
    """One file: its text, and what the parser made of it."""

    path: Path
    text: str
    parsed: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return its path as a reader names it."""
        return self.path.relative_to(INFRA).as_posix()

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.parsed.get("parameters", {})

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.parsed.get("outputs", {})

    @property
    def modules(self) -> Mapping[str, Any]:
        """Return the modules that it uses, by its names for them."""
        return self.parsed.get("modules", {})

    def value(self, variable: str) -> Any:
        """Return the value of a variable that is written out."""
        return self.parsed["variables"][variable]["value"]

    def resources(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield name, type and properties of each resource that it makes."""
        for name, each in self.parsed.get("resources", {}).items():
            if not each["existing"]:
                yield name, each["type"], unwrapped(each["config"])

    def given(self, module: str) -> Mapping[str, Any]:
        return unwrapped(self.modules[module]["config"])["params"]


def function_apps() -> list[Mapping[str, Any]]:
    """Return the apps that main.bicep makes by one module, the one for everything first."""
    given = template(MAIN).value("apps")["function"]["parameters"]
    behind_edge = given["arg_2"]["operator"]["operands"]["true_value"]
    return [*given["arg_1"], *behind_edge]


def unwrapped(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what stands inside of loops and conditions."""
    while "config" in config:
        config = config["config"]
    return config


def properties(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of a resource that it always has: those of `union()` without the parts
    that depend on something."""
    found: Mapping[str, Any] = config.get("properties", {})
    united = found.get("function", {})
    return united["parameters"]["arg_1"] if united.get("type") == "union" else found


def paths() -> list[Path]:
    """Return where the templates are."""
    return [MAIN, *sorted(INFRA.glob("modules/*.bicep"))]


@cache
def template(path: Path) -> Template:
    """Parse a template."""
    return Template(path, path.read_text(), BicepParser().parse(file_path=path))


def module(name: str) -> Template:
    """Parse a module by its name."""
    return template(INFRA / "modules" / f"{name}.bicep")


def uses(text: str, name: str) -> int:
    """Count where a name stands in a template, comments and descriptions left aside."""
    code = re.sub(r"^\s*//.*$|@description\('.*'\)", "", text, flags=re.MULTILINE)
    return len(re.findall(rf"(?<![\w.]){name}\b", code))
