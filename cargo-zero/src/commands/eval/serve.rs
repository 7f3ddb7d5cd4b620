//! `eval serve`: the judge as a reward function, over standard input and output or over HTTP (spec/eval.md, "Rewards").

use std::error::Error;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use zero_model::reward::{BatchError, Rewards};

use super::{Set, jobs};
use crate::cli::ServeEval;
use crate::host::Session;
use crate::listen;
use crate::report::{Failure, Report};

/// Bytes of a batch.
const BATCH: usize = 64 << 20;
/// How long a client may take to send the body of a request.
const PATIENCE: Duration = Duration::from_mins(1);

type Failed = Box<dyn Error + Send + Sync>;

pub(super) fn run(session: &Session, args: &ServeEval) -> Result<Report, Failure> {
    let set = Set::read(args.tasks.as_deref())?;
    let rewards = Rewards::new(set.tasks, jobs(args.jobs));
    let served = match args.listen {
        Some(address) => http(session, rewards, address),
        None => stdio(&rewards).map_err(Failed::from),
    };
    served.map_err(|error| Failure::failed("cannot serve").because(&*error))?;
    Ok(Report::exit(0))
}

/// Answers a batch a line, until the input ends. A line that is none is answered with what is wrong with it.
fn stdio(rewards: &Rewards) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let limit = u64::try_from(BATCH).unwrap_or(u64::MAX);
    loop {
        let mut line = Vec::new();
        input
            .by_ref()
            .take(limit + 1)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        let answer = if line.len() > BATCH {
            if !line.ends_with(b"\n") {
                input.skip_until(b'\n')?;
            }
            too_long()
        } else {
            rewards
                .answer(&line)
                .unwrap_or_else(|error| refusal(&error))
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
}

fn refusal(error: &BatchError) -> String {
    let message = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    json!({ "error": message }).to_string()
}

fn too_long() -> String {
    json!({ "error": format!("the batch is longer than {BATCH} bytes: send it in parts") })
        .to_string()
}

fn http(session: &Session, rewards: Rewards, address: SocketAddr) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let shared = Arc::new(Shared {
        rewards,
        judging: Semaphore::new(1),
    });
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        session.output.now(
            &json!({ "ok": true, "url": url }),
            &format!("rewards at {url}\n"),
        );
        listen::forever(listener, move |request| Arc::clone(&shared).answer(request)).await?;
        Ok(())
    })
}

struct Shared {
    rewards: Rewards,
    /// A batch has all of the threads: the next one waits.
    judging: Semaphore,
}

impl Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::POST {
            let mut answer = reply(
                StatusCode::METHOD_NOT_ALLOWED,
                "{\"error\":\"POST a batch\"}",
            );
            answer
                .headers_mut()
                .insert(ALLOW, hyper::header::HeaderValue::from_static("POST"));
            return answer;
        }
        // No web page may send this type without asking first, and it is not allowed to: nobody's browser judges for it.
        let json = request.headers().get(CONTENT_TYPE);
        if !json.is_some_and(|ty| ty.as_bytes().starts_with(b"application/json")) {
            return reply(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{\"error\":\"the type of a batch is application/json\"}",
            );
        }
        let body = Limited::new(request.into_body(), BATCH).collect();
        let batch = match tokio::time::timeout(PATIENCE, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return reply(StatusCode::PAYLOAD_TOO_LARGE, &too_long());
            }
            Ok(Err(_)) | Err(_) => {
                return reply(
                    StatusCode::BAD_REQUEST,
                    "{\"error\":\"the batch did not arrive\"}",
                );
            }
        };
        let Ok(_turn) = self.judging.acquire().await else {
            return reply(StatusCode::SERVICE_UNAVAILABLE, "{\"error\":\"stopping\"}");
        };
        let judge = Arc::clone(&self);
        let answered = tokio::task::spawn_blocking(move || judge.rewards.answer(&batch)).await;
        match answered {
            Ok(Ok(answer)) => reply(StatusCode::OK, &answer),
            Ok(Err(error)) => reply(StatusCode::BAD_REQUEST, &refusal(&error)),
            Err(_) => reply(
                StatusCode::INTERNAL_SERVER_ERROR,
                "{\"error\":\"the judge failed\"}",
            ),
        }
    }
}

fn reply(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    answer
}
