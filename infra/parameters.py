"""Print infra/main.parameters.json as azd fills it in: `python3 infra/parameters.py [VALUES]`.

VALUES is a JSON object of values by their names, such as the variables of a repository; without it,
they are those of the environment. `az deployment group what-if` takes the printed file, and so
compares what azd would deploy.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

# So that the file can be run by its path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infra.preflight import FILE, filled

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"
USAGE = "usage: infra/parameters.py [VALUES], and VALUES is a JSON object of texts by their names"


def main(arguments: list[str]) -> int | str:
    """Print the parameters; return 0, or why there are none."""
    environment: Mapping[str, str] = os.environ
    if arguments:
        try:
            given: object = json.loads(arguments[0])
        except ValueError:
            return USAGE
        if len(arguments) > 1 or not isinstance(given, dict):
            return USAGE
        values = cast("dict[str, object]", given)
        environment = {name: str(value) for name, value in values.items()}
    parameters = {name: {"value": value} for name, value in filled(FILE, environment).items()}
    file = {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "parameters": parameters}
    sys.stdout.write(json.dumps(file, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
