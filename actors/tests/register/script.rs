//! How an agent and a tax service behave, as a test tells them, and what they say.

use crate::till::Till;
use actors::machines::register::{Purpose, Reply};
use actors::ports::{Asked, Unfit};
use fiscal::ErrorCode;
use fiscal::command::Answered;
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
    /// Refuses, in words or by a ticket.
    Refuses(ErrorCode),
    /// Says nothing at all, having done it.
    SilentAfter,
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
        Purpose::Synchronise | Purpose::Doubt | Purpose::Return => read!(Reply::State),
        Purpose::DoubtNumber | Purpose::ReturnNumber { .. } => read!(Reply::Number),
        Purpose::DoubtDocument(_) | Purpose::ReturnDocument(_) => read!(Reply::Document),
        Purpose::Probe => Reply::Reached,
        Purpose::Totals => read!(Reply::Totals),
    }
}

/// Waits, step by step, until it is so.
pub(crate) async fn wait_for(till: &mut Till, step: Duration, is_so: impl Fn(&Till) -> bool) {
    for _ in 0..2_000 {
        if is_so(till) {
            return;
        }
        till.wait(step).await;
    }
    panic!("it does not come to that: {:?}", till.view());
}
