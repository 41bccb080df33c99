"""What the documentation says of doc comments and of the annotations beside them."""

from shared.ballerina.syntax import AttachedAnnotation


def is_marked_deprecated(annotations: tuple[AttachedAnnotation, ...]) -> bool:
    """Check for `@deprecated`."""
    return any(not each.prefix and each.name == "deprecated" for each in annotations)


def markdown(text: str) -> str:
    """Return the part of a doc comment before its parameters and sections."""
    lines: list[str] = []
    is_code = False
    for line in text.splitlines(keepends=True):
        if not is_code and line.startswith(("+ ", "# ")):
            break
        is_code ^= line.startswith("```")
        lines.append(line)
    return "".join(lines)
