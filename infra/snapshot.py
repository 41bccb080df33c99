"""Evaluate the templates for each size: `python3 infra/snapshot.py [--check]`.

Writes infra/snapshots: each resource that a deployment of a size would make, with its final values,
as Microsoft's compiler of templates evaluates them without Azure. Beside it `snapshots.sha256` has
the digest of what was evaluated and of the result, which a test compares without the compiler.
`--check` writes nothing, and fails if the snapshots are not those of the templates. With `--infra`
and `--to` it evaluates the templates of another version, which infra/compare.py can compare:

    git worktree add ../old COMMIT
    python3 infra/snapshot.py --infra ../old/infra --to ../old/snapshots
    python3 infra/compare.py ../old/snapshots infra/snapshots

Needs Python and the compiler: `az bicep install`, or the environment variable BICEP.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

INFRA = Path(__file__).resolve().parent
SNAPSHOTS = INFRA / "snapshots"
DIGEST = INFRA / "snapshots.sha256"
VERSION = "0.49.2"  # The version of the compiler, because others may write expressions differently.
SECONDS = 300.0
# The compiler runs for seconds: what .NET would compile a second time, better, saves it nothing.
ONCE_COMPILED: Mapping[str, str] = {"DOTNET_TieredCompilation": "0"}

SIZES = ("dev", "team", "public")

# What an installation sets besides its size, so that nothing is left out for want of a value.
CHOSEN: Mapping[str, object] = {
    "alertEmail": "operator@example.org",
    "entraClientId": "11111111-1111-1111-1111-111111111111",
    "operatorId": "22222222-2222-2222-2222-222222222222",
}
BEHIND_FRONT_DOOR: Mapping[str, object] = {
    "url": "https://packages.example.org",
    "edgeAddresses": "192.0.2.0/24",
}
VARIANTS: Mapping[str, Mapping[str, object]] = {
    f"{size}{suffix}": {
        **CHOSEN,
        **({"addresses": "203.0.113.0/24"} if size == "dev" else BEHIND_FRONT_DOOR),
        "isolated": bool(suffix),
    }
    for size in SIZES
    for suffix in ("", "-isolated")
}


class NoSnapshot(Exception):
    """The templates cannot be evaluated; `str()` says why."""


class NoCompiler(NoSnapshot):
    """There is no compiler, or it does not run."""

    def __init__(self, found: Path | None) -> None:
        what = f"{found} does not run" if found else "There is no compiler of templates"
        super().__init__(f"{what}. Run `az bicep install`, or set BICEP to the path of one.")


class InvalidTemplates(NoSnapshot):
    """The compiler refuses the templates."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"The compiler refuses the templates for {name}:\n{said}")


def main(arguments: list[str]) -> int | str:
    """Write the snapshots, or compare them; return why it failed, or 0."""
    parser = argparse.ArgumentParser(
        prog="infra/snapshot.py", description="Evaluate the templates for each size."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if they differ")
    parser.add_argument("--infra", type=Path, default=INFRA, help="folder of the templates")
    parser.add_argument("--to", type=Path, default=SNAPSHOTS, help="folder of the snapshots")
    given = parser.parse_args(arguments)
    differing: list[str] = []
    try:
        for name in VARIANTS:
            text = written(evaluate(given.infra, name))
            file = given.to / f"{name}.json"
            if not given.check:
                given.to.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
            elif not file.is_file() or file.read_text("utf-8") != text:
                differing.append(name)
        if not given.check and (given.infra, given.to) == (INFRA, SNAPSHOTS):
            DIGEST.write_text(digest(given.infra, given.to) + "\n", "utf-8")
    except NoSnapshot as problem:
        return str(problem)
    if differing:
        return (
            f"The snapshots of {', '.join(differing)} are not what the templates make. "
            "Run `python3 infra/snapshot.py`, and commit what changes. They are written by "
            f"version {VERSION} of the compiler, and this is {version()}."
        )
    return 0


def compiler() -> Path | None:
    """Return the compiler: of BICEP, on the PATH, of `az bicep install`, or of a folder `shared`
    beside the repository or beside a folder that it is in."""
    if named := os.environ.get("BICEP"):
        return Path(named)
    if found := shutil.which("bicep"):
        return Path(found)
    places = [Path.home() / ".azure/bin/bicep"]
    places += [parent / "shared/tools/bicep/bicep" for parent in INFRA.parents]
    return next((each for each in places if each.is_file()), None)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the compiler."""
    found = compiler()
    if found is None:
        raise NoCompiler(None)
    try:
        return subprocess.run(  # noqa: S603 -- The compiler, with arguments of ours.
            [found, *arguments],
            env={**os.environ, **ONCE_COMPILED},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except OSError:
        raise NoCompiler(found) from None


def version() -> str:
    """Return the version of the compiler."""
    found = re.search(r"\d+(?:\.\d+)+", run("--version").stdout)
    return found[0] if found else "unknown"


def evaluate(infra: Path, name: str, more: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the snapshot of a variant with more parameters, of templates that are copied first:
    the compiler writes beside what it reads."""
    size = name.partition("-")[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "infra"
        shutil.copytree(infra, folder, ignore=shutil.ignore_patterns("snapshots", "__pycache__"))
        asked = set(re.findall(r"^param (\w+)", (folder / "main.bicep").read_text("utf-8"), re.M))
        file = json.loads((folder / f"{size}.parameters.json").read_text("utf-8"))
        values = {key: each["value"] for key, each in file["parameters"].items()}
        values |= {**VARIANTS[name], **(more or {})}
        lines = [f"param {key} = {literal(values[key])}" for key in values if key in asked]
        (folder / "size.bicepparam").write_text("\n".join(["using 'main.bicep'", *lines, ""]))
        done = run(
            "snapshot",
            str(folder / "size.bicepparam"),
            "--mode",
            "overwrite",
            "--subscription-id",
            "00000000-0000-0000-0000-000000000000",
            "--resource-group",
            "rg-ballroom",
            "--location",
            "westeurope",
        )
        result = folder / "size.snapshot.json"
        if done.returncode or not result.is_file():
            said = (done.stderr or done.stdout).strip().replace(f"{folder}/", "")
            raise InvalidTemplates(name, said)
        return cast("dict[str, Any]", json.loads(result.read_text("utf-8")))


def digest(infra: Path, snapshots: Path) -> str:
    """Return the SHA-256 of all that decides about snapshots, and of the snapshots."""
    inputs = [*infra.rglob("*.bicep"), *infra.glob("*.json")]
    evaluated = {str(path.relative_to(infra)): path for path in inputs}
    made = {f"{snapshots.name}/{path.name}": path for path in snapshots.glob("*.json")}
    files = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted({**evaluated, **made}.items())
    }
    program = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    decisive = {"compiler": VERSION, "program": program, "files": files, "variants": {**VARIANTS}}
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def literal(value: object) -> str:
    """Return a value as Bicep writes it."""
    match value:
        case bool() | int():
            return json.dumps(value)
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"
        case list():
            return "[" + ", ".join(literal(each) for each in cast("list[object]", value)) + "]"
        case dict():
            pairs = cast("dict[str, object]", value).items()
            return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in pairs) + "}"
        case _:
            raise TypeError(value)


def written(snapshot: dict[str, Any]) -> str:
    """Return a snapshot as it is kept: sorted, and without what stands in another file."""
    resources = sorted(snapshot["predictedResources"], key=lambda each: (each["type"], each["id"]))
    for each in resources:
        if "serializedData" in each.get("properties", {}):
            each["properties"]["serializedData"] = "infra/workbook.json"
    kept = {"predictedResources": resources, "outputs": snapshot.get("outputs", {})}
    return json.dumps(kept, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
