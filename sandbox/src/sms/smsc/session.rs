//! One connection to a stand-in SMSC.

use super::state::{Fault, State};
use super::wire::{
    ANSWER, BIND_RECEIVER, BIND_TRANSCEIVER, BIND_TRANSMITTER, Bind, DELIVER, ENQUIRE_LINK, NACK, Pdu,
    SUBMIT, Submit, UNBIND, receipt_body,
};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

/// ESME_RBINDFAIL, ESME_RINVBNDSTS, ESME_RINVCMDLEN, ESME_RINVCMDID.
const BIND_FAILED: u32 = 0x0d;
const NOT_BOUND: u32 = 0x04;
const UNREADABLE: u32 = 0x02;
const UNKNOWN_COMMAND: u32 = 0x03;
/// How often owed receipts are looked for.
const LOOK: Duration = Duration::from_millis(10);

/// How a PDU leaves the connection.
enum Next {
    Go,
    End,
}

struct Session {
    state: Arc<Mutex<State>>,
    bound: bool,
    sequence: u32,
    out: Vec<u8>,
    later: mpsc::UnboundedSender<Pdu>,
}

pub(super) async fn serve_session(
    mut stream: TcpStream,
    state: Arc<Mutex<State>>,
    mut cut: watch::Receiver<u64>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (later, mut answers) = mpsc::unbounded_channel();
    let mut session = Session {
        state,
        bound: false,
        sequence: 0,
        out: Vec::new(),
        later,
    };
    let (mut arrived, mut chunk) = (Vec::new(), vec![0; 64 * 1_024]);
    cut.mark_unchanged();
    loop {
        let next = tokio::select! {
            read = stream.read(&mut chunk) => {
                let count = read?;
                if count == 0 {
                    return Ok(());
                }
                arrived.extend_from_slice(&chunk[..count]);
                session.take_all(&mut arrived)
            }
            Some(answer) = answers.recv() => {
                answer.write(&mut session.out);
                Next::Go
            }
            () = tokio::time::sleep(LOOK) => Next::Go,
            _ = cut.changed() => return Ok(()),
        };
        session.send_receipts();
        stream.write_all(&session.out).await?;
        session.out.clear();
        if let Next::End = next {
            return Ok(());
        }
    }
}

impl Session {
    fn with<T>(&self, deed: impl FnOnce(&mut State) -> T) -> T {
        deed(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take_all(&mut self, arrived: &mut Vec<u8>) -> Next {
        let mut at = 0;
        let next = loop {
            match Pdu::read(&arrived[at..]) {
                Ok(Some((pdu, length))) => {
                    at += length;
                    if let Next::End = self.take(&pdu) {
                        break Next::End;
                    }
                }
                Ok(None) => break Next::Go,
                Err(()) => break Next::End,
            }
        };
        arrived.drain(..at);
        next
    }

    fn take(&mut self, pdu: &Pdu) -> Next {
        match pdu.id {
            BIND_TRANSCEIVER | BIND_TRANSMITTER | BIND_RECEIVER => self.bind(pdu),
            SUBMIT if !self.bound => pdu.answer(NOT_BOUND, &[]).write(&mut self.out),
            SUBMIT => return self.submit(pdu),
            ENQUIRE_LINK => pdu.answer(0, &[]).write(&mut self.out),
            UNBIND => {
                pdu.answer(0, &[]).write(&mut self.out);
                return Next::End;
            }
            answer if answer == DELIVER | ANSWER => self.with(|state| state.acknowledged.push(pdu.status)),
            answer if answer & ANSWER != 0 => {}
            _ => Pdu {
                id: NACK,
                status: UNKNOWN_COMMAND,
                ..pdu.clone()
            }
            .write(&mut self.out),
        }
        Next::Go
    }

    fn bind(&mut self, pdu: &Pdu) {
        let Some(bind) = Bind::read(&pdu.body) else {
            pdu.answer(UNREADABLE, &[]).write(&mut self.out);
            return;
        };
        let fits = self.with(|state| {
            state.interface_version = Some(bind.interface_version);
            let is = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
            is(&state.settings.system_id, &bind.system_id) && is(&state.settings.password, &bind.password)
        });
        if fits {
            self.bound = true;
            pdu.answer(0, b"sandbox\0").write(&mut self.out);
        } else {
            pdu.answer(BIND_FAILED, &[]).write(&mut self.out);
        }
    }

    fn submit(&mut self, pdu: &Pdu) -> Next {
        let Some(submit) = Submit::read(&pdu.body) else {
            pdu.answer(UNREADABLE, &[]).write(&mut self.out);
            return Next::Go;
        };
        let (fault, wait) = self.with(|state| (state.next_fault(), state.settings.answer_after));
        let at = super::super::routes::now();
        let taken = |session: &Self| {
            let id = session.with(|state| state.take(&submit, at.clone()));
            pdu.answer(0, format!("{id}\0").as_bytes())
        };
        match fault {
            Fault::None if wait.is_zero() => taken(self).write(&mut self.out),
            Fault::None => self.answer_later(taken(self), wait),
            Fault::Slow(wait) => self.answer_later(taken(self), wait),
            Fault::Refuse(status) => pdu.answer(status, &[]).write(&mut self.out),
            Fault::Silence => drop(taken(self)),
            Fault::CutBefore => return Next::End,
            Fault::CutAfter => {
                drop(taken(self));
                return Next::End;
            }
            Fault::HalfAnswer => {
                let begin = self.out.len();
                taken(self).write(&mut self.out);
                let half = (self.out.len() - begin) / 2;
                self.out.truncate(begin + half);
                return Next::End;
            }
        }
        Next::Go
    }

    fn answer_later(&self, answer: Pdu, wait: Duration) {
        let later = self.later.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = later.send(answer); // the connection may have ended meanwhile
        });
    }

    fn send_receipts(&mut self) {
        if !self.bound {
            return;
        }
        let owed = self.with(|state| std::mem::take(&mut state.owed));
        for receipt in owed {
            self.sequence += 1;
            let body = receipt_body(&receipt.from, &receipt.to, &receipt.text);
            Pdu {
                id: DELIVER,
                status: 0,
                sequence: self.sequence,
                body,
            }
            .write(&mut self.out);
        }
    }
}
