"""Compare two snapshots of the templates: `python3 infra/compare.py OLD NEW`.

OLD and NEW are files that infra/snapshot.py wrote, or folders of them. Prints which resources a
deployment of the new templates adds, which ones it no longer manages, and which values it changes.
A deployment deletes nothing: what it no longer manages stays behind. Versions of interfaces are
left out, since they change nothing that is there.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

USAGE = "usage: infra/compare.py OLD NEW, two files that infra/snapshot.py wrote, or two folders"
LONGEST = 160  # Characters of a value that are printed.

Resource = dict[str, Any]


def main(arguments: list[str]) -> int | str:
    """Print what changes; return 0, or why nothing can be compared."""
    if len(arguments) != 2:  # noqa: PLR2004 -- The old and the new one.
        return USAGE
    old, new = (Path(each) for each in arguments)
    for each in (old, new):
        if not each.exists():
            return f"infra/compare.py: {each} is not there. infra/snapshot.py writes snapshots."
    if old.is_dir() != new.is_dir():
        return USAGE
    names = sorted({each.name for each in (*old.glob("*.json"), *new.glob("*.json"))})
    pairs = [(old / name, new / name) for name in names] if old.is_dir() else [(old, new)]
    try:
        for before, after in pairs:
            sys.stdout.write(f"{after.stem}\n")
            lines = list(differences(resources(before), resources(after)))
            sys.stdout.writelines(f"  {line}\n" for line in lines or ["nothing changes"])
    except (OSError, ValueError, KeyError) as error:
        return f"infra/compare.py: a file is no snapshot of infra/snapshot.py: {error}"
    return 0


def resources(file: Path) -> Mapping[str, Resource]:
    """Return the resources of a snapshot by type and name; a file that is not there has none."""
    if not file.exists():
        return {}
    found = json.loads(file.read_text("utf-8"))["predictedResources"]
    return {identifier(each): each for each in found}


def identifier(resource: Resource) -> str:
    """Return type and name of a resource, after those of the one that it extends."""
    path = without_versions(resource["id"]).rpartition("/resourceGroups/")[2].partition("/")[2]
    if resource["id"].startswith("["):
        return f"{resource['type']} {without_versions(resource['name'])}"
    _, *extended, _ = path.split("providers/") if path.count("providers/") > 1 else ("", "")
    where = "".join(f" of {each.strip('/').rpartition('/')[2]}" for each in extended)
    return f"{resource['type']} {resource['name']}{where}"


def differences(old: Mapping[str, Resource], new: Mapping[str, Resource]) -> Iterator[str]:
    """Yield a line for each resource and value that is not the same."""
    yield from (f"new: {name}" for name in sorted(new.keys() - old.keys()))
    yield from (f"no longer managed: {name}" for name in sorted(old.keys() - new.keys()))
    for name in sorted(old.keys() & new.keys()):
        changed = list(changes(old[name], new[name], ""))
        if changed:
            yield f"changed: {name}"
            yield from (f"  {each}" for each in changed)


def changes(old: object, new: object, path: str) -> Iterator[str]:
    """Yield a line for each value below this one that is not the same."""
    before = parts(old)
    after = parts(new)
    if before is None or after is None:
        if plain(old) != plain(new):
            yield f"{path}: {plain(old)} -> {plain(new)}"
        return
    for name in dict.fromkeys((*before, *after)):
        way = f"{path}.{name}" if path else name
        if way in ("id", "apiVersion"):
            continue
        if name not in after:
            yield f"{way}: {plain(before[name])} -> removed"
        elif name not in before:
            yield f"{way}: added, {plain(after[name])}"
        else:
            yield from changes(before[name], after[name], way)


def parts(value: object) -> Mapping[str, object] | None:
    """Return what a value consists of: the properties of an object, or the items of a list by their
    names, if all have one. Return None for any other value."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    if isinstance(value, list):
        items = cast("list[object]", value)
        named = dict(pair for each in items if (pair := named_item(each)))
        return named if named and len(named) == len(items) else None
    return None


def named_item(item: object) -> tuple[str, object] | None:
    """Return the name and the value of an item of a list; None for one without a name."""
    if not isinstance(item, dict):
        return None
    given = cast("dict[str, object]", item)
    name = str(given.get("name") or given.get("category") or "")
    if not name:
        return None
    return name, given["value"] if set(given) == {"name", "value"} else given


def plain(value: object) -> str:
    """Return a value as it is printed."""
    text = without_versions(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def without_versions(text: str) -> str:
    """Return an expression without the versions of interfaces that it names."""
    return re.sub(r", '\d{4}-\d{2}-\d{2}(?:-preview)?'", "", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
