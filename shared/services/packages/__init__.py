"""Services that read packages and releases, and services that keep what is derived from them."""
