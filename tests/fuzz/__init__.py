"""Mutated files and command lines against every reader: `make fuzz`. Not part of the tests; they hold what it finds."""
