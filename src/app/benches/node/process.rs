//! The measured processes, and what the system says of them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server process; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// As in `http://127.0.0.1:8000`.
    pub(crate) url: String,
    admin: Option<String>,
    /// Where its DAX door is, if it was told to open one.
    pub(crate) dax: Option<String>,
    /// From its start to its first answer.
    pub(crate) start_up: Duration,
}

impl Server {
    /// The yardstick.
    pub(crate) fn bare() -> Server {
        let this = std::env::current_exe().unwrap();
        Server::start(pinned(0, this.to_str().unwrap()).arg("bare"))
    }

    /// A node in front of `origin`.
    pub(crate) fn before(origin: &str, flags: &[&str]) -> Server {
        Server::linac(&[&["--upstream", origin], flags].concat())
    }

    /// A node.
    pub(crate) fn linac(flags: &[&str]) -> Server {
        let mut command = pinned(0, binary().to_str().unwrap());
        command.args(["serve", "--print-address", "--log-level", "error"]);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(flags);
        command.env("AWS_ACCESS_KEY_ID", "bench").env("AWS_SECRET_ACCESS_KEY", "bench");
        Server::start(&mut command)
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    fn start(command: &mut Command) -> Server {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = |name: &str| {
            let line = lines.next()?.ok()?;
            line.strip_prefix(name).map(|url| url.trim().to_owned())
        };
        let url = address("listen").expect("a server says where it listens");
        let mut server = Server { child, url, admin: None, dax: None, start_up: Duration::ZERO };
        get(&server.url, "/");
        server.start_up = began.elapsed();
        server.admin = server.is_node().then(|| address("admin")).flatten();
        if command.get_args().any(|argument| argument == "--dax") {
            server.dax = address("dax").and_then(|url| url.strip_prefix("dax://").map(str::to_owned));
        }
        server
    }

    /// A Redis that keeps nothing, if there is one on this machine.
    pub(crate) fn redis() -> Option<Server> {
        Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().ok()?;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut command = pinned(0, "redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let url = format!("127.0.0.1:{port}");
        while TcpStream::connect(&url).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Server { child, url, admin: None, dax: None, start_up: Duration::ZERO })
    }

    fn is_node(&self) -> bool {
        get(&self.url, "/").contains("healthy")
    }

    /// CPU time that all its threads have used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos = tasks.filter_map(|task| {
            let schedstat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            schedstat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Its resident memory.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    /// A metric without labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = get(self.admin.as_ref().expect("only nodes have metrics"), "/metrics");
        let line =
            page.lines().find(|line| line.split(' ').next() == Some(name)).expect("a metric of that name");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The release binary, which lies beside the folder of this benchmark.
fn binary() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let binary = this.parent().and_then(Path::parent).unwrap().join("linac");
    assert!(binary.exists(), "build it first: cargo build --release");
    binary
}

/// A command on one core, where the system has `taskset`.
pub(crate) fn pinned(core: usize, program: &str) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), program]);
    command
}

/// Calls an operation; what it answers.
pub(crate) fn call(url: &str, operation: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

fn get(url: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The middle value.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
