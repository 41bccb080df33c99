"""What is read of packages and releases, and what is derived from them."""
