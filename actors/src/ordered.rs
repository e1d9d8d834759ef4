//! Which tables grow at their end.

use crate::register::rows::FINGERPRINT_EXPIRY_TABLE;
use crate::{deliveries, idempotency, wheel};

/// Tables whose rows come in the order of their keys, or nearly so: their keys begin with a time, or most operators count. The store may lay their
/// rows side by side.
pub const ORDERED_TABLES: [&str; 6] = [
    wheel::TABLE,
    deliveries::TABLE,
    deliveries::NAMES,
    deliveries::QUESTIONS,
    idempotency::EXPIRY_TABLE,
    FINGERPRINT_EXPIRY_TABLE,
];
