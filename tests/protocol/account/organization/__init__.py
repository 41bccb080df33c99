"""Pages of an organization for its members."""
