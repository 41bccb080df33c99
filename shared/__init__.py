"""Everything below the faces: use-cases, rules, ports and the worlds that serve them."""
