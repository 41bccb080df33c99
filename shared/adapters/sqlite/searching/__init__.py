"""The parts of the search index: how it is written, asked and ranked."""
