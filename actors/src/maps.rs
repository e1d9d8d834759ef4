//! Maps that a call looks into several times.
//!
//! They hash with foldhash instead of the standard library's SipHash, which took a twentieth of a send's instructions. Its seed is drawn at each start. Against
//! somebody who can watch how long single lookups take it promises less, so it is right for keys that no stranger chooses: customers and windows that the
//! directory has, codes and requests that we number ourselves, digests.

use dashmap::DashMap;
use foldhash::fast::RandomState;

/// A map of one owner.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, RandomState>;

/// A map that many tasks share.
pub(crate) type SharedMap<K, V> = DashMap<K, V, RandomState>;
