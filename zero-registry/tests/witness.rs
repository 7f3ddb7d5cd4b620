//! Witnesses over HTTP, and an operator who shows two histories (spec/registry.md, "Witnesses").
#![cfg(all(feature = "http", feature = "server"))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use support::registry::{Backend, HOUR, LOG, ORIGIN, Registry, T0, User, key, publish};
use tempfile::TempDir;
use zero_format::Digest;
use zero_registry::{
    AskWitness, Checkpoint, CommitError, DirStorage, DirWriter, FetchError, Head, HeadError,
    HttpWitnesses, Log, MirrorError, Network, NetworkOptions, RunningServer, Timestamp,
    VerifyOptions, Witness, WitnessPolicy, WitnessServer, verify_registry,
};

fn clock() -> Timestamp {
    T0
}

/// A witness that can be stopped and started again with what it remembers.
struct Place {
    number: u8,
    state: TempDir,
    address: SocketAddr,
    running: Option<RunningServer>,
}

impl Place {
    fn new(number: u8) -> Self {
        let mut place = Self {
            number,
            state: tempfile::tempdir().unwrap(),
            address: ([127, 0, 0, 1], 0).into(),
            running: None,
        };
        place.run(true);
        place
    }

    fn name(&self) -> String {
        format!("witness.example/{}", self.number)
    }

    fn start(&mut self) {
        self.run(false);
    }

    fn run(&mut self, new: bool) {
        let logs = vec![(ORIGIN.parse().unwrap(), key(LOG).public_key())];
        let open = if new { Witness::create } else { Witness::open };
        let witness = open(&self.name(), key(self.number), logs, self.state.path());
        let server = WitnessServer::bind(witness.unwrap(), self.address, clock, Log::default());
        let running = server.unwrap().start();
        self.address = running.address();
        self.running = Some(running);
    }

    fn stop(&mut self) {
        self.running.take().unwrap().stop().unwrap();
    }
}

fn witnesses() -> ([Place; 3], WitnessPolicy) {
    let places = [40, 41, 42].map(Place::new);
    let lines = places.iter().map(|place| {
        let public = key(place.number).public_key();
        let vkey = zero_registry::VerifierKey::witness(&place.name(), public).unwrap();
        format!("witness w{} {vkey} http://{}/", place.number, place.address)
    });
    let lines: Vec<_> = lines.collect();
    let text = format!("{}\ngroup two 2 w40 w41 w42\nquorum two", lines.join("\n"));
    (places, WitnessPolicy::parse(&text).unwrap())
}

fn ask() -> Arc<dyn AskWitness> {
    Arc::new(HttpWitnesses::new(Network::new(NetworkOptions {
        connect: Duration::from_secs(5),
        ..NetworkOptions::default()
    })))
}

fn writer(registry: &Registry) -> DirWriter {
    registry.writer().with_witnesses(ask())
}

fn user(registry: &Registry) -> User {
    User::of(&[&Backend::Dir.place(registry)])
}

fn refusal(error: &FetchError) -> &HeadError {
    match &error.failures().first().unwrap().error {
        MirrorError::Head(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_waits_for_its_quorum_and_nothing_is_lost() {
    let (mut places, policy) = witnesses();
    let registry = Registry::witnessed(&policy, ask());
    places[0].stop();
    assert_eq!(publish(&writer(&registry), "tool").unwrap(), 4);
    let user = user(&registry);
    user.client().resolve(&"tool".parse().unwrap(), T0).unwrap();

    places[1].stop();
    let refused = publish(&writer(&registry), "other").unwrap_err();
    assert!(matches!(refused, CommitError::Cosign(_)), "{refused}");
    let told = refused.to_string();
    assert!(
        told.contains("1 of 3") && told.contains("witness.example/41"),
        "{told}"
    );
    // Readers go on with the older state.
    let later = T0.plus(2 * HOUR);
    assert!(
        user.client()
            .resolve(&"other".parse().unwrap(), later)
            .is_err()
    );
    user.client()
        .resolve(&"tool".parse().unwrap(), later)
        .unwrap();

    // The first one comes back and has to be told what it missed.
    places[0].start();
    writer(&registry).refresh(T0).unwrap();
    user.client()
        .resolve(&"other".parse().unwrap(), later.plus(2 * HOUR))
        .unwrap();
    verify_registry(&DirStorage::new(registry.path()), VerifyOptions::default()).unwrap();
}

#[test]
fn a_writer_without_a_way_to_the_witnesses_commits_nothing_visible() {
    let (_places, policy) = witnesses();
    let registry = Registry::witnessed(&policy, ask());
    let before = std::fs::read(registry.path().join("head")).unwrap();
    let refused = registry.writer().refresh(T0.plus(HOUR)).unwrap_err();
    assert!(matches!(refused, CommitError::Cosign(_)), "{refused}");
    assert_eq!(std::fs::read(registry.path().join("head")).unwrap(), before);
}

/// The operator, who holds the log key, keeps a second history for one reader.
#[test]
fn a_split_view_is_found_out_by_those_who_demand_witnesses() {
    let (_places, policy) = witnesses();
    let shown = Registry::witnessed(&policy, ask());
    let hidden = Registry::new();
    publish(&writer(&shown), "tool").unwrap();
    publish(&hidden.writer(), "evil").unwrap();
    publish(&hidden.writer(), "more").unwrap();
    // Without the demand a reader takes the second history for the registry.
    let evil = "evil".parse().unwrap();
    user(&hidden).client().resolve(&evil, T0).unwrap();

    hidden.demand(&policy);
    let error = user(&hidden).client().resolve(&evil, T0).unwrap_err();
    assert!(matches!(refusal(&error), HeadError::Quorum), "{error:?}");
    let error = verify_registry(&DirStorage::new(hidden.path()), VerifyOptions::default());
    assert!(error.is_err());

    // The witnesses have seen the first history, and sign no second one.
    let refused = hidden
        .writer()
        .with_witnesses(ask())
        .refresh(T0)
        .unwrap_err();
    assert!(refused.to_string().contains("0 of 3"), "{refused}");

    // Nor does it help to move cosignatures over from the first.
    let stolen = Head::decode(&std::fs::read(shown.path().join("head")).unwrap()).unwrap();
    let stolen = String::from_utf8(stolen.checkpoint().encode()).unwrap();
    let lines: String = stolen
        .lines()
        .filter(|l| l.contains("witness.example"))
        .fold(String::new(), |all, line| all + line + "\n");
    let path = hidden.path().join("head");
    let head = String::from_utf8(std::fs::read(&path).unwrap()).unwrap() + &lines;
    std::fs::write(&path, head).unwrap();
    let error = user(&hidden).client().resolve(&evil, T0).unwrap_err();
    assert!(
        matches!(refusal(&error), HeadError::Checkpoint(_)),
        "{error:?}"
    );
}

#[test]
fn a_witness_answers_as_tlog_witness_says() {
    let place = Place::new(40);
    let ask = ask();
    let url = format!("http://{}/", place.address);
    let note = |origin: &str, by: u8| {
        let tree = zero_registry::Tree {
            size: 1,
            hash: Digest::of(b"x"),
        };
        let note = Checkpoint::sign(&origin.parse().unwrap(), tree, &key(by));
        String::from_utf8(note.encode()).unwrap()
    };
    let good = note(ORIGIN, LOG);
    for (body, status, answer) in [
        (String::new(), 400, None),
        (format!("old 2\n\n{good}"), 400, None),
        (
            format!("old 0\n\n{}", note("other.example", LOG)),
            404,
            None,
        ),
        (format!("old 0\n\n{}", note(ORIGIN, 9)), 403, None),
        (format!("old 0\n\n{good}"), 200, None),
        (format!("old 0\n\n{good}"), 409, Some("1\n")),
        ("x".repeat(1 << 20), 400, None),
    ] {
        let asked = ask.ask(&url, body.as_bytes());
        // A server may close on a body that is far too long before it is sent.
        if body.len() > 1 << 16 && asked.is_err() {
            continue;
        }
        let (found, text) = asked.unwrap();
        assert_eq!(found, status, "{body}");
        if let Some(answer) = answer {
            assert_eq!(text, answer.as_bytes());
        }
    }
}

#[test]
fn a_witness_that_drips_its_answer_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let ask = HttpWitnesses::new(Network::new(NetworkOptions {
        overall: Duration::from_millis(500),
        min_rate: u64::MAX,
        ..NetworkOptions::default()
    }));
    let started = Instant::now();
    assert!(ask.ask(&url, b"old 0\n").is_err());
    // Far less than its 9999 bytes take.
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// Says twice that it knows another size, then asks the real witness. Second questions wait for each
/// other: who asks one witness after the other never gets past them.
struct Forgetful {
    real: Arc<dyn AskWitness>,
    asked: Mutex<BTreeMap<String, usize>>,
    again: (Mutex<usize>, Condvar),
}

impl AskWitness for Forgetful {
    fn ask(&self, url: &str, request: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        let count = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry(url.to_owned()).or_default();
            *count += 1;
            *count
        };
        match count {
            1 => Ok((409, b"0\n".to_vec())),
            2 => {
                let (waiting, all) = &self.again;
                let mut waiting = waiting.lock().unwrap();
                *waiting += 1;
                all.notify_all();
                let limit = Duration::from_secs(10);
                let late = all.wait_timeout_while(waiting, limit, |waiting| *waiting < 2);
                assert!(!late.unwrap().1.timed_out(), "nobody else was asked");
                Ok((409, b"1\n".to_vec()))
            }
            _ => self.real.ask(url, request),
        }
    }
}

#[test]
fn the_answer_to_the_last_question_counts_and_witnesses_are_asked_side_by_side() {
    let (mut places, policy) = witnesses();
    let registry = Registry::witnessed(&policy, ask());
    places[0].stop();
    let forgetful = Arc::new(Forgetful {
        real: ask(),
        asked: Mutex::default(),
        again: (Mutex::default(), Condvar::new()),
    });
    // The first commit of the registry has one leaf, and is what the witnesses really know.
    let asked: Arc<dyn AskWitness> = forgetful.clone();
    let writer = registry.writer().with_witnesses(asked);
    assert_eq!(publish(&writer, "tool").unwrap(), 4);
    let asked = forgetful.asked.lock().unwrap();
    assert!(asked.values().all(|count| *count == 3), "{asked:?}");
}

#[test]
fn a_witness_that_knows_another_tree_of_the_size_is_asked_once() {
    struct Other(AtomicUsize);
    impl AskWitness for Other {
        fn ask(&self, _: &str, request: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
            self.0.fetch_add(1, Ordering::SeqCst);
            let text = String::from_utf8_lossy(request);
            let old = text.lines().next().unwrap().replace("old ", "");
            Ok((409, format!("{old}\n").into_bytes()))
        }
    }
    let (_places, policy) = witnesses();
    let registry = Registry::witnessed(&policy, ask());
    let other = Arc::new(Other(AtomicUsize::new(0)));
    let writer = registry.writer().with_witnesses(other.clone());
    let refused = writer.refresh(T0).unwrap_err().to_string();
    assert!(refused.contains("does not continue"), "{refused}");
    assert_eq!(other.0.load(Ordering::SeqCst), 3);
}
