"""Everything below the faces: use cases, services, rules, ports and their adapters."""
