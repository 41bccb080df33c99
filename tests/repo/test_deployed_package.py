"""The package that is deployed holds what the app needs and nothing else, and runs as it is."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from packaging.markers import Marker

from shared.prose.manual import FILES
from tests.paths import ROOT
from tests.run import find_python
from tests.support.archives import bala
from tests.support.world import make_template

pytestmark = pytest.mark.slow

BOUND_SECONDS = 600.0  # The first run downloads.
PACKER = ".ci/package.py"
SITE = ".python_packages/lib/site-packages"
MOST_BYTES_OF_CODE = 5 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024  # Azure copies the package to each new instance.
NEEDED = {
    "function_app.py",
    "host.json",
    "requirements.txt",
    "functions/faces.py",
    "shared/bootstrap/adapters.py",
    "shared/adapters/cosmos/client.py",
    "shared/adapters/blob/client.py",
    "shared/adapters/search/vocabulary/products.txt",
    "shared/adapters/sqlite/schema.sql",
}
TOPS = ("docs", "function_app.py", "host.json", "requirements.txt", "functions", "shared")
# What a page, a script or a mail is made of; anything else has strayed into the tree.
KINDS = {
    ".py",
    ".json",
    ".graphql",
    ".sql",
    ".txt",
    ".html",
    ".css",
    ".js",
    ".svg",
    ".xml",
    ".md",
    ".woff2",
    ".png",
    ".ico",
    ".yml",
    ".sh",
    ".groovy",
    ".bal",  # Of the sample package.
}
# What the documents, azd and people make beside the code.
STRAYS = (
    "ballroom.zip",
    "ballroom-1.0.0-azure.zip",
    "prices.json",
    "notes.txt",
    ".env",
    "key.pem",
    "local.settings.json",
    "registry_env/pyvenv.cfg",
    "registry_env/lib/site.py",
    "venv/pyvenv.cfg",
    "env/bin/python",
    ".package/host.json",
    ".azure/dev/.env",
    "functions/__pycache__/faces.pyc",
    "shared/cli.pyc",
    "node_modules/a/index.js",
)


def packed(
    *arguments: str, root: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the packer, whose interpreter may be another one than that of the package."""
    return subprocess.run(
        [sys.executable, PACKER, *arguments],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )


def names(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def packer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("packer", ROOT / PACKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- our own files ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("code") / "ballroom.zip"
    assert packed("--code", str(target)).returncode == 0
    return target


def tracked() -> set[str]:
    """Return the files of the repository that are deployed, also those of the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *TOPS],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    manual = {f"docs/{file}" for file in FILES}
    return {name for name in found if not name.startswith("docs/") or name in manual}


def test_the_package_has_the_files_of_the_repository_that_the_app_needs(code: Path) -> None:
    assert set(names(code)) == tracked()
    assert set(names(code)) >= NEEDED
    assert {Path(name).suffix for name in names(code)} <= KINDS


def test_what_documents_and_tools_make_beside_the_code_is_not_deployed(
    code: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(code) as archive:
        archive.extractall(tmp_path)
    for name in (PACKER, ".funcignore"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name in STRAYS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("astray")
    assert packed("--code", "ballroom.zip", root=tmp_path).returncode == 0
    assert names(tmp_path / "ballroom.zip") == names(code)


def test_our_code_is_small(code: Path) -> None:
    assert code.stat().st_size < MOST_BYTES_OF_CODE


# --- the whole package --------------------------------------------------------------------------


@dataclass(frozen=True)
class Package:
    """The whole package for a version of Python, and what it holds, unpacked."""

    file: Path
    folder: Path
    version: str
    interpreter: str

    @property
    def site(self) -> Path:
        return self.folder / SITE


def at_hand(version: str) -> str:
    """Return an interpreter of a version, or skip the test."""
    interpreter = find_python(version)
    if interpreter is None:
        pytest.skip(f"Python {version} is not installed here")
    return interpreter


def path_with(interpreter: str) -> str:
    return f"{Path(interpreter).parent}:{os.environ['PATH']}"


def built(folder: Path, version: str) -> Package:
    interpreter = at_hand(version)
    file = folder / "ballroom.zip"
    made = packed("--bytecode", "--python", version, str(file), PATH=path_with(interpreter))
    assert made.returncode == 0, made.stderr
    return unpacked(file, folder, version)


def unpacked(file: Path, folder: Path, version: str) -> Package:
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "app")
    return Package(file, folder / "app", version, at_hand(version))


@cache
def default_version() -> str:
    return str(packer().python_of_templates())


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Return the package, which is that of a release where `publish` names its file."""
    folder = tmp_path_factory.mktemp("package")
    if given := os.environ.get("BALLROOM_TEST_PACKAGE"):
        return unpacked(Path(given), folder, default_version())
    return built(folder, default_version())


def pins(version: str) -> dict[str, str]:
    """Return what both locks pin for a version of Python on Linux."""
    target = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    lock = "".join((ROOT / each).read_text() for each in packer().LOCKS)
    found = re.findall(r"^([\w.-]+)==(\S+)(?: ; (.+?))? \\$", lock, re.MULTILINE)
    return {
        name: pinned
        for name, pinned, marker in found
        if not marker or Marker(marker).evaluate(target)
    }


def installed(site: Path) -> dict[str, str]:
    metadata = (each.read_text() for each in site.glob("*.dist-info/METADATA"))
    fields = (dict(re.findall(r"^(Name|Version): (\S+)$", each, re.MULTILINE)) for each in metadata)
    return {re.sub(r"[-_.]+", "-", each["Name"]).lower(): each["Version"] for each in fields}


@pytest.mark.timeout(BOUND_SECONDS)
def test_the_package_has_what_the_lock_pins_for_the_python_of_the_apps(package: Package) -> None:
    assert installed(package.site) == pins(package.version)
    assert installed(package.site)["azure-functions"].startswith("2.")  # 1.x takes Python to 3.12.


@pytest.mark.timeout(BOUND_SECONDS)
def test_compiled_modules_are_for_linux_on_x86_64_and_that_python(package: Package) -> None:
    tag = f"cpython-{package.version.replace('.', '')}-x86_64-linux-gnu"
    libraries = [each.name for each in package.site.rglob("*.so*")]
    assert any(tag in name for name in libraries)
    assert [name for name in libraries if tag not in name and ".abi3." not in name] == []
    assert [each for each in package.site.rglob("*") if each.suffix in (".pyd", ".dylib")] == []


@pytest.mark.timeout(BOUND_SECONDS)
def test_the_package_holds_nothing_of_the_machine_that_made_it(package: Package) -> None:
    assert {each.name for each in package.folder.iterdir()} == {
        *TOPS,
        ".python_packages",
        "__pycache__",
    }
    assert not (package.site / "bin").exists()
    for record in package.site.glob("*.dist-info/RECORD"):
        recorded = [line.partition(",")[0] for line in record.read_text().splitlines()]
        assert [name for name in recorded if name.startswith(("..", "bin/", "/"))] == []
    assert package.file.stat().st_size < MOST_BYTES


@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_the_same_inputs_give_the_same_bytes(package: Package, tmp_path: Path) -> None:
    again = built(tmp_path / "elsewhere", package.version)
    assert again.file.read_bytes() == package.file.read_bytes()


@pytest.mark.timeout(BOUND_SECONDS)
def test_every_module_has_bytecode_that_no_time_makes_stale(package: Package) -> None:
    tag = f"cpython-{package.version.replace('.', '')}"
    sources = [each for each in package.folder.rglob("*.py") if each.name.isascii()]
    assert len(sources) > 2_000
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, compiled  # By hash, and not compared with the source.


@pytest.mark.timeout(BOUND_SECONDS)
def test_tracebacks_name_files_where_azure_has_them(package: Package) -> None:
    [compiled] = package.folder.glob("__pycache__/function_app.*.pyc")
    code = (
        "import marshal, sys; print(marshal.loads(open(sys.argv[1], 'rb').read()[16:]).co_filename)"
    )
    command = [package.interpreter, "-c", code, str(compiled)]
    read = subprocess.run(command, check=True, capture_output=True, text=True)
    assert read.stdout.strip() == "/home/site/wwwroot/function_app.py"


def without_python(folder: Path) -> str:
    """Return a PATH with all commands but interpreters of Python."""
    for place in ("/usr/bin", "/bin"):
        for command in Path(place).iterdir():
            link = folder / command.name
            if not command.name.startswith("python") and not link.is_symlink():
                link.symlink_to(command)
    return str(folder)


@pytest.mark.timeout(BOUND_SECONDS)
def test_without_that_python_the_package_has_no_bytecode_and_says_so(tmp_path: Path) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    version = next(each for each in ("3.13", "3.12") if each != here)
    (tmp_path / "bin").mkdir()
    path = without_python(tmp_path / "bin")
    made = packed("--python", version, str(tmp_path / "p.zip"), PATH=path)
    assert made.returncode == 0, made.stderr
    assert f"no bytecode, because Python {version} is not on the PATH" in made.stderr
    assert [name for name in names(tmp_path / "p.zip") if name.endswith(".pyc")] == []
    refused = packed("--bytecode", "--python", version, str(tmp_path / "q.zip"), PATH=path)
    assert refused.returncode == 1
    assert f"needs bytecode, and Python {version} is not on the PATH" in refused.stderr
    assert not (tmp_path / "q.zip").exists()


@pytest.mark.timeout(BOUND_SECONDS)
def test_azd_gets_the_files_of_the_package_and_leaves_none_of_them_out(
    package: Package, tmp_path: Path
) -> None:
    folder = tmp_path / ".package"
    for _ in range(2):  # The second takes the place of the first.
        made = packed(str(folder), BALLROOM_PACKAGE=str(package.file))
        assert made.returncode == 0, made.stderr
    files = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    assert files == {*names(package.file), ".funcignore"}
    patterns = (folder / ".funcignore").read_text().splitlines()
    assert [each for each in patterns if not each.startswith("#")] == []
    assert [each.name for each in tmp_path.iterdir()] == [".package"]


def test_a_file_that_is_no_package_is_refused_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".package").mkdir()
    (tmp_path / ".package" / "host.json").write_text("{}")
    (tmp_path / "page.zip").write_text("<html>Not found</html>")
    for given in ("page.zip", "missing.zip"):
        refused = packed(str(tmp_path / ".package"), BALLROOM_PACKAGE=str(tmp_path / given))
        assert refused.returncode == 1
        assert f"{given}, which cannot be read as a zip file" in refused.stderr
    assert (tmp_path / ".package" / "host.json").exists()


@pytest.mark.parametrize(
    ("parameters", "version"),
    [
        ({}, "3.13"),
        ({"pythonVersion": {"value": "3.14"}}, "3.14"),
        ({"size": {"value": "dev"}}, "3.13"),
    ],
)
def test_the_package_is_for_the_python_that_azd_deploys(
    parameters: Mapping[str, object], version: str, tmp_path: Path
) -> None:
    module = packer()
    (tmp_path / "infra").mkdir()
    shutil.copyfile(ROOT / "infra" / "main.bicep", tmp_path / "infra" / "main.bicep")
    given = json.dumps({"parameters": parameters})
    (tmp_path / "infra" / "main.parameters.json").write_text(given)
    vars(module)["ROOT"] = tmp_path
    assert module.python_of_templates() == version


# --- the worker of the Functions host -----------------------------------------------------------

WORKER = "tests/worker/requirements.txt"
OF_THE_WORKER = ("azure_functions_runtime", "azurefunctions")
# Nobody reaches a network from here, and nothing writes beside the code.
CONFINED = """
set -eu
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
! touch "$0/written" 2> /dev/null
exec "$@"
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the worker alone: everything else has to be in the package."""
    interpreter = at_hand("3.13")
    environment = ROOT / ".venvs" / "worker"
    for lock in ("requirements.txt", WORKER):
        install = ["sh", ".ci/environment", lock, str(environment), interpreter]
        subprocess.run(install, cwd=ROOT, check=True, capture_output=True, timeout=BOUND_SECONDS)
    folder = tmp_path_factory.mktemp("worker")
    shutil.copytree(ROOT / "tests" / "worker", folder / "tests" / "worker")
    [site] = environment.glob("lib/python*/site-packages")
    for each in OF_THE_WORKER:
        shutil.copytree(site / each, folder / each)
    return folder


@pytest.fixture(scope="module", params=["3.13", "3.14"])
def package_of_worker(
    request: pytest.FixtureRequest, package: Package, tmp_path_factory: pytest.TempPathFactory
) -> Package:
    if request.param == package.version:
        return package
    return built(tmp_path_factory.mktemp("package"), request.param)


def confinement(folder: Path) -> list[str]:
    """Return the beginning of a command that runs without a network, over a read-only folder."""
    unshare = ["unshare", "--net", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, "true"], check=False).returncode
    ):
        pytest.skip("this system lets nobody run a command without a network")
    return [*unshare, "sh", "-c", CONFINED, str(folder)]


def asked(
    package: Package, worker: Path, settings: Mapping[str, str], requests: Sequence[object]
) -> list[dict[str, Any]]:
    """Start the worker with the unpacked package, and return its answers."""
    started = subprocess.run(
        [
            *confinement(package.folder),
            package.interpreter,
            "-s",
            "-B",
            f"{worker}/tests/worker/driver.py",
            str(package.folder),
        ],
        cwd=worker,
        env={"PATH": os.defpath, **settings},
        input=f"{json.dumps(requests)}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )
    assert started.returncode == 0, started.stderr
    answers: list[dict[str, Any]] = json.loads(started.stdout)
    return answers


def told(function: str, request: httpx.Request, **params: str) -> dict[str, object]:
    """Return a request as the host tells it to the worker."""
    return {
        "function": function,
        "params": params,
        "method": request.method,
        "target": request.url.path,
        "headers": [*request.headers.items()],
        "body": request.read().decode("latin-1"),
    }


URL = "http://registry.test"
PAGES = [
    told("health_live", httpx.Request("GET", f"{URL}/health/live")),
    told("web_manual", httpx.Request("GET", f"{URL}/docs", headers={"Accept": "text/html"})),
    told("static_file", httpx.Request("GET", f"{URL}/static/site.x.css"), file="site.x.css"),
]


@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_the_package_runs_in_the_worker_read_only_without_a_network(
    package_of_worker: Package, worker: Path, tmp_path: Path
) -> None:
    token = make_template(tmp_path / "data").people.ann.token
    packages = f"{URL}/2.0/registry/packages"
    push = httpx.Request(
        "POST",
        packages,
        headers={"Authorization": f"Bearer {token}"},
        files={"bala-file": ("any.bala", bala("acme/greet:1.0.0"))},
    )
    versions = httpx.Request("GET", f"{packages}/acme/greet")
    answers = asked(
        package_of_worker,
        worker,
        {"BALLROOM_URL": URL, "BALLROOM_DATA": str(tmp_path / "data")},
        [
            *PAGES,
            told("central_push", push),
            told("central_versions", versions, org="acme", name="greet"),
        ],
    )
    assert [each["status"] for each in answers] == [200, 200, 200, 204, 200]
    assert answers[-1]["body"] == '["1.0.0"]'


# Nothing is connected to before it is used.
CLOUD = {
    "BALLROOM_URL": "https://registry.test",
    "BALLROOM_COSMOS_ENDPOINT": "https://cosmos.test:443/",
    "BALLROOM_BLOB_ENDPOINT": "https://blobs.test/",
    "BALLROOM_LINK_KEY": "0123456789abcdef" * 4,
    "APPLICATIONINSIGHTS_CONNECTION_STRING": (
        "InstrumentationKey=00000000-0000-0000-0000-000000000000"
    ),
}


@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_the_package_starts_in_the_worker_over_the_stores_of_the_cloud(
    package_of_worker: Package, worker: Path
) -> None:
    answers = asked(package_of_worker, worker, CLOUD, PAGES)
    assert [each["status"] for each in answers] == [200, 200, 200]
