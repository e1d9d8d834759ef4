//! The tax service's fiscal server (`/doc`, `/cmd`, `/pck`), as a client: posts, and says what came of it in one of four ways.
//!
//! Nothing is ever repeated here: whether a document that may have been registered is asked for, sent again or given up is the register's
//! decision. A document that was never written to the connection is told from one whose fate nobody knows, because the first leaves its
//! number free.

mod answer;
mod skew;

pub use skew::Skew;

use actors::clock::Clock;
use actors::ports::{Asked, Packed, Posted, TaxCommand, TaxDocument, TaxPackage, TaxService};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, DATE};
use reqwest::Url;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// The most that is read of the answer to a document or a package: a ticket inside its CMS, with certificates; 64 KiB is ten of them.
const TICKET_BYTES_MAX: usize = 64 * 1_024;
/// Bodies below it go as they are: gzip gains nothing, and some signed commands are no longer than this.
const GZIP_BYTES_MIN: usize = 1_024;

/// How the server is reached and believed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The base URL, with `/fs` at its end.
    pub url: String,
    /// Subject key ids (hexadecimal) of the server's seals. Empty: any signature that holds is believed, and the connection's TLS alone says
    /// who signed.
    pub seals: Vec<String>,
}

/// A client of the fiscal server.
pub struct FiscalServer {
    client: reqwest::Client,
    doc: Url,
    cmd: Url,
    pck: Url,
    seals: Vec<Vec<u8>>,
    clock: Arc<dyn Clock>,
    skew: Skew,
}

/// A whole answer of the server.
struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

/// Why there is none.
enum NoReply {
    /// No octet was written.
    NotSent(String),
    /// It was sent, or may have been.
    Unknown(String),
}

impl FiscalServer {
    /// A client by these settings.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn new(client: reqwest::Client, settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let base = settings.url.trim_end_matches('/');
        let route =
            |route: &str| Url::parse(&format!("{base}{route}")).map_err(|error| format!("tax.url: {error}"));
        let seal = |text: &String| {
            from_hex(text)
                .ok_or_else(|| format!("tax.seals: {text:?} is not a subject key id in hexadecimal"))
        };
        Ok(Self {
            client,
            doc: route("/doc")?,
            cmd: route("/cmd?resultAsJson=true")?,
            pck: route("/pck")?,
            seals: settings.seals.iter().map(seal).collect::<Result<_, _>>()?,
            clock,
            skew: Skew::default(),
        })
    }

    /// How far the server's clock is from ours, by the last answer that said.
    pub fn skew(&self) -> &Skew {
        &self.skew
    }

    /// Posts a signed package of offline documents.
    pub async fn post_package(&self, cms: &[u8], deadline: Duration) -> Packed {
        match self
            .exchange(&self.pck, cms, true, deadline, TICKET_BYTES_MAX)
            .await
        {
            Ok(reply) => answer::packed(&reply),
            Err(NoReply::NotSent(why)) => Packed::NotSent(why),
            Err(NoReply::Unknown(why)) => Packed::Unknown(why),
        }
    }

    async fn exchange(
        &self,
        url: &Url,
        body: &[u8],
        is_signed: bool,
        deadline: Duration,
        most: usize,
    ) -> Result<Reply, NoReply> {
        let kind = if is_signed {
            "application/octet-stream"
        } else {
            "application/json"
        };
        let request = self
            .client
            .post(url.clone())
            .timeout(deadline)
            .header(CONTENT_TYPE, kind);
        let request = request.header(ACCEPT_ENCODING, "gzip");
        let request = if body.len() < GZIP_BYTES_MIN {
            request.body(body.to_vec())
        } else {
            request.header(CONTENT_ENCODING, "gzip").body(gzip(body))
        };
        let mut response = request.send().await.map_err(no_reply)?;
        if let Some(date) = response.headers().get(DATE) {
            self.skew.note(date, self.clock.now().wall);
        }
        let status = response.status();
        let is_gzip = response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|value| value == "gzip");
        let mut read = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            if read.len() + piece.len() > most {
                return Err(NoReply::Unknown(format!(
                    "the answer is longer than {most} bytes"
                )));
            }
            read.extend_from_slice(&piece);
        }
        let body = if is_gzip {
            gunzip(&read, most).map_err(NoReply::Unknown)?
        } else {
            read
        };
        Ok(Reply { status, body })
    }
}

impl TaxService for FiscalServer {
    fn post(&self, document: TaxDocument) -> BoxFuture<'_, Posted> {
        Box::pin(async move {
            let reply = self
                .exchange(
                    &self.doc,
                    &document.cms,
                    true,
                    document.deadline,
                    TICKET_BYTES_MAX,
                )
                .await;
            match reply {
                Ok(reply) => answer::posted(&reply, &document.uid, document.local_number, &self.seals),
                Err(NoReply::NotSent(why)) => Posted::NotSent(why),
                Err(NoReply::Unknown(why)) => Posted::Unknown(why),
            }
        })
    }

    fn package(&self, package: TaxPackage) -> BoxFuture<'_, Packed> {
        Box::pin(async move { self.post_package(&package.cms, package.deadline).await })
    }

    fn ask(&self, command: TaxCommand) -> BoxFuture<'_, Asked> {
        Box::pin(async move {
            let most = fiscal::command::ANSWER_BYTES_MAX;
            let reply = self
                .exchange(
                    &self.cmd,
                    &command.body,
                    command.is_signed,
                    command.deadline,
                    most,
                )
                .await;
            match reply {
                Ok(reply) => answer::asked(reply),
                Err(NoReply::NotSent(why) | NoReply::Unknown(why)) => Asked::Unreachable(why),
            }
        })
    }
}

/// Only a connection that was never made proves that nothing was written. The error is said without its URL, which says nothing new.
fn no_reply(error: reqwest::Error) -> NoReply {
    let never_sent = error.is_connect() || error.is_builder();
    let why = plain(error);
    if never_sent {
        NoReply::NotSent(why)
    } else {
        NoReply::Unknown(why)
    }
}

fn broken(error: reqwest::Error) -> NoReply {
    NoReply::Unknown(plain(error))
}

/// An error and its causes, in one line.
fn plain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.expect("memory takes everything")
}

/// At most `most` octets, whatever the compressed form promises.
fn gunzip(body: &[u8], most: usize) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    let read = GzDecoder::new(body).take(limit).read_to_end(&mut plain);
    match read {
        Ok(_) if plain.len() <= most => Ok(plain),
        Ok(_) => Err(format!("the answer is longer than {most} bytes")),
        Err(error) => Err(format!("the answer's gzip is broken: {error}")),
    }
}

/// Pairs of hexadecimal digits.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    let octets: Option<Vec<u8>> = pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect();
    octets.filter(|octets| !octets.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back_and_a_bomb_is_refused() {
        let body = b"a document ".repeat(1_000);
        assert_eq!(gunzip(&gzip(&body), body.len()), Ok(body.clone()));
        assert!(gunzip(&gzip(&body), body.len() - 1).is_err());
        let mut broken = gzip(&body);
        broken.truncate(30);
        assert!(gunzip(&broken, body.len()).is_err());
    }

    #[test]
    fn a_seal_is_pairs_of_hexadecimal_digits() {
        assert_eq!(from_hex("00fF10"), Some(vec![0, 255, 16]));
        for text in ["", "0", "0g", "00 1"] {
            assert_eq!(from_hex(text), None, "{text:?}");
        }
    }
}
