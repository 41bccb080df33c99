"""Where the tests find things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Real archives and the real index live beside the repository; a test that needs them skips,
# with its reason, where they are missing.
SHARED = ROOT.parent / "shared"


# What the real Functions host answered: all of it beside the repository, or a sample in it.
_ALL_MEASURED = SHARED / "data" / "functions-host"
_SAMPLE = ROOT / "tests" / "recorded" / "functions-host"
MEASURED_HOST = _ALL_MEASURED if _ALL_MEASURED.is_dir() else _SAMPLE


def docs(*names: str) -> str:
    """Return pages of the documentation, one after the other."""
    files = [file for name in names for file in (ROOT / "docs").rglob(f"{name}.md")]
    return "\n".join(file.read_text("utf-8") for file in files)
