"""Patterns for the branches and tags of a repository, and what a tag says of a version."""

from fnmatch import fnmatchcase

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
VERSION = "{version}"  # The placeholder for the version in patterns of tags.


def fits(ref: str, pattern: str) -> bool:
    """Match a ref against a pattern part by part: no wildcard matches a slash."""
    parts = ref.split("/")
    patterns = pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def names_nothing(pattern: str, kind: str) -> bool:
    """Check whether a pattern of branches or of tags has nothing but wildcards: whoever may push
    one chooses a name that fits."""
    return pattern.startswith(kind) and not pattern.removeprefix(kind).strip("*?/")


def tagged_version(pattern: str, ref: str) -> str:
    """Return the version that a tag means by a pattern such as `v{version}`; empty if the ref is no
    such tag."""
    before, _, after = f"{TAGS}{pattern}".partition(VERSION)
    is_tag = ref.startswith(before) and ref.endswith(after)
    return ref[len(before) : len(ref) - len(after)] if is_tag else ""
