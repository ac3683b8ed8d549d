//! What was measured.

use std::time::{Duration, Instant};

/// Says what was measured, and remembers it.
#[derive(Default)]
pub(super) struct Clock {
    rows: Vec<[String; 2]>,
}

impl Clock {
    /// Something took this long.
    pub(super) fn took(&mut self, what: &str, time: Duration, after: &str) {
        self.tell(what, &text(time), after);
    }

    /// Something has come to pass now.
    pub(super) fn since(&mut self, what: &str, start: Instant, after: &str) {
        self.took(what, start.elapsed(), after);
    }

    /// Something was counted.
    pub(super) fn tell(&mut self, what: &str, number: &str, after: &str) {
        println!("{what}: {number} {after}");
        self.rows.push([format!("{what}, {after}"), number.to_owned()]);
    }

    /// All of it, a line each.
    pub(super) fn table(&self) -> String {
        let width = self.rows.iter().map(|[_, number]| number.len()).max().unwrap_or_default();
        let lines = self.rows.iter().map(|[what, number]| format!("  {number:>width$}  {what}\n"));
        lines.collect()
    }
}

/// A time as people read it.
fn text(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        return format!("{} ms", time.as_millis());
    }
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_unit_that_fits() {
        let mut clock = Clock::default();
        clock.took("first ping", Duration::from_micros(62_900), "after that");
        clock.took("h1 is dead", Duration::from_millis(3040), "after it was cut off");
        assert_eq!(
            clock.table(),
            "  62 ms  first ping, after that\n  3.0 s  h1 is dead, after it was cut off\n"
        );
    }
}
