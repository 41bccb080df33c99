"""Pages of one organization for its members: below /account/organizations/{org}."""
