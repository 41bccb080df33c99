"""Where the tests find things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Real archives and the real index live beside the repository; a test that needs them skips,
# with its reason, where they are missing.
SHARED = ROOT.parent / "shared"


def docs(*names: str) -> str:
    """Return pages of the documentation, one after the other."""
    return "\n".join((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in names)
