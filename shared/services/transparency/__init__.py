"""The transparency log: its writer, its readers, how it is mended, and the openings of its
commitments."""
