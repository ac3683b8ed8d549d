//! Loads every program of BPF objects into the running kernel, attaches none, and prints a line of JSON for
//! each with what the verifier and the JIT made of it. `cargo xtask verifier` runs it, here and in VMs.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use aya::Ebpf;
use aya::programs::{Program, SchedClassifier, Xdp};
use serde_json::json;

fn main() -> Result<()> {
    let objects: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if objects.is_empty() {
        bail!("usage: dvs-verifier OBJECT...");
    }
    for object in objects {
        let mut ebpf =
            Ebpf::load_file(&object).with_context(|| format!("cannot load {}", object.display()))?;
        for (name, program) in ebpf.programs_mut() {
            let kind = load(program).with_context(|| format!("program {name} of {}", object.display()))?;
            println!("{}", describe(name, kind, program)?);
        }
    }
    Ok(())
}

/// Hands the program to the verifier and names its type.
fn load(program: &mut Program) -> Result<&'static str> {
    if let Ok(classifier) = <&mut SchedClassifier>::try_from(&mut *program) {
        classifier.load()?;
        return Ok("tc");
    }
    let xdp = <&mut Xdp>::try_from(program).context("neither a tc nor an XDP program")?;
    xdp.load()?;
    Ok("xdp")
}

fn describe(name: &str, kind: &str, program: &Program) -> Result<serde_json::Value> {
    let info = program.info()?;
    Ok(json!({
        "name": name,
        "type": kind,
        "instructions": info.verified_instruction_count().context("the kernel does not count instructions")?,
        "translated_bytes": info.size_translated().context("the kernel does not show the program's size")?,
        "jited_bytes": info.size_jitted(),
    }))
}
