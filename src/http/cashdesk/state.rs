//! `POST /shift/lastCheck` and `/shift/ping`: from memory, whatever is under way.

use super::answer::{facts_of, money, type_of};
use super::door::{Door, Replied, json};
use super::fault::Fault;
use actors::machines::register::DocumentKind;
use fiscal::RegisterNumber;
use http::Response;
use serde_json::{Value, json};

/// The last receipt or movement of cash of the open shift; all null where there is none.
pub async fn last_check(door: &Door<'_>) -> Replied {
    let (number, _) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    let view = match door.face.registers.look(number).await {
        Ok(view) => view,
        Err(trouble) => return Replied::about(number, None, Err(Fault::trouble(trouble, Some(number)))),
    };
    let is_open = Some(view.shift.is_some());
    let Some(facts) = view.shift.and_then(|shift| shift.last) else {
        let nothing = json!({
            "uuid": null, "ORDERNUM": null, "order_num": null, "ORDERDATE": null, "ORDERTIME": null, "local_number": null,
            "sum": null, "type_": null, "link": null, "is_offline": null,
        });
        return Replied::about(number, is_open, Ok(json(&nothing)));
    };
    let record = match door.face.registers.document(number, facts.local_number).await {
        Ok(record) => record,
        Err(trouble) => return Replied::about(number, is_open, Err(Fault::trouble(trouble, Some(number)))),
    };
    let is_movement = matches!(facts.kind, DocumentKind::ServiceIn | DocumentKind::ServiceOut);
    let reference = record
        .and_then(|record| record.reference)
        .filter(|_| !is_movement);
    let mut fields = facts_of(door.face, number, &facts);
    fields.insert(
        "local_number".to_owned(),
        json!(reference.map(|number| number.to_string())),
    );
    fields.insert("sum".to_owned(), json!(facts.sum.map(money)));
    fields.insert("type_".to_owned(), json!(type_of(facts.kind)));
    Replied::about(number, is_open, Ok(json(&Value::Object(fields))))
}

/// That the register is there, and who signs for it: some clients read the latter without asking whether it is there.
pub async fn ping(door: &Door<'_>) -> Replied {
    let (number, _) = match door.register() {
        Ok(found) => found,
        Err(fault) => return Replied::of(Err(fault)),
    };
    Replied::about(number, None, signer(door, number))
}

fn signer(door: &Door<'_>, number: RegisterNumber) -> Result<Response<Vec<u8>>, Fault> {
    let caller = door.caller()?;
    let signature = match door.face.accounts.signer(caller, Some(number)) {
        Ok(signer) => json!({
            "user_id": signer.cashier, "full_name": signer.name, "is_active": door.face.agents.agent_of(signer.key).is_some(),
        }),
        Err(_) => json!({ "user_id": caller.account, "full_name": door.account()?.name, "is_active": false }),
    };
    Ok(json(
        &json!({ "status": "ok", "num_fiscal": number, "user_signature": signature }),
    ))
}
