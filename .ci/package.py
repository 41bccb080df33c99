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
    """Return the ignored patterns; each matches files and folders at any depth, such as *.pyc, or
    with a slash in front those of the root."""
    lines = (ROOT / ".funcignore").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def files(folder: Path, ignored: list[str]) -> Iterator[str]:
    """Yield the names of the files below a folder that no pattern matches."""
    for each in folder.iterdir():
        names = (each.name, f"/{each.name}" if folder == ROOT else each.name)
        if any(fnmatch(name, pattern) for pattern in ignored for name in names):
            continue
        if each.is_dir():
            yield from files(each, ignored)
        else:
            yield each.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
