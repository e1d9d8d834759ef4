//! `POST /api/v1/key`: a key container and its password, as CashDesk's clients send them.

use super::exchange::{Answer, Exchange, Refused, json};
use super::keys::change;
use super::{App, complete};
use crate::keys::Upload;
use crate::recorder::audit::Event;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use multer::Multipart;
use serde::Serialize;
use signing_protocol::{HexOctets, KeyId, KeyState};
use std::convert::Infallible;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Octets of a form: the largest container that is read, and room for a certificate.
const FORM_OCTETS_MAX: usize = dstu::container::CONTAINER_OCTETS_MAX + 128 * 1024;
/// What the gateway relays is neither more nor less than what is taken here.
const _: () = assert!(FORM_OCTETS_MAX == signing_protocol::LOAD_OCTETS_MAX);

/// What is answered: CashDesk's four members, and two more.
#[derive(Serialize)]
struct Uploaded {
    uuid: KeyId,
    serial: HexOctets,
    drfo: Option<String>,
    public_key: HexOctets,
    edrpou: Option<String>,
    state: KeyState,
}

pub(super) async fn upload(app: Arc<App>, exchange: &mut Exchange) -> Answer {
    let content_type = exchange
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = content_type.and_then(|value| multer::parse_boundary(value).ok());
    let boundary = boundary.ok_or_else(|| {
        let message = "the body must be multipart/form-data";
        Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    })?;
    let octets = exchange.octets(FORM_OCTETS_MAX, app.body_deadline).await?;
    let upload = read(octets, boundary).await?;
    let work = Arc::clone(&app);
    complete(&app, async move { add(&work, upload).await }).await
}

async fn add(app: &App, upload: Upload) -> Answer {
    let _one = app.uploading.lock().await;
    let facts = change(app, move |keys| keys.add(upload)).await?;
    let event = Event::KeyAdded {
        key: facts.key,
        serial: facts.serial.clone(),
    };
    app.desk.note(event).await;
    tracing::info!(key = %facts.key, serial = %facts.serial, "a key was stored");
    app.link.keys_changed();
    let uploaded = Uploaded {
        uuid: facts.key,
        serial: facts.serial,
        drfo: facts.taxpayer_number,
        public_key: facts.public_key,
        edrpou: facts.company_code,
        state: facts.state,
    };
    json(StatusCode::OK, &uploaded)
}

/// The form's fields `key`, `pass` and, optionally, `certificate`.
async fn read(octets: Vec<u8>, boundary: String) -> Result<Upload, Refused> {
    let malformed = |_: multer::Error| Refused::bad_request("invalid_body", "the form is malformed");
    let body = stream::once(async move { Ok::<_, Infallible>(Bytes::from(octets)) });
    let mut form = Multipart::new(body, boundary);
    let (mut container, mut password, mut certificate) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        let octets = field.bytes().await.map_err(malformed)?;
        match name.as_str() {
            "key" => container = Some(Zeroizing::new(octets.to_vec())),
            "pass" => password = Some(Zeroizing::new(octets.to_vec())),
            "certificate" | "cert" if !octets.is_empty() => certificate = Some(octets.to_vec()),
            _ => {} // members that nobody knows are passed over, as CashDesk does
        }
    }
    let missing = |name| Refused::bad_request("invalid_body", format!("the form has no field `{name}`"));
    let password = password.ok_or_else(|| missing("pass"))?;
    let password = std::str::from_utf8(&password)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| Refused::bad_request("invalid_body", "the password is no UTF-8"))?;
    Ok(Upload {
        container: container.ok_or_else(|| missing("key"))?,
        password,
        certificate,
    })
}
