"""Every refusal of the registry, with the sentence that its user reads; `base` has the kinds."""
