"""Write the locks from the inputs in pyproject.toml, or check that they are fresh.

`python .ci/lock.py` keeps the pins that still fit, `python .ci/lock.py upgrade` renews them all,
and `python .ci/lock.py check` compares hashes without resolving anything.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ROOT / "requirements.txt"
AZURE = ROOT / "infra" / "requirements.txt"  # What the extra `azure` adds to the former.
TESTS = ROOT / "tests" / "requirements.txt"
PACKAGING = ROOT / "packaging" / "requirements.txt"
RESOLVER = ROOT / ".venvs" / "lock"


def main(arguments: list[str]) -> str | None:
    """Run one of the three commands; return why it failed, or None."""
    match arguments:
        case []:
            return write()
        case ["upgrade"]:
            return write("--upgrade")
        case ["check"]:
            return check()
        case _:
            return "usage: .ci/lock.py [upgrade | check]"


def check() -> str | None:
    """Return a message about a lock that was written from other inputs, or None."""
    for lock in (RUNTIME, AZURE, TESTS, PACKAGING):
        if inputs_line(lock) not in lock.read_text().splitlines()[:5]:
            name = lock.relative_to(ROOT)
            return f"{name} does not belong to the inputs in pyproject.toml. Run: make lock"
    return None


def write(*options: str) -> None:
    """Resolve once, with the extra and the test tools; the runtime lock is the part for one
    machine, and that of Azure what comes to it there. The tools that build what people install have
    an environment of their own."""
    install_resolver()
    compile_lock(TESTS, "pyproject.toml", "--extra", "azure", "--group", "test", *options)
    # uv prefers the pins it finds in its output, so these copies make all locks one resolution.
    shutil.copyfile(TESTS, RUNTIME)
    compile_lock(RUNTIME, "pyproject.toml")
    shutil.copyfile(TESTS, AZURE)
    known = re.findall(r"^([\w.-]+)==", RUNTIME.read_text(), re.MULTILINE)
    left_out = [word for name in sorted({*known}) for word in ("--no-emit-package", name)]
    compile_lock(AZURE, "pyproject.toml", "--extra", "azure", *left_out)
    compile_lock(PACKAGING, "--group", "packaging", *options)


def install_resolver() -> None:
    """Install the pinned uv into its own environment."""
    subprocess.run(
        ["sh", ".ci/environment", ".ci/requirements.txt", RESOLVER, sys.executable],
        cwd=ROOT,
        check=True,
    )


def compile_lock(lock: Path, *options: str) -> None:
    """Write one lock, exact and hashed, for every supported Python and platform."""
    command = [RESOLVER / "bin" / "uv", "pip", "compile", "--quiet"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-emit-index-url", "--custom-compile-command", "make lock"]
    subprocess.run([*command, "--output-file", lock, *options], cwd=ROOT, check=True)
    header, command_line, *pins = lock.read_text().splitlines()
    lock.write_text("\n".join([header, command_line, inputs_line(lock), *pins, ""]))


def inputs_line(lock: Path) -> str:
    """Return the header line that ties a lock to the inputs it was written from."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    groups = document["dependency-groups"]
    inputs = [project["requires-python"]]
    if lock == PACKAGING:
        inputs += [groups["packaging"]]
    else:
        extra = project["optional-dependencies"]["azure"]
        inputs += [project["dependencies"], extra, groups["test"]]
    return f"# inputs: sha256:{hashlib.sha256(json.dumps(inputs).encode()).hexdigest()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
