//! A model in a file, run in this process by llama.cpp (`spec/decisions/0009-gguf-is-optional.md`).
//!
//! The file is a stranger: its header is read and checked before llama.cpp sees it. Answers are held to what can still
//! become a valid module, token by token, unless that is turned off.

mod check;
mod error;
mod header;
mod run;
mod sampler;
mod template;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, mpsc};
use std::thread::{self, JoinHandle};

pub use self::error::GgufError;
use self::run::Loaded;
use crate::model::{Completion, Message, Model, ModelError, Sampling};

/// Tokens that a model reads and writes in one conversation, unless more are asked for: each takes memory.
const CONTEXT: u32 = 8192;

/// A model in a file, and how it is run.
#[derive(Clone, Debug)]
pub struct GgufOptions {
    /// The file.
    pub path: PathBuf,
    /// An adapter (LoRA) for it.
    pub adapter: Option<PathBuf>,
    /// Tokens of a conversation with its answer, at the most; the model's own limit holds as well.
    pub context: u32,
    /// Whether answers are held to what can become a valid module.
    pub mask: bool,
    /// Whether conversations go through the model's chat template, if it has one.
    pub template: bool,
    /// Threads that compute.
    pub threads: usize,
}

impl GgufOptions {
    /// A model in this file, with everything that it brings.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            adapter: None,
            context: CONTEXT,
            mask: true,
            template: true,
            // Mostly two of them share a core, and waiting for one another costs more than the second brings.
            threads: thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2)),
        }
    }
}

/// A model in a file. Answers are computed one after another, on a thread of its own.
#[derive(Debug)]
pub struct Gguf {
    name: String,
    path: PathBuf,
    /// Empty only while it is dropped.
    jobs: RwLock<Option<mpsc::Sender<Job>>>,
    worker: Option<JoinHandle<()>>,
}

/// A conversation to go on with.
struct Job {
    conversation: Vec<Message>,
    sampling: Sampling,
    answer: mpsc::Sender<Result<Completion, GgufError>>,
}

impl Gguf {
    /// Checks and loads the files.
    ///
    /// # Errors
    /// When a file is missing, is no model, is damaged, or is an adapter for another model.
    pub fn open(options: &GgufOptions) -> Result<Self, ModelError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| ModelError::File { path, source }
        };
        let header = check::header(&options.path).map_err(at(&options.path))?;
        let facts = check::model(header).map_err(at(&options.path))?;
        if let Some(adapter) = &options.adapter {
            check::header(adapter)
                .and_then(|header| check::adapter(&header, &facts))
                .map_err(at(adapter))?;
        }
        let (jobs, orders) = mpsc::channel::<Job>();
        let (ready, opened) = mpsc::channel();
        let own = options.clone();
        let worker = thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || {
                // What is lent from the model stays on this stack.
                let loaded = Loaded::open(&own);
                let result = loaded.and_then(|mut loaded| {
                    loaded.run(&own, &facts, |run| {
                        let _ = ready.send(Ok(()));
                        for job in orders {
                            // Nobody waits any more for an answer that cannot be sent.
                            let _ = job
                                .answer
                                .send(run.complete(&job.conversation, &job.sampling));
                        }
                    })
                });
                if let Err(error) = result {
                    let _ = ready.send(Err(error));
                }
            });
        let worker = worker.map_err(|error| at(&options.path)(GgufError::Read(error)))?;
        let gguf = Self {
            name: name(options),
            path: options.path.clone(),
            jobs: RwLock::new(Some(jobs)),
            worker: Some(worker),
        };
        match opened.recv() {
            Ok(Ok(())) => Ok(gguf),
            Ok(Err(error @ GgufError::Mismatch(_))) => {
                Err(at(options.adapter.as_ref().unwrap_or(&options.path))(error))
            }
            Ok(Err(error)) => Err(at(&options.path)(error)),
            Err(_) => Err(at(&options.path)(GgufError::Load)),
        }
    }

    fn ask(&self, conversation: &[Message], sampling: &Sampling) -> Result<Completion, GgufError> {
        let stopped = || GgufError::Stopped("its thread has ended".to_owned());
        let (answer, answered) = mpsc::channel();
        let job = Job {
            conversation: conversation.to_vec(),
            sampling: *sampling,
            answer,
        };
        let jobs = self.jobs.read().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref()
            .and_then(|jobs| jobs.send(job).ok())
            .ok_or_else(stopped)?;
        answered.recv().map_err(|_| stopped())?
    }
}

/// The worker ends before the process does, so that llama.cpp is not taken down under it.
impl Drop for Gguf {
    fn drop(&mut self) {
        let jobs = self.jobs.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(jobs.take());
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// The names of the files, without their folders.
fn name(options: &GgufOptions) -> String {
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        name.to_string_lossy().into_owned()
    };
    match &options.adapter {
        Some(adapter) => format!("{} + {}", name(&options.path), name(adapter)),
        None => name(&options.path),
    }
}

impl Model for Gguf {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
    ) -> Result<Completion, ModelError> {
        self.ask(conversation, sampling)
            .map_err(|source| ModelError::File {
                path: self.path.clone(),
                source,
            })
    }
}
