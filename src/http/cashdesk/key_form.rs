//! The form of an uploaded key, as CashDesk's clients send it: `key`, `pass` and, optionally, `certificate`.

use super::super::Gateway;
use super::super::exchange::Exchange;
use super::fault::Fault;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use multer::Multipart;
use signing_protocol::{KeyUpload, LOAD_OCTETS_MAX, Octets, SecretOctets};
use std::convert::Infallible;
use zeroize::Zeroize;

/// Reads the form. What is left of it in this module's hands is wiped; copies in the buffers of HTTP are freed, and out of reach.
pub async fn read(gateway: &Gateway, exchange: &mut Exchange) -> Result<KeyUpload, Fault> {
    let content_type = exchange.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|field| field.to_str().ok());
    let boundary = content_type.and_then(|field| multer::parse_boundary(field).ok());
    let boundary = boundary.ok_or_else(|| {
        let message = "Потрібен Content-Type multipart/form-data";
        Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            message,
        )
    })?;
    let body = exchange.read_body(LOAD_OCTETS_MAX, gateway.body_deadline).await?;
    let upload = parse(body.clone(), boundary).await;
    if let Ok(mut body) = body.try_into_mut() {
        body.zeroize();
    }
    upload
}

pub async fn parse(body: Bytes, boundary: String) -> Result<KeyUpload, Fault> {
    let malformed = |_: multer::Error| {
        Fault::new(
            StatusCode::BAD_REQUEST,
            "invalid-body",
            "Тіло запиту не є формою multipart/form-data",
        )
    };
    let whole = stream::once(async move { Ok::<_, Infallible>(body) });
    let mut form = Multipart::new(whole, boundary);
    let (mut container, mut password, mut certificate) = (None, None, None);
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        // The field's own buffer is taken over, not copied.
        let octets = Vec::from(field.bytes().await.map_err(malformed)?);
        match name.as_str() {
            "key" => container = Some(SecretOctets::new(octets)),
            "pass" => password = Some(SecretOctets::new(octets)),
            "certificate" | "cert" if !octets.is_empty() => certificate = Some(Octets(octets)),
            _ => {} // members that nobody knows are passed over, as CashDesk does
        }
    }
    let password = password.ok_or_else(|| Fault::field("pass", "обов'язкове"))?;
    if std::str::from_utf8(password.expose()).is_err() {
        return Err(Fault::field("pass", "має бути текстом у кодуванні UTF-8"));
    }
    Ok(KeyUpload {
        container: container.ok_or_else(|| Fault::field("key", "обов'язкове"))?,
        password,
        certificate,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &[u8])]) -> Bytes {
        let mut body = Vec::new();
        for (name, content) in fields {
            let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b--\r\n");
        Bytes::from(body)
    }

    async fn read(body: Bytes) -> Result<KeyUpload, String> {
        let parsed = parse(body, "b".to_owned()).await;
        parsed.map_err(|fault| fault.as_value()["message"].to_string())
    }

    #[tokio::test]
    async fn a_form_is_read_whatever_else_is_in_it() {
        let fields: &[(&str, &[u8])] = &[
            ("pass", "пароль".as_bytes()),
            ("device", b"x"),
            ("key", &[0, 13, 10, 255]),
            ("certificate", b""),
        ];
        let upload = read(form(fields)).await.unwrap();
        assert_eq!(upload.container.expose(), [0, 13, 10, 255]);
        assert_eq!(upload.password.expose(), "пароль".as_bytes());
        assert_eq!(upload.certificate(), None);
        let fields: &[(&str, &[u8])] = &[("key", b"k"), ("pass", b""), ("cert", b"c")];
        assert_eq!(read(form(fields)).await.unwrap().certificate(), Some(&b"c"[..]));
    }

    #[tokio::test]
    async fn what_is_missing_is_named_and_what_was_there_is_not_quoted() {
        let cut = form(&[("key", b"hidden"), ("pass", b"hidden")]).slice(..90);
        for (body, word) in [
            (form(&[("pass", b"hidden")]), "key"),
            (form(&[("key", b"hidden")]), "pass"),
            (form(&[("key", b"hidden"), ("pass", b"hidden\xff")]), "UTF-8"),
            (cut, "multipart/form-data"),
            (
                Bytes::from_static(b"{\"pass\":\"hidden\"}"),
                "multipart/form-data",
            ),
        ] {
            let message = read(body).await.unwrap_err();
            assert!(message.contains(word) && !message.contains("hidden"), "{message}");
        }
    }
}
