"""Make the package that is deployed to Azure: our code, and everything that it requires.

`package.py FILE.zip` installs what requirements.txt and infra/requirements.txt pin into
`.python_packages` of the package, as wheels for Linux on x86-64 and the version of Python that the
templates set (`--python 3.14` for another one), so that nothing is built or downloaded where it
runs. `package.py FOLDER` writes the
same files to a folder for azd, or unpacks the file that BALLROOM_PACKAGE names. `package.py --code
FILE.zip` leaves out what is required.

The package has bytecode where that version of Python is at hand, and `--bytecode` refuses to make
one without. The same inputs always give the same bytes.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESOLVER = ROOT / ".venvs" / "lock"
LOCKS = ("requirements.txt", "infra/requirements.txt")  # Of one machine, and of Azure beside it.
SITE = ".python_packages/lib/site-packages"  # Where the worker of the Functions host looks.
# The C library of the images of Functions is at least this version, 2.28.
PLATFORM = "x86_64-manylinux_2_28"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # That a zip can say; the time of a checkout is nobody's.
DEPLOYED = "/home/site/wwwroot"  # Where Azure mounts the package: tracebacks name its files there.
# Without a file of this name, azd leaves out what it takes for leftovers, such as __pycache__.
IGNORED = ".funcignore"
IGNORED_NOTHING = "# Everything here is deployed.\n"


def main(arguments: Sequence[str]) -> None:
    """Write the package, or exit with the reason why it cannot be made."""
    parser = argparse.ArgumentParser(description="Make the package that is deployed to Azure.")
    parser.add_argument("target", type=Path, metavar="FILE.zip|FOLDER")
    parser.add_argument("--python", metavar="VERSION", help="instead of that of the templates")
    parser.add_argument("--bytecode", action="store_true", help="refuse a package without bytecode")
    parser.add_argument("--code", action="store_true", help="leave out what the code requires")
    options = parser.parse_args(arguments)
    target: Path = options.target.absolute()
    is_file = target.suffix == ".zip"
    given = "" if is_file else os.environ.get("BALLROOM_PACKAGE", "")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that a rename puts it there at once.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".package-") as scratch:
        folder = Path(scratch) / "package"
        if given:
            unpack(ROOT / given, folder)
        elif options.code:
            copy_code(folder)
        else:
            version = options.python or python_of_templates()
            assemble(folder, version, needs_bytecode=options.bytecode)
        (write_file if is_file else write_folder)(folder, target)
    made = f"what {given} has" if given else "the package"
    print(f"{options.target} is {made}.")


def assemble(folder: Path, version: str, *, needs_bytecode: bool) -> None:
    """Write the whole package for a version of Python to a new folder."""
    interpreter = find_interpreter(version)
    missing = f"Python {version} is not on the PATH"
    if interpreter is None and needs_bytecode:
        sys.exit(f"The package needs bytecode, and {missing}. Install it.")
    copy_code(folder)
    install(folder / SITE, version)
    if interpreter:
        compile_modules(folder, interpreter)
    else:
        print(
            f"The package has no bytecode, because {missing}: each start of an instance takes"
            " longer.",
            file=sys.stderr,
        )


def copy_code(folder: Path) -> None:
    """Copy the files that .funcignore does not leave out."""
    for name in sorted(files(ROOT, patterns())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)


def python_of_templates() -> str:
    """Return the version of Python of the apps: the parameter that azd deploys, or its default."""
    infra = ROOT / "infra"
    parameters = json.loads((infra / "main.parameters.json").read_text())["parameters"]
    default = re.search(
        r"^param pythonVersion string = '(.+)'$", (infra / "main.bicep").read_text(), re.MULTILINE
    )
    version = parameters.get("pythonVersion", {}).get("value") or (default[1] if default else "")
    if re.fullmatch(r"3\.\d+", version):
        return version
    sys.exit(
        f"The templates name the Python {version!r}, which is no version. Correct pythonVersion"
        " in infra/main.parameters.json, or give one: --python 3.13"
    )


def install(site: Path, version: str) -> None:
    """Install what the locks pin for a version of Python on Linux, as wheels alone."""
    if os.name == "nt":
        sys.exit(
            "The package is made on Linux or macOS, also in WSL. On Windows take the file of a"
            " release: azd env set BALLROOM_PACKAGE FILE"
        )
    environment = ("sh", ".ci/environment", ".ci/requirements.txt", RESOLVER, sys.executable)
    subprocess.run(environment, cwd=ROOT, check=True)
    index = os.environ.get("PIP_INDEX_URL")
    command = [RESOLVER / "bin" / "uv", "pip", "install", "--quiet", "--python", sys.executable]
    command += ["--target", site, "--python-platform", PLATFORM, "--python-version", version]
    command += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--link-mode", "copy"]
    command += ["--default-index", index] if index else []
    for lock in LOCKS:
        command += ["--requirement", lock]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(
            f"{' and '.join(LOCKS)} cannot be installed for Python {version}, for the reason above."
            " Check the network, or name your index (PIP_INDEX_URL), and run the command again."
        )
    # Commands, which name the interpreter of this machine.
    shutil.rmtree(site / "bin", ignore_errors=True)
    (site / ".lock").unlink(missing_ok=True)
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(each for each in lines if (site / _recorded(each)).exists()))


def _recorded(line: str) -> str:
    """Return the file that a line of RECORD is about; a name with a comma is in quotes."""
    return line[1:].partition('"')[0] if line.startswith('"') else line.partition(",")[0]


def find_interpreter(version: str) -> str | None:
    """Return a released CPython of that version, which may be the one that runs this, or None."""
    for candidate in (sys.executable, shutil.which(f"python{version}")):
        if candidate:
            command = [candidate, "-c", _WHICH]
            said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            if said.split() == [version, "final", "cpython"]:
                return candidate
    return None


# A name on the PATH proves little (a version manager puts up fronts), so each candidate runs this.
_WHICH = """
import sys
print("%d.%d" % sys.version_info[:2], sys.version_info.releaselevel, sys.implementation.name)
"""


def compile_modules(folder: Path, interpreter: str) -> None:
    """Write the bytecode of all modules beside them.

    Zip files keep no exact times, and the folder cannot be written where it runs: bytecode that is
    checked against the time of its source would be stale for ever.
    """
    command = [interpreter, "-P", "-s", "-m", "compileall", "-q"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", ".", "-p", DEPLOYED, "."]
    # The order of sets is in the bytecode.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    compiled = subprocess.run(
        command, cwd=folder, env=environment, stderr=subprocess.DEVNULL, check=False
    )
    if compiled.returncode:
        sys.exit(f"{interpreter} cannot compile a module of the package, for the reason above.")


def write_file(folder: Path, target: Path) -> None:
    """Write a folder to an archive, all at once."""
    partial = folder.with_name("package.zip")
    files_of_package = (each for each in folder.rglob("*") if each.is_file())
    names = sorted(each.relative_to(folder).as_posix() for each in files_of_package)
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.create_system = 3  # Unix, also where this runs elsewhere.
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (folder / name).read_bytes(), zipfile.ZIP_DEFLATED)
    partial.replace(target)


def write_folder(folder: Path, target: Path) -> None:
    """Put a folder where azd looks for it; what was there goes."""
    (folder / IGNORED).write_text(IGNORED_NOTHING)
    if target.exists():
        target.rename(folder.with_name("before"))
    folder.rename(target)


def unpack(package: Path, folder: Path) -> None:
    """Unpack the file of a release."""
    try:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(
            f"BALLROOM_PACKAGE is {package}, which cannot be read as a zip file"
            f" ({type(error).__name__}). Download it from the release again, or unset the variable."
        )


def patterns() -> list[str]:
    """Return the patterns of .funcignore, of which the last one that matches decides.

    One without a slash matches files and folders at any depth by their name, such as *.pyc; one
    with a slash, which may be in front, matches the whole path. One behind `!` keeps what it
    matches.
    """
    lines = (ROOT / ".funcignore").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def files(folder: Path, ignored: list[str]) -> Iterator[str]:
    """Yield the names of the files below a folder that are not ignored."""
    for each in folder.iterdir():
        if _is_ignored(each.relative_to(ROOT), ignored):
            continue
        if each.is_dir():
            yield from files(each, ignored)
        else:
            yield each.relative_to(ROOT).as_posix()


def _is_ignored(path: Path, ignored: list[str]) -> bool:
    matching = [each for each in ignored if _matches(path, each.removeprefix("!"))]
    return bool(matching) and not matching[-1].startswith("!")


def _matches(path: Path, pattern: str) -> bool:
    if "/" not in pattern:
        return fnmatch(path.name, pattern)
    parts = pattern.removeprefix("/").split("/")
    return len(parts) == len(path.parts) and all(map(fnmatch, path.parts, parts))


if __name__ == "__main__":
    main(sys.argv[1:])
