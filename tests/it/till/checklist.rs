//! The compatibility check-list of CashDesk's API, one request a line, shaped as its real clients shape them.

use super::shop::{API_TOKEN, EMAIL, OTHER_TOKEN, PASSWORD, Shop, but, sale, till_call};
use crate::client::{Call, Reply};
use crate::office::REGISTER;
use actors::clock::{Clock, SystemClock};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const SALE: &str = "/api/v2/check/sale";
const SERVICE: &str = "/api/v2/check/service";
const SHIFT: &str = "/api/v2/shift";
const X: &str = "/api/v2/shift/xReport";

#[track_caller]
fn done(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// Every error is a JSON object with a message, which is shown to people as it is.
#[track_caller]
fn refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let body = reply.json();
    let message = body["message"].as_str().unwrap_or_default();
    assert!(message.contains(words), "{message}");
    assert!(body["type"].is_string() && body["code"].is_string(), "{body}");
}

fn now() -> chrono::DateTime<chrono::Utc> {
    SystemClock::new().now().wall
}

fn decoded(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn authenticate_gives_a_token_that_looks_like_a_jwt_and_says_when_it_ends() {
    let shop = Shop::open();
    let call = |password: &str| {
        let body = json!({ "email": EMAIL, "password": password });
        shop.client.call(till_call("/api/v2/authenticate", &body))
    };
    let given = done(&call(PASSWORD));
    let token = given["token"].as_str().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let payload: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let ends = payload["exp"].as_i64().unwrap() - now().timestamp();
    assert!((364 * 86_400..=365 * 86_400).contains(&ends), "{ends}");
    let shown = given["token_expires_at"].as_str().unwrap();
    assert!(
        chrono::NaiveDateTime::parse_from_str(shown, "%d.%m.%Y %H:%M").is_ok(),
        "{shown}"
    );
    assert_eq!(given["active_rro"], true);
    assert_eq!(given["opened_shift"], 0, "no register of several is named");
    assert!(given["user"]["full_name"].is_string() && given["user"]["uuid"].is_string());
    refused(&call("another"), 401, "Невірний");
    let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
    refused(
        &shop.client.call(till_call("/api/v2/authenticate", &unknown)),
        401,
        "Невірний",
    );
    // And the token is taken in all the places where tokens may stand.
    let ping = json!({ "num_fiscal": REGISTER });
    let path = "/api/v2/shift/ping";
    let bare = till_call(path, &ping).header("Authorization", token);
    let bearer = till_call(path, &ping).bearer(token);
    let query = till_call(&format!("{path}?api_token={token}"), &ping);
    let body = till_call(path, &but(&ping, "api_token", json!(token)));
    for call in [bare, bearer, query, body] {
        done(&shop.client.call(call));
    }
    refused(&shop.client.call(till_call(path, &ping)), 401, "авторизація");
    refused(
        &shop.client.call(till_call(path, &ping).bearer("x.y.z")),
        401,
        "авторизація",
    );
}

#[test]
fn passwords_cannot_be_tried_without_end() {
    let shop = Shop::open();
    let body = json!({ "email": EMAIL, "password": "wrong" });
    let call = till_call("/api/v2/authenticate", &body);
    let replies: Vec<Reply> = (0..11).map(|_| shop.client.call(call.clone())).collect();
    assert!(replies[..10].iter().all(|reply| reply.status == 401));
    refused(&replies[10], 429, "Забагато спроб");
    assert!(replies[10].retry_after().is_some());
}

#[test]
fn without_a_developer_id_nothing_is_done() {
    let shop = Shop::open();
    let body = but(&sale(REGISTER), "api_token", json!(API_TOKEN));
    refused(&shop.client.call(Call::post(SALE, &body)), 400, "developer-id");
    assert!(shop.registered(REGISTER).is_empty());
    // In header and body both it is a duplicate, which does no harm.
    done(&shop.sell(&but(&body, "developer-id", json!("demo"))));
}

#[test]
fn every_answer_about_a_register_says_whether_its_shift_is_open() {
    let shop = Shop::open();
    let about = json!({ "num_fiscal": REGISTER });
    let state = |reply: &Reply| reply.header("shift-state").map(str::to_owned);
    for path in [X, "/api/v2/shift/ping", "/api/v2/shift/lastCheck"] {
        assert_eq!(
            state(&shop.post(path, &about)).as_deref(),
            Some("false"),
            "{path}"
        );
    }
    refused(&shop.post(SHIFT, &about), 400, "action_type");
    assert_eq!(
        state(&shop.post(SHIFT, &about)).as_deref(),
        Some("false"),
        "of a refusal too"
    );
    let sold = shop.sell(&sale(REGISTER));
    assert_eq!(state(&sold).as_deref(), Some("true"), "{}", sold.text());
    let one = shop.get(&format!("/api/v2/tax_objects/{REGISTER}"));
    assert_eq!((one.status, state(&one).as_deref()), (200, Some("true")));
    let unfit = shop.sell(&but(&sale(REGISTER), "payments", json!([])));
    assert_eq!((unfit.status, state(&unfit).as_deref()), (400, Some("true")));
    assert_eq!(
        state(&shop.post(X, &json!({ "num_fiscal": 4_000_000_099_u64 }))),
        None,
        "nobody's register"
    );
}

#[test]
fn a_sale_is_taken_with_numbers_with_strings_and_with_a_doubled_slash() {
    let shop = Shop::open();
    let numbers = done(&shop.sell(&sale(REGISTER)));
    // As the page's sample has it: strings, three decimals, a comma, a rounding, a number beyond 2^31, the register as a string.
    let strings = json!({
        "num_fiscal": REGISTER.to_string(), "action_type": "Z_SALE", "local_number": 3_000_000_017_u64, "total_sum": "25.50",
        "round_sum": "-0.03", "round_rule": 10,
        "products": [{ "name": "Товар", "amount": "2.00", "price": "12.765", "cost": "25,53", "unit_code": "2009",
            "unit_name": "штука", "letters": null, "tax_prc": null, "sum_discount": "0.00" }],
        "payments": [{ "code": 0, "name": "ГОТIВКА", "sum": "25.50", "sum_provided": "30.00", "sum_remains": "4.50" }],
        "open_shift": 1, "no_pdf": true, "print_width": 32,
    });
    let call = till_call(&format!("/api/v2//check/sale?api_token={API_TOKEN}"), &strings);
    let strings = done(&shop.client.call(call));
    let registered = shop.registered(REGISTER);
    assert_eq!(registered.len(), 3, "a shift opened by itself, and two receipts");
    for (answer, (_, number)) in [&numbers, &strings].into_iter().zip(&registered[1..]) {
        assert_eq!(
            answer["ORDERNUM"].as_str(),
            Some(number.as_str()),
            "the tax service's own number"
        );
        assert_eq!(answer["is_offline"], json!(false));
        let date = answer["ORDERDATE"].as_str().unwrap();
        assert!(
            chrono::NaiveDate::parse_from_str(date, "%d.%m.%Y").is_ok(),
            "{date}"
        );
        let time = answer["ORDERTIME"].as_str().unwrap();
        assert!(
            chrono::NaiveTime::parse_from_str(time, "%H:%M:%S").is_ok(),
            "{time}"
        );
        assert!(answer["qr_data"].as_str().unwrap().contains(number));
        assert!(answer["operation_id"].is_string() && answer["code"].is_string());
    }
    assert_eq!(strings["local_number"], 3_000_000_017_u64);
    assert!(strings.get("pdf").is_none() && strings["qr"].is_string() && strings["text_print"].is_string());
    assert_eq!(&decoded(&numbers["pdf"])[..5], b"%PDF-");
    assert_eq!(&decoded(&numbers["qr"])[1..4], b"PNG");
    let text = String::from_utf8(decoded(&strings["text_print"])).unwrap();
    assert!(text.contains("25,50") || text.contains("25.50"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 32), "{text}");
    let none = but(
        &but(&sale(REGISTER), "no_qr", json!(1)),
        "no_text_print",
        json!(true),
    );
    let none = done(&shop.sell(&but(&none, "no_pdf", json!("true"))));
    assert!(
        ["pdf", "qr", "text_print"]
            .iter()
            .all(|view| none.get(*view).is_none())
    );
    assert!(none["qr_data"].is_string() && none["uuid"].is_string());
}

#[test]
fn a_form_is_taken_as_json_is() {
    let shop = Shop::open();
    let body = format!("num_fiscal={REGISTER}&action_type=OPEN_SHIFT&no_pdf=1&api_token={API_TOKEN}");
    let call = Call::new("POST", SHIFT)
        .header("developer-id", "demo")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .bytes(body.as_bytes());
    let opened = done(&shop.client.call(call));
    assert!(opened["uuid"].is_string() && opened.get("pdf").is_none());
}

#[test]
fn a_return_with_a_sales_number_is_no_repeat_and_a_repeat_gets_the_first_answer() {
    let shop = Shop::open();
    let body = but(&sale(REGISTER), "local_number", json!(17));
    let sold = done(&shop.sell(&body));
    let returned = done(&shop.sell(&but(&body, "action_type", json!("Z_RETURN"))));
    assert_ne!(returned["ORDERNUM"], sold["ORDERNUM"]);
    assert!(returned["uuid"].is_string() && returned["id"] == returned["uuid"]);
    let again = done(&shop.sell(&body));
    for field in ["uuid", "ORDERNUM", "qr", "pdf", "text_print", "operation_id"] {
        assert_eq!(again[field], sold[field], "{field}");
    }
    assert_eq!(shop.registered(REGISTER).len(), 3, "opening, sale, return");
    let other = but(
        &but(&body, "total_sum", json!(13)),
        "payments",
        json!([{ "code": 1, "sum": "13.00" }]),
    );
    let other = but(&other, "products", json!([{ "name": "Сир", "cost": 13 }]));
    assert_ne!(
        done(&shop.sell(&other))["ORDERNUM"],
        sold["ORDERNUM"],
        "the same number with other sums is another sale"
    );
}

#[test]
fn a_shift_is_opened_once_reported_and_closed() {
    let shop = Shop::open();
    let open = json!({ "action_type": "OPEN_SHIFT", "num_fiscal": REGISTER });
    let opened = done(&shop.post(SHIFT, &open));
    assert!(opened["uuid"].is_string() && opened["text_print"].is_string());
    refused(&shop.post(SHIFT, &open), 400, "Зміна відкрита");
    let paid_in = json!({ "num_fiscal": REGISTER, "action_type": "SERVICE_INPUT", "type": 0, "name": "ГОТІВКА", "sum": 100, "no_pdf": true });
    let paid_in = done(&shop.post(SERVICE, &paid_in));
    assert_eq!(paid_in["cash_in_box"], json!(100.0));
    done(&shop.sell(&sale(REGISTER)));
    let out = json!({ "num_fiscal": REGISTER, "action_type": "SERVICE_OUTPUT", "type": 0, "name": "ГОТІВКА", "sum": "50.00" });
    done(&shop.post(SERVICE, &out));
    refused(
        &shop.post(SERVICE, &but(&out, "sum", json!("1000.00"))),
        400,
        "62.50",
    );
    let z = json!({ "action_type": "Z_REPORT", "num_fiscal": REGISTER, "print_width": 48, "pdf_width": 48 });
    let z = shop.post(SHIFT, &z);
    assert_eq!(z.header("shift-state"), Some("false"));
    let z = done(&z);
    assert_eq!(z["cash_in_box"], json!(62.5));
    assert!(z["uuid"].is_string() && z["text_print"].is_string() && z["pdf"].is_string());
    refused(
        &shop.post(
            SHIFT,
            &json!({ "action_type": "Z_REPORT", "num_fiscal": REGISTER }),
        ),
        400,
        "Зміна закрита",
    );
    assert_eq!(
        shop.registered(REGISTER).len(),
        6,
        "open, in, sale, out, Z, close"
    );
}

#[test]
fn swapped_bodies_close_nothing() {
    let shop = Shop::open();
    done(&shop.sell(&sale(REGISTER)));
    let x = done(&shop.post(X, &json!({ "action_type": "Z_REPORT", "num_fiscal": REGISTER })));
    assert_eq!(x["shift_state"], true);
    let swapped =
        json!({ "num_fiscal": REGISTER, "no_text_print": false, "no_pdf": true, "include_checks": true });
    refused(&shop.post(SHIFT, &swapped), 400, "action_type");
    assert_eq!(shop.registered(REGISTER).len(), 2);
}

#[test]
fn the_x_report_adds_up_and_a_closed_shift_has_zeros() {
    let shop = Shop::open();
    let ask = json!({ "num_fiscal": REGISTER.to_string(), "include_checks": true, "no_pdf": true });
    let closed = done(&shop.post(X, &ask));
    assert_eq!(closed["shift_state"], false);
    assert_eq!(
        (&closed["cash_in_box"], &closed["real"]["sum"]),
        (&json!(0.0), &json!(0.0))
    );
    assert_eq!(closed["checks_list"], json!([]));
    done(&shop.sell(&but(&sale(REGISTER), "local_number", json!(668))));
    done(&shop.sell(&but(
        &but(&sale(REGISTER), "action_type", json!("Z_RETURN")),
        "local_number",
        json!(668),
    )));
    done(&shop.post(
        SERVICE,
        &json!({ "num_fiscal": REGISTER, "action_type": "SERVICE_INPUT", "sum": "0.10" }),
    ));
    let x = done(&shop.post(X, &ask));
    assert_eq!(x["shift_state"], true);
    assert_eq!(
        (&x["real"]["orders_count"], &x["real"]["sum"]),
        (&json!(1), &json!(12.5))
    );
    assert_eq!(&x["ret"]["sum"], &json!(12.5));
    assert_eq!(
        (&x["service_input"], &x["service_output"]),
        (&json!(0.1), &json!(0.0))
    );
    assert_eq!(
        (&x["cash_in_box"], &x["cash_in_box_start"]),
        (&json!(0.1), &json!(0.0))
    );
    assert_eq!(x["OPEN_SESSION_TIME"], x["from_date"]);
    assert!(x["shift_duration"].is_u64() && x["text_print"].is_string());
    let checks = x["checks_list"].as_array().unwrap();
    let types: Vec<&str> = checks
        .iter()
        .map(|check| check["type_"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["Z_SALE", "Z_RETURN", "SERVICE_INPUT"]);
    let first = &checks[0];
    assert_eq!(first["local_number"], json!("668"));
    assert_eq!(first["sum"], json!(12.5));
    assert_eq!(first["payments"][0]["sum"], json!(12.5));
    assert!(first["tax"].is_array() && first["order_num"].is_string());
    let at = first["datetime"].as_str().unwrap();
    assert!(
        chrono::NaiveDateTime::parse_from_str(at, "%d.%m.%Y %H:%M:%S").is_ok(),
        "{at}"
    );
}

#[test]
fn the_period_adds_up_its_shifts_and_lists_the_checks_of_a_day() {
    let shop = Shop::open();
    let z = json!({ "action_type": "Z_REPORT", "num_fiscal": REGISTER });
    for _ in 0..2 {
        done(&shop.sell(&sale(REGISTER)));
        done(&shop.post(SHIFT, &z));
    }
    let kyiv = actors::machines::register::kyiv::local(now());
    let day = |days| {
        (kyiv + chrono::TimeDelta::days(days))
            .format("%d.%m.%Y")
            .to_string()
    };
    let ask = |from: String, to: String| {
        let body = json!({ "num_fiscal": REGISTER.to_string(), "from": from, "to": to, "no_pdf": true, "extended": true });
        shop.post("/api/v2/shift/zReport/period", &body)
    };
    let today = done(&ask(day(0), day(0)));
    assert_eq!(today["real"]["sum"], json!(25.0));
    assert_eq!(today["service_output"], json!(0.0));
    assert_eq!(today["checks_list"].as_array().unwrap().len(), 2);
    let both = done(&ask(day(-1), day(1)));
    assert_eq!(
        (&both["real"]["orders_count"], &both["shifts_count"]),
        (&json!(2), &json!(2))
    );
    assert!(both.get("checks_list").is_none());
    assert_eq!(done(&ask(day(-3), day(-2)))["real"]["sum"], json!(0.0));
    for (from, to) in [
        ("2026-01-01", "01.01.2026"),
        ("31.02.2026", "01.03.2026"),
        ("02.01.2026", "01.01.2026"),
    ] {
        refused(&ask(from.to_owned(), to.to_owned()), 400, "Поле");
    }
}

#[test]
fn ping_names_who_signs_and_last_check_of_an_empty_shift_is_nulls() {
    let shop = Shop::open();
    let about = json!({ "num_fiscal": REGISTER });
    let ping = done(&shop.post("/api/v2/shift/ping", &about));
    assert_eq!(ping["user_signature"]["full_name"], "Касир Вигаданий");
    assert!(ping["user_signature"]["user_id"].is_string());
    let empty = done(&shop.post("/api/v2/shift/lastCheck", &about));
    assert!(empty.as_object().unwrap().values().all(Value::is_null), "{empty}");
    let sold = done(&shop.sell(&but(&sale(REGISTER), "local_number", json!("7"))));
    let last = done(&shop.post("/api/v2/shift/lastCheck", &about));
    assert_eq!(
        (&last["ORDERNUM"], &last["local_number"]),
        (&sold["ORDERNUM"], &json!("7"))
    );
    done(&shop.post(
        SERVICE,
        &json!({ "num_fiscal": REGISTER, "action_type": "SERVICE_INPUT", "sum": 1 }),
    ));
    let last = done(&shop.post("/api/v2/shift/lastCheck", &about));
    assert_eq!(
        (&last["local_number"], &last["type_"]),
        (&Value::Null, &json!("SERVICE_INPUT"))
    );
}

#[test]
fn the_list_of_registers_is_signed_asked_and_kept() {
    let shop = Shop::open();
    let found = REGISTER + 2;
    assert_eq!(shop.get(&format!("/api/v2/tax_objects/{found}")).status, 404);
    let listed = done(&shop.post("/api/v2/tax_objects", &json!({})));
    let data = listed["data"].as_array().unwrap();
    let numbers: Vec<u64> = data
        .iter()
        .map(|one| one["num_fiscal"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [REGISTER, REGISTER + 1, found]);
    assert_eq!(
        shop.agent.asked.lock().unwrap()[0].register,
        None,
        "the question is of no register"
    );
    let one = done(&shop.get(&format!("/api/v2/tax_objects/{found}")));
    let one = &one["data"];
    for field in ["org_name", "address", "name", "tin"] {
        assert!(one[field].is_string(), "{field} of {one}");
    }
    assert!(one["is_tas"].is_boolean() && one["num_fiscal"].is_u64());
    assert!(one["shift"]["id"].is_string() && one["shift"]["state"].is_string());
    assert!(one["shift"]["offline"].is_boolean() && one["shift"]["offline_timeline"].is_array());
    done(&shop.sell(&sale(found)));
}

#[test]
fn taxes_are_those_of_the_register() {
    let shop = Shop::open();
    let with = |letters: Value, rate: Value| {
        let product = json!({ "name": "Сир", "amount": 1, "price": 12.5, "cost": 12.5, "letters": letters, "tax_prc": rate });
        shop.sell(&but(&sale(REGISTER), "products", json!([product])))
    };
    for (letters, rate) in [
        (json!(null), json!(null)),
        (json!("A"), json!(20)), // Latin
        (json!("А"), json!("20.00")),
        (json!("Б"), json!(null)),
        (json!(""), json!(7)),
        (json!(null), json!(0)),
    ] {
        done(&with(letters, rate));
    }
    refused(
        &with(json!(null), json!(14)),
        400,
        "Податок \"БЕЗ ПДВ\" має бути 0%",
    );
    refused(&with(json!("Ю"), json!(null)), 400, "invalid (letters)");
    refused(&with(json!("А"), json!(7)), 400, "20.00");
}

#[test]
fn what_a_till_may_not_is_refused_by_the_name_of_its_field() {
    let shop = Shop::open();
    for (field, value, words) in [
        ("num_fiscal", json!("x"), "num_fiscal"),
        ("num_fiscal", json!(4_000_000_099_u64), "не знайдено"),
        ("action_type", json!("Z_SALE_RETURN"), "action_type"),
        ("products", json!([]), "products"),
        (
            "products",
            json!([{ "amount": 1, "cost": 1 }]),
            "products[0].name",
        ),
        (
            "products",
            json!([{ "name": "x", "cost": "1.234" }]),
            "products[0].cost",
        ),
        ("payments", json!([{ "code": 0 }]), "payments[0].sum"),
        ("payments", json!([{ "code": -1, "sum": 1 }]), "payments[0].code"),
        ("total_sum", json!(true), "total_sum"),
        ("total_sum", json!("99.99"), "Суми не сходяться"),
        ("round_rule", json!("x"), "round_rule"),
        ("print_width", json!(500), "print_width"),
        ("open_shift", json!("maybe"), "open_shift"),
    ] {
        let reply = shop.sell(&but(&sale(REGISTER), field, value.clone()));
        let status = if words == "не знайдено" {
            404
        } else {
            400
        };
        refused(&reply, status, words);
    }
    refused(
        &shop.client.call(till_call(SALE, &json!([])).bearer(API_TOKEN)),
        400,
        "JSON",
    );
    assert!(shop.registered(REGISTER).is_empty());
    let closed = but(&sale(REGISTER), "open_shift", json!(false));
    refused(&shop.sell(&closed), 400, "Зміна закрита");
    assert!(shop.registered(REGISTER).is_empty());
}

#[test]
fn every_error_is_json_also_those_of_the_door() {
    let shop = Shop::open();
    let developer = |call: Call| call.header("developer-id", "demo");
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(300 * 1_024));
    for (call, status) in [
        (Call::new("GET", "/api/v2/nothing"), 404),
        (Call::new("GET", SALE), 405),
        (Call::new("DELETE", "/api/v2/tax_objects/1"), 405),
        (Call::post("/api/v2/", &json!({})), 404),
        (Call::new("POST", SALE).bytes(b"{").bearer(API_TOKEN), 400),
        (
            Call::new("POST", SALE)
                .header("Content-Type", "text/xml")
                .bytes(b"<x/>"),
            415,
        ),
        (Call::new("POST", SALE).bytes(large.as_bytes()), 413),
        (Call::post("/api/v1/key", &json!({})).bearer(API_TOKEN), 403),
    ] {
        refused(&shop.client.call(developer(call)), status, "");
    }
}

#[test]
fn nothing_of_an_account_is_seen_by_another() {
    let shop = Shop::open();
    let sold = done(&shop.sell(&sale(REGISTER)));
    let (uuid, operation) = (
        sold["uuid"].as_str().unwrap(),
        sold["operation_id"].as_str().unwrap(),
    );
    let as_other = |call: Call| {
        shop.client
            .call(call.header("developer-id", "demo").bearer(OTHER_TOKEN))
    };
    let paths = [
        format!("/api/v2/checks/{uuid}/text"),
        format!("/api/v2/tax_objects/{REGISTER}"),
        format!("/api/v1/operations/{operation}"),
    ];
    for path in paths {
        assert_eq!(as_other(Call::new("GET", &path)).status, 404, "{path}");
        assert_eq!(shop.get(&path).status, 200, "{path}");
    }
    for path in [
        SALE,
        SERVICE,
        SHIFT,
        X,
        "/api/v2/shift/ping",
        "/api/v2/shift/lastCheck",
    ] {
        refused(&as_other(Call::post(path, &sale(REGISTER))), 404, "не знайдено");
    }
    assert_eq!(shop.registered(REGISTER).len(), 2);
}

#[test]
fn a_keys_state_is_told_by_its_taxpayers_number() {
    let shop = Shop::open();
    let state = done(&shop.get("/api/v2/key-heartbeat?drfo=0000000017"));
    assert_eq!(state["active"], true);
    assert_eq!(state["keys"][0]["drfo"], "0000000017");
    refused(&shop.get("/api/v2/key-heartbeat?drfo=1"), 404, "не знайдено");
    refused(&shop.get("/api/v2/key-heartbeat"), 400, "drfo");
}

#[test]
fn every_described_route_is_there_and_wants_a_token() {
    let shop = Shop::open();
    let served = shop.client.call(Call::new("GET", "/api/v2/openapi.json")).json();
    assert_eq!(
        served,
        serde_json::to_value(countersign::http::cashdesk_document()).unwrap()
    );
    let mut routes = 0;
    for (template, item) in served["paths"].as_object().unwrap() {
        let path = template
            .replace("{num_fiscal}", &REGISTER.to_string())
            .replace("{uuid}/{form}", "11111111-2222-3333-4444-555555555555/text")
            .replace("{id}", "11111111-2222-3333-4444-555555555555");
        for (method, operation) in item.as_object().unwrap() {
            routes += 1;
            let call = Call::new(&method.to_uppercase(), &path).header("developer-id", "demo");
            let nobody = shop.client.call(call.clone());
            let expected = if template == "/api/v2/authenticate" {
                400
            } else {
                401
            };
            assert_eq!(nobody.status, expected, "{method} {template}: {}", nobody.text());
            let wrong = shop.client.call(call.bearer("nobodys-token"));
            assert_eq!(wrong.status, expected, "{method} {template}");
            assert!(operation["responses"].get("401").is_some());
            let known = countersign::http::route_of(&path);
            assert!(known == template, "{template} is counted as {known}");
        }
    }
    assert_eq!(routes, 14);
}
