"""Build the deployment package: `python .ci/package.py FILE.zip`, without files of .funcignore.

The same files always give the same bytes, so an artifact says by its digest what it is.
"""

import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EARLIEST = (1980, 1, 1, 0, 0, 0)  # That a zip can say; the time of a checkout is nobody's.


def main(arguments: list[str]) -> str | None:
    """Write the package; return why it failed, or None."""
    match arguments:
        case [target]:
            names = write(Path(target))
            print(f"{target} holds {len(names)} files.")
            return None
        case _:
            return "usage: .ci/package.py FILE.zip"


def write(target: Path) -> list[str]:
    """Write the files to the archive, and return their names."""
    names = sorted(files(ROOT, patterns()))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (ROOT / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return names


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
    sys.exit(main(sys.argv[1:]))
