use serde_json::json;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn entry(instance: &str, said: u8) -> Entry {
    Entry { instance: instance.into(), said: json!(said) }
}

fn names(watch: &watch::Receiver<Entries>) -> Vec<String> {
    watch.borrow().keys().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn an_entry_expires_unless_it_is_renewed() {
    let leases = MemoryLeases::start();
    let mut watch = leases.watch();
    leases.keep("h1", &entry("a", 1), 3 * SECOND).await.unwrap();
    leases.keep("h2", &entry("b", 1), 3 * SECOND).await.unwrap();
    assert_eq!(names(&watch), ["h1", "h2"]);
    tokio::time::sleep(2 * SECOND).await;
    leases.keep("h1", &entry("a", 1), 3 * SECOND).await.unwrap();
    watch.borrow_and_update();
    let begin = Instant::now();
    for left in [&["h1"][..], &[]] {
        watch.changed().await.unwrap();
        assert_eq!(names(&watch), left);
    }
    assert_eq!(begin.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_watch_tells_what_is_new_and_nothing_else() {
    let leases = MemoryLeases::start();
    let mut watch = leases.watch();
    for (said, told) in [(1, true), (1, false), (2, true)] {
        leases.keep("h1", &entry("a", said), SECOND).await.unwrap();
        assert_eq!(watch.has_changed().unwrap(), told, "{said}");
        assert_eq!(watch.borrow_and_update()["h1"].said, json!(said));
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_has_one_instance_at_a_time() {
    let leases = MemoryLeases::start();
    let mut watch = leases.watch();
    leases.keep("h1", &entry("a", 1), SECOND).await.unwrap();
    let error = leases.keep("h1", &entry("b", 1), SECOND).await.unwrap_err().to_string();
    assert_eq!(error, "h1 is alive at another installation (a); stop it, or give this one another --host");
    assert_eq!(names(&watch), ["h1"]);
    watch.wait_for(|entries| entries.is_empty()).await.unwrap();
    leases.keep("h1", &entry("b", 1), SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shorter_time_counts_at_once() {
    let leases = MemoryLeases::start();
    let mut watch = leases.watch();
    leases.keep("h1", &entry("a", 1), 60 * SECOND).await.unwrap();
    tokio::time::sleep(SECOND).await;
    leases.keep("h1", &entry("a", 1), SECOND).await.unwrap();
    let begin = Instant::now();
    watch.wait_for(|entries| entries.is_empty()).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 1);
}
