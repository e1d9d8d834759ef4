//! Writes a first corpus for every target: valid inputs, made here. Run in the folder `fuzz`.

use fiscal::generate::Generator;
use std::fs;
use std::path::Path;

/// One of each shape; the numbers in front choose the answer's type.
const REQUESTS: [&str; 5] = [
    r#"{"Command":"TransactionsRegistrarState","UID":"A1","NumFiscal":4000000001,"OfflineSessionId":82563,"OfflineSeed":"17"}"#,
    r#"{"Command":"CheckExt","RegistrarNumFiscal":"4000000001","NumLocal":7,"Type":"OriginalXml","AcquireCabinetUrl":true}"#,
    r#"{"Command":"Shifts","NumFiscal":1,"From":"/Date(1539728580000)/","To":"2018-10-17T01:23:00+03:00"}"#,
    r#"{"Command":"SendOflPackage","Documents":["AQ==","Ag=="]}"#,
    r#"{"Command":"Documents","NumFiscal":1,"OpenShiftFiscalNum":"177086","Timestamp":"2018-10-17T01:23:00","Timeout":15000}"#,
];
const ANSWERS: [(u8, &str); 6] = [
    (
        0,
        r#"{"ShiftState":1,"NextLocalNum":"19","OfflineSessionId":82563,"OfflineSeed":"17","OfflineSessionDuration":61.5,"TaxObject":{}}"#,
    ),
    (
        1,
        r#"{"Documents":[{"NumFiscal":1,"NumLocal":2,"DocClass":"Check","CheckDocType":0,"DocDateTime":"/Date(1)/"}],"ErrorCode":0}"#,
    ),
    (
        2,
        r#"{"ShiftState":0,"Totals":{"Real":{"Sum":12.50,"PayForm":[{"PayFormCode":0,"Sum":"1"}],"Tax":[{"Type":0,"Prc":20.00,"Sum":1,"Letter":"A"}]},"Currency":{"a":[1.5e3]}}}"#,
    ),
    (
        3,
        r#"{"TaxObjects":[{"Tin":"1","TransactionsRegistrars":[{"NumFiscal":1,"NumLocal":"1","Closed":1}]}],"UID":null}"#,
    ),
    (5, r#"{"Data":"PGE+","ResultCode":"Ok","ErrorCode":null}"#),
    (11, r#"{"ErrorCode":"9","ErrorMessage":"x"}"#),
];
const TEXTS: [&str; 6] = [
    "Код помилки: 7 CheckLocalNumberInvalid\r\nНомер документа повинен дорівнювати 12",
    "-12.505",
    "29022024 235959",
    "/Date(-1+0300)/",
    "/Date(-800000000005537)/",
    "АГ",
];

fn put(target: &str, name: usize, octets: &[u8]) {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(format!("seed-{name}")), octets).expect("the seed can be written");
}

fn main() {
    let mut generator = Generator::new(1);
    for number in 0..200 {
        put(
            "document",
            number,
            &generator.document().to_xml().expect("a document"),
        );
        put("ticket", number, &generator.ticket().to_xml().expect("a ticket"));
    }
    for (number, request) in REQUESTS.iter().enumerate() {
        put("request", number, request.as_bytes());
    }
    for (number, (kind, answer)) in ANSWERS.iter().enumerate() {
        put("answer", number, &[&[*kind], answer.as_bytes()].concat());
    }
    for (number, text) in TEXTS.iter().enumerate() {
        put("text", number, text.as_bytes());
    }
}
