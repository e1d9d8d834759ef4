//! Calls to URLs that somebody else names: never to what the gateway alone can reach.
//!
//! Names are resolved by a resolver that gives no address inside, at each connection anew; redirects are not followed, and no proxy is asked.
//! Where private networks are opened, `http://` is taken there and there alone.

use super::addresses::{Guarded as Resolver, Reach};
use reqwest::Url;
use std::sync::Arc;

/// The longest URL that is kept; browsers take no longer ones either.
const URL_OCTETS_MAX: usize = 2_000;

/// Clients that reach what they may.
pub struct Guarded {
    /// For `https://`.
    secure: reqwest::Client,
    /// For `http://`: private networks alone; none where those are closed.
    plain: Option<reqwest::Client>,
    reach: Reach,
}

impl Guarded {
    /// Clients; to private networks only where that is allowed.
    ///
    /// # Errors
    /// A sentence, where the system's certificates cannot be loaded.
    pub fn new(private_addresses: bool) -> Result<Self, String> {
        let reach = if private_addresses {
            Reach::Anywhere
        } else {
            Reach::PublicOnly
        };
        let client = |reach| {
            super::http_client::client_with(|builder| {
                // A proxy would resolve names itself.
                builder.no_proxy().dns_resolver(Arc::new(Resolver(reach)))
            })
        };
        Ok(Self {
            secure: client(reach)?,
            plain: private_addresses
                .then(|| client(Reach::PrivateOnly))
                .transpose()?,
            reach,
        })
    }

    /// Whether this URL may be called.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn check(&self, url: &str) -> Result<(), String> {
        self.target(url).map(drop)
    }

    /// A URL, and the client that may call it.
    ///
    /// # Errors
    /// Why it may not be called, in words.
    pub(super) fn target(&self, url: &str) -> Result<(Url, &reqwest::Client), String> {
        if url.len() > URL_OCTETS_MAX {
            return Err(format!("at most {URL_OCTETS_MAX} octets"));
        }
        let target = Url::parse(url).map_err(|error| error.to_string())?;
        if !target.username().is_empty() || target.password().is_some() || target.fragment().is_some() {
            return Err("must hold no user, password or fragment".to_owned());
        }
        let (client, reach) = match (target.scheme(), &self.plain) {
            ("https", _) => (&self.secure, self.reach),
            ("http", Some(plain)) => (plain, Reach::PrivateOnly),
            ("http", None) => return Err("must begin with https://".to_owned()),
            _ => return Err("must begin with https:// (or http:// on a private network)".to_owned()),
        };
        // A name is judged when it is resolved; an address never is.
        let address = target
            .host_str()
            .and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if address.is_some_and(|address| !reach.includes(address)) {
            return Err("this address may not be called".to_owned());
        }
        Ok((target, client))
    }
}
