//! Facts about the configuration.
