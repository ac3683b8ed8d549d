//! The log of the firewalls.

use super::*;
use crate::fake::event;

/// A reader who goes away after some lines.
struct Impatient {
    text: Vec<u8>,
    lines: usize,
}

impl io::Write for Impatient {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let lines = self.text.split(|octet| *octet == b'\n').count() - 1;
        if lines < self.lines { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }
}

/// The first lines of a stream.
fn first(agent: &Agent, line: &str, lines: usize) -> String {
    let mut output = Impatient { text: Vec::new(), lines };
    assert_eq!(agent.run(line, &mut io::empty(), &mut output, &mut Vec::new()), "0");
    String::from_utf8(output.text).unwrap()
}

#[test]
fn the_log_is_a_table() {
    let agent = Agent::with_objects();
    let log = "TIME                      PORT  DIR  RULE         ACTION   PROTO  SOURCE            DESTINATION    NETWORK  OCTETS
2026-01-31T12:00:00.000Z  p1    out  web/default  drop     udp    10.0.10.11:40000  10.0.20.11:53  blue     74
2026-01-31T12:00:01.000Z  p2    out  web/default  (allow)  udp    10.0.10.11:40000  10.0.20.11:53  blue     74
";
    assert_eq!(agent.ok("log"), log);
    assert_eq!(agent.ok("log --port p2").lines().count(), 2);
    let events: Vec<crate::report::LogEvent> = serde_json::from_str(&agent.ok("log -o json")).unwrap();
    assert_eq!(events[0], event("p1", 0));
    assert!(agent.refused("log --port p9").starts_with("error: there is no port or uplink named \"p9\""));
}

#[test]
fn a_log_that_is_followed_has_a_line_an_event() {
    let agent = Agent::with_objects();
    let line = "2026-01-31T12:00:00.000Z  p1  out  web/default  drop  udp  10.0.10.11:40000  10.0.20.11:53  blue  74\n";
    assert_eq!(first(&agent, "log --follow --port p1", 1), line);
    let json = first(&agent, "log -f -o json", 2);
    let events: Vec<crate::report::LogEvent> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((events.len(), &events[0]), (2, &event("p1", 0)));
    assert!(first(&agent, "log -f -o yaml", 1).starts_with("- time: "));
}
