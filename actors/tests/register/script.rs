//! How an agent and a tax service behave, as a test tells them, and what they say.

use actors::machines::register::{Purpose, Reply};
use actors::ports::{Asked, Posted, Unfit};
use fiscal::command::Answered;
use fiscal::{ErrorCode, Rejection, Ticket};
use std::time::Duration;

/// How an agent treats one request.
#[derive(Clone, Debug)]
pub(crate) enum Agent {
    /// Signs after so long.
    Signs(Duration),
    /// Refuses after a moment.
    Refuses,
    /// Every signature is of another key, altered, or broken.
    Unfit(Unfit),
    /// Says nothing.
    Away,
}

/// How the tax service treats one document or question.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    /// Does it at once, answers after so long.
    Answers(Duration),
    /// No connection.
    NotSent,
    /// Breaks the connection before it did anything...
    DropsBefore,
    /// ...and after.
    DropsAfter,
    /// Refuses in words.
    Refuses(ErrorCode),
    /// Refuses by a ticket.
    RefusesByTicket(ErrorCode),
    /// Gives a ticket of another document.
    TicketOfAnother,
    /// Says nothing at all, having done it.
    SilentAfter,
}

pub(crate) fn ticket_of(ticket: Ticket) -> Posted {
    Posted::Ticket {
        cms: ticket.to_xml().unwrap(),
        ticket: Box::new(ticket),
    }
}

pub(crate) fn rejection(code: ErrorCode) -> Rejection {
    Rejection {
        code,
        text: "refused by script".to_owned(),
    }
}

pub(crate) fn refusing_ticket(cms: &[u8], code: ErrorCode) -> Posted {
    let start = cms.windows(5).position(|window| window == b"<?xml").unwrap();
    let head = fiscal::Document::from_xml(&cms[start..]).unwrap().head;
    ticket_of(Ticket::rejected(
        head.uid,
        head.issued,
        head.local_number,
        code,
        "refused by script",
    ))
}

pub(crate) fn reply(purpose: &Purpose, asked: Asked) -> Reply {
    let json = match asked {
        Asked::Answer(json) => json,
        Asked::Nothing => return Reply::Nothing,
        Asked::Rejected(rejection) => return Reply::Rejected(rejection),
        Asked::Unreachable(_) => return Reply::Unreachable,
    };
    macro_rules! read {
        ($reply:path) => {
            $reply(Box::new(
                Answered::from_json(&json).unwrap().result.unwrap(),
            ))
        };
    }
    match purpose {
        Purpose::Synchronise | Purpose::Doubt => read!(Reply::State),
        Purpose::DoubtNumber => read!(Reply::Number),
        Purpose::DoubtDocument(_) => read!(Reply::Document),
        Purpose::Totals => read!(Reply::Totals),
    }
}
