//! The one thread that commits: it takes what waits, commits it together, and answers each request.
//! The catalogue is made by another one, behind it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hyper::StatusCode;
use serde_json::json;
use tokio::sync::oneshot;
use zero_format::Digest;

use super::{PublishOptions, names::KnownNames, upload::Uploads, with_causes};
use crate::RegistryPath;
use crate::event::{Action, ReleaseInfo};
use crate::publish::{PublishAnswer, PublishRequest, Refusal, Upload};
use crate::serve::{ServeError, log::Log, metrics::Metrics, place::ServedPlace};
use crate::site::site;
use crate::state::StateError;
use crate::time::Timestamp;
use crate::writer::{Blob, BlobError, CommitError, Outcome, Place, Submission, Writer};

/// Bytes of package files that are in memory for one commit, besides the first file.
const BATCH_BYTES: u64 = 64 << 20;
/// Events of one commit.
const BATCH_EVENTS: usize = 1024;
/// How often the head's age is looked at.
const TICK: Duration = Duration::from_secs(30);

/// A request that waits, and where its answer goes.
pub(super) struct Job {
    pub(super) request: PublishRequest,
    pub(super) reply: oneshot::Sender<Verdict>,
}

/// What a request is told.
type Verdict = Result<PublishAnswer, (StatusCode, Refusal)>;

/// What the thread is told.
enum Message {
    Commit(Box<Job>),
    /// Commit what waits, and end.
    End,
}

/// Where requests wait. Pushing never does.
#[derive(Clone)]
pub(super) struct Queue(SyncSender<Message>);

impl Queue {
    /// Whether there was room.
    pub(super) fn push(&self, job: Job) -> bool {
        match self.0.try_send(Message::Commit(Box::new(job))) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// The thread. It ends when it is told to, after what waits is committed.
pub(in crate::serve) struct Committer {
    queue: Queue,
    uploads: Arc<Uploads>,
    thread: JoinHandle<()>,
}

impl Committer {
    pub(in crate::serve) fn start(
        place: ServedPlace,
        writer: Writer<Place>,
        options: &PublishOptions,
        metrics: Arc<Metrics>,
        log: Log,
    ) -> Result<Self, ServeError> {
        let (queue, messages) = sync_channel(options.queue.max(1));
        let folder = options.uploads.clone().or_else(|| place.temporary());
        let uploads = Uploads::new(folder, options.upload_bytes).map_err(ServeError::Start)?;
        let uploads = Arc::new(uploads);
        let worker = Worker {
            place,
            writer,
            uploads: Arc::clone(&uploads),
            names: options.check_similar.then(KnownNames::default),
            clock: options.clock,
            metrics,
            log,
            pages: None,
            shown: 0,
        };
        let worker = Worker {
            pages: options.site.then(|| Pages::start(&worker)),
            ..worker
        };
        let thread = std::thread::spawn(move || worker.run(&messages));
        Ok(Self {
            queue: Queue(queue),
            uploads,
            thread,
        })
    }

    pub(super) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    pub(super) fn uploads(&self) -> Arc<Uploads> {
        Arc::clone(&self.uploads)
    }

    /// Waits until everything that was accepted is committed.
    pub(in crate::serve) fn finish(self) {
        // A connection that hangs may hold a queue for long: its end is not waited for. When the
        // thread has ended already there is nobody to tell.
        let _ = self.queue.0.send(Message::End);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

struct Worker {
    place: ServedPlace,
    writer: Writer<Place>,
    uploads: Arc<Uploads>,
    names: Option<KnownNames>,
    clock: fn() -> Timestamp,
    metrics: Arc<Metrics>,
    log: Log,
    /// Who makes the catalogue, if anybody.
    pages: Option<Pages>,
    /// Leaves of the log of which that one was told.
    shown: u64,
}

/// The thread that makes the catalogue: no publisher waits for pages, as they may take long.
struct Pages {
    /// One slot: whoever is told twice before it looks has to look once.
    grown: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Pages {
    fn start(worker: &Worker) -> Self {
        let (grown, told) = sync_channel(1);
        let storage = worker.place.storage();
        let log = worker.log.clone();
        let make = move || {
            while told.recv().is_ok() {
                // No failure to publish.
                if let Err(error) = site(&storage, false) {
                    log.write("failure", json!({ "message": with_causes(&error) }));
                }
            }
        };
        Self {
            grown,
            thread: std::thread::spawn(make),
        }
    }

    /// Waits until the pages show the last of what it was told.
    fn finish(self) {
        drop(self.grown);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// A request with the files that it needs.
struct Prepared {
    submissions: Vec<Submission>,
    missing: Vec<ReleaseInfo>,
    reply: oneshot::Sender<Verdict>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        self.keep_fresh();
        let mut running = true;
        while running {
            running = match messages.recv_timeout(TICK) {
                Ok(Message::Commit(first)) => self.batch(*first, messages),
                Err(RecvTimeoutError::Timeout) => true,
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => false,
            };
            self.keep_fresh();
        }
        if let Some(pages) = self.pages {
            pages.finish();
        }
    }

    /// Commits the first request and all that wait behind it, as far as they fit. Tells whether to
    /// go on: the end is told after all that was to be committed.
    fn batch(&mut self, first: Job, messages: &Receiver<Message>) -> bool {
        let mut prepared: Vec<Prepared> = Vec::new();
        let (mut events, mut bytes) = (0, 0);
        let mut go_on = true;
        let mut next = Some(first);
        while let Some(job) = next.take() {
            events += job.request.events.len();
            if let Some(ready) = self.prepare(job) {
                bytes += ready.bytes();
                prepared.push(ready);
            }
            if events < BATCH_EVENTS && bytes < BATCH_BYTES {
                match messages.try_recv() {
                    Ok(Message::Commit(job)) => next = Some(*job),
                    Ok(Message::End) => go_on = false,
                    Err(_) => {}
                }
            }
        }
        self.commit(prepared);
        go_on
    }

    fn commit(&self, prepared: Vec<Prepared>) {
        if prepared.is_empty() {
            return;
        }
        let groups: Vec<_> = prepared.iter().map(|p| p.submissions.as_slice()).collect();
        let started = Instant::now();
        match self.writer.commit_each(&groups, (self.clock)()) {
            Ok(outcomes) => {
                self.metrics.committed(started.elapsed());
                for (job, outcome) in prepared.into_iter().zip(outcomes) {
                    self.answer(job, outcome);
                }
            }
            Err(error) => {
                self.log
                    .write("failure", json!({ "message": with_causes(&error) }));
                for job in prepared {
                    // Whether it was committed shows when the client tries again.
                    let _ = job.reply.send(Err(failed()));
                }
            }
        }
    }

    /// The pages follow the log, whoever made it grow: a commit here, or one that another writer left
    /// behind and that was finished here.
    fn grown(&mut self, size: u64) {
        self.metrics.log_size.store(size, Relaxed);
        if let Some(pages) = &self.pages
            && size > self.shown
        {
            // A full slot says that it will look, and then it sees this too.
            let _ = pages.grown.try_send(());
        }
        self.shown = size;
    }

    /// Puts files to events. Answers at once where nothing is to be committed.
    fn prepare(&mut self, job: Job) -> Option<Prepared> {
        let Job { request, reply } = job;
        if let Some(names) = &mut self.names {
            match names.objection(&self.writer, &request.events) {
                Ok(None) => names.note(&request.events),
                Ok(Some((name, alike))) => {
                    let _ = reply.send(Err(too_similar(name.as_str(), &alike)));
                    return None;
                }
                Err(error) => {
                    self.log
                        .write("failure", json!({ "message": with_causes(&error) }));
                    let _ = reply.send(Err(failed()));
                    return None;
                }
            }
        }
        let mut submissions = Vec::new();
        let mut missing = Vec::new();
        for event in request.events {
            let mut blob = None;
            if let Action::Release(info) = &event.body().action {
                blob = self.file(info, &request.signatures);
                if blob.is_none() && !self.is_stored(&info.sha256) {
                    missing.push((**info).clone());
                }
            }
            submissions.push(Submission { event, blob });
        }
        Some(Prepared {
            submissions,
            missing,
            reply,
        })
    }

    fn file(
        &self,
        info: &ReleaseInfo,
        signatures: &std::collections::BTreeMap<Digest, String>,
    ) -> Option<Blob> {
        let minisig = signatures.get(&info.sha256)?.clone();
        let bytes = self.uploads.whole(&info.sha256, info.size).ok()??;
        Some(Blob { bytes, minisig })
    }

    fn is_stored(&self, digest: &Digest) -> bool {
        let file = RegistryPath::blob(digest);
        self.place.has(&file) && self.place.has(&RegistryPath::blob_signature(digest))
    }

    fn answer(&self, job: Prepared, outcome: Outcome) {
        let verdict = match outcome {
            Outcome::Committed(commit) => {
                let events = u64::try_from(job.submissions.len()).unwrap_or(0);
                self.metrics.events.fetch_add(events, Relaxed);
                self.metrics.log_size.store(commit.tree.size, Relaxed);
                let expires = commit.snapshot.expires.seconds();
                self.metrics.head_expires.store(expires, Relaxed);
                self.forget(&job);
                Ok(PublishAnswer::Committed {
                    size: commit.tree.size,
                })
            }
            Outcome::Present => {
                self.forget(&job);
                Ok(PublishAnswer::Present)
            }
            Outcome::Refused(CommitError::Blob {
                source: BlobError::Missing(_),
                ..
            }) if !job.missing.is_empty() => self.ask_for(&job.missing),
            Outcome::Refused(error) => {
                if matches!(error, CommitError::Blob { .. }) {
                    self.forget(&job);
                }
                Err(refusal(&error))
            }
        };
        // A client that has left learns the outcome when it tries again.
        let _ = job.reply.send(verdict);
    }

    /// The events are sound: now their files may be sent.
    fn ask_for(&self, missing: &[ReleaseInfo]) -> Verdict {
        let mut files = Vec::new();
        for info in missing {
            let (sha256, size) = (info.sha256, info.size);
            let offset = self.uploads.announce(&sha256, size, Instant::now());
            let offset = offset.ok_or_else(|| {
                let refusal = Refusal {
                    code: "busy".to_owned(),
                    message: "receive the file: too many others are on their way".to_owned(),
                    hint: Some("try again later".to_owned()),
                };
                (StatusCode::SERVICE_UNAVAILABLE, refusal)
            })?;
            files.push(Upload {
                sha256,
                size,
                offset,
            });
        }
        Ok(PublishAnswer::Upload { files })
    }

    fn forget(&self, job: &Prepared) {
        let sent: BTreeSet<Digest> = job.submissions.iter().filter_map(released).collect();
        for digest in sent {
            self.uploads.forget(&digest);
        }
    }

    /// Signs the head again when half of its life is over.
    fn keep_fresh(&mut self) {
        let now = (self.clock)();
        let base = self.writer.base();
        let refreshed = base.and_then(|base| {
            let Some(snapshot) = base.snapshot() else {
                return Ok(None);
            };
            let expires = snapshot.expires.seconds();
            self.grown(base.tree().size);
            self.metrics.head_expires.store(expires, Relaxed);
            let lifetime = base.roots().current().head_lifetime();
            if snapshot.expires > now.plus(lifetime / 2) {
                return Ok(None);
            }
            self.writer.refresh(now).map(Some)
        });
        match refreshed {
            Ok(None) => {}
            Ok(Some(commit)) => {
                let expires = commit.snapshot.expires;
                self.grown(commit.tree.size);
                self.metrics.head_expires.store(expires.seconds(), Relaxed);
                self.log.write("refresh", json!({ "expires": expires }));
            }
            Err(error) => {
                self.log
                    .write("failure", json!({ "message": with_causes(&error) }));
            }
        }
    }
}

impl Prepared {
    fn bytes(&self) -> u64 {
        let blobs = self.submissions.iter().filter_map(|s| s.blob.as_ref());
        blobs
            .map(|blob| u64::try_from(blob.bytes.len()).unwrap_or(u64::MAX))
            .sum()
    }
}

fn released(submission: &Submission) -> Option<Digest> {
    match &submission.event.body().action {
        Action::Release(info) => Some(info.sha256),
        _ => None,
    }
}

fn failed() -> (StatusCode, Refusal) {
    let refusal = Refusal {
        code: "failed".to_owned(),
        message: "commit: the registry cannot be written now".to_owned(),
        hint: Some("try again later; what was committed is not committed twice".to_owned()),
    };
    (StatusCode::SERVICE_UNAVAILABLE, refusal)
}

fn too_similar(name: &str, alike: &str) -> (StatusCode, Refusal) {
    let refusal = Refusal {
        code: "similar".to_owned(),
        message: format!("claim {name}: it could be taken for {alike}"),
        hint: Some(format!(
            "choose another name, sign with a key of {alike}, or ask the registry's operator"
        )),
    };
    (StatusCode::CONFLICT, refusal)
}

/// A refusal in the words of the rule that was broken.
fn refusal(error: &CommitError) -> (StatusCode, Refusal) {
    let (status, code) = match error {
        CommitError::Event { source, .. } => match source {
            StateError::Seq { .. } | StateError::Prev(_) | StateError::Claimed(_) => {
                (StatusCode::CONFLICT, "conflict")
            }
            StateError::Policy(_) => (StatusCode::FORBIDDEN, "policy"),
            StateError::Signatures { .. } | StateError::Surplus | StateError::Possession(_) => {
                (StatusCode::FORBIDDEN, "signatures")
            }
            StateError::Duplicate(_) => (StatusCode::CONFLICT, "duplicate"),
            StateError::Widened { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "widened"),
            _ => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
        },
        CommitError::Blob { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "file"),
        CommitError::Time { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "time"),
        _ => return failed(),
    };
    let refusal = Refusal {
        code: code.to_owned(),
        message: with_causes(error),
        hint: error.hint(),
    };
    (status, refusal)
}
