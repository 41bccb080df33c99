"""How longer rules about what is published decide: a pure module for each."""
