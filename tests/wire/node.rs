//! Nodes under test: within this process, and as processes of their own.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use app::{Config, Parts, Running};
use base::{Chance, Clock, Drain};
use dax_door::{Layering, client::Client as Dax};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    client::{self, Answer, PATIENCE},
    stub::Stub,
};

/// A node in this process.
pub(crate) struct Node {
    pub(crate) json: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Where there is a DAX door.
    dax: Option<SocketAddr>,
    running: Running,
}

/// Little memory, and no settling: what was just written may be read eventually, and cached, at once.
const SETTINGS: [(&str, &str); 4] = [
    ("json.listen", "127.0.0.1:0"),
    ("admin.listen", "127.0.0.1:0"),
    ("cache.bytes_max", "16 MiB"),
    ("cache.settle", "0s"),
];

impl Node {
    /// A node in front of `stub`.
    pub(crate) async fn before(stub: &Stub) -> Node {
        Node::with(stub, &[]).await
    }

    /// The same with more settings.
    pub(crate) async fn with(stub: &Stub, settings: &[(&str, &str)]) -> Node {
        let config = config(&stub.url(), settings);
        Node::start(config).await
    }

    pub(crate) async fn start(config: Config) -> Node {
        let parts = Parts { clock: Clock::start(), chance: Chance::real() };
        let running = app::start(config, parts).await.unwrap();
        Node { json: running.json_address, admin: running.admin_address, dax: running.dax_address, running }
    }

    /// A connection to its DAX door.
    pub(crate) async fn dax(&self) -> Dax {
        Dax::connect(self.dax_address(), Layering::Plain).await.unwrap()
    }

    /// Where its DAX door is.
    pub(crate) fn dax_address(&self) -> SocketAddr {
        self.dax.expect("the node was started with a DAX door")
    }

    /// Calls an operation.
    pub(crate) async fn post(&self, operation: &str, body: impl Into<bytes::Bytes>) -> Answer {
        client::post(self.json, operation, body).await
    }

    /// The sum of a counter over the series whose labels contain all of `labels`.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        metric(self.admin, name, labels).await
    }

    /// Stops the node; how many tasks did not end in time.
    pub(crate) async fn stop(self) -> usize {
        self.running.stop().await
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.drain.begin();
    }
}

/// The settings of a node in front of `upstream`.
pub(crate) fn config(upstream: &str, settings: &[(&str, &str)]) -> Config {
    let upstream = [("upstream.url", upstream)];
    Config::of(&[&SETTINGS[..], &upstream, settings].concat()).unwrap()
}

/// A node over an engine of its own, in memory.
pub(crate) async fn over_engine(settings: &[(&str, &str)]) -> Node {
    let in_memory = [("engine.in_memory", "true")];
    Node::start(Config::of(&[&SETTINGS[..], &in_memory, settings].concat()).unwrap()).await
}

/// The sum of a counter over the series whose labels contain all of `labels`.
pub(crate) async fn metric(admin: SocketAddr, name: &str, labels: &[&str]) -> f64 {
    let page = client::get(admin, "/metrics").await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let lines = page.lines().filter(|line| line.starts_with(name) && labels.iter().all(|l| line.contains(l)));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// `linac serve` as a process.
pub(crate) struct Process {
    pub(crate) json: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Where it was told to open a DAX door.
    pub(crate) dax: Option<SocketAddr>,
    pub(crate) id: u32,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a process in front of `stub`, with more arguments and variables of the environment.
    pub(crate) async fn before(stub: &Stub, arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        Process::start(&[&["--upstream", &stub.url()], arguments].concat(), variables).await
    }

    /// Starts a process with these arguments of `serve`, and variables of the environment.
    pub(crate) async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        let mut child = linac()
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--print-address"])
            .args(arguments)
            .env("LINAC__CACHE__BYTES_MAX", "16 MiB")
            .env("LINAC__CACHE__SETTLE", "0s")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = async |name: &str| {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap();
            let line = line.expect("it says where it listens");
            let (said, url) = line.split_once(' ').unwrap();
            assert_eq!(said, name);
            url.split_once("://").unwrap().1.parse::<SocketAddr>().unwrap()
        };
        let (json, admin) = (address("listen").await, address("admin").await);
        let dax = if arguments.contains(&"--dax") { Some(address("dax").await) } else { None };
        let log = Arc::new(Mutex::new(String::new()));
        let (written, mut stderr) = (Arc::clone(&log), BufReader::new(child.stderr.take().unwrap()).lines());
        Drain::new().spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let id = child.id().unwrap();
        Process { json, admin, dax, id, child, log }
    }

    pub(crate) async fn post(&self, operation: &str, body: impl Into<bytes::Bytes>) -> Answer {
        client::post(self.json, operation, body).await
    }

    /// Asks the process to stop.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Asks the process to read its configuration again.
    pub(crate) fn hang_up(&self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        // The shell has this built in; std has no signals.
        let command = format!("kill -{name} {}", self.id);
        let sent = std::process::Command::new("sh").args(["-c", &command]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills the process as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for the process to end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").unwrap()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log contains `words`.
    pub(crate) async fn logged(&self, words: &str) {
        for _ in 0..200 {
            if self.log().contains(words) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{words:?} is not in the log:\n{}", self.log());
    }

    /// Bytes of resident memory: now, and at most so far.
    pub(crate) fn resident_bytes(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap();
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

/// A thousand connections need some thousands of file descriptors, of which each end is one.
pub(crate) fn check_descriptors(needed: usize) {
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else { return };
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    let soft = line.split_whitespace().nth(3).and_then(|soft| soft.parse::<usize>().ok());
    assert!(
        soft.is_none_or(|soft| soft > needed + 500),
        "this test opens {needed} connections; allow more files, as by `ulimit -n 8192`"
    );
}

/// The program, in an empty environment; it is killed if the test ends before it does.
pub(crate) fn linac() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linac"));
    command.env_clear().env("HOME", "/nonexistent").stdin(Stdio::null()).kill_on_drop(true);
    command
}
