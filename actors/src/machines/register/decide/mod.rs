//! The decisions. Each begins with what it was told and ends with [`Turn::advance`], which goes on with whatever is due, and with a look at the
//! clock.

mod accept;
mod close;
mod deliver;
mod doubt;
mod finish;
mod homeward;
mod leave;
mod make;
mod plan;
mod posted;
mod query;
mod signed;
mod synchronise;
mod tool;
mod turn;
mod wake;

pub use accept::fingerprint;
pub(super) use wake::next_deadline;

use super::RegisterBook;
use super::command::{Ask, Command, Effect, Event};
use crate::clock::Now;
use crate::machines::Decision;
use turn::Turn;

pub(super) fn decide(book: &RegisterBook, command: Command, now: Now) -> Decision<Event, Effect> {
    let mut turn = Turn::new(book, command.draw, now);
    match command.ask {
        Ask::Order(order) => turn.accept(*order),
        Ask::Fetched {
            operation,
            kind,
            sold,
        } => turn.fetched(operation, kind, sold),
        Ask::Signature { request, signature } => turn.signature(request, signature),
        Ask::Posted { uid, posted } => turn.posted(&uid, posted),
        Ask::Asked { uid, reply } => turn.asked(&uid, reply),
        Ask::PackageRead {
            first,
            count,
            signer,
            is_all,
        } => turn.package_read(first, count, signer, is_all),
        Ask::Packed { package, packed } => turn.packed(package, packed),
        Ask::Tool { request, tool } => turn.tool(request, tool),
        Ask::Wake => turn.wake(),
        Ask::Resume => turn.resume(),
        Ask::Resolve { request, document } => turn.resolve(request, document),
    }
    turn.advance();
    turn.look_at_clock();
    turn.decision()
}
