"""The Central face: what `bal` and editors call."""
