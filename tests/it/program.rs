//! The command line outside of `dev`: configuration, and `serve` with an operator behind a webhook.

use crate::client::{Call, Client};
use crate::process::{output, program};
use crate::world::{SEND, VERIFY, eventually, inputs, with};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

const ADMIN: &str = "administrators-own-key-5f2c";
const PEPPER: &str = "cGVwcGVyIG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG9uZyE=";
const HMAC_KEY: &str = "a2V5IG9mIHRoZSB0ZXN0cywgYXQgbGVhc3QgMzIgYnl0ZXM=";
const WEBHOOK_KEY: &str = "d2ViaG9vayBrZXkgb2YgdGhlIHRlc3RzISE=";

/// A configuration that may serve, with one thing changed.
fn configuration(from: &str, to: &str) -> String {
    let text = format!(
        "[public]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\nkey = \"{ADMIN}\"\n\
         [partners]\nkey_pepper = \"{PEPPER}\"\n[otp]\nhmac_keys = [\"1:{HMAC_KEY}\"]\nbrand = \"نام\"\n\
         [sms]\nsender = \"webhook\"\n[sms.webhook]\nurl = \"https://sms.invalid/\"\nsecret = \"whsec_{WEBHOOK_KEY}\"\n"
    );
    assert!(text.contains(from), "{from} is in the file");
    text.replacen(from, to, 1)
}

fn with_file(command: &str, text: &str, directory: &Path) -> Command {
    let path = directory.join("countersign.toml");
    std::fs::write(&path, text).unwrap();
    let mut command = program(&[command, "--config", path.to_str().unwrap()]);
    command.current_dir(directory);
    command
}

#[test]
fn check_config_prints_what_is_in_force_with_secrets_masked() {
    let home = tempfile::tempdir().unwrap();
    let mut command = with_file("check-config", &configuration("نام", "نام دیگر"), home.path());
    command
        .env("COUNTERSIGN__OTP__LIFETIME_SECONDS", "200")
        .args(["--set", "otp.code_length=7"]);
    let (code, stdout, stderr) = output(command);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let printed: toml::Table = stdout.parse().unwrap();
    let otp = &printed["otp"];
    assert_eq!(otp["brand"].as_str(), Some("نام دیگر"), "from the file");
    assert_eq!(
        otp["lifetime_seconds"].as_integer(),
        Some(200),
        "from the environment"
    );
    assert_eq!(otp["code_length"].as_integer(), Some(7), "from a flag");
    assert_eq!(otp["resend_window_seconds"].as_integer(), Some(120), "built in");
    for secret in [ADMIN, PEPPER, HMAC_KEY, WEBHOOK_KEY] {
        assert!(!stdout.contains(secret), "{stdout}");
    }
    assert_eq!(stdout.matches("***").count(), 4, "{stdout}");
}

/// A configuration that neither check-config nor serve takes, and what they say of it.
fn check_refused(from: &str, to: &str, said: &str) {
    let home = tempfile::tempdir().unwrap();
    let text = configuration(from, to);
    for command in ["check-config", "serve"] {
        let (code, stdout, stderr) = output(with_file(command, &text, home.path()));
        assert_eq!(code, Some(1), "{command} with {to}: {stdout}");
        assert!(stderr.contains(said), "{command} with {to}: {stderr}");
        for secret in [ADMIN, PEPPER, HMAC_KEY, WEBHOOK_KEY] {
            assert!(!stderr.contains(secret), "{stderr}");
        }
    }
    assert!(!home.path().join("data").exists(), "nothing was begun");
}

#[test]
fn a_configuration_that_cannot_be_served_is_refused_with_its_place() {
    check_refused("brand", "brnad", "countersign.toml:10");
    check_refused("[partners]", "[partnres]", "countersign.toml:6");
    check_refused("brand = \"نام\"", "brand = 5", "countersign.toml:10");
    check_refused("brand = \"نام\"", "brand = \"\"", "otp.brand");
    check_refused(
        "brand = \"نام\"",
        "lifetime_seconds = 601",
        "otp.lifetime_seconds",
    );
    check_refused("brand = \"نام\"", "default_region = \"XX\"", "otp.default_region");
    check_refused("https://sms.invalid/", "", "sms.webhook.url");
    check_refused("webhook\"\n[", "sandbox\"\n[", "sms.sender");
    check_refused(&format!("key = \"{ADMIN}\""), "key = \"short\"", "admin.key");
    check_refused(&format!("1:{HMAC_KEY}"), "1:c2hvcnQ=", "otp.hmac_keys");
    check_refused(&format!("key = \"{ADMIN}\"\n"), "", "admin.key");
}

#[test]
fn example_secrets_do_not_serve() {
    for (from, to, option) in [
        (ADMIN, "example-admin-key-0000", "admin.key"),
        (
            PEPPER,
            "EXAMPLE0ZXN0cywgMzIgYnl0ZXMgbG9uZyEAAAAAAAA=",
            "partners.key_pepper",
        ),
        (
            HMAC_KEY,
            "exampleIHRoZSB0ZXN0cywgYXQgbGVhc3QgMzIgYnl0ZXM=",
            "otp.hmac_keys",
        ),
        (
            WEBHOOK_KEY,
            "exampleb2sga2V5IG9mIHRoZSB0ZXN0cyEhAAAA",
            "sms.webhook.secret",
        ),
    ] {
        check_refused(from, to, option);
    }
}

/// What a receiver was posted: its header fields in lower case, and its body.
type Posted = (Vec<(String, String)>, Vec<u8>);

/// Takes POSTs, answers each with `status`, keeps them.
fn receiver(status: u16) -> (SocketAddr, Arc<Mutex<Vec<Posted>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let posted = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&posted);
    // Ends with the process: it waits in `accept` and holds nothing.
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let (mut headers, mut line) = (Vec::new(), String::new());
            reader.read_line(&mut line).unwrap();
            loop {
                line.clear();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(": ") else {
                    break;
                };
                headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
            let length = headers
                .iter()
                .find(|(name, _)| name == "content-length")
                .map_or(0, |(_, value)| value.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push((headers, body));
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, posted)
}

/// Two ports that were free a moment ago: `serve` tells its addresses to nobody.
fn free_ports() -> [SocketAddr; 2] {
    let both = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    both.map(|listener| listener.local_addr().unwrap())
}

/// A running `countersign serve`, killed at the end.
struct Serving {
    child: std::process::Child,
    partner: Client,
    admin: Client,
    _home: tempfile::TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(operator: SocketAddr) -> Serving {
    let home = tempfile::tempdir().unwrap();
    let [public, admin] = free_ports();
    let text = configuration("https://sms.invalid/", &format!("http://{operator}/sms"));
    let mut command = with_file("serve", &text, home.path());
    command.args(["--public", &public.to_string(), "--admin", &admin.to_string()]);
    command.args([
        "--set",
        "storage.cache_bytes=16777216",
        "--set",
        "storage.reserve_bytes=0",
    ]);
    let null = std::process::Stdio::null;
    let child = command.stdout(null()).stderr(null()).spawn().unwrap();
    let serving = Serving {
        child,
        partner: Client::new(public, Some("key-of-the-partner")),
        admin: Client::new(admin, Some(ADMIN)),
        _home: home,
    };
    eventually("it listens", || std::net::TcpStream::connect(admin).ok());
    let contact = json!({ "contact_ccms_code": 2001, "phone_type": 3, "number": "09121234567" });
    let rows = [
        json!({ "type": "contract_type", "id": 7, "title": "سبدگردانی" }),
        json!({ "type": "invoker", "code": crate::world::ORAGH, "name": "x", "contract_types": [7], "key": "key-of-the-partner" }),
        json!({ "type": "customer", "ccms_code": 1001, "full_name": "مریم رضایی", "contacts": [contact] }),
    ];
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    assert_eq!(serving.admin.import(lines.as_bytes()).json()["imported"], 3);
    serving
}

#[test]
fn serve_posts_each_message_once_signed_by_the_standard_webhooks_rules() {
    let (operator, posted) = receiver(204);
    let serving = serve(operator);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let sent = serving
        .partner
        .call(Call::post(SEND, &inputs()).header("traceparent", trace));
    assert_eq!(sent.reason(), 11, "{}", sent.text());
    assert_eq!(serving.partner.post(SEND, &inputs()).reason(), 9);
    let posted = posted.lock().unwrap().clone();
    let [(headers, body)] = posted.as_slice() else {
        panic!("{} messages were posted", posted.len())
    };
    let header = |name: &str| {
        headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
            .unwrap()
    };
    let key = BASE64_STANDARD.decode(WEBHOOK_KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(body);
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header("webhook-signature"), expected);
    assert!(header("traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    let message: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        (&message["type"], &message["data"]["to"]),
        (&json!("sms.send"), &json!("+989121234567"))
    );
    assert_eq!(message["data"]["id"], header("webhook-id"));
    let code = message["data"]["text"].as_str().unwrap().lines().last().unwrap();
    assert_eq!(
        serving
            .partner
            .post(VERIFY, &with(&inputs(), &json!({ "Otp": code })))
            .reason(),
        11
    );
}

/// A receiver's status, and what it means: a definite refusal frees the window, an unknown outcome keeps it.
fn check_status(status: u16, text: &str, then: u64) {
    let (operator, posted) = receiver(status);
    let serving = serve(operator);
    let reply = serving.partner.post(SEND, &inputs());
    assert!(
        reply.reason() == 8 && reply.error_messages().contains(text),
        "{status}: {}",
        reply.text()
    );
    assert_eq!(serving.partner.post(SEND, &inputs()).reason(), then, "{status}");
    assert_eq!(
        posted.lock().unwrap().len(),
        if then == 8 { 2 } else { 1 },
        "{status}: nothing is retried by itself"
    );
}

#[test]
fn a_receivers_refusal_is_definite_and_a_proxys_error_is_not() {
    check_status(400, "operator code 400", 8);
    check_status(503, "operator code 503", 8);
    check_status(302, "operator code 302", 8);
    check_status(502, "unknown", 9);
    check_status(504, "unknown", 9);
}

#[test]
fn an_operator_that_nobody_reaches_is_a_definite_refusal() {
    let [nobody, _] = free_ports();
    let serving = serve(nobody);
    for _ in 0..2 {
        let reply = serving.partner.post(SEND, &inputs());
        assert!(
            reply.reason() == 8 && reply.error_messages().contains("unreachable"),
            "{}",
            reply.text()
        );
    }
}
