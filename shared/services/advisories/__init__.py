"""Services of advisories: writing, finding and telling them."""
