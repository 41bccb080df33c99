"""The transparency log: its writer, its readers, and the openings of its commitments."""
