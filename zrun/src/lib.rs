//! Runs verified `.zero` artifacts with exactly what was declared and granted.
