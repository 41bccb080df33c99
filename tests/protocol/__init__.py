"""What each protocol promises on the wire, one rule a file."""
