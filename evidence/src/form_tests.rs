//! Rows: what is taken and what is refused.

use super::*;

/// The document's own example, as it stands there.
pub(crate) const EXAMPLE: &str = r#"{
"ClientIntegrationId":"nz2UG1",
"ContractId":313527,
"SignDate":"01.01.2024",
"ContractVersion":"3",
"Documents":["<http://test.com/doc.pdf","http://test.com/doc2.pdf>"],
"KeyTransport":"sms.ru",
"UserSignKey":"0001",
"UserSignHash":"o3275980rywefhjerty341",
"CompanyId":4188
}"#;

pub(crate) fn example() -> Container {
    read_container(EXAMPLE.as_bytes()).content.unwrap()
}

#[test]
fn the_documents_example_is_taken_as_it_stands() {
    let container = example();
    assert_eq!(container.contract_id.raw(), "313527");
    assert_eq!(container.contract_version, Some(Scalar::Text("3".to_owned())));
    let texts: Vec<_> = Field::ALL
        .iter()
        .map(|field| container.text(*field).into_owned())
        .collect();
    assert_eq!(
        texts,
        [
            "nz2UG1",
            "313527",
            "01.01.2024",
            "3",
            "<http://test.com/doc.pdf\nhttp://test.com/doc2.pdf>",
            "sms.ru",
            "0001",
            "o3275980rywefhjerty341",
            "4188"
        ]
    );
}

#[test]
fn every_optional_field_may_be_absent_or_null() {
    let whole: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
    for field in Field::ALL {
        let mut without = whole.clone();
        without.as_object_mut().unwrap().remove(field.name());
        let mut null = whole.clone();
        null[field.name()] = serde_json::Value::Null;
        for body in [without, null] {
            let content = read_container(body.to_string().as_bytes()).content;
            if matches!(
                field,
                Field::ClientIntegrationId | Field::ContractId | Field::SignDate
            ) {
                let wrong = content.unwrap_err();
                assert_eq!(wrong.len(), 1, "{body}");
                assert_eq!(wrong[0].code(), format!("{}Missing", field.name()));
            } else {
                assert_eq!(content.unwrap().text(field), "", "{body}");
            }
        }
    }
    let least = r#"{"ClientIntegrationId":"c","ContractId":"1","SignDate":"01.01.2024"}"#;
    assert!(read_container(least.as_bytes()).content.is_ok());
}

fn check(change: (&str, &str), expected: &[&str]) {
    let (field, value) = change;
    let mut rows = Vec::new();
    let mut is_there = false;
    for known in Field::ALL {
        let raw: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
        if known.name() == field {
            is_there = true;
            rows.push(format!("\"{field}\":{value}"));
        } else {
            rows.push(format!("\"{}\":{}", known.name(), raw[known.name()]));
        }
    }
    if !is_there {
        rows.push(format!("\"{field}\":{value}"));
    }
    let body = format!("{{{}}}", rows.join(","));
    let codes: Vec<String> = match read_container(body.as_bytes()).content {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(Wrong::code).collect(),
    };
    assert_eq!(codes, expected, "{field}: {value:.60}");
}

#[test]
fn bad_inputs_are_named() {
    let long = format!("\"{}\"", "x".repeat(2_049));
    let wide = format!("\"{}\"", "ж".repeat(2_048));
    let links = |count: usize| format!("[{}]", vec!["\"x\""; count].join(","));
    for (field, value, code) in [
        ("ClientIntegrationId", "7", "ClientIntegrationIdInvalid"),
        ("ClientIntegrationId", "\"\"", "ClientIntegrationIdInvalid"),
        ("ClientIntegrationId", "[\"x\"]", "ClientIntegrationIdInvalid"),
        ("ClientIntegrationId", long.as_str(), "ClientIntegrationIdTooLong"),
        ("ContractId", "7.5", "ContractIdInvalid"),
        ("ContractId", "9223372036854775808", "ContractIdInvalid"),
        ("ContractId", "1e300", "ContractIdInvalid"),
        ("ContractId", "true", "ContractIdInvalid"),
        ("ContractId", "{}", "ContractIdInvalid"),
        ("ContractId", "[1]", "ContractIdInvalid"),
        ("ContractId", "\"\"", "ContractIdInvalid"),
        ("ContractId", long.as_str(), "ContractIdTooLong"),
        ("SignDate", "\"31.02.2024\"", "SignDateInvalid"),
        ("SignDate", "\"29.02.2023\"", "SignDateInvalid"),
        ("SignDate", "\"29.02.1900\"", "SignDateInvalid"),
        ("SignDate", "\"00.01.2024\"", "SignDateInvalid"),
        ("SignDate", "\"01.13.2024\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.0000\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.2024 24:00:00\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.2024 23:60:00\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.2024 23:59:60\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.2024 \"", "SignDateInvalid"),
        ("SignDate", "\" 01.01.2024\"", "SignDateInvalid"),
        ("SignDate", "\"1.1.2024\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.24\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.2024 12:00\"", "SignDateInvalid"),
        ("SignDate", "\"01.01.2024T12:00:00\"", "SignDateInvalid"),
        ("SignDate", "\"2024-01-01\"", "SignDateInvalid"),
        ("SignDate", "\"2024-01-01T00:00:00Z\"", "SignDateInvalid"),
        ("SignDate", "\"01/01/2024\"", "SignDateInvalid"),
        ("SignDate", "\"+1.01.2024\"", "SignDateInvalid"),
        ("SignDate", "\"٠١.٠١.٢٠٢٤\"", "SignDateInvalid"),
        ("SignDate", "\"\"", "SignDateInvalid"),
        ("SignDate", "1704067200", "SignDateInvalid"),
        ("SignDate", "\"01.01.1900\"", "SignDateMissing"),
        ("SignDate", "\"01.01.1900 00:00:00\"", "SignDateMissing"),
        ("ContractVersion", "3.5", "ContractVersionInvalid"),
        ("ContractVersion", "[3]", "ContractVersionInvalid"),
        (
            "ContractVersion",
            "\"countersign-otp/1\"",
            "ContractVersionInvalid",
        ),
        ("Documents", "\"http://test.com/doc.pdf\"", "DocumentsInvalid"),
        ("Documents", "[1]", "DocumentsInvalid"),
        ("Documents", "[null]", "DocumentsInvalid"),
        ("Documents", "{}", "DocumentsInvalid"),
        ("KeyTransport", "1", "KeyTransportInvalid"),
        ("KeyTransport", long.as_str(), "KeyTransportTooLong"),
        ("UserSignKey", "1", "UserSignKeyInvalid"),
        ("UserSignHash", "false", "UserSignHashInvalid"),
        ("CompanyId", "\"\"", "CompanyIdInvalid"),
        ("CompanyId", "-1.5", "CompanyIdInvalid"),
    ] {
        check((field, value), &[code]);
    }
    check(("Documents", &links(101)), &["DocumentsTooLong"]);
    check(("Documents", &format!("[{long}]")), &["DocumentsTooLong"]);
    check(("Documents", &links(100)), &[]);
    check(("Documents", "[]"), &[]);
    check(("KeyTransport", &wide), &[]);
    check(("ContractVersion", "\"\""), &[]);
    check(("ContractVersion", "3"), &[]);
    check(("ContractId", "7.0"), &[]);
    check(("Unknown", "{\"anything\":[1,2]}"), &[]);
}

#[test]
fn all_fields_are_checked_at_once() {
    let body = r#"{"ClientIntegrationId":1,"SignDate":"31.02.2024","Documents":5,"CompanyId":1.5}"#;
    let wrong = read_container(body.as_bytes()).content.unwrap_err();
    let codes: Vec<String> = wrong.iter().map(Wrong::code).collect();
    assert_eq!(
        codes,
        [
            "ClientIntegrationIdInvalid",
            "ContractIdMissing",
            "SignDateInvalid",
            "DocumentsInvalid",
            "CompanyIdInvalid"
        ]
    );
}

#[test]
fn a_field_that_stands_twice_is_an_error() {
    let body = r#"{"ClientIntegrationId":"c","ContractId":1,"ContractId":2,"SignDate":"01.01.2024"}"#;
    let wrong = read_container(body.as_bytes()).content.unwrap_err();
    assert_eq!(
        wrong.iter().map(Wrong::code).collect::<Vec<_>>(),
        ["ContractIdRepeated"]
    );
}

#[test]
fn what_is_no_object_is_one_error_of_the_body() {
    for body in [
        &b""[..],
        b"[]",
        b"null",
        b"7",
        b"{",
        b"\"x\"",
        b"{} x",
        b"\xff{}",
        b"{\"ContractId\":\"\\ud800\"}x",
    ] {
        let wrong = read_container(body).content.unwrap_err();
        assert_eq!(wrong.iter().map(Wrong::code).collect::<Vec<_>>(), ["BodyInvalid"]);
    }
    // A lone surrogate is no string of Unicode, and its field is wrong.
    let lone = br#"{"ClientIntegrationId":"\ud800","ContractId":1,"SignDate":"01.01.2024"}"#;
    let wrong = read_container(lone).content.unwrap_err();
    assert_eq!(wrong[0].code(), "ClientIntegrationIdInvalid");
}

#[test]
fn the_key_is_found_in_the_body() {
    let read = read_identity(br#"{"ApiKey":"k","ClientIntegrationId":"c","ContractId":"1"}"#);
    assert_eq!(read.api_key.as_deref(), Some("k"));
    let identity = read.content.unwrap();
    assert_eq!(
        identity.contract_id.identity(),
        Scalar::integer("1").unwrap().identity()
    );
    assert_eq!(identity.company_id, None);
    assert_eq!(read_identity(br#"{"ApiKey":7}"#).api_key, None);
}
