//! Processes that live until a moment that the dice choose.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    time::Duration,
};

use rustix::process::Signal;

use super::releases::Confirmed;

/// Kills of an ordinary test run: seconds. A real soak asks for more.
const KILLS: usize = 40;

/// How many are killed, and by which seed.
pub(super) struct Soak {
    kills: usize,
    seed: u64,
    /// Kills so far, of all and by what was killed.
    done: AtomicUsize,
    tally: Mutex<std::collections::BTreeMap<&'static str, usize>>,
}

impl Soak {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the soak lasts is told by the environment"
    )]
    pub(super) fn from_environment() -> Self {
        let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>());
        let kills =
            number("ZERO_SOAK_KILLS").map(|kills| kills.expect("ZERO_SOAK_KILLS is a number"));
        let seed = number("ZERO_SOAK_SEED").map(|seed| seed.expect("ZERO_SOAK_SEED is a number"));
        Self {
            kills: kills.map_or(KILLS, |kills| usize::try_from(kills).expect("it fits")),
            seed: seed.unwrap_or(1),
            done: AtomicUsize::new(0),
            tally: Mutex::default(),
        }
    }

    /// A part of the kills, where each takes so many times longer.
    pub(super) fn share(self, parts: usize) -> Self {
        let kills = (self.kills / parts).max(1);
        Self { kills, ..self }
    }

    /// Lives of one sort of process.
    pub(super) fn lives(&self, kind: &'static str) -> Lives<'_> {
        Lives { soak: self, kind }
    }

    /// Says what was survived.
    #[expect(clippy::print_stderr, reason = "what a soak has done is its result")]
    pub(super) fn report(&self, confirmed: &Confirmed) {
        let tally = self.tally.lock().unwrap();
        let done = self.done.load(Ordering::SeqCst);
        eprintln!(
            "seed {}: {done} kills {tally:?}, {} releases confirmed, 0 lost, 0 torn",
            self.seed,
            confirmed.count()
        );
        assert!(done >= self.kills);
        assert!(confirmed.count() > 0, "nothing was written");
    }
}

/// One process after the other.
pub(super) struct Lives<'s> {
    soak: &'s Soak,
    kind: &'static str,
}

/// What a process said before its end.
pub(super) struct Life {
    lines: Vec<String>,
}

impl Lives<'_> {
    /// Whether more are to be killed.
    pub(super) fn go_on(&self) -> bool {
        self.soak.done.load(Ordering::SeqCst) < self.soak.kills
    }

    pub(super) fn dice(&self, number: usize) -> Dice {
        let kind = self.kind.bytes().map(u64::from).sum::<u64>();
        Dice(self.soak.seed ^ (kind << 32) ^ (u64::try_from(number).unwrap() << 48))
    }

    /// Another one was killed.
    pub(super) fn killed(&self) {
        self.soak.done.fetch_add(1, Ordering::SeqCst);
        *self
            .soak
            .tally
            .lock()
            .unwrap()
            .entry(self.kind)
            .or_default() += 1;
    }

    /// Starts a process and kills it at that moment, unless it ends before: in peace, or by its own
    /// hand. Any other end is a fault.
    pub(super) fn live(&self, command: &mut Command, moment: Duration) -> Life {
        let mut errors = tempfile::tempfile().unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone().unwrap())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (ended, end) = channel::<()>();
        let reading = std::thread::spawn(move || {
            let mut lines = Vec::new();
            let mut line = String::new();
            // What has no end was being written when the process died.
            while stdout.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            drop(ended);
            lines
        });
        if matches!(end.recv_timeout(moment), Err(RecvTimeoutError::Timeout)) {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        let lines = reading.join().unwrap();
        if status.signal() == Some(Signal::KILL.as_raw()) {
            self.killed();
        } else {
            let mut said = String::new();
            std::io::Seek::rewind(&mut errors).unwrap();
            errors.read_to_string(&mut said).unwrap();
            assert!(
                status.success(),
                "{command:?}: {status}\n{}\n{said}",
                lines.join("\n")
            );
        }
        Life { lines }
    }
}

impl Life {
    /// The rests of the lines that begin with this word.
    pub(super) fn lines_of<'l>(&'l self, word: &'static str) -> impl Iterator<Item = &'l str> {
        let rest = move |line: &'l String| line.strip_prefix(word)?.strip_prefix(' ');
        self.lines.iter().filter_map(rest)
    }
}

/// Chooses: the same of the same seed (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn toss(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A moment within so many milliseconds.
    pub(super) fn moment(&mut self, longest: u64) -> Duration {
        Duration::from_micros(self.below(1000 * longest))
    }
}
