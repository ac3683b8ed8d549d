//! The README's lines, to be typed as they are.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::netns::{Namespace, Process, dvs, finish, until};

const README: &str = include_str!("../../README.md");

/// Ports from here on are chosen by the kernel, and so differ from one run to the next.
const EPHEMERAL: u16 = 32_768;
/// So many words at the end of a line may be numbers that depend on time: packets, octets, seconds.
const COUNTS: usize = 3;

/// A line that the reader types, and what is printed below it.
pub struct Step {
    /// What is typed.
    pub command: String,
    /// What the README says comes of it.
    pub output: Vec<String>,
}

impl Step {
    /// The first line of the README that is not in its place in what was said.
    fn missing(&self, said: &str) -> Option<&String> {
        let mut lines = said.lines();
        self.output.iter().find(|wanted| !lines.any(|line| is_alike(wanted, line)))
    }

    /// The same step for somebody else.
    #[must_use]
    pub fn of(&self, readme: &str, other: &str) -> Self {
        let replaced = |line: &String| line.replace(readme, other);
        Self { command: replaced(&self.command), output: self.output.iter().map(replaced).collect() }
    }
}

/// The steps of a chapter.
///
/// # Panics
/// When there is no such chapter, or nothing is typed in it.
#[track_caller]
pub fn chapter(title: &str) -> Vec<Step> {
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
pub struct Shell<'a> {
    /// Where it is, and at home.
    directory: PathBuf,
    /// The namespace that it is in.
    place: Option<&'a Namespace>,
    /// What namespaces are called in the README, and here.
    namespaces: Vec<(String, String)>,
    environment: Vec<(String, PathBuf)>,
    /// Lines of variables that hold for the lines after them.
    exports: Vec<String>,
}

impl<'a> Shell<'a> {
    /// A shell in a directory.
    pub fn new(directory: &Path) -> Self {
        let bin = directory.join("readme");
        fs::create_dir(&bin).unwrap();
        symlink(dvs().canonicalize().unwrap(), bin.join("dvs")).unwrap();
        let (place, namespaces, environment, exports) = (None, Vec::new(), Vec::new(), Vec::new());
        Self { directory: directory.into(), place, namespaces, environment, exports }
    }

    /// The same in a namespace.
    #[must_use]
    pub fn inside(self, place: &'a Namespace) -> Self {
        Self { place: Some(place), ..self }
    }

    /// The same with a variable.
    #[must_use]
    pub fn with(mut self, variable: &str, value: PathBuf) -> Self {
        self.environment.push((variable.into(), value));
        self
    }

    /// What the README calls a namespace is this one.
    pub fn call(&mut self, readme: &str, here: &Namespace) {
        self.namespaces.push((readme.into(), here.name().into()));
    }

    /// A line that is typed here.
    pub fn command(&self, line: &str) -> Command {
        let places = self.namespaces.iter();
        let line = places.fold(line.to_owned(), |line, (readme, here)| line.replace(readme, here));
        let path = std::env::var("PATH").unwrap();
        let mut command = self.place.map_or_else(|| Command::new("sh"), |place| place.command("sh"));
        let script = [&["exec 2>&1".to_owned()], self.exports.as_slice(), &[line]].concat().join("\n");
        command
            .args(["-c", &script])
            .current_dir(&self.directory)
            .env("PATH", format!("{}:{path}", self.directory.join("readme").display()))
            .env("HOME", &self.directory)
            .env_remove("XDG_CONFIG_HOME")
            .env("no_proxy", "*")
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        command
    }

    /// Types a line; what it prints must have the README's lines, in their order.
    #[track_caller]
    pub fn play(&mut self, step: &Step) -> String {
        let said = finish(&mut self.command(&step.command)).output;
        if let Some(wanted) = step.missing(&said) {
            panic!("{}: {wanted:?} is not, or not in its place, in\n{said}", step.command);
        }
        if step.command.starts_with("export ") {
            self.exports.push(step.command.clone());
        }
        said
    }

    /// Types a line that only asks, again and again, until it prints the README's lines.
    #[track_caller]
    pub fn look(&self, step: &Step) {
        let mut said = String::new();
        let found = crate::netns::within(crate::netns::LIMIT, || {
            said = finish(&mut self.command(&step.command)).output;
            step.missing(&said).is_none().then_some(())
        });
        assert!(found.is_some(), "{}: {:?} is not in\n{said}", step.command, step.output);
    }

    /// Types a line that ends in `&`, with more words, and waits for what the README says comes of it.
    #[track_caller]
    pub fn start(&self, step: &Step, more: &str) -> Process {
        let (line, _) = step.command.split_once(" &").unwrap();
        let mut process = Process::start(&mut self.command(&format!("exec {line} {more}")));
        until(&step.command, || {
            assert!(process.is_running(), "{} has ended: {}", step.command, process.output());
            step.missing(&process.output()).is_none().then_some(())
        });
        process
    }
}

/// True if lines say the same, but for what is different each time.
fn is_alike(written: &str, said: &str) -> bool {
    let [written, said] = [written, said].map(|line| line.split_whitespace().collect::<Vec<_>>());
    let counts = written.len().saturating_sub(COUNTS).max(1);
    let alike = |(place, (one, other)): (usize, (&&str, &&str))| {
        let may_count = place >= counts || written.get(place + 1) == Some(&"s");
        shape(one, may_count) == shape(other, may_count)
    };
    written.len() == said.len() && written.iter().zip(&said).enumerate().all(alike)
}

/// A word without what is different each time.
fn shape(word: &str, may_count: bool) -> String {
    let digits = word.replace(|letter: char| letter.is_ascii_digit(), "9");
    if digits.starts_with("9999-99-99T") && word.ends_with('Z') {
        return "TIME".into();
    }
    if digits == "9999-99-99" {
        return "DATE".into();
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

#[cfg(test)]
mod tests {
    use super::*;

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
            ("issuer: authority of 2026-11-28", "issuer: authority of 2027-01-02", true),
            ("h2 alive 5 s 11 0 1 0", "h2 alive 7 s 11 0 1 0", true),
            ("h2 alive 5 s 11 0 1 0", "h2 alive 5 s 12 0 1 0", false),
        ] {
            assert_eq!(is_alike(written, said), alike, "{written} {said}");
        }
    }
}
