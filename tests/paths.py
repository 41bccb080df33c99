"""Where the tests find things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Real archives and the real index live beside the repository; a test that needs them skips,
# with its reason, where they are missing.
SHARED = ROOT.parent / "shared"


# What the real Functions host answered: all of it beside the repository, or a sample in it.
MEASURED_HOST = SHARED / "data" / "functions-host"
if not MEASURED_HOST.is_dir():
    MEASURED_HOST = ROOT / "tests" / "recorded" / "functions-host"


def docs(*names: str) -> str:
    """Return pages of the documentation, one after the other."""
    files = [file for name in names for file in (ROOT / "docs").rglob(f"{name}.md")]
    return "\n".join(file.read_text("utf-8") for file in files)
