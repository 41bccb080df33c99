"""The file `/login.py`: the modules of this folder in one script, for one registry."""

import ast
import json
from functools import cache
from pathlib import Path

MODULES = (
    "toml_text",
    "settings_file",
    "device_login",
    "command",
)  # Each imports only earlier ones.

_FOLDER = Path(__file__).parent

_HEAD = '''\
#!/usr/bin/env python3
"""Log this machine in to the registry at {url}.

    curl -fsS {url}/login.py | python3 -
    python3 login.py --help

It asks the registry for an access token, which you approve in a browser, and puts it into
~/.ballerina/Settings.toml (or the folder that BALLERINA_HOME_DIR names). What else is in that file
stays, and a copy of it is kept beside it. Python 3.9 or later is all that it needs.
"""

from __future__ import annotations

{imports}

ADDRESS = {address}
'''
_TAIL = """

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ADDRESS))
"""


@cache
def login_script(base_url: str) -> str:
    imports: set[str] = set()
    bodies = [_body(name, imports) for name in MODULES]
    head = _HEAD.format(
        url=base_url, imports="\n".join(sorted(imports)), address=json.dumps(base_url)
    )
    return head + "".join(bodies) + _TAIL


def _body(name: str, imports: set[str]) -> str:
    """Return a module without its imports, which are added to `imports`."""
    source = (_FOLDER / f"{name}.py").read_text("utf-8")
    lines = source.splitlines()
    title, *nodes = ast.parse(source).body
    _blank(lines, title)
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            _blank(lines, node)
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            if module != "__future__" and not str(module).startswith("shared."):
                imports.add(ast.unparse(node))
    return f"\n\n# --- {name} ---\n\n" + "\n".join(lines).strip() + "\n"


def _blank(lines: list[str], node: ast.stmt) -> None:
    for number in range(node.lineno - 1, node.end_lineno or node.lineno):
        lines[number] = ""
