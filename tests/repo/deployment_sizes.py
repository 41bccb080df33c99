"""What the main template chooses for each size, worked out from its defaults."""

import re

from infra.cost.model import Size
from tests.support.bicep_templates import MAIN


def by_size() -> set[str]:
    """Return the parameters whose defaults follow from the size."""
    declared = re.findall(r"^param (\w+) \w+ = (.+)$", MAIN.read_text(), re.MULTILINE)
    return {name for name, default in declared if re.search(r"\bsize\b", default)}


def default(parameter: str, size: Size) -> str:
    """Return what stands for a parameter in a size, without quotes."""
    [found] = re.findall(rf"^param {parameter} \w+ = (.+)$", MAIN.read_text(), re.MULTILINE)
    chosen = re.sub(r"size (==|!=) '(\w+)'", lambda m: _is_so(m[1], m[2], size), found)
    # The innermost choice first; the sizes are nested in the last part.
    while choice := re.search(r"\(?(true|false) \? ([\w']+) : (-?[\w']+)\)?", chosen):
        chosen = chosen.replace(choice[0], choice[2] if choice[1] == "true" else choice[3])
    return chosen.strip("'")


def _is_so(operator: str, name: str, size: Size) -> str:
    return str((size.value == name) == (operator == "==")).lower()
