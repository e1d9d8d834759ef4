//! Storage keys: any bytes are read or refused; what is built is read back, and keys are ordered as their parts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use storage::{Key, KeyReader};

fn read_all(bytes: &[u8]) {
    let Ok(key) = Key::from_bytes(bytes) else { return };
    assert_eq!(key.as_bytes(), bytes);
    let Ok(mut reader) = KeyReader::new(&key, "t") else {
        return;
    };
    while reader.text().is_ok() {}
    let Ok(mut reader) = KeyReader::new(&key, "t") else {
        return;
    };
    let _ = (
        reader.i64(),
        reader.u8(),
        reader.bytes(),
        reader.raw::<16>(),
        reader.finish(),
    );
}

fn build((number, text, bytes): &(i64, String, Vec<u8>)) -> Key {
    Key::table("t").i64(*number).text(text).bytes(bytes).u8(7).build()
}

fuzz_target!(|input: (&[u8], (i64, String, Vec<u8>), (i64, String, Vec<u8>))| {
    let (bytes, one, other) = input;
    read_all(bytes);
    let keys = [build(&one), build(&other)];
    assert_eq!(keys[0].cmp(&keys[1]), one.cmp(&other), "{one:?} {other:?}");
    for (key, (number, text, bytes)) in keys.iter().zip([&one, &other]) {
        let mut reader = KeyReader::new(key, "t").expect("of this table");
        assert_eq!(reader.i64().expect("a number"), *number);
        assert_eq!(reader.text().expect("a text"), *text);
        assert_eq!(reader.bytes().expect("bytes"), *bytes);
        assert_eq!(reader.u8().expect("a byte"), 7);
        reader.finish().expect("nothing more");
    }
});
