//! Package `sandbox`.
