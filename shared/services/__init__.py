"""The use-cases: what people and machines do with a registry."""
