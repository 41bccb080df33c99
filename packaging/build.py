"""Build what people install into a folder, or print the version.

`python packaging/build.py WHAT FOLDER`, with wheel, single-file, azure-package, sbom, feed or
notes; `image-sbom FILE CONTENTS` with what packaging/image/contents.py printed; or `version` alone.
The tools are in packaging/requirements.txt. The same commit gives the same bytes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any
from urllib.parse import quote

from releases_feed import listed_releases, releases_feed

PACKAGING = Path(__file__).resolve().parent
ROOT = PACKAGING.parent
LOCK = ROOT / "requirements.txt"
AZURE_LOCK = ROOT / "infra" / "requirements.txt"  # What the extra `azure` adds to it.
LICENSES = ROOT / "docs" / "run" / "third-party.md"  # Of what the locks pin.
# The time of each file in an archive: 1980 is the earliest that a zip file can say.
REPRODUCIBLE = {**os.environ, "SOURCE_DATE_EPOCH": "315532800"}

_PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "ballroom"
version = "{version}"
description = "{description}"
readme = "README.md"
license = "{license}"
license-files = ["LICENSE", "docs/run/third-party.md"]
requires-python = "{requires_python}"
dependencies = {dependencies}

[project.optional-dependencies]
azure = {azure}

[project.scripts]
ballroom = "ballroom.__main__:main"

[tool.hatch.build.targets.wheel]
packages = ["ballroom"]
"""


def main(arguments: list[str]) -> str | None:
    """Build one artifact; return why it failed, or None."""
    builders: dict[str, Callable[[Path], Path]] = {
        "notes": write_notes,
        "feed": write_feed,
        "wheel": build_wheel,
        "single-file": build_single_file,
        "sbom": write_sbom,
        "azure-package": build_azure_package,
    }
    match arguments:
        case ["version"]:
            print(version())
            return None
        case ["image-sbom", file, contents]:
            write_image_sbom(Path(file), json.loads(Path(contents).read_text()))
            return None
        case [what, folder] if what in builders:
            target = Path(folder).absolute()
            target.mkdir(parents=True, exist_ok=True)
            built = builders[what](target)
            print(f"{built} has {built.stat().st_size / 1e6:.1f} MB.")
            return None
        case _:
            return f"usage: packaging/build.py {'|'.join(builders)} FOLDER"


def build_wheel(target: Path) -> Path:
    """Build the wheel, whose requirements are the exact versions of the lock, and whose extra
    `azure` has those of the other one."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        shutil.copytree(
            PACKAGING / "ballroom",
            source / "ballroom",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        _unpack_program(source / "ballroom" / "app")
        for name in ("README.md", "LICENSE"):
            shutil.copyfile(ROOT / name, source / name)
        listed = source / LICENSES.relative_to(ROOT)  # As a wheel has it that pip builds.
        listed.parent.mkdir(parents=True)
        shutil.copyfile(LICENSES, listed)
        (source / "pyproject.toml").write_text(_project())
        _run("hatchling", "build", "--target", "wheel", "--directory", str(target), folder=source)
    return target / f"ballroom-{version()}-py3-none-any.whl"


def build_single_file(target: Path) -> Path:
    """Build a file that runs with this interpreter's version on this platform, and fetches
    nothing."""
    name = f"ballroom-{sysconfig.get_platform()}-{sys.implementation.cache_tag}.pyz"
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder))
        site = f"{folder}/site"
        install = ("pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", site)
        _run(*install, "--require-hashes", "--requirement", str(LOCK))
        _run(*install, str(wheel))
        _run(
            "shiv",
            "--site-packages",
            site,
            "--console-script",
            "ballroom",
            "--compressed",
            "--reproducible",
            "--output-file",
            str(target / name),
        )
    return target / name


def build_azure_package(target: Path) -> Path:
    """Build the file that is deployed to Azure, and the bill of materials of what it has."""
    file = target / f"ballroom-{version()}-azure.zip"
    command = [sys.executable, ".ci/package.py", "--bytecode", str(file)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(file) as package:
        has = {
            (_canonical(found[1]), found[2])
            for name in package.namelist()
            if (found := _METADATA.search(name))
        }
    _write_sbom_of(has, file.with_suffix(".cdx.json"))
    return file


_METADATA = re.compile(r"/([^/]+)-([^/-]+)\.dist-info/METADATA$")
_PIN = re.compile(r"^(?=[a-z])", re.MULTILINE)
_NAME = re.compile(r"([\w.-]+)==(\S+)")
_LICENSE_ROW = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


def write_image_sbom(file: Path, contents: Mapping[str, Any]) -> None:
    """Write the bill of materials of an image: what the registry requires there, the Python, and
    the packages of Debian with the names of licenses that Debian gives them."""
    has = {(_canonical(name), number) for name, number in contents["distributions"]}
    _write_sbom_of(has, file)
    document = json.loads(file.read_text())
    components = document["components"]
    if contents["python"]:
        components.append(
            {
                "bom-ref": "python",
                "type": "platform",
                "name": "python",
                "version": contents["python"],
                "licenses": [{"license": {"id": "PSF-2.0"}}],
                "purl": f"pkg:generic/python@{contents['python']}",
            }
        )
    components += [_of_debian(each, contents["debian"]) for each in contents["packages"]]
    file.write_text(json.dumps(document, indent=2) + "\n")


def _of_debian(package: Mapping[str, Any], release: str) -> dict[str, Any]:
    name = package["name"]
    number = package["version"]
    distribution = f"arch={package['architecture']}&distro=debian-{release}"
    address = f"pkg:deb/debian/{quote(name)}@{quote(number)}?{distribution}"
    component: dict[str, Any] = {
        "bom-ref": address,
        "type": "library",
        "name": name,
        "version": number,
        "purl": address,
        "properties": [
            {
                "name": "ballroom:debian:source",
                "value": f"{package['source']} {package['source_version']}",
            }
        ],
    }
    if package["licenses"]:
        component["licenses"] = [{"license": {"name": each}} for each in package["licenses"]]
    return component


def _write_sbom_of(has: Set[tuple[str, str]], file: Path) -> None:
    """Write the bill of materials of those pins of both locks that something has."""
    pins = [
        each
        for lock in (LOCK, AZURE_LOCK)
        for each in _PIN.split(lock.read_text())
        if (pin := _NAME.match(each)) and pin.groups() in has
    ]
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "requirements.txt"
        lock.write_text("".join(pins))
        _write_sbom(lock, file)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def write_sbom(target: Path) -> Path:
    """Write the bill of materials of the lock in CycloneDX's form."""
    file = target / f"ballroom-{version()}.cdx.json"
    _write_sbom(LOCK, file)
    return file


def write_feed(target: Path) -> Path:
    """Write the Atom feed of all releases; on GitHub its entries link to theirs."""
    server = os.environ.get("GITHUB_SERVER_URL")
    repository = os.environ.get("GITHUB_REPOSITORY")
    address = f"{server}/{repository}" if server and repository else ""
    file = target / "releases.atom"
    file.write_text(releases_feed((ROOT / "CHANGELOG.md").read_text(), address))
    return file


def write_notes(target: Path) -> Path:
    """Write what CHANGELOG.md says of this version, and the title of its release."""
    text = (ROOT / "CHANGELOG.md").read_text()
    [title] = [each.title for each in listed_releases(text) if each.version == version()]
    (target / "title.txt").write_text(f"{title}\n")
    _, _, after = text.partition(f"\n## {version()} (")
    body = after.partition("\n")[2].partition("\n## ")[0]
    file = target / "notes.md"
    file.write_text(body.strip() + "\n")
    return file


def version() -> str:
    """Return the version of the registry."""
    return str(_metadata()["version"])


def requirements(lock: Path) -> Iterator[str]:
    """Yield the requirements of a lock, each with its exact version and its marker."""
    for line in lock.read_text().splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            yield line.removesuffix("\\").strip()


def _unpack_program(target: Path) -> None:
    """Write our own files of what is deployed to Azure to a folder."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "program.zip"
        command = [sys.executable, ".ci/package.py", "--code", str(package)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with zipfile.ZipFile(package) as archive:
            archive.extractall(target)


def _write_sbom(lock: Path, file: Path) -> None:
    _run(
        "cyclonedx_py",
        "requirements",
        str(lock),
        "--pyproject",
        str(ROOT / "pyproject.toml"),
        "--output-reproducible",
        "--output-format",
        "JSON",
        "--output-file",
        str(file),
    )
    document = json.loads(file.read_text())
    listed = _listed_licenses()
    for component in document["components"]:
        pin = (_canonical(component["name"]), component["version"])
        if pin not in listed:
            where = LICENSES.relative_to(ROOT)
            message = f"{where} does not list {' '.join(pin)}. Run: make licenses"
            raise LookupError(message)
        component["licenses"] = [_license_entry(listed[pin])]
    file.write_text(json.dumps(document, indent=2) + "\n")


def _listed_licenses() -> dict[tuple[str, str], str]:
    """Return the licenses that docs/run/third-party.md lists, by name and version."""
    return {
        (name, number): license_
        for name, numbers, license_ in _LICENSE_ROW.findall(LICENSES.read_text())
        for number in numbers.split(", ")
    }


def _license_entry(license_: str) -> dict[str, object]:
    """Return a license as CycloneDX has it."""
    return {"expression": license_} if " " in license_ else {"license": {"id": license_}}


def _project() -> str:
    metadata = _metadata()
    return _PROJECT.format(
        version=metadata["version"],
        description=metadata["description"],
        license=metadata["license"],
        requires_python=metadata["requires-python"],
        # Lists of texts are the same in TOML.
        dependencies=json.dumps(list(requirements(LOCK))),
        azure=json.dumps(list(requirements(AZURE_LOCK))),
    )


def _metadata() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _run(module: str, *arguments: str, folder: Path = ROOT) -> None:
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, cwd=folder, env=REPRODUCIBLE, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
