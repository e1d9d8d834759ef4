//! Facts about bodies.
