"""What limits requests and changes: rates, bursts, read-only mode."""
