"""Where the tests find things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Real archives and the real index live beside the repository; a test that needs them skips,
# with its reason, where they are missing.
SHARED = ROOT.parent / "shared"
