"""The transparency log and the witness."""
