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
    client_with(|builder| builder)
}

/// A client that differs in something.
pub(super) fn client_with(
    change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, String> {
    // The provider is chosen once for the process; a second choice of the same is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
        .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
    change(builder)
        .build()
        .map_err(|error| format!("the HTTP client could not be made: {error}"))
}

/// An error and its causes, in one line, without its URL.
pub(super) fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
