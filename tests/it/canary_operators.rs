//! Operators' secrets, looked for by their values in all that a process wrote at TRACE while it spoke to every one of them.

use crate::operators_outside::{Outside, SMPP};
use crate::process::Dev;
use crate::world::SEND;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sandbox::sms::Misbehaviour::Refuse;
use sandbox::sms::smsc;

const KAVENEGAR: &str = "4B61766543616E6172794B6579";
const SMSRU: &str = "CANARY-SMSRU-6F1D";
const TURBOSMS: &str = "canary-turbosms-77ab";
const TWILIO: &str = "canary-twilio-90cd";
const PASSWORD: &str = "canarypw";

#[test]
fn at_trace_no_operators_key_no_code_and_no_number_is_in_the_log() {
    let outside = Outside::start(smsc::Settings::default());
    let url = outside.url();
    let names = ["kavenegar", "smsru", "turbosms", "twilio", SMPP];
    let candidates: Vec<String> = (0..)
        .zip(names)
        .map(|(rank, name)| format!("{{ operator = \"{name}\", rank = {rank} }}"))
        .collect();
    let settings = [
        "log.filter=trace".to_owned(),
        "storage.reserve_bytes=0".to_owned(),
        // A number of the log cannot happen to be a code.
        "otp.code_length=10".to_owned(),
        "sms.sender=operators".to_owned(),
        format!(
            "sms.routes=[{{ prefix = \"98\", operators = [{}] }}]",
            candidates.join(", ")
        ),
        format!("sms.kavenegar.url={url}"),
        format!("sms.kavenegar.key={KAVENEGAR}"),
        format!("sms.smsru.url={url}"),
        format!("sms.smsru.key={SMSRU}"),
        format!("sms.turbosms.url={url}"),
        format!("sms.turbosms.key={TURBOSMS}"),
        "sms.turbosms.sender=Brand".to_owned(),
        format!("sms.twilio.url={url}"),
        "sms.twilio.account=AC0".to_owned(),
        format!("sms.twilio.key={TWILIO}"),
        "sms.twilio.sender=+15005550006".to_owned(),
        format!(
            "sms.smpp={{ main = {{ host = \"127.0.0.1\", port = {}, system_id = \"esme\", password = \"{PASSWORD}\" }} }}",
            outside.smpp_port()
        ),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let dev = Dev::start(&settings);
    // Each refuses for reasons of its own, so that all are spoken to.
    for code in ["418", "201", "203", "30007"] {
        outside.will(Refuse, code, false);
    }
    let reply = dev.partner().post(SEND, &dev.inputs());
    assert_eq!(reply.reason(), 11, "{}", reply.text());
    let code = outside.last_code();
    let metrics = dev.admin().without_key().get("/metrics").text();
    for name in names {
        let attempted = format!("countersign_sms_operator_attempts_total{{operator=\"{name}\"");
        assert!(metrics.contains(&attempted), "{name} was spoken to");
    }
    // The words of welcome on stderr name the demo's number; they are no log.
    let [log, _] = dev.logs();
    assert!(
        log.len() > 10_000 && log.contains("TRACE"),
        "it was written at TRACE"
    );
    let basic = BASE64_STANDARD.encode(format!("AC0:{TWILIO}"));
    let secrets = [
        KAVENEGAR,
        SMSRU,
        TURBOSMS,
        TWILIO,
        PASSWORD,
        &basic,
        &code,
        "9120000001",
    ];
    for secret in secrets {
        let at = log.lines().find(|line| line.contains(secret));
        assert_eq!(at, None, "{secret} is in the log");
    }
}
