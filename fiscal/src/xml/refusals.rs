//! One row for each rule by which a document is refused, on a document that is otherwise right.

use crate::document::Document;
use crate::xml::{DOCUMENT_BYTES_MAX, Error};

const SALE: &str = "<?xml version=\"1.0\" encoding=\"windows-1251\"?>
<CHECK xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"check01.xsd\">
<CHECKHEAD><DOCTYPE>0</DOCTYPE><DOCSUBTYPE>0</DOCSUBTYPE><UID>A1</UID><TIN>12345678</TIN><ORGNM>ТОВ</ORGNM><POINTNM>Крамниця</POINTNM>\
<ORDERDATE>05022026</ORDERDATE><ORDERTIME>090807</ORDERTIME><ORDERNUM>7</ORDERNUM><CASHDESKNUM>1</CASHDESKNUM>\
<CASHREGISTERNUM>4000000001</CASHREGISTERNUM><VER>1</VER></CHECKHEAD>\
<CHECKTOTAL><SUM>12.50</SUM></CHECKTOTAL>\
<CHECKPAY><ROW ROWNUM=\"1\"><PAYFORMCD>0</PAYFORMCD><PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>12.50</SUM></ROW></CHECKPAY>\
<CHECKBODY><ROW ROWNUM=\"1\"><NAME>Сир</NAME><AMOUNT>1.000</AMOUNT><COST>12.50</COST></ROW>\
<ROW ROWNUM=\"2\"><NAME>Хліб</NAME></ROW></CHECKBODY></CHECK>";

fn read(text: &str) -> Result<Document, Error> {
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1251.encode(text);
    assert!(!unmappable, "the test's own text");
    Document::from_xml(&bytes)
}

/// What is said of the sale with every `from` replaced.
fn refusal(from: &str, to: &str) -> String {
    assert!(SALE.contains(from), "nothing to replace: {from}");
    match read(&SALE.replace(from, to)) {
        Err(error) => error.to_string(),
        Ok(document) => panic!("{from} → {to} was accepted: {document:?}"),
    }
}

#[test]
fn what_the_rows_below_change_is_right_as_it_is() {
    assert!(read(SALE).is_ok());
}

#[test]
fn structure_is_followed_strictly() {
    let name = "<NAME>Хліб</NAME>";
    let table = [
        (
            name,
            "<NAME>Хліб</NAME><CODE>1</CODE>",
            "checkbody.row[2] has CODE where it has no place",
        ),
        (
            name,
            "<NAME>Хліб</NAME><NAME>Хліб</NAME>",
            "checkbody.row[2] has NAME where it has no place",
        ),
        (
            name,
            "<PRIZE>1</PRIZE>",
            "checkbody.row[2] has PRIZE where it has no place",
        ),
        (
            name,
            "<NAME><B>Хліб</B></NAME>",
            "checkbody.row[2].name has B where it has no place",
        ),
        (name, "Хліб", "checkbody.row[2] has text between its elements"),
        (
            name,
            "<UKTZED>0401</UKTZED><DKPP>11.22</DKPP>",
            "checkbody.row[2] has DKPP where it has no place",
        ),
        (
            name,
            "<NAME lang=\"uk\">Хліб</NAME>",
            "checkbody.row[2].name has wrong attributes: none is known here",
        ),
        ("<UID>A1</UID>", "", "checkhead.uid is missing"),
        (
            "<PAYFORMCD>0</PAYFORMCD>",
            "",
            "checkpay.row[1].payformcd is missing",
        ),
        (
            "<CHECKTOTAL><SUM>12.50</SUM></CHECKTOTAL>",
            "<CHECKTAX></CHECKTAX>",
            "checktax.row is missing",
        ),
        (
            "<CHECKTOTAL><SUM>12.50</SUM></CHECKTOTAL>",
            "<CHECKTAX/>",
            "checktax.row is missing",
        ),
        (
            "ROWNUM=\"2\"",
            "ROWNUM=\"3\"",
            "checkbody.row[2] has wrong attributes: ROWNUM does not count from one",
        ),
        (
            "ROWNUM=\"2\"",
            "",
            "checkbody.row[2] has wrong attributes: ROWNUM is missing",
        ),
        (
            "<CHECKPAY><ROW ROWNUM=\"1\"",
            "<CHECKPAY><ROW ROWNUM=\"1000000\"",
            "checkpay.row[1] has wrong attributes: ROWNUM is no number from 1 to 999999",
        ),
        (
            "ROWNUM=\"2\"",
            "ROWNUM=\"2\" N=\"1\"",
            "checkbody.row[2] has wrong attributes: only ROWNUM is known here",
        ),
        (
            "ROWNUM=\"2\"",
            "ROWNUM=\"2\" ROWNUM=\"2\"",
            "checkbody.row[2] has wrong attributes: not well-formed",
        ),
        (
            " xsi:noName",
            " xmlns=\"urn:x\" xsi:noName",
            "document has wrong attributes: only the schema's place is known here",
        ),
        (
            "www.w3.org",
            "www.w4.org",
            "document has wrong attributes: only the schema's place is known here",
        ),
        (
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
            "",
            "document has wrong attributes: xsi is not declared",
        ),
        (
            "check01.xsd",
            "check<.xsd",
            "document has wrong attributes: not well-formed",
        ),
        (
            "<DOCSUBTYPE>0</DOCSUBTYPE>",
            "",
            "checkhead.docsubtype is missing",
        ),
        (
            "<DOCTYPE>0</DOCTYPE>",
            "<DOCTYPE>100</DOCTYPE>",
            "checkhead.docsubtype has no place in a document without services",
        ),
        (
            "<DOCTYPE>0</DOCTYPE><DOCSUBTYPE>0</DOCSUBTYPE>",
            "<DOCTYPE>100</DOCTYPE>",
            "checktotal has no place in an opening of a shift",
        ),
        (
            "<DOCTYPE>0</DOCTYPE>",
            "<DOCTYPE>99</DOCTYPE>",
            "checkhead.doctype is not a known type of document",
        ),
        (
            "<VER>1</VER>",
            "<REVOKELASTONLINEDOC>true</REVOKELASTONLINEDOC><VER>1</VER>",
            "checkhead.revokelastonlinedoc has no place in a sale",
        ),
        (
            "</CASHREGISTERNUM>",
            "</CASHREGISTERNUM><ORDERRETNUM>1</ORDERRETNUM>",
            "checkhead.orderretnum has no place in a sale",
        ),
        (
            "<DOCSUBTYPE>0",
            "<DOCSUBTYPE>5",
            "checkhead.orderstornum is missing",
        ),
        (
            "<VER>1</VER>",
            "<VER>1</VER><OFFLINE>true</OFFLINE>",
            "checkhead.ordertaxnum is missing",
        ),
        (
            "<VER>1</VER>",
            &format!("<VER>1</VER><PREVDOCHASH>{}</PREVDOCHASH>", "0".repeat(64)),
            "checkhead.prevdochash has no place in an online document",
        ),
    ];
    for (from, to, expected) in table {
        assert_eq!(refusal(from, to), expected, "{from} → {to}");
    }
}

#[test]
fn an_offline_session_begins_and_ends_offline_untested_and_its_first_document_follows_none() {
    let head = "<?xml version=\"1.0\" encoding=\"windows-1251\"?><CHECK><CHECKHEAD><DOCTYPE>102</DOCTYPE><UID>A1</UID><TIN>12345678</TIN>\
        <ORGNM>ТОВ</ORGNM><POINTNM>Крамниця</POINTNM><ORDERDATE>05022026</ORDERDATE><ORDERTIME>090807</ORDERTIME><ORDERNUM>7</ORDERNUM>\
        <CASHDESKNUM>1</CASHDESKNUM><CASHREGISTERNUM>4000000001</CASHREGISTERNUM><VER>1</VER>{}</CHECKHEAD></CHECK>";
    let number = "<ORDERTAXNUM>1.1.1</ORDERTAXNUM>";
    let hash = format!("<PREVDOCHASH>{}</PREVDOCHASH>", "0".repeat(64));
    let begin = "the beginning of an offline session";
    let table = [
        (format!("{number}<OFFLINE>true</OFFLINE>"), None),
        (number.to_owned(), Some("checkhead.offline is missing".to_owned())),
        (
            format!("{number}<OFFLINE>true</OFFLINE>{hash}"),
            Some(format!("checkhead.prevdochash has no place in {begin}")),
        ),
        (
            format!("{number}<OFFLINE>true</OFFLINE><TESTING>true</TESTING>"),
            Some(format!("checkhead.testing has no place in {begin}")),
        ),
    ];
    for (fields, expected) in table {
        assert_eq!(
            read(&head.replace("{}", &fields))
                .err()
                .map(|error| error.to_string()),
            expected,
            "{fields}"
        );
    }
    let end = head
        .replace("102", "103")
        .replace("{}", &format!("{number}<OFFLINE>true</OFFLINE>{hash}"));
    assert!(read(&end).is_ok());
}

#[test]
fn a_leaf_keeps_the_limits_of_its_type() {
    let long_name = format!("<NAME>{}</NAME>", "ї".repeat(1025));
    let sum = "<CHECKTOTAL><SUM>12.50</SUM>";
    let name = "<NAME>Хліб</NAME>";
    let total = |text: &str| format!("<CHECKTOTAL><SUM>{text}</SUM>");
    let row = |text: &str| format!("{name}{text}");
    let two_digits = "checktotal.sum is not a sum with two digits after the point";
    let table = [
        (sum, total("12.5"), two_digits),
        (sum, total("12"), two_digits),
        (sum, total("12,50"), two_digits),
        (sum, total("12.505"), two_digits),
        (sum, total(""), two_digits),
        (
            sum,
            total("1e.50"),
            "checktotal.sum is not a plain decimal number",
        ),
        (
            sum,
            total("+1.50"),
            "checktotal.sum is not a plain decimal number",
        ),
        (
            sum,
            total("1000000000000.01"),
            "checktotal.sum is larger than 1000000000000",
        ),
        (
            name,
            long_name,
            "checkbody.row[2].name has more than 1024 characters",
        ),
        (
            name,
            row("<UNITCD>0</UNITCD>"),
            "checkbody.row[2].unitcd is not a number from 1 to 99999",
        ),
        (
            name,
            row("<UNITCD>100000</UNITCD>"),
            "checkbody.row[2].unitcd is not a number from 1 to 99999",
        ),
        (
            name,
            row("<AMOUNT>1.0000</AMOUNT>"),
            "checkbody.row[2].amount has more than 3 digits after the point",
        ),
        (
            name,
            row("<AMOUNT>1.</AMOUNT>"),
            "checkbody.row[2].amount is not a plain decimal number",
        ),
        (
            name,
            row("<LETTERS>АБВГҐДЕЄЖЗИІЇЙКЛ</LETTERS>"),
            "checkbody.row[2].letters has more than 15 characters",
        ),
        (
            name,
            row("<VALCD>0</VALCD>"),
            "checkbody.row[2].valcd is not a number above zero",
        ),
        (
            name,
            row("<VALOPERTYPE>8</VALOPERTYPE>"),
            "checkbody.row[2].valopertype is not a known operation with currency",
        ),
        (
            name,
            row("<VALCOURSE>1.123456789</VALCOURSE>"),
            "checkbody.row[2].valcourse has more than 8 digits after the point",
        ),
        (
            name,
            row("<VALREFUSESELL>yes</VALREFUSESELL>"),
            "checkbody.row[2].valrefusesell is not true or false",
        ),
        (
            name,
            row("<PAYOUTTYPE>12</PAYOUTTYPE>"),
            "checkbody.row[2].payouttype has more than 1 characters",
        ),
        (
            name,
            "<UKTZED>12345</UKTZED>".to_owned(),
            "checkbody.row[2].uktzed is not 10, 8, 6 or 4 digits above zero, or 00 and three more",
        ),
        (
            name,
            "<DKPP>1.22</DKPP>".to_owned(),
            "checkbody.row[2].dkpp is not a code of services such as 11.22.33-44.55",
        ),
        (
            "<TIN>12345678",
            "<TIN>1234".to_owned(),
            "checkhead.tin is not 5 to 10 digits, or two Ukrainian capitals and 6 digits",
        ),
        (
            "<ORGNM>",
            "<IPN>12345</IPN><ORGNM>".to_owned(),
            "checkhead.ipn is not 0, 6 to 12 digits, or two Ukrainian capitals and 6 digits",
        ),
        (
            "05022026",
            "31022026".to_owned(),
            "checkhead.orderdate is not a date DDMMYYYY",
        ),
        (
            "090807",
            "90807".to_owned(),
            "checkhead.ordertime is not a time HHMMSS",
        ),
        (
            "<ORDERNUM>7",
            "<ORDERNUM>0".to_owned(),
            "checkhead.ordernum is not a number above zero",
        ),
        (
            "<ORDERNUM>7",
            "<ORDERNUM>99999999999999999999".to_owned(),
            "checkhead.ordernum is not a whole number of at most 64 bits",
        ),
        ("<UID>A1", "<UID>".to_owned(), "checkhead.uid is empty"),
    ];
    for (from, to, expected) in table {
        assert_eq!(refusal(from, &to), expected, "{from} → {to}");
    }
}

#[test]
fn what_xml_could_do_beyond_elements_is_refused() {
    let refused = |from: &str, to: &str| refusal(from, to);
    let dtd = "?>\n<!DOCTYPE CHECK [<!ENTITY a \"b\">]>";
    assert!(
        refused("?>", dtd).contains("holds a DTD"),
        "{}",
        refused("?>", dtd)
    );
    assert!(refused("Хліб", "&a;").contains("an entity that is none of the five"));
    assert!(refused("<CHECKTOTAL>", "<?php ?><CHECKTOTAL>").contains("a processing instruction"));
    assert!(refused("</CHECK>", "</CHECK><CHECK/>").contains("more than one root"));
    assert!(refused("</CHECK>", "").contains("ends inside an element"));
    assert!(refused("</CHECKBODY>", "</CHECKBUDDY>").contains("not well-formed"));
    assert!(refused("<CHECKBODY>", "<!-- a -- b --><CHECKBODY>").contains("not well-formed"));
    assert!(refused("Хліб", "Tom & Jerry").contains("not well-formed"));
    assert!(refused("Хліб", "a]]>b").contains("]]> stands in a text"));
    assert!(refused("Хліб", "<!--\u{2}-->x").contains("a comment holds a control character"));
    assert!(refused("ROWNUM=\"2\"", "ROWNUM=\"\u{a0}2\"").contains("ROWNUM is no number"));
    assert_eq!(
        refused("Хліб", "a\u{1}b"),
        "checkbody.row[2].name has the character '\\u{1}' (U+0001), which windows-1251 does not carry"
    );
    assert_eq!(
        refused("Хліб", "&#x1F600;"),
        "checkbody.row[2].name has the character '😀' (U+1F600), which windows-1251 does not carry"
    );
    assert!(refused("<CHECK ", "<check ").contains("the document is a check"));
    for (from, to) in [
        ("windows-1251", "utf-8"),
        (" encoding=\"windows-1251\"", ""),
        ("1.0", "1.1"),
        ("<?xml", " <?xml"),
    ] {
        assert_eq!(refused(from, to), Error::Declaration.to_string(), "{from} → {to}");
    }
    let large = format!("{SALE}{}", " ".repeat(DOCUMENT_BYTES_MAX));
    assert!(matches!(read(&large), Err(Error::TooLarge { .. })));
}

#[test]
fn what_xml_may_do_is_read() {
    let name = |xml: &str| {
        let document = read(&SALE.replace("Хліб", xml)).expect("a document");
        document
            .kind
            .receipt()
            .and_then(|receipt| receipt.rows[1].name.clone())
            .expect("a name")
    };
    assert_eq!(name("&lt;&gt;&amp;&quot;&apos;&#1111;&#x457;"), "<>&\"'її");
    assert_eq!(name("<![CDATA[<b>]]> x<!-- y -->z"), "<b> xz");
    assert_eq!(name("a\r\nb&#13;c"), "a\nb\rc");
    assert_eq!(name(" blanks stay "), " blanks stay ");
    assert!(read(&SALE.replace("windows-1251", "WINDOWS-1251")).is_ok());
}

#[test]
fn what_cannot_be_written_is_refused_by_its_path() {
    let document = |change: &dyn Fn(&mut Document)| {
        let mut document = read(SALE).expect("a document");
        change(&mut document);
        document.to_xml().expect_err("it cannot be written").to_string()
    };
    let row_name = |name: &str| {
        let name = name.to_owned();
        document(&move |document| {
            if let crate::Kind::Sale { receipt, .. } = &mut document.kind {
                receipt.rows[1].name = Some(name.clone());
            }
        })
    };
    assert_eq!(
        row_name("Кава ☕"),
        "checkbody.row[2].name has the character '☕' (U+2615), which windows-1251 does not carry"
    );
    assert_eq!(
        row_name("\u{98}"),
        "checkbody.row[2].name has the character '\\u{98}' (U+0098), which windows-1251 does not carry"
    );
    assert_eq!(
        row_name(&"x".repeat(1025)),
        "checkbody.row[2].name has more than 1024 characters"
    );
    assert_eq!(
        document(&|document| document.head.seller.tax_number = "AB123456".to_owned()),
        "checkhead.tin is not 5 to 10 digits, or two Ukrainian capitals and 6 digits"
    );
    assert_eq!(
        document(&|document| document.head.cashier = Some("ї".repeat(129))),
        "checkhead.cashier has more than 128 characters"
    );
    assert_eq!(
        document(&|document| document.kind = crate::Kind::OfflineEnd),
        "checkhead.offline is missing"
    );
    assert_eq!(
        document(&|document| {
            document.kind = crate::Kind::z_report(crate::document::ZReport::default());
            document.head.notes.comment = Some("x".to_owned());
        }),
        "zrephead.comment has no place in a Z-report"
    );
}
