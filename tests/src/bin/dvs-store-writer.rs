//! Writes to a store in etcd until it is killed, and tells each write that was acknowledged.
//!
//! Arguments: the address of etcd, the prefix of the store, how many records it keeps, and a name for its documents.
//! Every line of the output has the name of a document and the generation that it was written in, which is also
//! its content.

use std::io::Write as _;

use anyhow::{Context, Result};
use serde_json::json;
use switch_user::store::{Batch, EtcdOptions, EtcdStore, Key, Store};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, prefix, keep, run] = arguments.as_slice() else { anyhow::bail!("see the source") };
    let options = EtcdOptions { endpoints: vec![endpoint.clone()], ..EtcdOptions::default() };
    let runtime = tokio::runtime::Runtime::new()?;
    let store = runtime.block_on(EtcdStore::open(&options, prefix, keep.parse()?))?;
    let mut generation = store.get()?.generation;
    let mut output = std::io::stdout().lock();
    for number in 0_u64.. {
        let name = format!("{run}-{number}");
        let next = json!((generation + 1).to_string());
        let batch = Batch::from([(Key { kind: "Port".into(), name: name.clone() }, Some(next))]);
        generation = store.put(generation, &batch, run).with_context(|| name.clone())?;
        writeln!(output, "{name} {generation}")?;
        output.flush()?;
    }
    Ok(())
}
