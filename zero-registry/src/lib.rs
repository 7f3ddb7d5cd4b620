//! A package registry that is one static directory of files.
