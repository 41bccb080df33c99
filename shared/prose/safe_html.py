"""HTML that a template takes as it is."""


class SafeHtml(str):
    """Markup in which everything of an author is escaped or cleaned."""

    __slots__ = ()

    def __html__(self) -> "SafeHtml":
        """Say to templates that this is not to be escaped again."""
        return self


# What turns the direction of a line of text: an author can make code read other than it runs
# (CVE-2021-42574). Marks that only hint at a direction, U+200E and U+200F, stay as they are.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_SHOWN = {code: f"[U+{code:04X}]" for code in _TURNING}


def with_turns_shown(text: str) -> str:
    """Show each character that turns the direction of a line by its number."""
    return text.translate(_SHOWN)
