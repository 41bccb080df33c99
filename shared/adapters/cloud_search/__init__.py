"""Search in the cloud: an index that is built once, searched by every instance on its own copy."""
