"""Access tokens, and what creates and ends them."""
