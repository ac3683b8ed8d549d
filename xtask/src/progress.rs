//! A line for each step with the time it took.

use std::io::Write as _;
use std::time::Instant;

use anyhow::Result;

/// Counts steps and prints them.
pub(crate) struct Progress {
    done: usize,
    total: usize,
}

impl Progress {
    /// Steps that will be `total` in number.
    pub(crate) const fn new(total: usize) -> Self {
        Self { done: 0, total }
    }

    /// Announces a step, does it, and completes its line with the time it took.
    pub(crate) fn step<T>(&mut self, what: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        print!("[{}/{}] {what} ... ", self.done, self.total);
        std::io::stdout().flush()?;
        let started = Instant::now();
        let result = action();
        let word = if result.is_ok() { "done" } else { "FAILED" };
        println!("{word} in {:.1} s", started.elapsed().as_secs_f32());
        result
    }
}

/// The headline of a part of a task.
pub(crate) fn headline(text: &str) {
    println!("\n==> {text}");
}
