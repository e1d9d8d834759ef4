//! Every fault of a register over real processes: the gateway is the program `countersign`, the agent the program `smartsign`, and the stand-in
//! fiscal server outlives both. What goes wrong on the way goes wrong on the lines between them ([`wire`]).
//!
//! [FAULTS.md](../../../FAULTS.md) is the table; its rows name these tests as `it: faults::…`.

mod agent;
mod gateway;
mod hours;
mod page;
mod papers;
mod shop;
mod wire;

mod away;
mod clock;
mod desk;
mod disk;
mod home;
mod kills;
mod packages;
mod pushed;
mod service;
mod signer;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

/// An address that is this test's alone, for a program that must listen where it listened before: outgoing connections leave from
/// 127.0.0.1 and cannot take its port while the program is down.
fn own_address() -> SocketAddr {
    let host = Ipv4Addr::new(127, fastrand::u8(64..128), fastrand::u8(..), fastrand::u8(1..255));
    let probe = TcpListener::bind((host, 0)).expect("every address that begins with 127 is this machine's");
    probe.local_addr().expect("what is bound has an address")
}

/// Where a program writes what it says, behind what it said before it was started again.
fn log_in(home: &Path, name: &str) -> File {
    let opened = File::options().create(true).append(true).open(home.join(name));
    opened.expect("a log can be written")
}
