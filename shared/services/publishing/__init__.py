"""Services that publish releases, and services that withhold them."""
