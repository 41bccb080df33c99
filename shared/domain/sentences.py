"""Parts of sentences and mail: how many things there are, and names, the first ones, with how many
more there are."""

from collections.abc import Sequence


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number with what it counts, one or several: `1 package`, `2,000 packages`."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def named(names: Sequence[str], most: int, joint: str = ", ", *, count: int | None = None) -> str:
    """Return the first names in a line, such as `a, b and 1,000 more`.

    `count` is how many there are, where `names` are not all of them.
    """
    shown = names[:most]
    more = (len(names) if count is None else count) - len(shown)
    # Names that have commas in them are joined by semicolons: `a; b; and 3 more`.
    ending = f"{joint.strip(', ')} and {more:,} more" if more > 0 else ""
    return f"{joint.join(shown)}{ending}"


def listed(lines: Sequence[str], most: int) -> str:
    """Return the first lines as a list of a mail, each indented and without control characters."""
    more = len(lines) - most
    shown = [f"  {printable_line(each)}" for each in lines[:most]]
    return "\n".join([*shown, *([f"  and {more:,} more"] if more > 0 else [])])


def printable_line(text: str) -> str:
    """Return a text with a space in place of each control character and line break."""
    return "".join(c if c.isprintable() else " " for c in text)
