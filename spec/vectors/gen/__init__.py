"""Writes the test vectors of the Zero formats, from the specification alone."""
