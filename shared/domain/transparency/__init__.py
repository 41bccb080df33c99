"""The transparency log: its tree, tiles, notes, checkpoints, policies and proofs."""
