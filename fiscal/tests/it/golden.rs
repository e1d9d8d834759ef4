//! What a receipt looks like to the octet: the order of the schema, its forms of numbers, the five escapes, windows-1251.

use fiscal::document::{Payment, Receipt, Register, Row, Seller, Total};
use fiscal::{
    CashDeskNumber, Document, DocumentHash, FiscalNumber, Head, Kind, LinkTime, LocalMoment, LocalNumber,
    Money, Quantity, RegisterNumber, Uid, VerificationLink,
};

const RECEIPT: &str = "<?xml version=\"1.0\" encoding=\"windows-1251\"?>\
    <CHECK xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"check01.xsd\">\
    <CHECKHEAD><DOCTYPE>0</DOCTYPE><DOCSUBTYPE>0</DOCSUBTYPE><UID>F32EE0EF-F8EE-46BD-9943-881AF3F982F5</UID>\
    <TIN>АБ123456</TIN><IPN>0</IPN><ORGNM>ТОВ &quot;Рис &amp; сир&quot;</ORGNM><POINTNM>&lt;Ґудзик&gt;</POINTNM>\
    <POINTADDR>вул. Б&apos;юфорта</POINTADDR><ORDERDATE>05022026</ORDERDATE><ORDERTIME>090807</ORDERTIME>\
    <ORDERNUM>1838</ORDERNUM><CASHDESKNUM>6</CASHDESKNUM><CASHREGISTERNUM>4000000202</CASHREGISTERNUM>\
    <CASHIER>Їжак Є.</CASHIER><VER>1</VER><ORDERTAXNUM>82563.2.7539</ORDERTAXNUM><OFFLINE>true</OFFLINE>\
    <PREVDOCHASH>5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c</PREVDOCHASH></CHECKHEAD>\
    <CHECKTOTAL><SUM>0.50</SUM></CHECKTOTAL>\
    <CHECKPAY><ROW ROWNUM=\"1\"><PAYFORMCD>0</PAYFORMCD><PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>0.50</SUM>\
    <PROVIDED>1.00</PROVIDED><REMAINS>0.50</REMAINS></ROW></CHECKPAY>\
    <CHECKBODY><ROW ROWNUM=\"1\"><NAME>Цукор №1</NAME><AMOUNT>0.005</AMOUNT><LETTERS>АГ</LETTERS><COST>0.50</COST></ROW>\
    </CHECKBODY></CHECK>";

fn receipt() -> Result<Document, Box<dyn std::error::Error>> {
    let seller = Seller {
        tax_number: "АБ123456".to_owned(),
        vat_number: Some("0".to_owned()),
        organisation: "ТОВ \"Рис & сир\"".to_owned(),
        point: "<Ґудзик>".to_owned(),
        address: Some("вул. Б'юфорта".to_owned()),
    };
    let register = Register {
        cash_desk: CashDeskNumber::new(6)?,
        number: RegisterNumber::new(4_000_000_202)?,
    };
    let uid = Uid::new("F32EE0EF-F8EE-46BD-9943-881AF3F982F5")?;
    let issued = LocalMoment::from_parts("05022026", "090807")?;
    let head = Head::new(uid, seller, register, issued, LocalNumber::new(1838)?)
        .with_cashier("Їжак Є.")
        .offline(FiscalNumber::new("82563.2.7539")?, Some(DocumentHash([0x5c; 32])));
    let sum = Money::from_units(50);
    let receipt = Receipt {
        total: Some(Total::of(sum)),
        payments: vec![Payment::cash_with_change(sum, Money::from_units(100), sum)],
        rows: vec![Row {
            name: Some("Цукор №1".to_owned()),
            quantity: Some(Quantity::from_units(5)),
            letters: Some("АГ".parse()?),
            cost: Some(sum),
            ..Row::default()
        }],
        ..Receipt::default()
    };
    Ok(Document {
        head,
        kind: Kind::sale(receipt),
    })
}

#[test]
fn a_receipt_is_written_to_the_octet() {
    let document = receipt().expect("a receipt");
    let (expected, _, unmappable) = encoding_rs::WINDOWS_1251.encode(RECEIPT);
    assert!(!unmappable);
    let xml = document.to_xml().expect("XML");
    let text = |xml| {
        encoding_rs::WINDOWS_1251
            .decode_without_bom_handling(xml)
            .0
            .into_owned()
    };
    assert_eq!(text(&xml), RECEIPT);
    assert_eq!(xml, *expected);
    assert_eq!(Document::from_xml(&xml), Ok(document));
}

#[test]
fn the_link_of_an_offline_receipt_carries_its_own_number_and_the_hash_before_it() {
    let document = receipt().expect("a receipt");
    let other = FiscalNumber::new("1").expect("a number");
    let link = VerificationLink::of(&document, Some(&other), LinkTime::Minutes)
        .expect("a link")
        .to_string();
    assert_eq!(
        link,
        format!(
            "https://cabinet.tax.gov.ua/cashregs/check?id=82563.2.7539&date=20260205&time=0908&fn=4000000202&sm=0.50&mac={}",
            "5c".repeat(32)
        )
    );
    let opening = Document {
        kind: Kind::OpenShift,
        ..document
    };
    assert_eq!(
        VerificationLink::of(&opening, Some(&other), LinkTime::Minutes),
        None
    );
}

#[test]
fn a_payment_without_change_does_not_mention_it() {
    let sum = Money::from_units(50);
    assert_eq!(
        Payment::cash_with_change(sum, sum, Money::ZERO),
        Payment::cash(sum)
    );
}
