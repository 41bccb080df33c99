"""`python -m infra.cost.page`: writes the tables of docs/run/azure/cost.md again, each by the
command above it.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "run" / "azure" / "cost.md"
# The arguments of a command of the page, and what it printed.
BLOCK = re.compile(r"^```\n\$ python -m infra\.cost(.*)\n((?:.*\n)*?)```\n", re.MULTILINE)


def with_new_tables(page: str) -> str:
    """Return the page with what its commands print now."""
    return BLOCK.sub(_run_again, page)


def _run_again(block: re.Match[str]) -> str:
    given = block[1]
    command = [sys.executable, "-m", "infra.cost", *shlex.split(given)]
    done = subprocess.run(  # noqa: S603 -- Our own program, with the arguments of our page.
        command, check=True, stdout=subprocess.PIPE, text=True
    )
    return f"```\n$ python -m infra.cost{given}\n{done.stdout}```\n"


if __name__ == "__main__":
    PAGE.write_text(with_new_tables(PAGE.read_text("utf-8")), "utf-8")
