//! How the operating system asks a process to stop, or to read its configuration again.

use std::io;

/// SIGTERM and SIGINT; Ctrl-C where there are no signals.
#[derive(Debug)]
pub(crate) struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// From now on the signals no longer end the process by themselves.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<StopSignals> {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(StopSignals { terminate, interrupt })
    }

    /// Waits for the next of them.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// From now on Ctrl-C no longer ends the process by itself.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<StopSignals> {
        Ok(StopSignals {})
    }

    /// Waits for the next Ctrl-C.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// SIGHUP; there is none where there are no signals.
#[derive(Debug)]
pub(crate) struct ReloadSignal {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl ReloadSignal {
    /// From now on the signal no longer ends the process.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<ReloadSignal> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(ReloadSignal { hangup: signal(SignalKind::hangup())? })
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        if self.hangup.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<ReloadSignal> {
        Ok(ReloadSignal {})
    }

    /// Waits for ever.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
