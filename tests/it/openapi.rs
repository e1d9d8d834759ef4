//! The description and the routes are the same thing.

use crate::client::Call;
use crate::world::{ORAGH, World};
use countersign::http::problem::Code;
use countersign::http::{admin_document, public_document};
use serde_json::Value;
use std::collections::BTreeSet;

/// An invented account.
pub const ACCOUNT: &str = "00000000-0000-4000-8000-0000000000a1";

/// One described route, its path filled in.
#[derive(Clone)]
pub struct Route {
    pub method: String,
    pub path: String,
    pub template: String,
    pub has_body: bool,
}

fn routes_of(document: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.push(Route {
                method: method.to_uppercase(),
                path: filled(template),
                template: template.clone(),
                has_body: operation.get("requestBody").is_some(),
            });
        }
    }
    routes
}

fn filled(template: &str) -> String {
    template
        .replace("/invokers/{code}", &format!("/invokers/{ORAGH}"))
        .replace("/contract-types/{id}", "/contract-types/7")
        .replace("/customers/{ccms_code}", "/customers/1001")
        .replace("/contacts/{code}", "/contacts/2001")
        .replace(
            "/deliveries/{challenge_id}",
            "/deliveries/00000000-0000-4000-8000-00000000dead",
        )
        .replace("/keys/{id}", "/keys/00000000-0000-4000-8000-00000000dead")
        .replace("/agents/{id}", "/agents/00000000-0000-4000-8000-00000000dead")
        .replace(
            "/licences/{licence}",
            "/licences/00000000-0000-4000-8000-00000000dead",
        )
        .replace("/agreements/{kind}", "/agreements/agent-use")
        .replace("/accounts/{id}", &format!("/accounts/{ACCOUNT}"))
        .replace("/integrations/{name}", "/integrations/lombard")
        .replace("/hash-algorithms/{version}", "/hash-algorithms/-")
        .replace("/checkpoint-sinks/{name}", "/checkpoint-sinks/outside")
        .replace("/receipts/{leaf_hash}", &format!("/receipts/{}", "0".repeat(64)))
        .replace("/keys/{key}", "/keys/00000000-0000-4000-8000-00000000dead")
        .replace("/tokens/{token}", "/tokens/00000000-0000-4000-8000-00000000dead")
        .replace("/cashiers/{id}", "/cashiers/00000000-0000-4000-8000-00000000dead")
        .replace("/registers/{num_fiscal}", "/registers/4000000001")
}

pub fn routes_of_public() -> Vec<Route> {
    routes_of(&serde_json::to_value(public_document()).unwrap())
}

pub fn routes_of_evidence() -> Vec<Route> {
    routes_of(&serde_json::to_value(countersign::http::evidence_document()).unwrap())
}

pub fn routes_of_admin() -> Vec<Route> {
    routes_of(&serde_json::to_value(admin_document()).unwrap())
}

#[test]
fn every_described_route_exists_and_wants_a_key() {
    let world = World::start();
    let listeners = [
        (&world.partner, routes_of_public()),
        (&world.admin, routes_of_admin()),
    ];
    for (client, routes) in listeners {
        assert!(!routes.is_empty());
        for route in routes {
            assert!(!route.path.contains('{'), "{} is not filled in", route.template);
            let reply = client.without_key().call(Call::new(&route.method, &route.path));
            assert_eq!(
                reply.status, 401,
                "{} {}: neither 404 nor 405",
                route.method, route.template
            );
        }
    }
}

#[test]
fn a_described_path_takes_the_described_methods_and_no_others() {
    let world = World::start();
    for (client, routes) in [
        (&world.partner, routes_of_public()),
        (&world.admin, routes_of_admin()),
    ] {
        let templates: BTreeSet<&str> = routes.iter().map(|route| route.template.as_str()).collect();
        for template in templates {
            let described: BTreeSet<String> = routes
                .iter()
                .filter(|route| route.template == template)
                .map(|route| route.method.clone())
                .collect();
            let reply = client.call(Call::new("PATCH", &filled(template)));
            assert_eq!(reply.status, 405, "{template}");
            let allowed = reply
                .header("allow")
                .unwrap()
                .split(", ")
                .filter(|method| *method != "HEAD");
            assert_eq!(
                allowed.map(str::to_owned).collect::<BTreeSet<_>>(),
                described,
                "{template}"
            );
        }
    }
}

/// The paths of one face as the table of routes writes them, parameters as `{}`.
fn paths_in_table(source: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for written in source.split("path!(").skip(1) {
        let inside = written.split(')').next().unwrap();
        let segments = inside.split(" / ").map(|segment| match segment.trim() {
            "String" => "{}".to_owned(),
            text => text.trim_matches('"').to_owned(),
        });
        paths.insert(format!("/{}", segments.collect::<Vec<_>>().join("/")));
    }
    paths
}

fn templates(routes: &[Route]) -> BTreeSet<String> {
    let without_names = |template: &str| {
        let segments = template
            .split('/')
            .map(|segment| if segment.starts_with('{') { "{}" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    };
    routes
        .iter()
        .map(|route| without_names(&route.template))
        .collect()
}

/// Routes that serve the description itself, or machines that do not read it.
const TECHNICAL: [&str; 7] = [
    "/api/v0/openapi.json",
    "/openapi.json",
    "/errors/{}",
    "/livez",
    "/readyz",
    "/metrics",
    // For operators, each with a proof of its own (docs/operators.md).
    "/api/v1/sms/receipts/{}",
];

#[test]
fn every_route_is_described() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/mod.rs")).unwrap();
    let owner_hooks = include_str!("../../src/http/admin/owner_hooks.rs");
    let table = |from: &str| {
        source
            .split(from)
            .nth(1)
            .unwrap()
            .split("\n}\n")
            .next()
            .unwrap()
            .to_owned()
    };
    for (table, routes) in [
        (table("pub fn public("), routes_of_public()),
        (
            table("pub fn admin(") + &table("fn evidence_admin(") + owner_hooks,
            routes_of_admin(),
        ),
        (table("fn evidence_routes("), routes_of_evidence()),
    ] {
        let mut paths = paths_in_table(&table);
        assert!(paths.len() > 3, "the table of routes is where it was: {paths:?}");
        paths.retain(|path| !TECHNICAL.contains(&path.as_str()));
        assert_eq!(paths, templates(&routes));
    }
}

#[test]
fn the_document_is_served_and_names_its_security_scheme() {
    let world = World::start();
    for (client, scheme, document) in [
        (
            &world.partner,
            "partner",
            serde_json::to_value(public_document()).unwrap(),
        ),
        (
            &world.admin,
            "administrator",
            serde_json::to_value(admin_document()).unwrap(),
        ),
    ] {
        let reply = client.without_key().get("/openapi.json");
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, Some("application/json"))
        );
        let served = reply.json();
        assert_eq!(served, document);
        assert!(
            served["openapi"].as_str().unwrap().starts_with("3.1"),
            "{}",
            served["openapi"]
        );
        assert_eq!(
            served["components"]["securitySchemes"][scheme]["scheme"],
            "bearer"
        );
        for item in served["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                assert!(operation["security"][0].get(scheme).is_some(), "{operation}");
                assert!(operation["responses"].get("401").is_some(), "{operation}");
            }
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    for document in [
        serde_json::to_value(public_document()).unwrap(),
        serde_json::to_value(admin_document()).unwrap(),
    ] {
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

#[test]
fn the_page_for_people_serves_itself_and_loads_nothing_from_elsewhere() {
    let world = World::start();
    for client in [world.partner.without_key(), world.admin.without_key()] {
        let redirect = client.get("/docs");
        assert_eq!(
            (redirect.status, redirect.header("location")),
            (308, Some("/docs/index.html"))
        );
        let page = client.get("/docs/index.html");
        assert_eq!(page.status, 200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"));
        let html = page.text();
        let mut loaded = 0;
        for attribute in ["src=\"", "href=\""] {
            for target in html
                .split(attribute)
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap())
            {
                assert!(!target.contains("//"), "{target} is elsewhere");
                let path = target.trim_start_matches("./");
                assert_eq!(client.get(&format!("/docs/{path}")).status, 200, "{target}");
                loaded += 1;
            }
        }
        assert!(loaded >= 3, "style sheets and scripts: {loaded}");
        let initializer = client.get("/docs/swagger-initializer.js").text();
        assert!(initializer.contains("../openapi.json"), "{initializer}");
        assert!(!initializer.contains("https://"), "{initializer}");
        assert_eq!(client.get("/docs/nothing.js").status, 404);
        for path in [
            "/docs/../Cargo.toml",
            "/docs/..%2FCargo.toml",
            "/docs/%2e%2e/%2e%2e/etc/passwd",
        ] {
            assert_eq!(client.get(path).status, 404, "{path}");
        }
    }
}

#[test]
fn every_problem_has_a_page_on_both_listeners() {
    let world = World::start();
    for client in [world.partner.without_key(), world.admin.without_key()] {
        for code in Code::ALL {
            let page = client.get(&format!("/errors/{}", code.slug()));
            assert_eq!(page.status, 200, "{}", code.slug());
            assert_eq!(page.header("content-type"), Some("text/markdown; charset=utf-8"));
            let file = format!("{}/docs/errors/{}.md", env!("CARGO_MANIFEST_DIR"), code.slug());
            assert_eq!(page.text(), std::fs::read_to_string(&file).unwrap(), "{file}");
            let text = page.text();
            assert!(
                text.starts_with("# ") && text.contains(code.status().as_str()) && text.lines().count() > 5,
                "{file}"
            );
        }
        assert_eq!(client.get("/errors/nothing").problem(), "not-found");
    }
}

#[test]
fn the_description_of_evidence_is_served_and_its_routes_answer_as_it_says() {
    let world = World::start();
    let reply = world.partner.without_key().get("/api/v0/openapi.json");
    let document = reply.json();
    assert_eq!(reply.status, 200);
    assert_eq!(
        document,
        serde_json::to_value(countersign::http::evidence_document()).unwrap()
    );
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    for route in routes_of_evidence() {
        assert!(!route.path.contains('{'), "{} is not filled in", route.template);
        let reply = world
            .partner
            .without_key()
            .call(Call::new(&route.method, &route.path));
        if route.template.starts_with("/api/v0/") {
            assert_eq!(
                (reply.status, &reply.json()["Result"]),
                (200, &Value::Null),
                "{}",
                route.template
            );
        } else {
            assert!(
                [200, 400, 404].contains(&reply.status),
                "{}: {}",
                route.template,
                reply.status
            );
        }
        let other = world.partner.call(Call::new("PATCH", &route.path));
        let refused = if route.template.starts_with("/api/v0/") {
            200
        } else {
            405
        };
        assert_eq!(other.status, refused, "{}", route.template);
    }
}
