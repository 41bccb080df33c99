"""The names of what the task `advisories` reads and writes, for those who ask for it."""

INPUT = "advisories.input"
LINES = ".jsonl"  # How files of records end; their names order them.
MAX_REFUSED = 20  # Records of a part, or of the whole, that are named.
