"""A machine of an administrator: the project in a folder, and the doubles of `az` and `azd`."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.deployment.tool_server import TOOLS, script
from tests.fakes.azure_tools.state import Azure, load, save
from tests.paths import ROOT

BOUND_SECONDS = 240.0

# Programs of our own that other tests try: here each says how it was called.
SMOKE = """\
import json, os, sys
azure = json.load(open(os.environ["AZURE_DOUBLE"]))
match sys.argv[1:]:
    case ["ready", url] if url.startswith("https://"):
        sites = "Microsoft.Web/sites"
        apps = [each["name"] for each in azure["resources"] if each["type"] == sites]
        without = [name for name in apps if name not in azure["packages"]]
        keys = [each for each in azure["secrets"].values() if "link-key" in each]
        sys.exit(f"without a package: {without}" if without else 0 if keys else "there is no key")
    case ["package", url, package] if os.environ.get("BALLROOM_TOKEN"):
        sys.exit(0)
sys.exit(f"smoke.py was called with {sys.argv[1:]}")
"""
PACKAGE = 'import sys\nopen(sys.argv[1], "w").close()\n'
ENVIRONMENT = '#!/bin/sh\nset -e\nmkdir -p "$2/bin"\ncp ballroom.double "$2/bin/ballroom"\n'
# The operator's commands reach the stores by the roles of whoever runs them.
BALLROOM = """\
#!{python}
import json, os, sys
azure = json.load(open(os.environ["AZURE_DOUBLE"]))
wanted = ("BALLROOM_COSMOS_ENDPOINT", "BALLROOM_BLOB_ENDPOINT", "BALLROOM_LINK_KEY")
missing = [name for name in wanted if not os.environ.get(name)]
if missing:
    sys.exit(f"ballroom lacks {{missing}}")
roles = [each["role"] for each in azure["roles"] if each["principal"] == azure["me"]]
if "Storage Blob Data Contributor" not in roles or len(roles) < 2:
    sys.exit(f"ballroom is refused by the stores: {{roles}}")
with open(os.environ["AZURE_DOUBLE"] + ".ballroom", "a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
"""


@dataclass(frozen=True)
class Machine:
    """A folder of the project, and the file of the Azure that its tools reach."""

    project: Path
    file: Path
    tools: Path
    server: Path  # The socket of the process that runs the tools.

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script in the folder of the project, and stop at its first failure."""
        path = f"{self.tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return subprocess.run(
            ["/bin/bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=self.project,
            env={
                "PATH": path,
                "HOME": str(self.tools),
                "AZURE_DOUBLE": str(self.file),
                "PYTHONPATH": str(ROOT),
                "PAUSE": "0",
                "PATIENCE": "0",
                **environment,
            },
            input="y\n" * 5,
            capture_output=True,
            text=True,
            check=False,
            timeout=BOUND_SECONDS,
        )

    def does(self, script: str, **environment: str) -> str:
        """Run a script that has to succeed; return what it printed."""
        done = self.run(script, **environment)
        assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def refuses(self, script: str, **environment: str) -> str:
        """Run a script that has to fail; return what it said."""
        done = self.run(script, **environment)
        assert done.returncode != 0, f"{script}\n{done.stdout[-2000:]}"
        return done.stderr

    @property
    def azure(self) -> Azure:
        return load(self.file)

    def change(self, azure: Azure) -> None:
        """Change Azure behind the back of both tools."""
        save(self.file, azure)

    @property
    def values(self) -> dict[str, str]:
        """Return the chosen environment of azd."""
        chosen = json.loads((self.project / ".azure" / "config.json").read_text("utf-8"))
        name = chosen["defaultEnvironment"]
        return json.loads((self.project / ".azure" / name / "env.json").read_text("utf-8"))

    @property
    def calls(self) -> list[str]:
        """Return how the tools were called."""
        return Path(f"{self.file}.calls").read_text("utf-8").splitlines()


def machine(folder: Path, azure: Path, server: Path) -> Machine:
    """Make a machine with a fresh clone, for the Azure in a file."""
    project = folder / "project"
    tools = folder / "tools"
    shutil.copytree(ROOT / "infra", project / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "docs" / "reference").mkdir(parents=True)
    shutil.copy(ROOT / "docs/reference/configuration.md", project / "docs" / "reference")
    shutil.copy(ROOT / "azure.yaml", project)
    (project / ".ci").mkdir()
    _write(project / ".ci" / "smoke.py", SMOKE)
    _write(project / ".ci" / "package.py", PACKAGE)
    _write(project / ".ci" / "environment", ENVIRONMENT)
    _write(project / "ballroom.double", BALLROOM.format(python=sys.executable))
    tools.mkdir()
    for tool in TOOLS:
        _write(tools / tool, script(server, tool))
    for name in ("python", "python3"):
        _write(tools / name, script(server))
    return Machine(project, azure, tools, server)


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)
