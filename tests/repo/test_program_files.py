"""The wheel that pip builds from a checkout has the program that is deployed to Azure."""

import importlib.util
import tomllib
from collections.abc import Iterator
from types import ModuleType

from tests.paths import ROOT

APP = "ballroom/app/"
INDEX = "README.md"  # Of a folder of docs, for readers of the repository; a registry has its own.


def packer() -> ModuleType:
    """Return what makes the package for Azure."""
    spec = importlib.util.spec_from_file_location("packer", ROOT / ".ci" / "package.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_the_wheel() -> Iterator[str]:
    """Yield the files that pyproject.toml puts into the wheel, as the program has them."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    for source, target in build["targets"]["wheel"]["force-include"].items():
        assert target == APP + source
        path = ROOT / source
        found = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        for each in found:
            is_index = source.startswith("docs/") and each.name == INDEX
            if not is_index and "__pycache__" not in each.parts:
                yield each.relative_to(ROOT).as_posix()


def test_the_wheel_and_the_package_have_the_same_files() -> None:
    module = packer()
    assert sorted(of_the_wheel()) == sorted(module.files(ROOT, module.patterns()))
