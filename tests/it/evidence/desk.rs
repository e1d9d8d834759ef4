//! An integration and its calls.

use crate::client::{Call, Client, Reply};
use crate::world::{EVIDENCE_PUBLIC_KEY, LOMBARD_KEY, World};
use evidence::Receipt;
use evidence::checkpoint::Verifier;
use serde_json::{Value, json};

pub const ADD: &str = "/api/v0/AddContractESignInfo";
pub const GET: &str = "/api/v0/GetContractESignInfo";
pub const VERIFY: &str = "/api/v0/VerifyContractESignInfo";

/// The document's own example, byte for byte.
pub const EXAMPLE: &str = r#"{"ClientIntegrationId":"nz2UG1","ContractId":313527,"SignDate":"01.01.2024","ContractVersion":"3",
 "Documents":["<http://test.com/doc.pdf","http://test.com/doc2.pdf>"],"KeyTransport":"sms.ru",
 "UserSignKey":"0001","UserSignHash":"o3275980rywefhjerty341","CompanyId":4188}"#;

/// A world with the integration `lombard`.
pub fn world() -> World {
    let world = World::start();
    register(&world);
    world
}

pub fn register(world: &World) {
    let reply = world
        .admin
        .put("/admin/v1/integrations/lombard", &json!({ "key": LOMBARD_KEY }));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

pub fn lombard(world: &World) -> Client {
    world.partner.with_key(LOMBARD_KEY)
}

pub fn keys() -> Vec<Verifier> {
    vec![EVIDENCE_PUBLIC_KEY.parse().unwrap()]
}

pub fn identity() -> Value {
    json!({ "ClientIntegrationId": "nz2UG1", "ContractId": 313527 })
}

/// Adds, and gives the path of the receipt.
pub fn added(client: &Client, body: &str) -> String {
    let reply = client.call(Call::new("POST", ADD).bytes(body.as_bytes()));
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, r#"{"Result":{},"Errors":null}"#)
    );
    reply.header("countersign-receipt").expect("a receipt").to_owned()
}

/// The codes of an answer's errors; HTTP 200 always.
pub fn codes(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    assert_eq!(body["Result"], Value::Null, "{body}");
    let errors = body["Errors"].as_array().expect("errors").clone();
    errors
        .iter()
        .map(|error| {
            assert!(
                error["Message"]
                    .as_str()
                    .is_some_and(|message| !message.is_empty()),
                "{error}"
            );
            error["Code"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// The containers of an answer.
pub fn containers(reply: &Reply) -> Vec<Value> {
    let body = reply.json();
    assert_eq!(body["Errors"], Value::Null, "{body}");
    body["Result"]["Containers"].as_array().unwrap().clone()
}

pub fn receipt(client: &Client, path: &str) -> Receipt {
    let reply = client.without_key().get(path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}
