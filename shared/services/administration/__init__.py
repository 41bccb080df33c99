"""What administrators see and change, and what accounts may ask of their data."""
