//! Threads that do something from time to time.

use std::{
    io,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{Builder, JoinHandle},
    time::Duration,
};

/// A thread that does something from time to time until it is dropped.
pub struct Worker {
    /// Ends the thread when dropped.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. The work is done at once, and again after the time that it says.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(name: &str, mut work: impl FnMut() -> Duration + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let run = move || {
            let mut pause = Duration::ZERO;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = work();
            }
        };
        let thread = Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported already.
            drop(thread.join());
        }
    }
}
