//! `countersign dev` as a process: what it says of itself, how it goes down, and what it finds again.

use crate::client::{Call, Connection};
use crate::process::{Dev, program, run};
use crate::world::{SEND, VERIFY, other_than, wait_until, with};
use rustix::process::Signal;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[test]
fn dev_json_is_complete_private_and_true() {
    let dev = Dev::start(&[]);
    let mode = std::fs::metadata(dev.data.join("dev.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for listener in ["public", "admin", "sms"] {
        assert!(
            dev.file[listener]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:"),
            "{}",
            dev.file
        );
    }
    for partner in dev.file["partners"].as_array().unwrap() {
        for field in ["name", "invoker_code", "key"] {
            assert!(
                partner[field].as_str().is_some_and(|text| !text.is_empty()),
                "{partner}"
            );
        }
        assert!(!partner["contract_types"].as_array().unwrap().is_empty());
    }
    assert!(!dev.file["customers"].as_array().unwrap().is_empty());
    assert_eq!(dev.admin().get("/admin/v1/invokers").status, 200);
    assert_eq!(dev.partner().post(SEND, &dev.inputs()).reason(), 11);
    let to = dev.sms().get("/messages?to=%2B989120000001").json();
    assert_eq!(to.as_array().unwrap().len(), 1);
    assert_eq!(to[0]["to"], "+989120000001");
    let verified = dev
        .partner()
        .post(VERIFY, &with(&dev.inputs(), &json!({ "Otp": dev.code() })));
    assert_eq!(verified.reason(), 11);
}

#[test]
fn a_start_that_fails_leaves_no_dev_json_of_an_earlier_run() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("dev.json"), "{}").unwrap();
    let data = home.path().to_str().unwrap();
    let (code, _, stderr) = run(&[
        "dev",
        "--data",
        data,
        "--public",
        &address,
        "--admin",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&address) && stderr.contains("in use"), "{stderr}");
    assert!(!home.path().join("dev.json").exists());
}

#[test]
fn sigterm_lets_the_request_in_flight_end_and_exits_with_0() {
    let mut dev = Dev::start(&[]);
    dev.control(&json!({ "do": "slow", "seconds": 3 }));
    let mut held = dev.partner().begin(Call::post(SEND, &dev.inputs()));
    wait_until("the operator has the message", || dev.messages().len() == 1);
    dev.signal(Signal::TERM);
    let admin = dev.admin();
    wait_until("readiness falls", || admin.get("/readyz").status == 503);
    let public = dev.partner().address;
    wait_until("accepting stops", || {
        std::net::TcpStream::connect(public).is_err()
    });
    assert_eq!(held.read().unwrap().reason(), 11);
    assert_eq!(dev.ended().code(), Some(0));
}

#[test]
fn sigterm_ends_within_the_deadline_whatever_an_operator_does() {
    let mut dev = Dev::start(&["limits.shutdown_seconds=1", "sms.timeout_seconds=55"]);
    dev.control(&json!({ "do": "time_out" }));
    let mut held = dev.partner().begin(Call::post(SEND, &dev.inputs()));
    wait_until("the operator has the message", || dev.messages().len() == 1);
    let began = Instant::now();
    dev.signal(Signal::TERM);
    assert_eq!(dev.ended().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(held.read().map_or(true, |reply| reply.status == 503));
}

#[test]
fn a_second_sigterm_ends_at_once() {
    let mut dev = Dev::start(&["sms.timeout_seconds=55"]);
    dev.control(&json!({ "do": "time_out" }));
    let _held = dev.partner().begin(Call::post(SEND, &dev.inputs()));
    wait_until("the operator has the message", || dev.messages().len() == 1);
    dev.signal(Signal::TERM);
    let admin = dev.admin();
    wait_until("it is going down", || admin.get("/readyz").status == 503);
    let began = Instant::now();
    dev.signal(Signal::TERM);
    assert_eq!(dev.ended().code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_restart_keeps_keys_directory_windows_and_kept_answers() {
    for signal in [Signal::TERM, Signal::KILL] {
        let mut dev = Dev::start(&[]);
        let (file, inputs) = (dev.file.clone(), dev.inputs());
        let key = dev.admin().post(
            "/admin/v1/invokers/00000000-0000-4000-8000-000000000001/keys",
            &json!({}),
        );
        let key = key.json()["key"].as_str().unwrap().to_owned();
        let row = json!({ "full_name": "نام تازه", "contacts": [] });
        assert_eq!(dev.admin().put("/admin/v1/customers/77", &row).status, 200);
        let first = dev.partner().call(Call::post(SEND, &inputs).idempotency_key("k"));
        let code = dev.code();
        dev.signal(signal);
        dev.ended();

        let dev = dev.start_again(&[]);
        assert_eq!(
            (&dev.file["admin_key"], &dev.file["partners"]),
            (&file["admin_key"], &file["partners"]),
            "{signal:?}"
        );
        assert_eq!(
            dev.admin().get("/admin/v1/customers/77").json(),
            row,
            "{signal:?}"
        );
        assert_eq!(
            dev.partner().with_key(&key).post(SEND, &inputs).reason(),
            9,
            "{signal:?}"
        );
        let again = dev.partner().call(Call::post(SEND, &inputs).idempotency_key("k"));
        assert_eq!((again.body, dev.messages().len()), (first.body, 0), "{signal:?}");
        let verified = dev
            .partner()
            .post(VERIFY, &with(&inputs, &json!({ "Otp": code })));
        assert_eq!(verified.reason(), 11, "{signal:?}");
    }
}

#[test]
fn killed_while_the_operator_keeps_silent_the_key_answers_8_and_the_window_is_free() {
    let mut dev = Dev::start(&["sms.timeout_seconds=55"]);
    let inputs = dev.inputs();
    dev.control(&json!({ "do": "time_out" }));
    let held = dev
        .partner()
        .begin(Call::post(SEND, &inputs).idempotency_key("k"));
    wait_until("the operator has the message", || dev.messages().len() == 1);
    dev.signal(Signal::KILL);
    dev.ended();
    drop(held);
    let dev = dev.start_again(&[]);
    let keyed = || dev.partner().call(Call::post(SEND, &inputs).idempotency_key("k"));
    let first = keyed();
    assert_eq!(
        (first.status, first.reason(), dev.messages().len()),
        (200, 8, 0),
        "{}",
        first.text()
    );
    assert_eq!(keyed().body, first.body);
    assert_eq!(dev.partner().post(SEND, &inputs).reason(), 11);
}

#[test]
fn the_stand_in_refuses_times_out_and_is_slow_as_told() {
    let dev = Dev::start(&["sms.timeout_seconds=1"]);
    let send = || dev.partner().post(SEND, &dev.inputs());
    dev.control(&json!({ "next": 2, "do": "refuse", "code": "418" }));
    for _ in 0..2 {
        let reply = send();
        assert!(
            reply.reason() == 8 && reply.error_messages().contains("418"),
            "{}",
            reply.text()
        );
    }
    assert_eq!(dev.messages().len(), 0);
    dev.control(&json!({ "do": "time_out" }));
    let reply = send();
    assert!(
        reply.reason() == 8 && reply.error_messages().contains("unknown"),
        "{}",
        reply.text()
    );
    assert_eq!((send().reason(), dev.messages().len()), (9, 1));
    let verified = dev
        .partner()
        .post(VERIFY, &with(&dev.inputs(), &json!({ "Otp": dev.code() })));
    assert_eq!(verified.reason(), 11, "the message went all the same");
}

#[test]
fn no_code_key_or_number_is_in_any_log_file_or_metric_of_a_full_run_at_trace() {
    let mut dev = Dev::start(&["log.filter=trace", "storage.reserve_bytes=0"]);
    let (admin, partner) = (dev.admin(), dev.partner());
    // Ten digits: a number of the log that happens to be the code is out of the question.
    let row = json!({ "title": "سبدگردانی", "otp": { "code_length": 10 } });
    assert_eq!(admin.put("/admin/v1/contract-types/7", &row).status, 200);
    let body = dev.inputs();
    assert_eq!(
        partner
            .call(Call::post(SEND, &body).idempotency_key("k"))
            .reason(),
        11
    );
    let code = dev.code();
    assert_eq!(code.len(), 10);
    let verify = |otp: &str| {
        partner
            .post(VERIFY, &with(&body, &json!({ "Otp": otp })))
            .reason()
    };
    assert_eq!((verify(&other_than(&code)), verify(&code)), (22, 11));
    dev.control(&json!({ "do": "refuse" }));
    assert_eq!(partner.post(SEND, &body).reason(), 8);
    partner.call(Call::new("POST", SEND).bytes(format!("{{\"Otp\":\"{code}\",").as_bytes()));
    let metrics = admin.get("/metrics").text();
    dev.signal(Signal::TERM);
    assert_eq!(dev.ended().code(), Some(0));

    let log = dev.log();
    assert!(log.contains("TRACE"), "the run was at TRACE");
    let mut places = vec![("the metrics", metrics.into_bytes())];
    // stderr greets the person who started it with the demo keys: that is its purpose, and it is no log.
    places.push((
        "the log",
        log.lines()
            .filter(|line| line.starts_with('{'))
            .collect::<Vec<_>>()
            .join("\n")
            .into_bytes(),
    ));
    for file in std::fs::read_dir(dev.data.join("store"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if file.is_file() {
            places.push(("the store", std::fs::read(file).unwrap()));
        }
    }
    assert!(places.len() > 3, "the store has files");
    let key = dev.file["partners"][0]["key"].as_str().unwrap();
    let admin_key = dev.file["admin_key"].as_str().unwrap();
    for (place, bytes) in &places {
        let holds = |needle: &str| {
            bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        };
        assert!(!holds(&code), "the code is in {place}");
        assert!(!holds(key) && !holds(admin_key), "a key is in {place}");
        assert!(!holds("989120000001"), "the number is in {place}");
    }
}

#[test]
fn import_takes_address_and_key_from_dev_json_and_says_what_it_rejected() {
    let dev = Dev::start(&[]);
    let file = dev.data.join("rows.ndjson");
    let row = |code: i64| format!("{{\"type\":\"customer\",\"ccms_code\":{code},\"full_name\":\"نام\"}}\n");
    let import = || {
        run(&[
            "import",
            file.to_str().unwrap(),
            "--dev",
            dev.data.to_str().unwrap(),
        ])
    };
    std::fs::write(&file, row(501) + &row(502)).unwrap();
    let (code, stdout, _) = import();
    assert_eq!((code, stdout.as_str()), (Some(0), "2 lines imported\n"));
    std::fs::write(&file, row(503) + "nonsense\n").unwrap();
    let (code, stdout, stderr) = import();
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("1 lines imported") && stdout.contains("line 2: "),
        "{stdout}"
    );
    assert!(stderr.contains("1 lines were rejected"), "{stderr}");
    for code in 501..=503 {
        assert_eq!(
            dev.admin().get(&format!("/admin/v1/customers/{code}")).status,
            200
        );
    }
    let (code, _, stderr) = run(&["import", "/nonexistent/file", "--dev", dev.data.to_str().unwrap()]);
    assert!(
        code == Some(1) && stderr.contains("/nonexistent/file"),
        "{stderr}"
    );
}

#[test]
fn probe_succeeds_while_the_gateway_is_ready_and_fails_when_nobody_is_there() {
    let dev = Dev::start(&[]);
    let url = format!("{}/readyz", dev.file["admin"].as_str().unwrap());
    assert_eq!(run(&["probe", &url]).0, Some(0));
    drop(dev);
    assert_eq!(run(&["probe", &url]).0, Some(1));
}

#[test]
fn two_gateways_cannot_have_one_directory() {
    let dev = Dev::start(&[]);
    let data = dev.data.to_str().unwrap();
    let mut second = program(&[
        "dev",
        "--public",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--data",
        data,
    ]);
    second.args(["--set", "storage.cache_bytes=16777216"]);
    let (code, _, stderr) = crate::process::output(second);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("countersign: "), "{stderr}");
    let mut connection = Connection::open(dev.partner().address);
    connection.write(&dev.partner().wire(Call::post(SEND, &dev.inputs())));
    assert_eq!(connection.read().unwrap().reason(), 11, "the first goes on");
    assert!(dev.data.join("dev.json").exists(), "and can still be found");
}
