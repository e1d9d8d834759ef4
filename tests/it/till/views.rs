//! Receipts as people see them: for their account below `/api/v2/checks`, for their buyers below `/check`.

use super::shop::{Shop, but, sale};
use crate::client::Call;
use crate::office::REGISTER;
use serde_json::json;

#[test]
fn a_receipt_is_shown_in_every_form() {
    let shop = Shop::open();
    let sold = shop
        .sell(&but(&sale(REGISTER), "footer", json!("Дякуємо за покупку!")))
        .json();
    let uuid = sold["uuid"].as_str().unwrap();
    let text = shop.get(&format!("/api/v2/checks/{uuid}/text?print_width=48"));
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(
        text.text().contains("Сир") && text.text().contains("Дякуємо за покупку!"),
        "{}",
        text.text()
    );
    assert!(text.text().lines().any(|line| line.chars().count() > 32));
    let drawn = shop.get(&format!("/api/v2/checks/{uuid}/qr?ascii=1"));
    assert_eq!(drawn.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(drawn.text().lines().count() > 10);
    for (form, media_type, begins) in [
        ("html", "text/html; charset=utf-8", &b"<!"[..]),
        ("pdf", "application/pdf", b"%PDF-"),
        ("png", "image/png", b"\x89PNG"),
        ("qr", "image/png", b"\x89PNG"),
    ] {
        let of_account = shop.get(&format!("/api/v2/checks/{}/{form}", uuid.to_lowercase()));
        let of_buyer = shop
            .client
            .call(Call::new("GET", &format!("/check/{uuid}/{form}")));
        for reply in [&of_account, &of_buyer] {
            assert_eq!(
                (reply.status, reply.header("content-type")),
                (200, Some(media_type)),
                "{form}"
            );
            assert!(reply.body.starts_with(begins), "{form}");
        }
        assert_eq!(of_account.body, of_buyer.body);
    }
    let page = shop.client.call(Call::new("GET", &format!("/check/{uuid}")));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(shop.get(&format!("/api/v2/checks/{uuid}/doc")).status, 404);
    assert_eq!(
        shop.get("/api/v2/checks/11111111-2222-3333-4444-555555555555/text")
            .status,
        404
    );
    assert_eq!(shop.client.call(Call::new("GET", "/check/x/html")).status, 404);
}

#[test]
fn a_report_is_its_owners_business() {
    let shop = Shop::open();
    shop.sell(&sale(REGISTER));
    let z = shop
        .post(
            "/api/v2/shift",
            &json!({ "action_type": "Z_REPORT", "num_fiscal": REGISTER }),
        )
        .json();
    let uuid = z["uuid"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/api/v2/checks/{uuid}/text")).status, 200);
    assert_eq!(
        shop.client
            .call(Call::new("GET", &format!("/check/{uuid}/text")))
            .status,
        404
    );
}
