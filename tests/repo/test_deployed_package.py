"""The package that is deployed holds what the app needs and nothing else."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from shared.prose.manual import FILES
from tests.paths import ROOT
from tests.sampling import FULL

pytestmark = pytest.mark.slow

BOUND_SECONDS = 300.0  # The first run installs.
MOST_BYTES = 5 * 1024 * 1024  # Of our own code; what it stands on is installed where it runs.
NEEDED = {
    "function_app.py",
    "host.json",
    "requirements.txt",
    "functions/faces.py",
    "shared/bootstrap.py",
    "shared/adapters/cosmos/client.py",
    "shared/adapters/blob/client.py",
    "shared/adapters/search/vocabulary/products.txt",
    "shared/adapters/sqlite/schema.sql",
}
TOPS = {"docs", "function_app.py", "host.json", "requirements.txt", "functions", "shared"}
# What a page, a script or a mail is made of; anything else has strayed into the tree.
KINDS = {
    *(".py", ".json", ".graphql", ".sql", ".txt", ".html", ".css", ".js", ".svg", ".xml", ".md"),
    *(".woff2", ".png", ".ico", ".yml", ".sh", ".bal"),  # The last: of the sample package.
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("package") / "ballroom.zip"
    command = [sys.executable, ".ci/package.py", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return target


def names(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def test_the_package_holds_what_the_app_needs(package: Path) -> None:
    assert set(names(package)) >= NEEDED
    folders = {name.rpartition("/")[0] for name in names(package)}
    assert {"functions/templates", "functions/templates/pipelines", "functions/static"} <= folders


def test_the_package_holds_nothing_else(package: Path) -> None:
    assert {name.partition("/")[0] for name in names(package)} == TOPS
    assert {Path(name).suffix for name in names(package)} <= KINDS
    assert [name for name in names(package) if "__pycache__" in name] == []


def test_every_module_of_the_product_is_in_the_package(package: Path) -> None:
    modules = {
        path.relative_to(ROOT).as_posix()
        for folder in ("functions", "shared")
        for path in ROOT.glob(f"{folder}/**/*.py")
    }
    assert modules <= set(names(package))


def test_the_documentation_in_the_package_is_what_the_registry_serves(package: Path) -> None:
    shipped = {name for name in names(package) if name.startswith("docs/")}
    assert shipped == {f"docs/{file}" for file in FILES}


def test_our_code_is_small(package: Path) -> None:
    assert package.stat().st_size < MOST_BYTES


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the app, as the service unpacks it."""
    folder = tmp_path_factory.mktemp("app")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    return folder


# What selects each world; in the cloud nothing is connected to before it is used.
WORLDS = {
    "one machine": {},
    "the cloud": {
        "BALLROOM_URL": "https://registry.test",
        "BALLROOM_COSMOS_ENDPOINT": "https://cosmos.test:443/",
        "BALLROOM_BLOB_ENDPOINT": "https://blobs.test/",
        "BALLROOM_LINK_KEY": "0123456789abcdef" * 4,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": (
            "InstrumentationKey=00000000-0000-0000-0000-000000000000"
        ),
    },
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment that has the requirements and nothing else."""
    if FULL:
        environment = ROOT / ".venvs" / "production"
        install = ["sh", ".ci/environment", "requirements.txt", str(environment), sys.executable]
        subprocess.run(install, cwd=ROOT, check=True, capture_output=True, timeout=BOUND_SECONDS)
    else:
        environment = tmp_path_factory.mktemp("production")
        venv.create(environment, symlinks=True)
        link_requirements(next(environment.glob("lib/python*/site-packages")))
    return environment / "bin" / "python"


def link_requirements(folder: Path) -> None:
    """Link what this environment has of the requirements: to install them again takes 25 s."""
    lock = (ROOT / "requirements.txt").read_text()
    for name, version, marker in re.findall(r"^([\w.-]+)==(\S+) (; )?", lock, re.MULTILINE):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            found = None
        if found is None or found.version != version:
            assert marker, f"{name} {version} is not installed"
            continue
        for file in found.files or ():
            if ".." not in file.parts:  # Programs are beside the packages.
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).symlink_to(file.locate())


@pytest.mark.timeout(BOUND_SECONDS)
@pytest.mark.parametrize("world", WORLDS)
def test_the_package_starts_with_only_its_requirements(
    world: str, unpacked: Path, python: Path, tmp_path: Path
) -> None:
    code = "import function_app; print(len(function_app.app.get_functions()))"
    started = subprocess.run(
        [python, "-c", code],
        cwd=unpacked,
        env={"PATH": os.defpath, "BALLROOM_DATA": str(tmp_path / "data"), **WORLDS[world]},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )
    assert started.returncode == 0, started.stderr
    assert int(started.stdout) > 100


def test_the_package_renders_every_page_of_the_manual(unpacked: Path, python: Path) -> None:
    manual = "read_manual('https://r.test', 'ballroom')"
    code = f"from shared.prose.manual import read_manual; print(len({manual}.pages))"
    command = [python, "-c", code]
    read = subprocess.run(command, cwd=unpacked, check=True, capture_output=True, text=True)
    assert int(read.stdout) == len(FILES)
