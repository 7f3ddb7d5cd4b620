//! What the system tells a process that serves.

use std::io;

use tokio::sync::watch;

use super::{ServeError, runtime};

/// Answers until the process is asked to end.
pub(super) fn until_asked<A>(
    answer: impl FnOnce(watch::Receiver<bool>) -> A,
) -> Result<(), ServeError>
where
    A: Future<Output = Result<(), ServeError>>,
{
    runtime()?.block_on(async {
        let (stop, stopped) = watch::channel(false);
        let signal = signal().map_err(ServeError::Start)?;
        tokio::spawn(async move {
            signal.await;
            let _ = stop.send(true);
        });
        answer(stopped).await
    })
}

/// Resolves when the process is asked to end.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a signal to wait for, the server runs until the process ends.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Does something each time that the process is told to read its files again (SIGHUP).
#[cfg(unix)]
pub(super) fn on_hangup(mut work: impl FnMut() + Send + 'static) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            work();
        }
    });
    Ok(())
}

/// Elsewhere nobody says so: the server is started again.
#[cfg(not(unix))]
pub(super) fn on_hangup(_work: impl FnMut() + Send + 'static) -> io::Result<()> {
    Ok(())
}
