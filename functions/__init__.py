"""The protocol faces: one module a face, one Function an operation."""
