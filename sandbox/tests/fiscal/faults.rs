//! Each fault, seen from the other end of the line.

use crate::documents::*;
use crate::till::*;
use fiscal::{Kind, Rejection, Verdict};
use serde_json::json;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

fn post(signed: &[u8]) -> Vec<u8> {
    request("POST", "/fs/doc", &[OCTETS], signed)
}

#[tokio::test]
async fn a_connection_is_closed_without_a_byte_before_or_after_registering() {
    let (running, key, _folder) = open_shift().await;
    for (local, fault, registered) in [(2, "drop_before", false), (2, "drop_after", true)] {
        running
            .arm(json!({ "fault": fault, "path": "/fs/doc", "register": REGISTER, "kind": "sale" }))
            .await;
        let signed = key.sign(&document(local, sale()).to_xml().unwrap());
        let came = exchange(running.address, &post(&signed)).await;
        // The end of the stream or a reset, but no answer.
        match came {
            Ok(octets) => assert_eq!(octets, b"", "{fault}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{fault}"),
        }
        assert_eq!(
            running.documents().await.len(),
            1 + usize::from(registered),
            "{fault}"
        );
    }
    // One-shot: the next goes through.
    let verdict = running.send(&key, &document(3, sale())).await;
    assert!(matches!(verdict, Verdict::Registered { .. }));
    running.stop().await;
}

#[tokio::test]
async fn an_answer_is_late_and_the_document_is_not() {
    let (running, key, _folder) = open_shift().await;
    running.arm(json!({ "fault": "delay", "seconds": 2 })).await;
    let signed = key.sign(&document(2, sale()).to_xml().unwrap());
    let (address, asked) = (running.address, Instant::now());
    let waiting = tokio::spawn(async move { exchange(address, &post(&signed)).await });
    while running.documents().await.len() < 2 {
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "it is registered before it is answered"
        );
        assert!(!waiting.is_finished());
    }
    let answer = waiting.await.unwrap().unwrap();
    assert_eq!(parse(&answer).status, 200);
    assert!(asked.elapsed() >= Duration::from_secs(2));
    running.stop().await;
}

#[tokio::test]
async fn a_status_or_a_refusal_in_either_form_is_answered_as_told() {
    let (running, key, _folder) = open_shift().await;
    let sold = document(2, sale());
    let signed = key.sign(&sold.to_xml().unwrap());
    running
        .arm(json!({ "fault": "status", "status": 503, "times": 2 }))
        .await;
    for _ in 0..2 {
        assert_eq!(running.post("/fs/doc", &[OCTETS], &signed).await.status, 503);
    }
    running
        .arm(json!({ "fault": "reject", "code": 12, "text": "OCSP", "form": "text" }))
        .await;
    let reply = running.post("/fs/doc", &[OCTETS], &signed).await;
    assert_eq!(
        (
            reply.status,
            Rejection::from_body(reply.text()).unwrap().code.code()
        ),
        (400, 12)
    );
    running
        .arm(json!({ "fault": "reject", "code": 12, "text": "OCSP", "form": "ticket" }))
        .await;
    let reply = running.post("/fs/doc", &[OCTETS], &signed).await;
    let verdict = running
        .ticket(&reply.body)
        .check(&sold.head.uid, sold.head.local_number);
    assert!(matches!(verdict, Verdict::Rejected { code, text } if code.code() == 12 && text == "OCSP"));
    running
        .arm(json!({ "fault": "reject", "code": 9, "path": "/fs/cmd", "kind": "TransactionsRegistrarState" }))
        .await;
    let state = running.ask(&key, crate::commands::state_query()).await;
    assert_eq!(
        (&state["ErrorCode"], &state["UID"]),
        (&json!(9), &json!("request-1"))
    );
    assert_eq!(running.documents().await.len(), 1, "nothing of it was registered");
    running.stop().await;
}

#[tokio::test]
async fn a_filter_lets_others_pass_and_what_is_disarmed_is_over() {
    let (running, key, _folder) = open_shift().await;
    running
        .arm(json!({ "fault": "status", "standing": true, "kind": "z_report" }))
        .await;
    running
        .arm(json!({ "fault": "status", "standing": true, "register": SECOND_REGISTER }))
        .await;
    running
        .arm(json!({ "fault": "status", "standing": true, "path": "/fs/pck" }))
        .await;
    assert!(matches!(
        running.send(&key, &document(2, sale())).await,
        Verdict::Registered { .. }
    ));
    let report = key.sign(&document(3, z(1)).to_xml().unwrap());
    for _ in 0..3 {
        assert_eq!(running.post("/fs/doc", &[OCTETS], &report).await.status, 500);
    }
    assert_eq!(running.control("DELETE", "/control", "").await.status, 204);
    assert_eq!(running.post("/fs/doc", &[OCTETS], &report).await.status, 200);
    running.stop().await;
}

#[tokio::test]
async fn the_clock_goes_wrong_for_all_to_see() {
    let (running, _key, _folder) = open_shift().await;
    running
        .arm(json!({ "fault": "clock_skew", "seconds": -7_200 }))
        .await;
    let state = b"{\"Command\":\"ServerState\"}";
    let reply = running.post("/fs/cmd", &[JSON], state).await;
    assert_eq!(reply.header("date"), Some("Thu, 05 Feb 2026 08:00:00 GMT"));
    assert_eq!(reply.json()["Timestamp"], "2026-02-05T10:00:00+02:00");
    running.clock.advance(chrono::TimeDelta::hours(1));
    running.control("DELETE", "/control", "").await;
    let reply = running.post("/fs/cmd", &[JSON], state).await;
    assert_eq!(reply.header("date"), Some("Thu, 05 Feb 2026 11:00:00 GMT"));
    running.stop().await;
}

#[tokio::test]
async fn connections_are_refused_until_the_outage_ends_or_is_disarmed() {
    let (running, key, _folder) = open_shift().await;
    for (local, seconds) in [(2, 1), (3, 3_600)] {
        running
            .arm(json!({ "fault": "unreachable", "seconds": seconds }))
            .await;
        let signed = key.sign(&document(local, sale()).to_xml().unwrap());
        let armed = Instant::now();
        let refused = loop {
            match tokio::net::TcpStream::connect(running.address).await {
                Err(error) => break error,
                Ok(_) => assert!(armed.elapsed() < Duration::from_secs(20), "still reachable"),
            }
        };
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        if seconds > 1 {
            running.control("DELETE", "/control", "").await;
        }
        let came = loop {
            match exchange(running.address, &post(&signed)).await {
                Ok(octets) => break octets,
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            }
            assert!(armed.elapsed() < Duration::from_secs(20), "still unreachable");
        };
        assert_eq!(parse(&came).status, 200);
        if seconds == 1 {
            assert!(armed.elapsed() >= Duration::from_secs(1));
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_server_that_is_unreachable_can_be_stopped() {
    let (running, _key, _folder) = open_shift().await;
    running
        .arm(json!({ "fault": "unreachable", "seconds": 3_600 }))
        .await;
    while tokio::net::TcpStream::connect(running.address).await.is_ok() {}
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_armed_is_refused_and_other_paths_are_not_there() {
    let (running, _key, _folder) = open_shift().await;
    for body in [
        "{}",
        "{\"fault\":\"other\"}",
        "{\"fault\":\"delay\",\"colour\":1}",
        "{\"fault\":\"delay\",\"seconds\":4000}",
        "{\"fault\":\"status\",\"status\":1}",
    ] {
        assert_eq!(
            running.control("POST", "/control", body).await.status,
            400,
            "{body}"
        );
    }
    assert_eq!(running.control("GET", "/other", "").await.status, 404);
    let certificate = running.control("GET", "/control/certificate", "").await;
    assert_eq!(certificate.body, running.server.certificate().der());
    assert_eq!(
        running
            .post("/control", &[JSON], b"{\"fault\":\"delay\"}")
            .await
            .status,
        403,
        "not on the public face"
    );
    let verdict = running.control("GET", "/control/state", "").await.json();
    assert_eq!(verdict["registers"][0]["documents"][0]["kind"], "open_shift");
    assert!(matches!(document(1, Kind::OpenShift).kind, Kind::OpenShift));
    running.stop().await;
}
