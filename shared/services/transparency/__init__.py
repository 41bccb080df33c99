"""The transparency log: who writes it, who reads it, and how it is mended."""
