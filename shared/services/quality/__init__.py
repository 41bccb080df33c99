"""Quality: what users look for in a release, and packages side by side."""
