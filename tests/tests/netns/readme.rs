//! The README's lines, to be typed as they are.

use std::{fs, os::unix::fs::symlink, process::Command};

use dvs_tests::netns::{Host, dvs, finish};

const README: &str = include_str!("../../../README.md");

/// Ports from here on are chosen by the kernel, and so differ from one run to the next.
const EPHEMERAL: u16 = 32_768;
/// So many words at the end of a line may be numbers that depend on time: packets, octets, seconds.
const COUNTS: usize = 3;

/// A line that the reader types, and what is printed below it.
pub(crate) struct Step {
    /// What is typed.
    pub(crate) command: String,
    /// What the README says comes of it.
    pub(crate) output: Vec<String>,
}

/// The steps of a chapter.
///
/// # Panics
/// When there is no such chapter, or nothing is typed in it.
#[track_caller]
pub(crate) fn chapter(title: &str) -> Vec<Step> {
    let start = README.find(&format!("\n## {title}\n")).unwrap_or_else(|| panic!("no chapter {title}"));
    let text = &README[start + 1..];
    let text = &text[..text.find("\n## ").unwrap_or(text.len())];
    let mut steps: Vec<Step> = Vec::new();
    for block in text.split("```").skip(1).step_by(2).filter(|block| block.contains("\n$ ")) {
        for line in block.lines().skip(1).filter(|line| !line.is_empty()) {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), output: Vec::new() }),
                None => steps.last_mut().unwrap().output.push(line.to_owned()),
            }
        }
    }
    assert!(!steps.is_empty(), "nothing is typed in {title}");
    steps
}

/// Where lines are typed: `dvs` is the one under test, and namespaces are those of the tests.
pub(crate) struct Shell<'a> {
    host: &'a Host,
    /// What namespaces are called in the README, and here.
    namespaces: &'a [(&'a str, &'a str)],
}

impl<'a> Shell<'a> {
    /// A shell on a host.
    pub(crate) fn new(host: &'a Host, namespaces: &'a [(&'a str, &'a str)]) -> Self {
        let bin = host.state().join("readme");
        fs::create_dir(&bin).unwrap();
        symlink(dvs().canonicalize().unwrap(), bin.join("dvs")).unwrap();
        Self { host, namespaces }
    }

    /// A line that is typed here.
    pub(crate) fn command(&self, line: &str) -> Command {
        let places = self.namespaces.iter();
        let line = places.fold(line.to_owned(), |line, (readme, here)| line.replace(readme, here));
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("exec 2>&1; {line}")])
            .env("PATH", format!("{}:{path}", self.host.state().join("readme").display()))
            .env("DVS_SOCKET", self.host.socket())
            .env("no_proxy", "*");
        command
    }

    /// Types a line; what it prints must have the README's lines, in their order.
    #[track_caller]
    pub(crate) fn play(&self, step: &Step) -> String {
        let said = finish(&mut self.command(&step.command)).output;
        let mut lines = said.lines();
        for wanted in &step.output {
            let found = lines.any(|line| is_alike(wanted, line));
            assert!(found, "{}: {wanted:?} is not, or not in its place, in\n{said}", step.command);
        }
        said
    }
}

/// True if lines say the same, but for what is different each time.
fn is_alike(written: &str, said: &str) -> bool {
    let [written, said] = [written, said].map(|line| line.split_whitespace().collect::<Vec<_>>());
    let counts = written.len().saturating_sub(COUNTS).max(1);
    let alike = |(place, (one, other)): (usize, (&&str, &&str))| {
        shape(one, place >= counts) == shape(other, place >= counts)
    };
    written.len() == said.len() && written.iter().zip(&said).enumerate().all(alike)
}

/// A word without what is different each time.
fn shape(word: &str, may_count: bool) -> String {
    if word.len() > 20 && word.ends_with('Z') {
        return "TIME".into();
    }
    if let Some((address, port)) = word.rsplit_once(':')
        && port.parse().is_ok_and(|port: u16| port >= EPHEMERAL)
    {
        return format!("{address}:PORT");
    }
    let number = word.strip_suffix('s').unwrap_or(word);
    match number.parse::<u64>() {
        Ok(count) if may_count && (count > 0 || number != word) => "COUNT".into(),
        _ => word.into(),
    }
}

#[test]
fn lines_are_alike_if_only_what_is_counted_differs() {
    for (written, said, alike) in [
        ("10.0.0.1:40000 10.0.0.2:80 blue 74", "10.0.0.1:50000 10.0.0.2:80 blue 60", true),
        ("10.0.0.1:40000 10.0.0.2:80 blue 74", "10.0.0.1:50000 10.0.0.2:81 blue 74", false),
        ("web 100 443 - 11 1977 2s", "web 100 443 - 9 1200 0s", true),
        ("web 100 443 - 11 1977 2s", "web 200 443 - 11 1977 2s", false),
        ("web - 0 0 -", "web - 0 1 -", false),
        ("200", "404", false),
        ("2026-11-28T21:18:39.218Z web in", "2027-01-02T01:02:03.004Z web in", true),
    ] {
        assert_eq!(is_alike(written, said), alike, "{written} {said}");
    }
}
