//! A shop's owner is told what its registers do: over HTTP, signed, in order, through restarts, refusals and silence.

use super::shop::{ACCOUNT, Act, Shop, but, eventually, sale};
use crate::client::{Call, Reply};
use crate::office::REGISTER;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sandbox::fiscal::{Control, Fault, RejectionForm};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// One that goes offline at once.
const OFFLINE: u64 = REGISTER + 1;

/// What the receiver does with its next post; without any it takes it (204).
#[derive(Clone, Debug)]
enum Manner {
    Answers(u16),
    /// To another URL of its own.
    Redirects,
    /// Never, until it is released.
    Holds,
}

#[derive(Clone, Debug)]
struct Post {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Post {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    fn id(&self) -> &str {
        self.header("webhook-id")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn topic(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// Judged as the standard says, by code of its own: any of the signatures is of this key.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64_STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let own = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature")
            .split(' ')
            .any(|given| given == own)
    }
}

#[derive(Default)]
struct Shared {
    posts: Mutex<Vec<Post>>,
    manners: Mutex<VecDeque<Manner>>,
    is_released: Mutex<bool>,
    released: Condvar,
}

/// An owner's server; its threads end with the process.
struct Owner {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Owner {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || shared.serve(stream, address));
            }
        });
        Self { address, shared }
    }

    fn url(&self) -> String {
        format!("http://{}/events?shop=1", self.address)
    }

    fn will(&self, manners: impl IntoIterator<Item = Manner>) {
        self.shared.manners.lock().unwrap().extend(manners);
    }

    fn release(&self) {
        *self.shared.is_released.lock().unwrap() = true;
        self.shared.released.notify_all();
    }

    fn posts(&self) -> Vec<Post> {
        self.shared.posts.lock().unwrap().clone()
    }

    fn topics(&self) -> Vec<String> {
        self.posts().iter().map(Post::topic).collect()
    }

    fn wait_for(&self, count: usize) -> Vec<Post> {
        eventually("the owner is told", || self.posts().len() >= count);
        self.posts()
    }

    fn wait_for_topic(&self, topic: &str) -> Value {
        eventually(topic, || self.topics().iter().any(|seen| seen == topic));
        let posts = self.posts();
        let found = posts.iter().find(|post| post.topic() == topic);
        found.unwrap().json()
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, address: SocketAddr) {
        let mut reader = BufReader::new(stream);
        while let Some(post) = read(&mut reader) {
            self.posts.lock().unwrap().push(post);
            let manner = self.manners.lock().unwrap().pop_front();
            let answer = match manner.unwrap_or(Manner::Answers(204)) {
                Manner::Answers(status) => format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n"),
                Manner::Redirects => {
                    format!(
                        "HTTP/1.1 307 x\r\nlocation: http://{address}/elsewhere\r\ncontent-length: 0\r\n\r\n"
                    )
                }
                Manner::Holds => {
                    let released = self.is_released.lock().unwrap();
                    drop(self.released.wait_while(released, |released| !*released).unwrap());
                    "HTTP/1.1 204 x\r\n\r\n".to_owned()
                }
            };
            // Who has gone needs no answer.
            if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Post> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let headers: Vec<(String, String)> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Post { path, headers, body })
}

fn path(rest: &str) -> String {
    format!("/admin/v1/accounts/{ACCOUNT}/webhook{rest}")
}

fn put(shop: &Shop, url: &str) -> Reply {
    shop.admin.put(&path(""), &json!({ "url": url }))
}

/// A shop whose owner is told; the secret of the signatures.
fn told() -> (Shop, Owner, String) {
    let shop = Shop::open_with(|config| {
        config.webhooks.private_addresses = true;
        config.webhooks.first_pause_seconds = 1;
    });
    let owner = Owner::start();
    let reply = put(&shop, &owner.url());
    assert_eq!(reply.status, 200, "{}", reply.text());
    let secret = reply.json()["secret"].as_str().unwrap().to_owned();
    (shop, owner, secret)
}

fn events(shop: &Shop, query: &str) -> Value {
    let reply = shop.admin.get(&path(&format!("/events{query}")));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn count(shop: &Shop, query: &str) -> usize {
    events(shop, query)["events"].as_array().unwrap().len()
}

fn arm(shop: &Shop, control: Control) {
    shop.stand_in.as_ref().unwrap().server.arm(control).unwrap();
}

fn close(shop: &Shop, register: u64) {
    let body = json!({ "num_fiscal": register, "action_type": "Z_REPORT" });
    let reply = shop.post("/api/v2/shift", &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn an_owner_is_told_of_a_day_in_order_with_signatures_that_it_can_check() {
    let (shop, owner, secret) = told();
    let sold = shop.sell(&sale(REGISTER));
    assert_eq!(sold.status, 200, "{}", sold.text());
    close(&shop, REGISTER);
    let posts = owner.wait_for(6);
    let seen: Vec<(String, String)> = posts
        .iter()
        .map(|post| {
            let document = post.json()["data"]["document"]["kind"].clone();
            (post.topic(), document.as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        ("document.registered", "open_shift"),
        ("shift.opened", "open_shift"),
        ("document.registered", "sale"),
        ("document.registered", "z_report"),
        ("document.registered", "close_shift"),
        ("shift.closed", "close_shift"),
    ];
    let expected = expected.map(|(topic, kind)| (topic.to_owned(), kind.to_owned()));
    assert_eq!(seen, expected);
    for post in &posts {
        assert!(post.is_signed_with(&secret));
        assert!(!post.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(post.header("content-type"), "application/json");
        assert_eq!(post.path, "/events?shop=1");
        assert_eq!(post.json()["data"]["register"], json!(REGISTER));
    }
    let ids: BTreeSet<&str> = posts.iter().map(Post::id).collect();
    assert_eq!(ids.len(), 6);
    let receipt = sold.json();
    let told = posts[2].json();
    let document = &told["data"]["document"];
    assert_eq!(document["fiscal_number"], receipt["ORDERNUM"], "{receipt}");
    assert_eq!(
        (&document["local_number"], &document["sum"]),
        (&json!(2), &json!("12.50"))
    );
    assert_eq!(
        (&document["is_offline"], &document["is_testing"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        told["data"]["operation_id"].as_str().map(str::len),
        Some(36),
        "{told}"
    );
    // Nothing of what was sold, and nobody's name.
    for post in &posts {
        let text = String::from_utf8(post.body.clone()).unwrap();
        for hidden in ["Сир", "Касир", "Крамниця", "ГОТІВКА"] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
    eventually("all is delivered", || count(&shop, "?state=delivered") == 6);
    assert_eq!(count(&shop, "?state=owed"), 0);
}

#[test]
fn every_trouble_of_a_register_is_told() {
    let (shop, owner, _) = told();
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    let body = |local: u64| but(&sale(REGISTER), "local_number", json!(local));
    let refusal = Control {
        form: Some(RejectionForm::Ticket),
        code: 9,
        text: "Сума не збігається".to_owned(),
        ..Control::once(Fault::Reject)
    };
    arm(&shop, refusal);
    assert_eq!(shop.sell(&body(2)).status, 400);
    let rejected = owner.wait_for_topic("document.rejected");
    assert_eq!(rejected["data"]["code"], 9, "{rejected}");
    assert_eq!(rejected["data"]["document"]["fiscal_number"], Value::Null);
    assert!(!rejected.to_string().contains("збігається"), "nobody's words");
    arm(&shop, Control::once(Fault::DropAfter));
    shop.sell(&body(3));
    let doubted = owner.wait_for_topic("document.in_doubt");
    let settled = owner.wait_for_topic("document.settled");
    assert_eq!(settled["data"]["outcome"], "registered");
    assert_eq!(
        settled["data"]["document"]["local_number"],
        doubted["data"]["document"]["local_number"]
    );
    shop.agent.will(Act::Wait);
    assert_eq!(shop.sell(&body(4)).status, 503);
    let away = owner.wait_for_topic("agent.away");
    assert!(away["data"]["operation_id"].is_string(), "{away}");
    // Another register loses the tax service, and finds it again.
    assert_eq!(shop.sell(&sale(OFFLINE)).status, 200);
    arm(
        &shop,
        Control {
            seconds: 3_600,
            ..Control::once(Fault::Unreachable)
        },
    );
    let receipt = shop.sell(&but(&sale(OFFLINE), "local_number", json!(2)));
    assert_eq!(receipt.json()["is_offline"], json!(true), "{}", receipt.text());
    let begun = owner.wait_for_topic("offline.begun");
    assert_eq!(begun["data"]["cause"], "unreachable");
    shop.stand_in.as_ref().unwrap().server.disarm();
    let resync = format!("/admin/v1/registers/{OFFLINE}/resync");
    eventually("the register is online again", || {
        shop.admin.call(Call::new("POST", &resync));
        owner.topics().iter().any(|topic| topic == "offline.ended")
    });
    assert_eq!(owner.wait_for_topic("offline.ended")["data"]["documents"], 3);
    close(&shop, REGISTER);
    let seen: BTreeSet<String> = owner.topics().into_iter().collect();
    eventually("the shift is closed", || {
        owner.topics().contains(&"shift.closed".to_owned())
    });
    // All but limit.near, which takes a day and a half.
    assert!(seen.len() >= 8, "{seen:?}");
}

#[test]
fn refused_redirecting_and_slow_receivers_get_it_again_and_sales_do_not_wait() {
    let (shop, owner, secret) = told();
    owner.will([
        Manner::Answers(500),
        Manner::Redirects,
        Manner::Answers(404),
        Manner::Holds,
    ]);
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    let posts = owner.wait_for(4);
    let first: BTreeSet<&str> = posts.iter().map(Post::id).collect();
    assert_eq!(first.len(), 1, "the same until it is taken");
    assert!(
        posts.iter().all(|post| post.path == "/events?shop=1"),
        "a redirect leads nowhere"
    );
    assert!(posts.windows(2).all(|pair| pair[0].body == pair[1].body));
    // While one post is held, the till sells.
    for local in 2..5 {
        assert_eq!(
            shop.sell(&but(&sale(REGISTER), "local_number", json!(local)))
                .status,
            200
        );
    }
    assert_eq!(owner.posts().len(), 4);
    owner.release();
    let posts = owner.wait_for(9);
    assert!(posts.iter().all(|post| post.is_signed_with(&secret)));
    let order: Vec<u64> = posts[3..]
        .iter()
        .filter(|post| post.topic() == "document.registered")
        .map(|post| post.json()["data"]["document"]["local_number"].as_u64().unwrap())
        .collect();
    assert_eq!(order, [1, 2, 3, 4, 5], "in order");
}

#[test]
fn a_gateway_that_is_killed_before_it_told_anybody_tells_it_in_its_next_life() {
    let (mut shop, owner, secret) = told();
    // Nobody listens there.
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(put(&shop, &format!("http://{dead}/")).status, 200);
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    eventually("it was tried", || {
        events(&shop, "?state=owed")["events"][0]["tries"].as_u64() >= Some(1)
    });
    assert_eq!(owner.posts().len(), 0);
    shop.stop();
    shop.start();
    let reply = put(&shop, &owner.url());
    assert_eq!(reply.json().get("secret"), None, "shown once: {}", reply.text());
    let posts = owner.wait_for(3);
    assert_eq!(owner.topics()[..2], ["document.registered", "shift.opened"]);
    assert!(
        posts.iter().all(|post| post.is_signed_with(&secret)),
        "and the key is the same"
    );
}

#[test]
fn a_receiver_that_says_gone_is_left_alone_until_its_webhook_is_put_again() {
    let (shop, owner, _) = told();
    owner.will([Manner::Answers(410)]);
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    eventually("it is known", || {
        shop.admin.get(&path("")).json()["gone_at"].is_string()
    });
    assert_eq!(
        shop.sell(&but(&sale(REGISTER), "local_number", json!(2))).status,
        200
    );
    let refused = shop
        .admin
        .post(&path("/replay"), &json!({ "since": "2020-01-01T00:00:00Z" }));
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(owner.posts().len(), 1);
    assert_eq!(put(&shop, &owner.url()).json()["gone_at"], Value::Null);
    let posts = owner.wait_for(2);
    assert_eq!(posts[0].id(), posts[1].id());
}

#[test]
fn events_are_listed_and_replayed_and_keys_change_with_a_day_between() {
    let (shop, owner, secret) = told();
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    eventually("all is delivered", || count(&shop, "?state=delivered") == 3);
    let listed = events(&shop, &format!("?register={REGISTER}&limit=2"));
    assert_eq!(listed["events"].as_array().unwrap().len(), 2);
    let next = listed["next"].as_str().unwrap();
    let rest = events(&shop, &format!("?limit=2&after={next}"));
    assert_eq!(
        (rest["events"].as_array().unwrap().len(), &rest["next"]),
        (1, &Value::Null)
    );
    let one = &rest["events"][0];
    assert_eq!((&one["state"], &one["tries"]), (&json!("delivered"), &json!(1)));
    let posts = owner.posts();
    assert_eq!(one["event"], posts[2].json(), "as it was posted");
    assert_eq!(one["id"], posts[2].id());
    assert_eq!(count(&shop, "?since=2100-01-01T00:00:00Z"), 0);
    assert_eq!(count(&shop, &format!("?register={OFFLINE}")), 0);
    for query in [
        "?state=lost",
        "?limit=0",
        "?limit=201",
        "?register=x",
        "?since=today",
        "?after=1",
        "?x=1",
    ] {
        let reply = shop.admin.get(&path(&format!("/events{query}")));
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (400, "invalid-field"),
            "{query}"
        );
    }
    let rotated = shop.admin.call(Call::new("POST", &path("/rotate-secret")));
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let fresh = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(fresh, secret);
    let shown = shop.admin.get(&path("")).json();
    assert!(
        shown.get("secret").is_none() && shown["former_secret_until"].is_string(),
        "{shown}"
    );
    let replay = |body: &Value| shop.admin.post(&path("/replay"), body);
    assert_eq!(replay(&json!({ "id": one["id"] })).status, 202);
    let again = owner.wait_for(4).pop().unwrap();
    assert_eq!((again.id(), again.json()), (posts[2].id(), posts[2].json()));
    assert!(
        again.is_signed_with(&fresh) && again.is_signed_with(&secret),
        "both for a day"
    );
    eventually("the replay is over", || {
        shop.admin.get(&path("")).json()["is_replaying"] == false
    });
    assert_eq!(
        replay(&json!({ "since": "2020-01-01T00:00:00+02:00" })).status,
        202
    );
    let all = owner.wait_for(7);
    let ids = |posts: &[Post]| posts.iter().map(|post| post.id().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&all[4..]), ids(&posts));
    let nobodys = "00000000-0000-4000-8000-00000000dead";
    assert_eq!(replay(&json!({ "id": nobodys })).status, 404);
    assert_eq!(replay(&json!({})).status, 400);
    assert_eq!(
        replay(&json!({ "id": one["id"], "since": "2020-01-01T00:00:00Z" })).status,
        400
    );
    assert_eq!(replay(&json!({ "since": "yesterday" })).status, 400);
    let metrics = shop.admin.get("/metrics").text();
    for line in [
        "countersign_owner_events_total{ending=\"delivered\"} 3",
        "countersign_owner_events_pending 0",
        "countersign_owner_events_replayed_total 4",
        "countersign_owner_posts_total{outcome=\"taken\"} 7",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("shop=1"), "no URL is a label");
}

#[test]
fn a_webhook_is_taken_where_it_may_lead_and_is_forgotten_with_its_events() {
    let shop = Shop::open();
    for url in [
        "",
        "ftp://x/",
        "/events",
        "http://owner.test/",
        "https://127.0.0.1/",
        "https://169.254.169.254/",
        "https://user@owner.test/",
    ] {
        let reply = put(&shop, url);
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (422, "unfit-object"),
            "{url}"
        );
    }
    assert_eq!(shop.admin.get(&path("")).status, 404);
    assert_eq!(
        shop.admin.call(Call::new("POST", &path("/rotate-secret"))).status,
        404
    );
    assert_eq!(put(&shop, "https://owner.invalid/events").status, 200);
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    assert_eq!(count(&shop, "?state=owed"), 3);
    assert_eq!(shop.admin.delete(&path("")).status, 204);
    assert_eq!(shop.admin.get(&path("")).status, 404);
    assert_eq!(count(&shop, ""), 0);
    let nobody = "/admin/v1/accounts/00000000-0000-4000-8000-00000000dead/webhook";
    assert_eq!(shop.admin.get(nobody).status, 404);
}
