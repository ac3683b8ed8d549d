//! One emulated machine: started, watched, and bounded in time.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::image::Image;
use super::initrd;
use crate::{shell, workspace};

const VIRTIOFSD: &str = "/usr/lib/qemu/virtiofsd";
/// Stands between what firmware and kernel say and the script's output.
const START: &str = "dvs-vm: start";
/// The script's last line carries its exit code out of the VM.
const EXIT: &str = "dvs-vm: exit ";

/// What is to be done in a VM.
pub(crate) struct Job {
    /// A shell script; it runs as root with the machine's files.
    pub(crate) script: String,
    /// The environment of the script.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    /// After this the VM is ended and the job has failed.
    pub(crate) limit: Duration,
    /// Whether lines are printed as they come.
    pub(crate) shown: bool,
}

/// What came out of a VM.
pub(crate) struct Outcome {
    /// Everything the script wrote; all that the console said if the VM did not get that far.
    pub(crate) lines: Vec<String>,
    /// The script's exit code; `None` if the VM ended or hung before it had one.
    pub(crate) code: Option<i32>,
    started: bool,
}

/// Boots the kernel, runs the job and ends the VM.
pub(crate) fn run(image: &Image, name: &str, job: &Job) -> Result<Outcome> {
    let dir = workspace::target_dir().join("vm").join(name);
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("initrd"), initrd::make(image)?)?;
    fs::write(dir.join("script"), script(image, job)?)?;
    let files = Files::serve(&dir)?;
    let qemu = qemu(image, &dir, &files.socket).stdout(Stdio::piped()).stdin(Stdio::null()).spawn();
    let mut qemu = Ended(qemu.context("cannot start qemu-system-x86_64")?);
    watch(&mut qemu.0, job)
}

/// The job's script with the environment before it and its exit code after it.
fn script(image: &Image, job: &Job) -> Result<String> {
    let (release, modules) = (image.release(), image.modules());
    let mut text = format!(
        "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp\n\
         mkdir -p /lib/modules; ln -s {} /lib/modules/{release}\n\
         ip link set lo up; ulimit -n 65536\n",
        modules.display()
    );
    for (name, value) in &job.environment {
        writeln!(text, "export {name}='{}'", value.display())?;
    }
    // The firmware may have left the cursor in the middle of a line.
    write!(
        text,
        "echo; echo '{START}'\n(\n{}\n)\necho \"{EXIT}$?\"\n/bin/busybox poweroff -f\n",
        job.script
    )?;
    Ok(text)
}

fn qemu(image: &Image, dir: &Path, socket: &Path) -> Command {
    let mut command = Command::new("qemu-system-x86_64");
    let memory = "1536M";
    command.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-M", "q35", "-m", memory, "-smp", "2"]);
    // virtiofs needs memory that its daemon can map.
    command.arg("-object").arg(format!("memory-backend-memfd,id=memory,size={memory},share=on"));
    command.args(["-numa", "node,memdev=memory"]);
    command.arg("-chardev").arg(format!("socket,id=files,path={}", socket.display()));
    command.args(["-device", "vhost-user-fs-pci,chardev=files,tag=machine"]);
    command.args(["-net", "none", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"]);
    command.arg("-kernel").arg(image.vmlinuz()).arg("-initrd").arg(dir.join("initrd"));
    let script = dir.join("script");
    command.arg("-append").arg(format!("console=ttyS0 panic=-1 quiet dvs.script={}", script.display()));
    command
}

/// Reads the serial console until the VM ends or its time is up.
fn watch(qemu: &mut Child, job: &Job) -> Result<Outcome> {
    let console = qemu.stdout.take().context("no console")?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(console).split(b'\n').map_while(Result::ok);
        lines.map(|line| printable(&line)).try_for_each(|line| sender.send(line))
    });
    let deadline = Instant::now() + job.limit;
    let mut outcome = Outcome { lines: Vec::new(), code: None, started: false };
    while let Ok(line) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        outcome.take(line, job.shown);
    }
    if outcome.code.is_none() && Instant::now() >= deadline {
        outcome.take(format!("the VM was ended after {} s", job.limit.as_secs()), job.shown);
    }
    if job.shown && !outcome.started {
        outcome.lines.iter().for_each(|line| println!("  {line}"));
    }
    Ok(outcome)
}

impl Outcome {
    fn take(&mut self, line: String, shown: bool) {
        if line == START {
            self.started = true;
            self.lines.clear();
            return;
        }
        if let Some(code) = line.strip_prefix(EXIT) {
            self.code = code.parse().ok();
            return;
        }
        if shown && self.started && !line.is_empty() {
            println!("  {line}");
        }
        self.lines.push(line);
    }
}

/// A console line without the firmware's escape sequences.
fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut plain = String::new();
    let mut letters = text.trim_end().chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(|end| end.is_ascii_alphabetic() || *end == 'c');
        } else if !letter.is_control() || letter == '\t' {
            plain.push(letter);
        }
    }
    plain
}

/// virtiofsd, showing the machine's files to one VM.
struct Files {
    socket: PathBuf,
    _daemon: Ended,
}

impl Files {
    fn serve(dir: &Path) -> Result<Self> {
        let socket = dir.join("files.sock");
        if socket.exists() {
            fs::remove_file(&socket)?;
        }
        let log = fs::File::create(dir.join("virtiofsd.log"))?;
        let mut command = Command::new(VIRTIOFSD);
        command.arg(format!("--socket-path={}", socket.display()));
        // Nothing changes while the VM runs, so it may keep what it has seen: programs start three times faster.
        command.args(["-o", "source=/", "-o", "sandbox=chroot", "-o", "cache=always"]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let daemon =
            Ended(command.spawn().with_context(|| format!("cannot start {}", shell::describe(&command)))?);
        wait_for(&socket)?;
        Ok(Self { socket, _daemon: daemon })
    }
}

fn wait_for(socket: &Path) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while !socket.exists() {
        if Instant::now() > deadline {
            bail!("virtiofsd opened no socket; see {}", socket.with_file_name("virtiofsd.log").display());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A child that does not outlive its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only if the child has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_what_the_script_said() {
        let mut outcome = Outcome { lines: Vec::new(), code: None, started: false };
        for line in ["Booting from ROM", START, "test a ... ok", "dvs-vm: exit 3"] {
            outcome.take(line.to_owned(), false);
        }
        assert_eq!((outcome.lines, outcome.code), (vec!["test a ... ok".to_owned()], Some(3)));
    }

    #[test]
    fn escape_sequences_are_taken_out() {
        assert_eq!(printable(b"\x1bc\x1b[?7l\x1b[2Jready\r"), "ready");
        assert_eq!(printable(b"test a ... ok"), "test a ... ok");
    }
}
