"""One suite for each port; every adapter runs every suite."""
