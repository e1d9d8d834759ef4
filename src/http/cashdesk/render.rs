//! Drawing receipts and hashing passwords, aside from the threads that serve: a PDF takes two milliseconds, a password twenty.

use super::fault::Fault;
use actors::machines::register::DocumentFacts;
use actors::register::RegisterService;
use actors::register::rows::Part;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fiscal::view::{Appearance, Subject, View, Width};
use fiscal::{Document, FiscalNumber, LinkTime, Money};
use serde_json::{Map, Value};
use std::num::NonZeroU8;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Dots a side of a QR module in pictures for screens and printers.
pub const QR_DOTS: NonZeroU8 = NonZeroU8::new(6).expect("six is above nought");

/// Does slow work aside, so much at once.
#[derive(Clone)]
pub struct Renderer {
    permits: Arc<Semaphore>,
    /// Name of the software, as receipts show it.
    software: Arc<str>,
}

/// Which views an answer carries, and how wide.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub text: Option<Width>,
    pub pdf: Option<Width>,
    pub has_qr: bool,
}

impl Renderer {
    /// At most `at_once` pieces of work.
    pub fn new(at_once: usize, software: &str) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_once)),
            software: software.into(),
        }
    }

    /// Does `work` on a thread of its own; `None` where it panicked or the gateway goes down.
    pub async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.ok()
    }

    /// Name of the software, as receipts show it.
    pub fn software(&self) -> Arc<str> {
        Arc::clone(&self.software)
    }

    /// The views of a registered document, as the fields of an answer: `qr_data`, `qr`, `text_print`, `pdf`.
    pub async fn views(
        &self,
        document: Document,
        number: Option<FiscalNumber>,
        drawer: Option<Money>,
        wanted: Wanted,
    ) -> Result<Map<String, Value>, Fault> {
        let software = self.software();
        let drawn = self.aside(move || {
            let view = view(&document, number.as_ref(), drawer, &software);
            drawn(&view, wanted)
        });
        drawn.await.ok_or_else(Fault::internal)
    }
}

/// The fields of an answer that show a document or a report.
pub fn drawn(view: &View, wanted: Wanted) -> Map<String, Value> {
    let mut fields = Map::new();
    let base64 = |bytes: &[u8]| Value::from(BASE64_STANDARD.encode(bytes));
    if let Some(link) = view.link() {
        fields.insert("qr_data".to_owned(), Value::from(link));
    }
    if let Some(code) = view.code().filter(|_| wanted.has_qr) {
        fields.insert("qr".to_owned(), base64(&code.png(QR_DOTS)));
    }
    if let Some(width) = wanted.text {
        fields.insert("text_print".to_owned(), base64(view.text(width).as_bytes()));
    }
    if let Some(width) = wanted.pdf {
        fields.insert("pdf".to_owned(), base64(&view.pdf(width)));
    }
    fields
}

/// A registered document as people see it; what its client wrote under it stands in its comment.
pub fn view(
    document: &Document,
    number: Option<&FiscalNumber>,
    drawer: Option<Money>,
    software: &str,
) -> View {
    let appearance = Appearance {
        software,
        footer: document.head.notes.comment.as_deref().unwrap_or_default(),
        drawer,
        link_time: LinkTime::default(),
    };
    let subject = Subject::Registered {
        document,
        fiscal_number: number,
    };
    View::new(subject, &appearance)
}

/// A registered document, read again.
pub async fn document(registers: &RegisterService, facts: &DocumentFacts) -> Result<Document, Fault> {
    let xml = registers.part(&facts.uid, Part::Xml).await;
    let xml = xml.map_err(|trouble| Fault::trouble(trouble, None))?;
    let document = xml.map(|xml| Document::from_xml(&xml));
    match document {
        Some(Ok(document)) => Ok(document),
        Some(Err(error)) => {
            tracing::error!(uid = %facts.uid, %error, "a registered document cannot be read");
            Err(Fault::internal())
        }
        None => Err(Fault::unknown_receipt()),
    }
}
