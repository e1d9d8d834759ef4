//! Package `actors`.
