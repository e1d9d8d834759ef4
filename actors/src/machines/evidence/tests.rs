//! Rows: same and other containers, waiting, limits; the log's restart at every size.

use super::*;
use crate::ids::{ChallengeId, RequestId};
use crate::machines::Machine;
use crate::testing::now_at;
use evidence::tile::{TILE_WIDTH, perfect_root, unfinished};
use evidence::tree::{Frontier, Hash, leaf_hash};
use evidence::{read_container, tile};
use std::sync::Arc;

const LIMITS: Limits = Limits {
    containers_max: 3,
    bytes_max: 1_000,
};

struct Desk {
    book: ClientBook,
    requests: u64,
    under_way: Vec<Recording>,
}

fn container(contract: &str, more: &str) -> Container {
    let body =
        format!(r#"{{"ClientIntegrationId":"c","ContractId":{contract},"SignDate":"01.01.2024"{more}}}"#);
    read_container(body.as_bytes()).content.unwrap()
}

impl Desk {
    fn new() -> Self {
        Self {
            book: ClientBook::new(ClientKey::new("i", "c")),
            requests: 0,
            under_way: Vec::new(),
        }
    }

    fn step(&mut self, command: ClientCommand) -> Vec<(u64, Added)> {
        let decision = self.book.decide(command, now_at(0));
        decision.events.iter().for_each(|event| self.book.apply(event));
        let mut answers = Vec::new();
        for effect in decision.effects {
            match effect {
                ClientEffect::Append(recording) => self.under_way.push(*recording),
                ClientEffect::Answer { request, added } => answers.push((request.0, added)),
            }
        }
        answers
    }

    fn add(&mut self, container: Container, owed: bool) -> Vec<(u64, Added)> {
        self.requests += 1;
        let add = AddCommand {
            request: RequestId(self.requests),
            integration: Arc::from("i"),
            container,
            salt: [u8::try_from(self.requests).unwrap(); 16],
            limits: LIMITS,
            owed: owed.then_some(ChallengeId(uuid::Uuid::nil())),
        };
        self.step(ClientCommand::Add(Box::new(add)))
    }

    fn recorded(&mut self) -> Vec<(u64, Added)> {
        let recording = self.under_way.remove(0);
        self.step(ClientCommand::Recorded {
            contract: recording.place.contract,
            leaf: recording.leaf,
        })
    }
}

#[test]
fn the_same_container_again_is_the_same_fact() {
    let mut desk = Desk::new();
    assert_eq!(desk.add(container("1", ""), false), []);
    let leaf = desk.under_way[0].leaf;
    assert_eq!(
        desk.add(container("1", ""), false),
        [],
        "it waits for the same word"
    );
    assert_eq!(desk.under_way.len(), 1, "and is not appended again");
    assert!(desk.book.is_waiting());
    assert_eq!(
        desk.recorded(),
        [(1, Added::Recorded(leaf)), (2, Added::Recorded(leaf))]
    );
    assert!(!desk.book.is_waiting());
    assert_eq!(desk.add(container("1", ""), false), [(3, Added::Recorded(leaf))]);
}

#[test]
fn another_container_is_a_new_version_beside_the_first() {
    let mut desk = Desk::new();
    for (contract, more, version) in [
        ("1", "", 1),
        ("1", r#","KeyTransport":"x""#, 2),
        // One contract, but another container: its type came otherwise.
        ("\"1\"", "", 3),
        ("1", r#","CompanyId":7"#, 1),
        ("2", "", 1),
    ] {
        desk.book.forget_beyond(0);
        desk.add(container(contract, more), true);
        let place = desk.under_way.last().unwrap().place;
        assert_eq!(place.version, version, "{contract} {more}");
        assert_eq!(
            place,
            Place::of(&evidence::Leaf::from_bytes(&desk.under_way.last().unwrap().bytes).unwrap())
        );
    }
    let of = |desk: &Desk, at: usize| desk.under_way[at].place.contract;
    assert_eq!(of(&desk, 0), of(&desk, 2));
    assert_ne!(of(&desk, 0), of(&desk, 4));
}

#[test]
fn a_contract_takes_so_many_containers_and_bytes_but_a_debt_is_paid() {
    let mut desk = Desk::new();
    for number in 0..3 {
        assert_eq!(
            desk.add(container("1", &format!(r#","KeyTransport":"{number}""#)), false),
            []
        );
    }
    assert_eq!(desk.add(container("1", ""), false), [(4, Added::ContractFull)]);
    assert_eq!(desk.add(container("1", ""), true), []);
    let long = format!(r#","KeyTransport":"{}""#, "x".repeat(1_000));
    assert_eq!(desk.add(container("2", &long), false), [(6, Added::ContractFull)]);
    assert_eq!(desk.add(container("2", ""), false), []);
}

#[test]
fn a_contract_takes_its_bytes_to_the_last_one() {
    let mut desk = Desk::new();
    let with = |characters| container("1", &format!(r#","KeyTransport":"{}""#, "x".repeat(characters)));
    desk.add(with(1), false);
    let least = desk.under_way[0].bytes.len();
    // Of the second leaf, each character of which is a byte more than the first has.
    let characters = LIMITS.bytes_max - 2 * least + 1;
    assert_eq!(desk.add(with(characters + 1), false), [(2, Added::ContractFull)]);
    assert_eq!(desk.add(with(characters), false), []);
}

#[test]
fn what_is_loaded_is_known_and_what_is_under_way_is_not_forgotten() {
    let mut desk = Desk::new();
    desk.add(container("1", ""), false);
    let first = desk.under_way[0].clone();
    desk.book.forget_beyond(0);
    assert!(desk.book.knows(first.place.contract));
    desk.recorded();
    desk.book.forget_beyond(1);
    assert!(desk.book.knows(first.place.contract), "so many may stay");
    desk.book.forget_beyond(0);
    assert!(!desk.book.knows(first.place.contract));
    let known = Known {
        version: 1,
        digest: container("1", "").digest(),
        leaf: first.leaf,
        bytes: first.bytes.len(),
    };
    desk.book
        .load(first.place.contract, [(first.place.company, known)]);
    assert_eq!(
        desk.add(container("1", ""), false),
        [(2, Added::Recorded(first.leaf))]
    );
    desk.add(container("1", r#","KeyTransport":"x""#), false);
    assert_eq!(desk.under_way[0].place.version, 2);
}

#[test]
fn a_word_that_nobody_waits_for_changes_nothing() {
    let mut desk = Desk::new();
    let before = desk.book.clone();
    let command = ClientCommand::Recorded {
        contract: ContractKey::new("i", "c", "1"),
        leaf: leaf_hash(b"x"),
    };
    assert_eq!(desk.step(command), []);
    assert_eq!(desk.book, before);
}

#[test]
fn nobody_needs_to_knock() {
    let mut desk = Desk::new();
    desk.add(container("1", ""), false);
    assert_eq!(desk.book.next_deadline(), None, "the log answers");
    assert_eq!(LogBook::default().next_deadline(), None);
}

#[test]
fn keys_do_not_run_into_one_another() {
    assert_ne!(ContractKey::new("a", "bc", "d"), ContractKey::new("ab", "c", "d"));
    assert_ne!(ClientKey::new("ab", "c"), ClientKey::new("a", "bc"));
    assert_ne!(
        CompanyKey::new(None),
        CompanyKey::new(Some(&evidence::Scalar::Text(String::new())))
    );
    let one = evidence::Scalar::integer("1").unwrap();
    let text = evidence::Scalar::Text("1".to_owned());
    assert_eq!(CompanyKey::new(Some(&one)), CompanyKey::new(Some(&text)));
}

/// A log of so many leaves, with all finished tiles.
fn grown(size: u64) -> (LogBook, Vec<(tile::TileId, Vec<Hash>)>) {
    let mut book = LogBook::default();
    let mut tiles = Vec::new();
    for index in 0..size {
        let recording = Arc::new(Recording {
            leaf: leaf_hash(&index.to_be_bytes()),
            client: ClientKey([0; 32]),
            place: Place {
                contract: ContractKey([0; 32]),
                company: CompanyKey([0; 16]),
                version: 1,
            },
            bytes: Vec::new(),
            owed: None,
        });
        let decision = book.decide(LogCommand::Append(recording), now_at(0));
        decision.events.iter().for_each(|event| book.apply(event));
        tiles.extend_from_slice(book.finished());
        let [LogEffect::Appended { index: given, .. }] = &decision.effects[..] else {
            panic!("one effect");
        };
        assert_eq!(*given, index);
    }
    (book, tiles)
}

#[test]
fn a_log_is_put_together_again_from_its_head_and_its_edge() {
    for size in [
        0, 1, 2, 3, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 66_000,
    ] {
        let (book, tiles) = grown(size);
        let mut edge = tile::Edge::default();
        for level in 0..3 {
            let (id, _) = unfinished(level, size);
            let roots = tiles
                .iter()
                .filter(|(tile, _)| level > 0 && tile.level == level - 1);
            let roots = roots
                .filter(|(tile, _)| tile.index / 256 == id.index)
                .map(|(_, hashes)| perfect_root(hashes));
            let hashes: Vec<Hash> = match level {
                0 => (id.index * 256..size)
                    .map(|index| leaf_hash(&index.to_be_bytes()))
                    .collect(),
                _ => roots.collect(),
            };
            hashes.into_iter().for_each(|hash| edge.restore(level, hash));
        }
        let restored = LogBook::restored(book.frontier().clone(), edge.clone()).unwrap();
        assert_eq!(restored.frontier(), book.frontier(), "size {size}");
        assert_eq!(restored.edge(), book.edge(), "size {size}");
        assert_eq!(*restored.edge(), edge, "size {size}");
        let other = Frontier::new(
            size,
            book.frontier().roots().iter().map(|_| leaf_hash(b"x")).collect(),
        )
        .unwrap();
        assert_eq!(LogBook::restored(other, edge).is_none(), size > 0);
        assert!(tiles.iter().all(|(_, hashes)| hashes.len() == TILE_WIDTH));
    }
}
