//! An SMPP 3.4 client (ESME) for handing messages over, and for the receipts that come back.
//!
//! What sets it apart from libraries is that it always knows whether a message was written: one that was not is refused, and may go another
//! way; one that was, and whose answer did not come, is unknown, and may not. It holds a window per bind, keeps binds up, cuts texts into
//! parts, and gives receipts to somebody who says when they are kept.

mod bind;
mod client;
mod pdu;
mod settings;

pub use client::{Client, Observer, Silent};
pub use settings::{Mode, Settings};

use sms::{Report, Submitted};
use tokio::sync::mpsc;
use uuid::Uuid;

/// What an operator says of itself.
#[derive(Debug)]
pub enum Event {
    /// What became of a part. To be acknowledged, or the operator sends it again.
    Receipt {
        /// What.
        report: Report,
        /// The way to say that it is kept.
        acknowledgement: Acknowledgement,
    },
    /// The answer to a message whose sender has gone: it was unknown until now.
    Late {
        /// Which challenge's message.
        challenge: Uuid,
        /// What the operator said.
        submitted: Submitted,
    },
}

/// ESME_ROK.
const ROK: u32 = 0;
/// ESME_RX_T_APPN: the receiver cannot take it now; it is to be sent again.
const TRY_AGAIN: u32 = 0x64;

/// Says to the operator that a receipt is kept; dropped without a word, it says that the receipt is to be sent again.
#[derive(Debug)]
pub struct Acknowledgement {
    sequence: u32,
    status: u32,
    way: mpsc::UnboundedSender<(u32, u32)>,
}

impl Acknowledgement {
    /// It is kept.
    pub fn kept(mut self) {
        self.status = ROK;
    }
}

impl Drop for Acknowledgement {
    fn drop(&mut self) {
        // A bind that has ended takes no more: the operator sends the receipt again on the next.
        let _ = self.way.send((self.sequence, self.status));
    }
}
