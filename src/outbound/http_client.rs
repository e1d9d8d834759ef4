//! The client for every outbound call: no redirects, deadlines, our own name.

use std::time::Duration;

/// Time to connect, within the deadline of the whole call: a host that does not accept in three seconds is away.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Idle connections kept for a host: as many as a burst of sends opens, no more.
const IDLE_PER_HOST_MAX: usize = 64;

/// A client. The caller sets the deadline of each call.
///
/// # Errors
/// A sentence, where the system's certificates cannot be loaded.
pub fn client() -> Result<reqwest::Client, String> {
    // The provider is chosen once for the process; a second choice of the same is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("the HTTP client could not be made: {error}"))
}
