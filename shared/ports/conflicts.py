"""What stores raise when a write conflicts with a record that is there."""


class Stale(Exception):
    """The record changed after it was read: read it again, and decide again."""


class AlreadyThere(Exception):
    """A record with this key exists; nothing was written."""
