"""Run `az` or `azd` over the Azure in the file of AZURE_DOUBLE.

`python -m tests.fakes.azure_tools az|azd WORDS`
"""

import os
import sys
from pathlib import Path

from tests.fakes.azure_tools.state import RefusedError, load, save


def main(tool: str, words: list[str]) -> int:
    """Run one command of one tool."""
    file = Path(os.environ["AZURE_DOUBLE"])
    try:
        with Path(f"{file}.calls").open("a", encoding="utf-8") as calls:
            calls.write(f"{tool} {' '.join(words)}\n")
        # Each tool alone: the tests run some hundred of these commands.
        if tool == "azd":
            from tests.fakes.azure_tools.azd import Azd

            sys.stdout.write(Azd(Path.cwd(), file).run(words))
        else:
            from tests.fakes.azure_tools import az

            azure = load(file)
            sys.stdout.write(az.run(azure, words))
            save(file, azure)
    except (RefusedError, ValueError) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
