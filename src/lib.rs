//! Package `countersign`.
