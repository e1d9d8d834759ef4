//! Receipts to look at: `GET /api/v2/checks/{uuid}/{form}` for their account, `GET /check/{uuid}/{form}` for whoever has the link.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::problem::{Code, Problem};
use super::CashDesk;
use super::answer::Widths;
use super::door::Door;
use super::fault::Fault;
use super::fields::Fields;
use super::render::{QR_DOTS, view};
use actors::register::rows::Part;
use fiscal::view::{Scale, Width};
use fiscal::{Document, FiscalNumber, Uid};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Response};

/// A receipt of the caller's account.
pub async fn of_account(door: &Door<'_>, id: &str, form: &str) -> Result<Response<Vec<u8>>, Fault> {
    let caller = door.caller()?;
    let (document, number) = registered(door.face, id).await?;
    let register = document.head.register.number;
    if door.face.accounts.till_of(caller.account, register).is_none() {
        return Err(Fault::unknown_receipt());
    }
    show(door.face, document, number, form, &door.fields).await
}

/// A receipt for its buyer: the link holds 74 random bits, which nobody guesses.
pub async fn public(gateway: Gateway, [id, form]: [String; 2], exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let unknown = || Problem::new(Code::NotFound, "there is no such receipt");
    let face = gateway.cashdesk.as_ref().ok_or_else(unknown)?;
    let fields = Fields::of_form(exchange.query.as_bytes());
    let shown = async {
        let (document, number) = registered(face, &id).await?;
        // A report is its owner's business.
        if document.kind.receipt().is_none() {
            return Err(Fault::unknown_receipt());
        }
        show(face, document, number, &form, &fields).await
    };
    shown.await.map_err(|fault| match fault.status() {
        status if status.is_server_error() => {
            Problem::new(Code::Unavailable, "the receipt cannot be shown now")
        }
        http::StatusCode::BAD_REQUEST => {
            Problem::new(Code::InvalidField, "print_width or pdf_width is out of bounds")
        }
        _ => unknown(),
    })
}

/// The document of this id, where the tax service has it.
async fn registered(face: &CashDesk, id: &str) -> Result<(Document, Option<FiscalNumber>), Fault> {
    let uid = uuid::Uuid::try_parse(id).map_err(|_| Fault::unknown_receipt())?;
    let uid = Uid::new(uid.hyphenated().to_string().to_uppercase()).map_err(|_| Fault::unknown_receipt())?;
    let trouble = |trouble| Fault::trouble(trouble, None);
    let xml = face.registers.part(&uid, Part::Xml).await.map_err(trouble)?;
    let xml = xml.ok_or_else(Fault::unknown_receipt)?;
    let document = Document::from_xml(&xml).map_err(|error| {
        tracing::error!(%uid, %error, "a document cannot be read");
        Fault::internal()
    })?;
    let (register, local_number) = (document.head.register.number, document.head.local_number);
    let record = face
        .registers
        .document(register, local_number)
        .await
        .map_err(trouble)?;
    // What was planned and never registered is no receipt.
    let record = record
        .filter(|record| record.facts.uid == uid)
        .ok_or_else(Fault::unknown_receipt)?;
    Ok((document, record.facts.fiscal_number))
}

async fn show(
    face: &CashDesk,
    document: Document,
    number: Option<FiscalNumber>,
    form: &str,
    fields: &Fields,
) -> Result<Response<Vec<u8>>, Fault> {
    let wanted = Widths::of(fields)?.wanted();
    let width = wanted.text.unwrap_or(Width::PAPER_58_MM);
    let pdf_width = wanted.pdf.unwrap_or(Width::MIDDLE);
    let is_drawn = fields.flag("ascii")? == Some(true);
    let software = face.renderer.software();
    let form = Form::of(form, is_drawn).ok_or_else(Fault::not_found)?;
    let drawn = face.renderer.aside(move || {
        let view = view(&document, number.as_ref(), None, &software);
        match form {
            Form::Text => Some(view.text(width).into_bytes()),
            Form::Html => Some(view.html().into_bytes()),
            Form::Pdf => Some(view.pdf(pdf_width)),
            Form::Png => view.png(width, Scale::ONE).ok(),
            Form::QrText => view.code().map(|code| code.drawn().into_bytes()),
            Form::QrPicture => view.code().map(|code| code.png(QR_DOTS)),
        }
    });
    let bytes = drawn.await.ok_or_else(Fault::internal)?;
    let mut response = Response::new(bytes.ok_or_else(Fault::unknown_receipt)?);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.media_type()));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A receipt never changes, and is nobody else's.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Ok(response)
}

#[derive(Clone, Copy)]
enum Form {
    Text,
    Html,
    Pdf,
    Png,
    QrText,
    QrPicture,
}

impl Form {
    fn of(name: &str, is_drawn: bool) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "html" => Self::Html,
            "pdf" => Self::Pdf,
            "png" => Self::Png,
            "qr" | "qrcode" if is_drawn => Self::QrText,
            "qr" | "qrcode" => Self::QrPicture,
            _ => return None,
        })
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Text | Self::QrText => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
            Self::Png | Self::QrPicture => "image/png",
        }
    }
}
