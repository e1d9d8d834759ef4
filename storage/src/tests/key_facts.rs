//! Keys sort as their parts do, come back as they were, and no table or part runs into another.

use proptest::prelude::*;

use crate::{Error, KEY_MAX, Key, KeyReader};

fn build(parts: &(i64, String, Vec<u8>, u64, u8)) -> Key {
    let (signed, text, bytes, unsigned, byte) = parts;
    Key::table("t")
        .i64(*signed)
        .text(text)
        .bytes(bytes)
        .u64(*unsigned)
        .u8(*byte)
        .raw(b"end")
        .build()
}

type Parts = (i64, String, Vec<u8>, u64, u8);

fn parts() -> impl Strategy<Value = Parts> {
    // Few letters, zeros and 0xFF among them, so that beginnings are often shared.
    let bytes = prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 0xFE, 0xFF]), 0..6);
    let signed = prop_oneof![any::<i64>(), -2..=2_i64];
    (
        signed,
        "[\u{0}\u{1}ab\u{7FF}]{0,5}",
        bytes,
        any::<u64>(),
        any::<u8>(),
    )
}

proptest! {
    #[test]
    fn keys_sort_as_their_parts_do(one in parts(), other in parts()) {
        prop_assert_eq!(build(&one).cmp(&build(&other)), one.cmp(&other));
    }

    #[test]
    fn parts_come_back_as_they_were(parts in parts()) {
        let key = build(&parts);
        let mut reader = KeyReader::new(&key, "t").unwrap();
        let read = (reader.i64().unwrap(), reader.text().unwrap(), reader.bytes().unwrap(), reader.u64().unwrap(),
                    reader.u8().unwrap());
        prop_assert_eq!(read, parts);
        prop_assert_eq!(reader.raw::<3>().unwrap(), *b"end");
        prop_assert!(reader.finish().is_ok());
        prop_assert_eq!(Key::from_bytes(key.as_bytes()).unwrap(), key);
    }

    #[test]
    fn no_text_is_a_prefix_of_another(one in "[\u{0}\u{1}ab]{0,4}", other in "[\u{0}\u{1}ab]{0,4}") {
        let (first, second) = (Key::table("t").text(&one).build(), Key::table("t").text(&other).build());
        prop_assert_eq!(second.as_bytes().starts_with(first.as_bytes()), one == other);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut all = b"t\0".to_vec();
        all.extend(bytes);
        let key = Key::from_bytes(&all).unwrap();
        let reader = KeyReader::new(&key, "t").unwrap();
        let (mut one, mut other) = (reader.clone(), reader);
        prop_assert!(one.bytes().is_ok() || one.bytes().is_err());
        prop_assert_eq!(other.u64().is_ok(), all.len() >= 10);
    }
}

#[test]
fn no_table_is_inside_another() {
    let (short, long) = (Key::table("a").build(), Key::table("ab").u64(1).build());
    assert!(!long.as_bytes().starts_with(short.as_bytes()));
    assert!(KeyReader::new(&long, "a").is_err());
    assert!(KeyReader::new(&long, "ab").is_ok());
}

#[test]
fn a_key_of_another_table_or_with_other_parts_is_an_error() {
    let key = Key::table("t").u8(1).build();
    for wrong in ["", "u", "tt", "t\0"] {
        assert!(KeyReader::new(&key, wrong).is_err(), "{wrong:?}");
    }
    let reader = KeyReader::new(&key, "t").unwrap();
    assert!(reader.clone().u64().is_err());
    assert!(reader.clone().bytes().is_err(), "a part without an end");
    assert!(
        matches!(reader.finish(), Err(Error::Corrupt { .. })),
        "a part is left"
    );
    let not_utf8 = Key::table("t").bytes(&[0xFF]).build();
    assert!(KeyReader::new(&not_utf8, "t").unwrap().text().is_err());
}

#[test]
fn bytes_that_are_no_key_are_refused() {
    assert!(matches!(Key::from_bytes(b""), Err(Error::InvalidKey { .. })));
    assert!(matches!(
        Key::from_bytes(b"\0sequence"),
        Err(Error::InvalidKey { .. })
    ));
    assert!(Key::from_bytes(&[1; KEY_MAX]).is_ok());
    let limit = KEY_MAX;
    let size = KEY_MAX + 1;
    assert_eq!(
        Key::from_bytes(&vec![1; size]),
        Err(Error::TooLarge {
            what: "key",
            size,
            limit
        })
    );
}
