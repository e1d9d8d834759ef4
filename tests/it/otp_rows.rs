//! The table of Reasons: a row for each, and one for every pair of neighbouring steps.

use crate::client::Reply;
use crate::world::{FORBIDDEN_TYPE, QUICK_TYPE, SHORT_LIVED_TYPE, World, inputs, other_than, with};
use actors::testing::Act;
use serde_json::{Value, json};
use storage::{Batch, Key};

/// One row: what stands so, what is asked, and what is answered.
pub struct Row {
    pub fact: &'static str,
    pub given: fn(&World),
    pub when: fn(&World) -> Reply,
    pub status: u16,
    pub reason: u64,
    pub name: &'static str,
}

fn nothing(_: &World) {}

pub fn send(world: &World, changes: &Value) -> Reply {
    world.send(&with(&inputs(), changes))
}

fn verify(world: &World, changes: &Value, code: &str) -> Reply {
    world.verify(&with(&inputs(), changes), code)
}

/// A wrong try on the code of contract type 7.
fn miss(world: &World) -> Reply {
    let code = world.operator.last_code().unwrap_or("000000".to_owned());
    world.verify(&inputs(), &other_than(&code))
}

/// Locks the contact: 15 wrong tries over three codes, of types that have windows of their own.
pub fn lock_contact(world: &World) {
    lock_contact_by(world, [QUICK_TYPE, 8, SHORT_LIVED_TYPE]);
}

/// The same by codes of these types.
pub fn lock_contact_by(world: &World, contract_types: [u8; 3]) {
    for contract_type in contract_types {
        let body = with(&inputs(), &json!({ "ContractTypeId": contract_type }));
        let code = world.sent(&body);
        for _ in 0..5 {
            assert_eq!(world.verify(&body, &other_than(&code)).reason(), 22);
        }
    }
}

/// Uses up the short cap of the quick type.
pub fn reach_cap(world: &World) {
    for _ in 0..5 {
        world.sent(&with(&inputs(), &json!({ "ContractTypeId": QUICK_TYPE })));
        world.advance_seconds(1);
    }
}

/// Writes what no version of the gateway wrote in place of customer 1001.
fn spoil_customer(world: &World) {
    let mut batch = Batch::default();
    batch.put(Key::table("customer").i64(1001).build(), vec![0xFF; 9]);
    world.with_store(world.store().commit(batch)).unwrap();
}

fn put_contact(world: &World, number: &str) {
    let row = json!({ "full_name": "مریم رضایی", "contacts": [
        { "contact_ccms_code": 2001, "phone_type": 3, "number": number } ] });
    assert_eq!(world.admin.put("/admin/v1/customers/1001", &row).status, 200);
}

pub const UNKNOWN_GUID: &str = "00000000-0000-4000-8000-00000000dead";

pub fn rows_of_send() -> Vec<Row> {
    let row = |fact, given, when, reason, name| Row {
        fact,
        given,
        when,
        status: if reason == 12 { 500 } else { 200 },
        reason,
        name,
    };
    vec![
        row(
            "an unknown invoker",
            nothing,
            |w| send(w, &json!({ "InvokerCode": UNKNOWN_GUID })),
            1,
            "InvalidInvoker",
        ),
        row(
            "an unknown contract type",
            nothing,
            |w| send(w, &json!({ "ContractTypeId": 99 })),
            2,
            "InvalidContractType",
        ),
        row(
            "a type that this invoker may not have signed",
            nothing,
            |w| send(w, &json!({ "ContractTypeId": FORBIDDEN_TYPE })),
            3,
            "NoPermissionToContract",
        ),
        row(
            "an unknown customer",
            nothing,
            |w| send(w, &json!({ "CcmsCode": 9999 })),
            4,
            "CustomerNotFound",
        ),
        row(
            "an unknown contact",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 9999 })),
            5,
            "ContactNotFound",
        ),
        row(
            "a contact of another customer",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 2021 })),
            5,
            "ContactNotFound",
        ),
        row(
            "a deleted contact",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 2004 })),
            5,
            "ContactNotFound",
        ),
        row(
            "a phone at home",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 2002 })),
            6,
            "InvalidPhoneType",
        ),
        row(
            "a mobile without a valid number",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 2003 })),
            7,
            "InvalidPhone",
        ),
        row(
            "an operator that refuses",
            |w| w.operator.will(Act::Refuse("411")),
            |w| w.send(&inputs()),
            8,
            "SendSmsFault",
        ),
        row(
            "an operator that gives no answer",
            |w| w.operator.will(Act::Shrug),
            |w| w.send(&inputs()),
            8,
            "SendSmsFault",
        ),
        row(
            "a repeat inside the window",
            |w| drop(w.sent(&inputs())),
            |w| w.send(&inputs()),
            9,
            "InThresholdOtpGenerator",
        ),
        row(
            "a generator that fails",
            |w| w.chance.breaks(),
            |w| w.send(&inputs()),
            10,
            "OtpGeneratorFault",
        ),
        row(
            "a cap",
            reach_cap,
            |w| send(w, &json!({ "ContractTypeId": QUICK_TYPE })),
            10,
            "OtpGeneratorFault",
        ),
        row(
            "a locked contact",
            lock_contact,
            |w| w.send(&inputs()),
            10,
            "OtpGeneratorFault",
        ),
        row("four good inputs", nothing, |w| w.send(&inputs()), 11, "Success"),
        row(
            "a row that cannot be read",
            spoil_customer,
            |w| w.send(&inputs()),
            12,
            "Unknown",
        ),
        row(
            "a programmer's error",
            |w| w.chance.panics(),
            |w| w.send(&inputs()),
            12,
            "Unknown",
        ),
    ]
}

pub fn rows_of_neighbours() -> Vec<Row> {
    let row = |fact, given, when, reason, name| Row {
        fact,
        given,
        when,
        status: 200,
        reason,
        name,
    };
    vec![
        row(
            "1 before 2",
            nothing,
            |w| send(w, &json!({ "InvokerCode": UNKNOWN_GUID, "ContractTypeId": 99 })),
            1,
            "InvalidInvoker",
        ),
        row(
            "2 before 3: type 99 is granted and does not exist, type 98 is neither",
            nothing,
            |w| send(w, &json!({ "ContractTypeId": 98 })),
            2,
            "InvalidContractType",
        ),
        row(
            "3 before 4",
            nothing,
            |w| send(w, &json!({ "ContractTypeId": FORBIDDEN_TYPE, "CcmsCode": 9999 })),
            3,
            "NoPermissionToContract",
        ),
        row(
            "4 before 5",
            nothing,
            |w| send(w, &json!({ "CcmsCode": 9999, "ContactCcmsCode": 9999 })),
            4,
            "CustomerNotFound",
        ),
        row(
            "5 before 6: a deleted phone at home",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 2015 })),
            5,
            "ContactNotFound",
        ),
        row(
            "6 before 7: a phone at home with an invalid number",
            nothing,
            |w| send(w, &json!({ "ContactCcmsCode": 2014 })),
            6,
            "InvalidPhoneType",
        ),
        row(
            "7 before 9: the number became invalid inside the window",
            |w| {
                w.sent(&inputs());
                put_contact(w, "0912");
            },
            |w| w.send(&inputs()),
            7,
            "InvalidPhone",
        ),
        row(
            "9 before the lock",
            |w| {
                w.sent(&inputs());
                lock_contact(w);
            },
            |w| w.send(&inputs()),
            9,
            "InThresholdOtpGenerator",
        ),
        row(
            "9 before the caps: the fifth code is a moment old",
            |w| {
                for _ in 0..5 {
                    w.advance_seconds(1);
                    w.sent(&with(&inputs(), &json!({ "ContractTypeId": QUICK_TYPE })));
                }
            },
            |w| send(w, &json!({ "ContractTypeId": QUICK_TYPE })),
            9,
            "InThresholdOtpGenerator",
        ),
        row(
            "9 before the generator",
            |w| {
                w.sent(&inputs());
                w.chance.breaks();
            },
            |w| w.send(&inputs()),
            9,
            "InThresholdOtpGenerator",
        ),
        row(
            "10 before 8: a generator that fails and an operator that refuses",
            |w| {
                w.chance.breaks();
                w.operator.will(Act::Refuse("411"));
            },
            |w| w.send(&inputs()),
            10,
            "OtpGeneratorFault",
        ),
        row(
            "8 before 11",
            |w| w.operator.will(Act::Refuse("411")),
            |w| w.send(&inputs()),
            8,
            "SendSmsFault",
        ),
        row(
            "verify: 1 before 2",
            nothing,
            |w| {
                verify(
                    w,
                    &json!({ "InvokerCode": UNKNOWN_GUID, "ContractTypeId": 99 }),
                    "000000",
                )
            },
            1,
            "InvalidInvoker",
        ),
        row(
            "verify: 2 before 3",
            nothing,
            |w| verify(w, &json!({ "ContractTypeId": 98 }), "000000"),
            2,
            "InvalidContractType",
        ),
        row(
            "verify: 3 before 4",
            nothing,
            |w| {
                verify(
                    w,
                    &json!({ "ContractTypeId": FORBIDDEN_TYPE, "CcmsCode": 9999 }),
                    "000000",
                )
            },
            3,
            "NoPermissionToContract",
        ),
        row(
            "verify: 4 before 5",
            nothing,
            |w| verify(w, &json!({ "CcmsCode": 9999, "ContactCcmsCode": 9999 }), "000000"),
            4,
            "CustomerNotFound",
        ),
        row(
            "verify: 5 before 20",
            nothing,
            |w| verify(w, &json!({ "ContactCcmsCode": 2004 }), "000000"),
            5,
            "ContactNotFound",
        ),
        row("verify: the lock before 20", lock_contact, miss, 23, "OtpLocked"),
        row(
            "verify: 21 before 22",
            |w| {
                w.sent(&inputs());
                w.advance_seconds(300);
            },
            miss,
            21,
            "OtpExpired",
        ),
        row(
            "verify: 21 before the five tries",
            |w| {
                w.sent(&inputs());
                (0..5).for_each(|_| drop(miss(w)));
                w.advance_seconds(300);
            },
            miss,
            21,
            "OtpExpired",
        ),
        row(
            "verify: 23 before 22",
            |w| {
                w.sent(&inputs());
                (0..5).for_each(|_| drop(miss(w)));
            },
            miss,
            23,
            "OtpLocked",
        ),
    ]
}

pub fn rows_of_verify() -> Vec<Row> {
    let row = |fact, given, when, reason, name| Row {
        fact,
        given,
        when,
        status: 200,
        reason,
        name,
    };
    vec![
        row(
            "an unknown invoker",
            nothing,
            |w| verify(w, &json!({ "InvokerCode": UNKNOWN_GUID }), "000000"),
            1,
            "InvalidInvoker",
        ),
        row(
            "an unknown contract type",
            nothing,
            |w| verify(w, &json!({ "ContractTypeId": 99 }), "000000"),
            2,
            "InvalidContractType",
        ),
        row(
            "a type that this invoker may not have signed",
            nothing,
            |w| verify(w, &json!({ "ContractTypeId": FORBIDDEN_TYPE }), "000000"),
            3,
            "NoPermissionToContract",
        ),
        row(
            "an unknown customer",
            nothing,
            |w| verify(w, &json!({ "CcmsCode": 9999 }), "000000"),
            4,
            "CustomerNotFound",
        ),
        row(
            "an unknown contact",
            nothing,
            |w| verify(w, &json!({ "ContactCcmsCode": 9999 }), "000000"),
            5,
            "ContactNotFound",
        ),
        row("no code", nothing, miss, 20, "OtpNotFound"),
        row(
            "an expired code",
            |w| {
                w.sent(&inputs());
                w.advance_seconds(300);
            },
            |w| w.verify(&inputs(), &w.operator.last_code().unwrap()),
            21,
            "OtpExpired",
        ),
        row(
            "a wrong code",
            |w| drop(w.sent(&inputs())),
            miss,
            22,
            "OtpMismatch",
        ),
        row(
            "a code with five wrong tries",
            |w| {
                w.sent(&inputs());
                (0..5).for_each(|_| drop(miss(w)));
            },
            |w| w.verify(&inputs(), &w.operator.last_code().unwrap()),
            23,
            "OtpLocked",
        ),
        row(
            "the right code",
            |w| drop(w.sent(&inputs())),
            |w| w.verify(&inputs(), &w.operator.last_code().unwrap()),
            11,
            "Success",
        ),
    ]
}
