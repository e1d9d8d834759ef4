//! What is written and read, byte by byte.

use super::*;

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn deliver(esm_class: u8, data_coding: u8, message: &[u8], tlvs: &[u8]) -> Vec<u8> {
    let mut pdu = Vec::new();
    framed(&mut pdu, DELIVER_SM, 0, 9, |into| {
        into.extend_from_slice(b"\0\x01\x01989121234567\0\x05\0Brand\0");
        into.extend_from_slice(&[esm_class, 0, 0, 0, 0, 0, 0, data_coding, 0]);
        into.push(u8::try_from(message.len()).unwrap());
        into.extend_from_slice(message);
        into.extend_from_slice(tlvs);
    });
    pdu
}

fn taken(octets: &[u8]) -> Incoming {
    take(&mut BytesMut::from(octets)).unwrap().expect("whole")
}

#[test]
fn a_bind_says_version_3_4() {
    let mut pdu = Vec::new();
    let who = Bind {
        role: Role::Transceiver,
        system_id: "SMPP3TEST",
        password: "secret08",
        system_type: "SUBMIT1",
    };
    bind(&mut pdu, 1, &who);
    // The standard's example (3.4, 3.2.3) with its command, version and addresses changed to ours.
    let expected = [
        "0000002f000000090000000000000001",
        "534d50503354455354007365637265743038005355424d49543100",
        "34000000",
    ];
    assert_eq!(hex(&pdu), expected.concat());
}

#[test]
fn a_part_asks_for_one_receipt_and_sets_no_other_bit_than_that_of_its_header() {
    let part = Part {
        source: ("1000", 0, 1),
        destination: "989121234567",
        validity_seconds: 300,
        alphabet: Alphabet::Ucs2,
        header: Some([5, 0, 3, 7, 2, 1]),
        text: &[0x06, 0x28],
    };
    let body = submit_body(&part);
    let expected = [
        &b"\0\0\x011000\0\x01\x01989121234567\0"[..],
        &[0x40, 0, 0, 0],
        b"000000000500000R\0",
        &[1, 0, 8, 0, 8, 5, 0, 3, 7, 2, 1, 0x06, 0x28],
    ]
    .concat();
    assert_eq!(hex(&body), hex(&expected));
    assert!(body.capacity() >= body.len() && body.len() < 128);
    let single = submit_body(&Part {
        header: None,
        alphabet: Alphabet::Gsm7,
        text: b"1",
        ..part
    });
    assert!(single.ends_with(&[1, 0, 0, 0, 1, b'1']) && !single.contains(&0x40));
}

#[test]
fn a_receipt_is_read_from_text_and_from_parameters() {
    let tlvs = [
        &[0, 0x1e, 0, 4][..],
        b"abc\0",
        &[0x04, 0x27, 0, 1, 2],
        &[0x14, 0, 0, 1, 9],
    ]
    .concat();
    let expected = |text: &str, receipted_id: Option<&str>, state| Incoming::Deliver {
        sequence: 9,
        deliver: Some(Deliver {
            is_receipt: true,
            text: text.to_owned(),
            receipted_id: receipted_id.map(str::to_owned),
            state,
        }),
    };
    let text = "id:1 stat:DELIVRD";
    assert_eq!(
        taken(&deliver(4, 0, text.as_bytes(), &tlvs)),
        expected(text, Some("abc"), Some(2))
    );
    assert_eq!(
        taken(&deliver(4, 0, text.as_bytes(), &[])),
        expected(text, None, None)
    );
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(taken(&deliver(4, 8, &wide, &[])), expected(text, None, None));
    let payload = [&[0x04, 0x24, 0, 17][..], text.as_bytes()].concat();
    assert_eq!(taken(&deliver(4, 0, b"", &payload)), expected(text, None, None));
    // What breaks off behind the text takes nothing away from it.
    assert_eq!(
        taken(&deliver(4, 0, text.as_bytes(), &[0, 0x1e, 0, 9, 1])),
        expected(text, None, None)
    );
}

#[test]
fn a_message_from_a_phone_is_no_receipt_even_with_a_header() {
    let Incoming::Deliver {
        deliver: Some(read), ..
    } = taken(&deliver(0x40, 0, b"\x05\0\x03\x01\x02\x01hi", &[]))
    else {
        panic!("a deliver_sm")
    };
    assert_eq!((read.is_receipt, read.text.as_str()), (false, "hi"));
}

#[test]
fn an_answer_is_read_with_an_id_without_one_and_with_an_odd_one() {
    for (body, id) in [
        (&b"abc-1\0"[..], "abc-1"),
        (b"", ""),
        (b"abc", "abc"),
        (b"\xe9\0", "é"),
    ] {
        let mut pdu = Vec::new();
        framed(&mut pdu, SUBMIT_SM_RESP, 0x58, 3, |into| {
            into.extend_from_slice(body);
        });
        let expected = Incoming::Submitted {
            sequence: 3,
            status: 0x58,
            id: id.to_owned(),
        };
        assert_eq!(taken(&pdu), expected);
    }
}

#[test]
fn a_pdu_waits_until_it_is_whole_and_leaves_what_follows() {
    let mut two = Vec::new();
    enquire_link(&mut two, 7);
    unbind(&mut two, 8);
    let mut inbox = BytesMut::new();
    for octet in &two[..15] {
        inbox.extend_from_slice(&[*octet]);
        assert_eq!(take(&mut inbox), Ok(None));
    }
    inbox.extend_from_slice(&two[15..]);
    assert_eq!(take(&mut inbox), Ok(Some(Incoming::EnquireLink { sequence: 7 })));
    assert_eq!(take(&mut inbox), Ok(Some(Incoming::Unbind { sequence: 8 })));
    assert_eq!(take(&mut inbox), Ok(None));
}

#[test]
fn a_length_that_no_pdu_has_is_the_end_of_the_stream() {
    for length in [0_u32, 15, 1 << 20, u32::MAX] {
        assert_eq!(
            take(&mut BytesMut::from(&length.to_be_bytes()[..])),
            Err(BadLength),
            "{length}"
        );
    }
}

#[test]
fn nothing_that_an_operator_may_send_makes_it_panic() {
    let mut random = fastrand::Rng::with_seed(2_026);
    let whole = deliver(0x44, 8, &[9; 40], &[0, 0x1e, 0, 2, 65, 0]);
    for _ in 0..200_000 {
        let mut pdu = whole.clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(16..pdu.len());
            pdu[at] = random.u8(..);
        }
        pdu.truncate(random.usize(16..=pdu.len()));
        let length = u32::try_from(pdu.len()).unwrap();
        pdu[..4].copy_from_slice(&length.to_be_bytes());
        assert!(matches!(taken(&pdu), Incoming::Deliver { .. }));
    }
}
