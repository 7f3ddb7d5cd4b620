//! Slow steps show that they go on, to people at a terminal and to nobody else.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::harness::{Run, World};
use crate::packages::prints;

/// How long the server waits for somebody to be seen waiting: longer than a step that shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves a registry's folder, and lets the first reader wait until it is told to go on, or for [`PATIENCE`].
fn hesitant_server(folder: PathBuf) -> (String, Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let (go_on, told) = mpsc::channel();
    // Ends with the process.
    std::thread::spawn(move || {
        let mut told = Some(told);
        for stream in listener.incoming().flatten() {
            let (folder, told) = (folder.clone(), told.take());
            std::thread::spawn(move || answer_all(stream, &folder, told));
        }
    });
    (url, go_on)
}

fn answer_all(stream: TcpStream, folder: &Path, mut told: Option<Receiver<()>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    let mut writer = stream;
    loop {
        let mut request = String::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => request += &line,
            }
        }
        if let Some(told) = told.take() {
            let _ = told.recv_timeout(PATIENCE);
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match fs::read(folder.join(path.trim_start_matches('/'))) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", Vec::new()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if writer
            .write_all(&[head.as_bytes(), &body].concat())
            .is_err()
        {
            return;
        }
    }
}

/// A world with a registry, and a reader whose next question will be answered late.
fn waiting_reader() -> (World, Sender<()>) {
    let world = World::new();
    world.make_key("home");
    let registry = world.init_registry("registry");
    world.package("hi", "1.0.0", &prints("hi 1.0.0\n"), "");
    world.publish("home", "hi-1.0.0", "demo").code(0);
    world.reader("reader", &["registry"], &registry.root_key);
    let (url, go_on) = hesitant_server(world.path("registry"));
    let config = world.path("reader/config.toml");
    let text = fs::read_to_string(&config).expect("registry add wrote it");
    let place = world.path("registry").canonicalize().expect("it is there");
    let moved = text.replace(&place.display().to_string(), &url);
    assert_ne!(moved, text);
    fs::write(&config, moved).expect("it is ours");
    (world, go_on)
}

#[test]
fn a_person_at_a_terminal_sees_what_a_slow_step_does() {
    let (world, go_on) = waiting_reader();
    // util-linux's script gives the command a terminal of its own.
    let Some(mut script) = world.peer("script") else {
        return;
    };
    let command = world.command_as("reader", "cargo-zero");
    script.args(["-qefc", "cargo-zero run --update hi", "/dev/null"]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let mut child = script
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut shown = Vec::new();
    let mut terminal = child.stdout.take().expect("it is a pipe");
    let mut some = [0; 1024];
    while let Ok(count @ 1..) = terminal.read(&mut some) {
        shown.extend_from_slice(&some[..count]);
        if String::from_utf8_lossy(&shown).contains("asking demo") {
            // Seen while the server was waiting for this.
            let _ = go_on.send(());
        }
    }
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{shown}");
    let (before, after) = shown.split_once("hi 1.0.0").expect(&shown);
    assert!(before.contains("asking demo"), "{shown:?}");
    assert!(!after.contains("asking"), "the spinner stays: {shown:?}");
}

#[test]
fn files_pipes_json_and_quiet_see_nothing_of_it() {
    for flags in [&[][..], &["--json"], &["--quiet"]] {
        let (world, _go_on) = waiting_reader();
        let mut command: Command = world.command_as("reader", "cargo-zero");
        let run = Run::of(command.arg("run").args(flags).args(["--update", "hi"])).code(0);
        assert_eq!(run.stdout, "hi 1.0.0\n", "{run}");
        let animated = run.stderr.contains(['\r', '\u{1b}']) || run.stderr.contains("asking");
        assert!(!animated, "{run}");
    }
}
