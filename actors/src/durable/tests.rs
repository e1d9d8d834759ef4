//! Facts about durable machines.
