"""How the clients take names, version and platform out of what they are given."""

import re

PREFIX = "attachment; filename="


def parts_of(coordinate: str) -> tuple[str, str, str]:
    """Split `org/name:version`; the version may be missing."""
    package, _, version = coordinate.partition(":")
    org, _, name = package.partition("/")
    return org, name, version


def version_in_url(url: str) -> str:
    """Return the last segment but one of the whole URL, query and all, as both clients do."""
    return url.split("/")[-2]


def java_platform(file_name: str, package: str, version: str) -> str:
    """Return what `FunctionT.split(name + "-")[1].split("-" + version)[0]` gives in Java."""
    return java_split(java_split(file_name, f"{package}-")[1], f"-{version}")[0]


def java_split(text: str, regex: str) -> list[str]:
    """Split as `String.split` does: by a regular expression, without empty parts at the end."""
    parts = re.split(regex, text)
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def go_platform(file_name: str, package: str, version: str) -> str:
    """Return what Go finds between the first `name-` and the next `-version`, as plain text."""
    _, found, rest = file_name.partition(f"{package}-")
    return rest.partition(f"-{version}")[0] if found else ""
