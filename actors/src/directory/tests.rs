//! Facts about the directory.
