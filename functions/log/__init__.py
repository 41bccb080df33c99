"""The transparency log and the witness: below /log and /witness."""
