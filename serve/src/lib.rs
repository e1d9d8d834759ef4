//! Package `serve`.
