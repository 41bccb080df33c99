"""Archives (.bala): the zip container, the manifest, and what the registry reads from them."""
