"""Print what an image contains as JSON, for its bill of materials: run inside the image.

`docker run --rm --interactive --entrypoint python3 IMAGE - < packaging/image/contents.py`. It needs
nothing but the Python of the image.
"""

import json
import platform
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

REGISTRY = "/opt/ballroom/lib"  # Where the image has the registry and what it requires.
COPYRIGHT = "/usr/share/doc/{name}/copyright"
FIELDS = "${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t${source:Version}\\n"
NOT_FROM_DEBIAN = "/usr/local/"  # Where the official image has a Python that it compiled.

_LICENSE = re.compile(r"^License:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def main() -> None:
    """Print the packages of Debian, the Python, and the distributions of the registry."""
    print(
        json.dumps(
            {
                "debian": debian_release(),
                "packages": debian_packages(),
                "python": platform.python_version() if is_own_python() else "",
                "distributions": registry_distributions(),
            }
        )
    )


def debian_release() -> str:
    """Return the number of the release."""
    found = re.search(r'^VERSION_ID="?(\d+)', Path("/etc/os-release").read_text(), re.MULTILINE)
    return found[1] if found else ""


def debian_packages() -> list[dict[str, object]]:
    """Return the installed packages with the licenses that their copyright files name."""
    listed = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={FIELDS}"],  # noqa: S607 - of the image.
        check=True,
        capture_output=True,
        text=True,
    )
    packages = list[dict[str, object]]()
    for line in listed.stdout.splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        packages.append(
            {
                "name": name,
                "version": version,
                "architecture": architecture,
                "source": source,
                "source_version": source_version,
                "licenses": licenses_of(name),
            }
        )
    return packages


def licenses_of(name: str) -> list[str]:
    """Return the names of licenses of a copyright file that programs can read, else nothing."""
    file = Path(COPYRIGHT.format(name=name))
    if not file.is_file():
        return []
    return sorted(set(_LICENSE.findall(file.read_text("utf-8", errors="replace"))))


def is_own_python() -> bool:
    """Tell whether no package of Debian has this Python."""
    return sys.base_prefix.startswith(NOT_FROM_DEBIAN.rstrip("/"))


def registry_distributions() -> list[list[str]]:
    """Return the names and versions of what is installed for the registry."""
    sites = [str(each) for each in Path(REGISTRY).glob("python*/site-packages")]
    return sorted([each.metadata["Name"], each.version] for each in distributions(path=sites))


if __name__ == "__main__":
    main()
