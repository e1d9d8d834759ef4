//! Facts about bodies.

use super::otp_body::{parse_send, parse_verify};
use actors::ids::{ContactId, ContractTypeId, CustomerId};

const WHOLE: &str = r#""CcmsCode":7,"ContactCcmsCode":2,"ContractTypeId":3,"InvokerCode":"00000000-0000-0000-0000-000000000001""#;

fn refusal(body: &str) -> String {
    parse_send(body.as_bytes()).expect_err(body).to_string()
}

#[test]
fn names_are_read_as_json_has_them_and_the_last_of_a_name_counts() {
    for body in [
        format!("{{{WHOLE}}}"),
        format!(r#"{{"CcmsCode":1,{WHOLE}}}"#),
        format!(r#"{{"CcmsCode":null,{WHOLE}}}"#),
        format!(
            " \n{{{},\"Other\":{{\"CcmsCode\":[1]}}}}\n",
            WHOLE.replacen('C', r"\u0043", 1)
        ),
    ] {
        let inputs = parse_send(body.as_bytes()).expect(&body);
        assert_eq!(inputs.customer, CustomerId(7), "{body}");
        assert_eq!(inputs.contact, ContactId(2), "{body}");
        assert_eq!(inputs.contract_type, Some(ContractTypeId(3)), "{body}");
        assert!(inputs.invoker.is_some(), "{body}");
    }
    assert!(refusal(&format!(r#"{{{WHOLE},"CcmsCode":null}}"#)).contains("CcmsCode is null"));
    let cased = WHOLE.replacen("CcmsCode", "ccmscode", 1);
    assert!(refusal(&format!("{{{cased}}}")).contains("CcmsCode is missing"));
}

#[test]
fn what_is_no_object_is_told_from_what_is_no_json() {
    for body in ["[]", "7", "\"CcmsCode\"", "null", "true", " [{\"CcmsCode\":1}] "] {
        assert!(refusal(body).contains("must be a JSON object"), "{body}");
    }
    let deep = format!(r#"{{"Other":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    for body in [
        "",
        "{",
        "[1,",
        "{}x",
        r#"{"Other":}"#,
        r#"{"Other":"\ud800"}"#,
        r#"{"Other":01}"#,
        r#"{"Other" 1}"#,
        &deep,
    ] {
        assert!(refusal(body).contains("no JSON"), "{body}: {}", refusal(body));
    }
    let broken = [b"{\"Other\":\"".as_slice(), &[0xff], b"\"}"].concat();
    assert!(parse_send(&broken).is_err());
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let detail =
        refusal(r#"{"CcmsCode":"7","ContactCcmsCode":1.5,"ContractId":{},"ClientIntegrationId":""}"#);
    for name in [
        "InvokerCode",
        "ContractTypeId",
        "CcmsCode",
        "ContactCcmsCode",
        "ContractId",
        "ClientIntegrationId",
    ] {
        assert!(detail.contains(name), "{name}: {detail}");
    }
    let missing = parse_verify(format!("{{{WHOLE}}}").as_bytes()).map(|_| ());
    assert!(
        missing
            .expect_err("without a code")
            .to_string()
            .contains("Otp is missing")
    );
}
