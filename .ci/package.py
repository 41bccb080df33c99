"""Pack what is deployed: `python .ci/package.py FILE.zip` packs all that .funcignore leaves.

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
    """Write the package; what is returned is the reason for a failure."""
    match arguments:
        case [target]:
            names = write(Path(target))
            print(f"{target} holds {len(names)} files.")
            return None
        case _:
            return "usage: .ci/package.py FILE.zip"


def write(target: Path) -> list[str]:
    """Pack the files, and return their names."""
    names = sorted(files(ROOT, patterns()))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (ROOT / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return names


def patterns() -> list[str]:
    """Return the names that are left out. Each stands for a file or folder anywhere, like *.pyc."""
    lines = (ROOT / ".funcignore").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def files(folder: Path, ignored: list[str]) -> Iterator[str]:
    """Yield the names of the files in a folder, however deep, that no pattern leaves out."""
    for each in folder.iterdir():
        if any(fnmatch(each.name, pattern) for pattern in ignored):
            continue
        if each.is_dir():
            yield from files(each, ignored)
        else:
            yield each.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
