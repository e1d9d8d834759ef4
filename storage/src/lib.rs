//! Package `storage`.
