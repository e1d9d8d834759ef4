//! Servers in processes of their own, and wrk.

#![allow(dead_code)] // each benchmark uses its part

pub(crate) mod drive;
pub(crate) mod gateway;
pub(crate) mod tills;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Says which server this process is to be.
const ROLE: &str = "COUNTERSIGN_BENCH_ROLE";
/// Where whoever it needs listens.
pub(crate) const NEIGHBOUR: &str = "COUNTERSIGN_BENCH_NEIGHBOUR";
/// Seconds of one round; `SPEED_SECONDS` changes it.
const SECONDS: usize = 4;

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// `GET /` of the bare server.
    Hello,
    /// The same send again and again, over a hundred customers.
    Throttled,
    /// A customer that does not exist.
    Unknown,
    /// A window that nobody has asked for yet.
    First,
    /// The same, its message handed over to the stand-in operator by HTTP.
    FirstOverHttp,
    /// First sends to other customers.
    Warming,
}

/// One server in its own process; ends with this value.
pub(crate) struct Server {
    child: Child,
    /// Where it keeps its files; a server that is killed leaves them.
    _folder: TempDir,
    /// `host:port` of the partners' listener.
    pub(crate) public: String,
    pub(crate) admin: String,
    /// Every line that it said.
    pub(crate) said: Vec<String>,
}

/// How long a server may take to end by itself, in tenths of a second. One that was stopped does not.
const ENDING_TENTHS: u32 = 50;

impl Drop for Server {
    /// Its input's end tells it to end, so that it leaves a profile where it was built to; see [`serves`].
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        for _ in 0..ENDING_TENTHS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts this program again, as that server.
    pub(crate) fn start(role: &str) -> Self {
        Self::start_beside(role, None)
    }

    /// The same, with the operator that it hands messages over to.
    pub(crate) fn start_beside(role: &str, operator: Option<&Server>) -> Self {
        Self::start_saying(role, operator.map_or("", |operator| &operator.public), 2)
    }

    /// The same, with the address of whoever it needs; it says so many lines.
    pub(crate) fn start_saying(role: &str, neighbour: &str, lines: usize) -> Self {
        let program = std::env::current_exe().expect("this program has a path");
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mut child = Command::new(program)
            .env("TMPDIR", folder.path())
            .env(ROLE, role)
            .env(NEIGHBOUR, neighbour)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let said: Vec<String> = said.take(lines).map(|line| line.expect("as text")).collect();
        assert_eq!(said.len(), lines, "the server says where it listens");
        Self {
            child,
            _folder: folder,
            public: said[0].clone(),
            admin: said.get(1).cloned().unwrap_or_default(),
            said,
        }
    }

    /// Processor time that it has used.
    pub(crate) fn cpu(&self) -> std::time::Duration {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a process has them");
        let behind_name = stat.rsplit_once(") ").expect("a name in brackets").1;
        let fields: Vec<&str> = behind_name.split(' ').collect();
        let ticks: u64 = fields[11..13]
            .iter()
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        std::time::Duration::from_millis(ticks * 10) // 100 ticks a second, on every Linux
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a process has an id"), signal).expect("it is ours");
    }

    /// The sum of all series of this name that the gateway counted.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let metrics = exchange(&self.admin, request);
        let values = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            if !rest.starts_with([' ', '{']) {
                return None;
            }
            rest.rsplit_once(' ')?.1.parse::<f64>().ok()
        });
        values.sum()
    }

    /// Memory that the process has in use.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("a process has a status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect(&status);
        line.trim()
            .trim_end_matches(" kB")
            .parse::<u64>()
            .expect("kilobytes")
            * 1_024
    }

    /// Requests that wait for their answers.
    pub(crate) fn in_flight(&self) -> u64 {
        self.metric("countersign_http_in_flight{listener=\"public\"} ")
            .expect("it is always there")
    }

    /// What the gateway itself counted; `None` where it has not.
    fn metric(&self, name: &str) -> Option<u64> {
        let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let metrics = exchange(&self.admin, request);
        let value = metrics.lines().find_map(|line| line.strip_prefix(name));
        value.map(|value| value.trim().parse().expect("a count"))
    }
}

/// Where this process is one of the servers: serves until its input ends, which it also does where whoever started it has gone.
pub(crate) fn serves() -> bool {
    let role = std::env::var(ROLE);
    if role.is_ok() {
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(0);
        });
    }
    match role.as_deref() {
        Ok("hello") => gateway::hello(),
        Ok("gateway") => gateway::gateway(&gateway::Operator::Instant),
        Ok("gateway-silent") => gateway::gateway(&gateway::Operator::Silent),
        Ok("gateway-http") => gateway::gateway(&gateway::Operator::Http(
            std::env::var(NEIGHBOUR).expect("the operator listens somewhere"),
        )),
        Ok("operator") => gateway::operator(),
        Ok("fiscal") => tills::fiscal(),
        Ok("tills") => tills::gateway_of_tills(),
        Ok("agent") => tills::agent(),
        _ => return false,
    }
    true
}

/// A number out of the environment.
pub(crate) fn variable(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// Whether wrk is there.
pub(crate) fn has_wrk() -> bool {
    Command::new("wrk")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

/// What wrk measured.
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// A pair of rounds.
pub(crate) struct Row {
    pub(crate) bare: Measured,
    pub(crate) ours: Measured,
}

/// One round of wrk, one thread.
pub(crate) fn wrk(server: &Server, load: Load, connections: usize) -> Measured {
    wrk_for(server, load, connections, variable("SPEED_SECONDS", SECONDS))
}

fn wrk_for(server: &Server, load: Load, connections: usize, seconds: usize) -> Measured {
    let script = std::env::temp_dir().join(format!("countersign-{}.lua", std::process::id()));
    std::fs::write(&script, gateway::lua(load)).expect("the temporary folder takes a file");
    let output = Command::new("wrk")
        .args([
            "-t1",
            &format!("-c{connections}"),
            &format!("-d{seconds}s"),
            "--latency",
        ])
        .arg("-s")
        .arg(&script)
        .arg(format!("http://{}/", server.public))
        .output()
        .expect("wrk runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .map(str::trim)
    };
    let number = |name: &str| field(name).and_then(|rest| rest.parse().ok());
    assert!(!text.contains("Non-2xx"), "{text}");
    Measured {
        requests: text
            .lines()
            .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())
            .expect(&text),
        per_second: number("Requests/sec:").expect(&text),
        p50_ms: field("50%").and_then(milliseconds).expect(&text),
        p99_ms: field("99%").and_then(milliseconds).expect(&text),
    }
}

fn milliseconds(text: &str) -> Option<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1_000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|number| number * factor);
        }
    }
    None
}

/// What must be before a round: windows for throttled calls to meet; a second of first sends to other customers before those that are measured, so that
/// neither a process's first pages nor the log's first files are.
pub(crate) fn warm_up(server: &Server, load: Load, connections: usize) {
    match load {
        Load::Throttled => open_windows(server),
        Load::First | Load::FirstOverHttp => drop(wrk_for(server, Load::Warming, connections, 1)),
        Load::Hello | Load::Unknown | Load::Warming => {}
    }
}

/// Opens the windows that throttled calls will meet.
pub(crate) fn open_windows(server: &Server) {
    for customer in 0..gateway::THROTTLED_CUSTOMERS {
        let request = String::from_utf8(gateway::request(customer, 0)).expect("text");
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let answer = exchange(&server.public, &request);
        assert!(answer.contains("\"Reason\":11"), "{answer}");
    }
}

/// Answers of the kind that is measured, as the gateway itself has counted them so far.
pub(crate) fn answers(server: &Server, load: Load) -> u64 {
    let reason = match load {
        Load::Hello | Load::Warming => return 0,
        Load::Throttled => "InThresholdOtpGenerator",
        Load::Unknown => "CustomerNotFound",
        Load::First | Load::FirstOverHttp => "Success",
    };
    let series = format!("countersign_otp_sends_total{{reason=\"{reason}\"}} ");
    server.metric(&series).unwrap_or(0) // the first of its kind makes the series
}

/// Every answer since `before` was the one that is measured.
pub(crate) fn assert_answers(server: &Server, load: Load, before: u64, requests: u64) {
    let counted = answers(server, load) - before;
    assert!(counted >= requests, "{counted} of {requests} answers");
}

fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    answer
}

/// Median, least and greatest.
pub(crate) fn median_range(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}
