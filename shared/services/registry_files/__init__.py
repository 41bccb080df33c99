"""The registry as a file: applying one, and writing the file of what is there."""
