//! history, rollback, store backup and store restore.

use super::*;

/// The lines of a table without the column of times.
fn without_times(table: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.remove(1);
        words.join(" ")
    };
    table.lines().map(line).collect()
}

#[test]
fn the_history_names_user_and_changes() {
    let agent = Agent::new();
    assert_eq!(agent.say("history").errors, "nothing was changed yet\n");
    agent.ok("network add blue --vlan 10");
    agent.ok("switch set --ageing 50");
    agent.ok("network set blue --mtu 9000");
    agent.ok("network remove blue");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    let line = |generation, what: &str| format!("{generation} {user} {what}");
    let expected = [
        "GENERATION WHO CHANGES".to_owned(),
        line(4, "Network blue removed"),
        line(3, "Network blue updated"),
        line(2, "Switch created"),
        line(1, "Network blue created"),
    ];
    assert_eq!(without_times(&agent.ok("history")), expected);
    assert_eq!(without_times(&agent.ok("history -n 1")), expected[..2]);
    let yaml = agent.ok("history -n 2 -o yaml");
    assert!(yaml.contains("mtu: 9000") && yaml.contains(&format!("author: {user}")), "{yaml}");
    let many: Vec<String> = (1..8)
        .map(|vlan| format!("- {{apiVersion: dvs/v1, kind: Network, name: n{vlan}, vlan: {vlan}}}"))
        .collect();
    agent.ok(&format!("apply -f {}", agent.file(&many.join("\n")).display()));
    let last = "Network n1 created, Network n2 created, Network n3 created, Network n4 created, 3 more";
    assert_eq!(without_times(&agent.ok("history -n 1"))[1], line(5, last));
}

#[test]
fn a_rollback_goes_back() {
    let agent = Agent::with_objects();
    let before = agent.ok("export");
    agent.ok("network set green --mtu 9000");
    agent.ok("port remove p1");
    let told = "Network green updated: mtu\nPort p1 created\n";
    let dry = agent.ok("rollback 5 --dry-run");
    assert_eq!(dry, format!("dry run, nothing is changed; it would be:\n{told}"));
    assert_eq!(agent.ok("rollback 5 --wait"), format!("{told}generation 8 applied\n"));
    assert_eq!(agent.ok("export"), before);
    let error = agent.refused("rollback 9");
    let newest =
        "error: there is no generation 9 yet; the newest one is 8; see which there are (dvs history)";
    assert_eq!(error, newest);
}

#[test]
fn a_backup_is_restored() {
    let agent = Agent::with_objects();
    let (backup, state) = (agent.directory.path().join("b.redb"), agent.directory.path().join("state"));
    let line = format!("store backup {}", backup.display());
    assert_eq!(agent.ok(&line), format!("the store is copied to {}\n", backup.display()));
    assert_eq!(
        agent.refused(&line),
        format!("error: cannot create {}: File exists (os error 17)", backup.display())
    );
    let restore =
        |file: &std::path::Path| format!("store restore {} --state-dir {}", file.display(), state.display());
    let store = state.join("store.redb");
    let restored = format!("{} is generation 5 of {}\n", store.display(), backup.display());
    assert_eq!(agent.ok(&restore(&backup)), restored);
    assert_eq!(RedbStore::open(&store).unwrap().get().unwrap(), agent.store.get().unwrap());
    assert_eq!(agent.ok(&restore(&backup)), restored);
    assert!(state.join("store.redb.old").exists());
    let running = run::lock(&state).unwrap();
    let error = agent.refused(&restore(&backup));
    assert!(error.contains("another dvs runs with") && error.contains("stop it"), "{error}");
    drop(running);
    let half = fs::read(&backup).unwrap()[..9000].to_vec();
    for (name, content) in
        [("empty", Vec::new()), ("letter", b"Dear Sir or Madam".repeat(999)), ("half", half)]
    {
        let file = agent.directory.path().join(name);
        fs::write(&file, content).unwrap();
        let error = agent.refused(&restore(&file));
        assert!(error.contains("is no store that can be restored"), "{error}");
        assert_eq!(RedbStore::open(&store).unwrap().get().unwrap(), agent.store.get().unwrap(), "{name}");
    }
    let error = agent.refused(&restore(&agent.directory.path().join("nothing")));
    assert!(error.contains("nothing") && error.contains("No such file"), "{error}");
}

#[test]
fn a_backup_of_what_makes_no_sense_is_not_restored() {
    let agent = Agent::with_objects();
    let file = agent.directory.path().join("s.redb");
    let key = crate::store::Key { kind: "Port".into(), name: "p1".into() };
    let document =
        serde_json::json!({"apiVersion": "dvs/v1", "kind": "Port", "name": "p1", "network": "blue"});
    RedbStore::open(&file).unwrap().put(0, &[(key, Some(document))].into(), "-").unwrap();
    let state = agent.directory.path().join("state");
    let error = agent.refused(&format!("store restore {} --state-dir {}", file.display(), state.display()));
    assert!(error.contains("is no store that can be restored") && error.contains("Port p1"), "{error}");
    assert!(!state.join("store.redb").exists() && !state.join("store.redb.new").exists());
}
