"""The rules of a registry: pure, synchronous and free of machinery."""
