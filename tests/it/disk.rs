//! A disk that fills up: refusal before damage, reads go on, a restart while it is full, and work again as soon as there is space.

use crate::client::{Call, Reply};
use crate::process::Dev;
use crate::receiver::Receiver;
use crate::world::{SEND, VERIFY, eventually, wait_until, with};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Room for a young database, what the test writes into it, the reserve and what is kept free.
const DISK_MIB: u64 = 48;
const MIB: u64 = 1 << 20;
/// `storage.free_bytes_min`: four of the store's segments.
pub const FREE_MIN: u64 = 8 * MIB;
/// `storage.reserve_bytes`: two of the store's segments.
pub const RESERVE: u64 = 4 * MIB;
/// How soon after space was freed the gateway must take sends again.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

/// A small file system in memory.
pub struct SmallDisk {
    pub directory: TempDir,
}

impl SmallDisk {
    /// `Err` says why this machine does not let us.
    pub fn mount() -> Result<Self, String> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_MIB}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(directory.path())
            .output()
            .map_err(|error| format!("there is no `mount` here: {error}"))?;
        if !mounted.status.success() {
            return Err(String::from_utf8_lossy(&mounted.stderr).into_owned());
        }
        Ok(Self { directory })
    }

    pub fn free(&self) -> u64 {
        let statistics = rustix::fs::statvfs(self.directory.path()).unwrap();
        statistics.f_bavail * statistics.f_frsize
    }

    fn ballast(&self) -> PathBuf {
        self.directory.path().join("ballast")
    }

    /// Somebody else writes until so much is left; 0 until nothing is.
    pub fn fill_until(&self, left: u64) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())
            .unwrap();
        let piece = vec![1; 16 << 10];
        while self.free() > left {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub fn clear(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a test that failed may still have a process in it.
        let unmounted = Command::new("umount")
            .arg("--lazy")
            .arg(self.directory.path())
            .status();
        let is_unmounted = unmounted.is_ok_and(|status| status.success());
        assert!(
            is_unmounted || std::thread::panicking(),
            "{} stays mounted",
            self.directory.path().display()
        );
    }
}

/// A row of several kilobytes.
fn large_row() -> Value {
    let contacts = (0..64).map(|code| {
        json!({ "contact_ccms_code": code, "phone_type": 1, "number": "0".repeat(40), "deleted": false })
    });
    json!({ "full_name": "ن".repeat(200), "contacts": contacts.collect::<Vec<_>>() })
}

fn put_row(dev: &Dev, code: i64) -> Reply {
    dev.admin()
        .put(&format!("/admin/v1/customers/{code}"), &large_row())
}

fn row_is_there(dev: &Dev, code: i64) -> bool {
    dev.admin().get(&format!("/admin/v1/customers/{code}")).status == 200
}

/// Writes rows until one is refused; those below the returned code were acknowledged.
fn put_rows_until_refused(dev: &Dev) -> i64 {
    for code in 10_000..30_000 {
        let reply = put_row(dev, code);
        if reply.status != 200 {
            assert_eq!(
                (reply.status, reply.problem()),
                (503, "unavailable".to_owned()),
                "{}",
                reply.text()
            );
            assert!(reply.text().contains("nearly full"), "{}", reply.text());
            return code;
        }
    }
    panic!("a small disk took twenty thousand large rows");
}

/// A code that was sent under a key while there was space.
struct Acknowledged {
    inputs: Value,
    answer: Vec<u8>,
    code: String,
    /// The rows `10_000..rows_end` are there.
    rows_end: i64,
}

const KEY: &str = "sent-before-the-disk-was-full";

fn second_customer(dev: &Dev) -> Value {
    with(&dev.inputs(), &json!({ "CcmsCode": 1002 }))
}

/// What a gateway on a full disk refuses, and what it goes on doing.
fn judge_full(dev: &Dev, acknowledged: &Acknowledged) {
    let (partner, admin, inputs) = (dev.partner(), dev.admin(), &acknowledged.inputs);
    let ready = admin.get("/readyz?verbose");
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert!(
        ready.text().contains("store: the disk is nearly full"),
        "{}",
        ready.text()
    );
    assert_eq!(admin.get("/livez").status, 200, "a restart would not help");
    for refused in [
        partner.post(SEND, &second_customer(dev)),
        partner.post(VERIFY, &with(inputs, &json!({ "Otp": acknowledged.code }))),
        put_row(dev, 99_999),
    ] {
        assert_eq!(
            (refused.status, refused.problem()),
            (503, "unavailable".to_owned()),
            "{}",
            refused.text()
        );
        assert_eq!(refused.retry_after(), Some(5));
    }
    let metrics = admin.get("/metrics");
    assert!(metrics.status == 200 && metrics.text().contains("countersign_"));
    assert_eq!(admin.get("/admin/v1/invokers").status, 200);
    for code in [10_000, acknowledged.rows_end - 1] {
        assert!(row_is_there(dev, code), "row {code}");
    }
    assert!(
        !row_is_there(dev, acknowledged.rows_end),
        "what was refused is not there"
    );
    let verify = |changes: Value| {
        let body = with(&with(inputs, &json!({ "Otp": "000000" })), &changes);
        partner.post(VERIFY, &body).reason()
    };
    assert_eq!(verify(json!({ "InvokerCode": "nobody" })), 1);
    assert_eq!(verify(json!({ "ContractTypeId": 99 })), 2);
    assert_eq!(verify(json!({ "CcmsCode": 9_999 })), 4);
    assert_eq!(verify(json!({ "ContactCcmsCode": 9_999 })), 5);
    assert_eq!(verify(json!({ "CcmsCode": 1003 })), 20);
    assert_eq!(partner.post(SEND, inputs).reason(), 9);
    judge_kept(dev, acknowledged);
}

fn judge_kept(dev: &Dev, acknowledged: &Acknowledged) {
    let call = Call::post(SEND, &acknowledged.inputs).idempotency_key(KEY);
    let reply = dev.partner().call(call);
    assert!(reply.is_replayed(), "{}", reply.text());
    assert_eq!(reply.body, acknowledged.answer);
}

#[test]
fn a_full_disk_refuses_before_damage_and_heals_within_five_seconds() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: a file system in memory cannot be mounted here: {why}");
            return;
        }
    };
    let receiver = Receiver::start(1);
    let mut settings = receiver.settings();
    settings.extend([
        format!("storage.path={}", disk.directory.path().join("store").display()),
        format!("storage.free_bytes_min={FREE_MIN}"),
        format!("storage.reserve_bytes={RESERVE}"),
    ]);
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut dev = Dev::start(&settings);
    let reserve = disk.directory.path().join("store/reserve");
    wait_until("the reserve is made", || reserve.exists());

    let inputs = dev.inputs();
    let first = dev.partner().call(Call::post(SEND, &inputs).idempotency_key(KEY));
    assert_eq!(first.reason(), 11, "{}", first.text());
    let code = receiver.messages()[0].code().to_owned();
    disk.fill_until(FREE_MIN + 3 * MIB);
    let acknowledged = Acknowledged {
        inputs,
        answer: first.body,
        code,
        rows_end: put_rows_until_refused(&dev),
    };
    assert!(acknowledged.rows_end > 10_000, "some were taken");
    assert!(
        disk.free() > FREE_MIN / 2,
        "{} bytes are free: refused in time",
        disk.free()
    );
    // What was refused for comes to lie in the tree and may take less there than was kept for it; others take that.
    disk.fill_until(FREE_MIN / 2);
    wait_until("the gateway has seen it", || {
        dev.admin().get("/readyz").status == 503
    });
    judge_full(&dev, &acknowledged);

    // Others take the rest. The first start gives the reserve up, the next ones live on what it left.
    disk.fill_until(0);
    judge_full(&dev, &acknowledged);
    for signal in [Signal::KILL, Signal::TERM, Signal::KILL, Signal::KILL] {
        dev.signal(signal);
        let ended = dev.ended();
        assert!(
            signal == Signal::KILL || ended.code() == Some(0),
            "{ended}: {}",
            dev.log()
        );
        dev = dev.start_again(&settings);
        judge_full(&dev, &acknowledged);
    }
    assert_eq!(receiver.count(), 1, "no message without its record");
    heals(&disk, &dev, &acknowledged);
    wait_until("the reserve is made again", || reserve.exists());
}

/// Space is freed, and everything works without a restart; nothing acknowledged is missing.
fn heals(disk: &SmallDisk, dev: &Dev, acknowledged: &Acknowledged) {
    let freed = Instant::now();
    disk.clear();
    let sent = eventually("a send succeeds", || {
        let reply = dev.partner().post(SEND, &second_customer(dev));
        (reply.status == 200).then_some(reply)
    });
    assert_eq!(sent.reason(), 11, "{}", sent.text());
    assert!(freed.elapsed() < RECOVERY_MAX, "{:?}", freed.elapsed());
    assert_eq!(dev.admin().get("/readyz").status, 200);
    judge_kept(dev, acknowledged);
    let body = with(&acknowledged.inputs, &json!({ "Otp": acknowledged.code }));
    let verified = dev.partner().post(VERIFY, &body);
    assert_eq!(verified.reason(), 11, "{}", verified.text());
    for code in 10_000..acknowledged.rows_end {
        assert!(row_is_there(dev, code), "row {code}");
    }
    assert_eq!(put_row(dev, acknowledged.rows_end).status, 200);
}
