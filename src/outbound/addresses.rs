//! Which addresses may be called on somebody else's word.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Which addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The internet alone.
    PublicOnly,
    /// Private networks and this machine alone.
    PrivateOnly,
    /// Both.
    Anywhere,
}

impl Reach {
    /// Whether an address may be called. What is neither public nor private (link-local ones, where clouds keep their secrets; multicast;
    /// reserved) never is.
    pub(super) fn includes(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::PublicOnly => is_public(address),
            Self::PrivateOnly => is_private(address),
            Self::Anywhere => is_public(address) || is_private(address),
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || is_shared(address),
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            // The registry of special-purpose addresses (IANA, RFC 6890 and its updates).
            let is_special = first == 0
                || first >= 240
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || (first, second, third) == (192, 0, 0)
                || (first == 198 && (18..=19).contains(&second));
            !is_private(address) && !is_special
        }
        IpAddr::V6(v6) => is_global_unicast(v6),
    }
}

/// Carrier-grade NAT (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && (64..128).contains(&second)
}

/// 2000::/3 without documentation, and without tunnels that lead to IPv4 addresses (6to4, Teredo).
fn is_global_unicast(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let is_documentation = segments[0] == 0x2001 && segments[1] == 0x0DB8;
    let is_tunnel = segments[0] == 0x2002 || (segments[0] == 0x2001 && segments[1] == 0);
    segments[0] & 0xE000 == 0x2000 && !is_documentation && !is_tunnel
}

/// The system's resolver, less what may not be called.
pub(super) struct Guarded(pub(super) Reach);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| reach.includes(found.ip())).collect();
            if allowed.is_empty() {
                return Err("the name has no address that may be called".into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_public_private_or_neither() {
        for (address, public, private) in [
            ("93.184.215.14", true, false),
            ("2a00:1450:4001::1", true, false),
            ("10.1.2.3", false, true),
            ("172.16.0.1", false, true),
            ("192.168.1.1", false, true),
            ("127.0.0.1", false, true),
            ("100.64.0.1", false, true),
            ("fd00::1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("::ffff:93.184.215.14", true, false),
            ("169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("ff02::1", false, false),
            ("255.255.255.255", false, false),
            ("192.0.2.1", false, false),
            ("198.18.0.1", false, false),
            ("2001:db8::1", false, false),
            ("2002:0a00:0001::1", false, false),
            ("64:ff9b::a00:1", false, false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(Reach::PublicOnly.includes(address), public, "{address}");
            assert_eq!(Reach::PrivateOnly.includes(address), private, "{address}");
            assert_eq!(Reach::Anywhere.includes(address), public || private, "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_has_no_address() {
        let resolve = |reach| async move {
            let resolving = Guarded(reach).resolve("localhost".parse().unwrap());
            resolving.await.is_ok()
        };
        assert!(!resolve(Reach::PublicOnly).await);
        assert!(resolve(Reach::PrivateOnly).await);
        assert!(resolve(Reach::Anywhere).await);
    }
}
