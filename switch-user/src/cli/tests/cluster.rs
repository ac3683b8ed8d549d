//! Many hosts.

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
};
use hyper::Method;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::client::Client;

/// A manager with hosts h1, which has applied generation 1 and has port p1, and h2.
fn manager() -> Agent {
    filled(Agent::start(true))
}

fn filled(agent: Agent) -> Agent {
    let objects = [
        "network add blue --vlan 10",
        "port add p1 --network blue --device v1",
        "port add p2 --network blue --device v1",
    ];
    for line in objects {
        agent.ok(line);
    }
    for (host, generation, errors, devices) in
        [("h1", 5, json!(["no room"]), json!({"p1": true})), ("h2", 1, json!([]), json!({}))]
    {
        let report = json!({
            "instance": host, "version": "0.1.0", "applied": {"generation": generation, "errors": errors},
            "claims": 0, "devices": devices, "ports": 0, "residentBytes": 0,
        });
        tell(&agent, &format!("/v1/cluster/hosts/{host}/report"), &report);
    }
    agent
}

/// Sends what only hosts say.
fn tell(agent: &Agent, path: &str, body: &Value) {
    let client = Client::new(agent.directory.path().join("dvs.sock"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer: Value = runtime.block_on(client.send(Method::POST, path, Some(body))).unwrap();
    assert_eq!(answer.get("refused"), None);
}

/// Without the seconds since something happened.
fn timeless(table: &str) -> String {
    let line = |line: &str| line.split_whitespace().filter(|word| *word != "s").collect::<Vec<_>>().join(" ");
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn hosts_are_objects() {
    let agent = Agent::start(true);
    assert_eq!(agent.ok("host add h1 --ha-group rack1 --label zone=a"), "Host h1 created\n");
    assert_eq!(agent.ok("host set h1 --clear ha-group"), "Host h1 updated: haGroup\n");
    let shown = agent.ok("host show h1");
    assert_eq!(shown, "name:     h1\nhaGroup:  default\nlabel:    zone=a\n");
    assert_eq!(agent.ok("host set h1 --underlay 192.0.2.1"), "Host h1 updated: underlay\n");
    let shown = agent.ok("host show h1");
    assert_eq!(shown, "name:      h1\nhaGroup:   default\nlabel:     zone=a\nunderlay:  192.0.2.1\n");
    let error = agent.refused("host set h1 --underlay h1");
    assert!(
        error.starts_with("error: Host h1, field underlay, value \"h1\": this is not an IP address"),
        "{error}"
    );
    assert_eq!(agent.ok("host remove h1"), "Host h1 removed\n");
    let error = agent.refused("host add h+1");
    assert!(error.starts_with("error: Host h+1, field name, value \"h+1\": this is not a name"), "{error}");
    let error = agent.refused("uplink add eth1 --hosts h9");
    let expected = "error: Uplink eth1, field hosts, value \"h9\": there is no such host; create it first: dvs host add NAME";
    assert_eq!(error, expected);
}

#[test]
fn hosts_are_listed_with_their_state() {
    let agent = manager();
    let table = agent.ok("host list").replace(" s ", " ");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "STATE", "SINCE", "APPLIED", "LAG", "PORTS", "ERRORS"]);
    assert_eq!([&rows[1][..2], &rows[1][3..]].concat(), ["h1", "alive", "5", "0", "1", "1"]);
    assert_eq!([&rows[2][..2], &rows[2][3..]].concat(), ["h2", "alive", "1", "4", "0", "0"]);
    let listed: Value = serde_json::from_str(&agent.ok("host list -o json")).unwrap();
    assert_eq!((&listed[1]["name"], &listed[1]["lag"]), (&json!("h2"), &json!(4)));
}

#[test]
fn ports_are_moved_as_planned() {
    let agent = manager();
    let said = agent.ok("port move p1 --to h2");
    assert_eq!(said, "Port p1 goes to host h2 when its VM runs there\n");
    let table = "NAME  NETWORK  VLANS  HOST      DEVICE  STATE    MAC  IP
p1    blue     10     h1 -> h2  p1      moving   -    -
p2    blue     10     -         v1      unbound  -    -
";
    assert_eq!(agent.ok("port list"), table);
    let said = agent.say("port move p1 --to h2 --now --wait --timeout 0");
    let why = "error: port p1 is still at host h1: h2 has not said that it knows (dvs host list)\n";
    assert_eq!((said.code.as_str(), said.errors.as_str()), ("1", why));
    assert_eq!(agent.ok("port move p1 --cancel"), "Port p1 stays\n");
    let why = agent.refused("port move p1 --cancel");
    assert_eq!(why, "error: port p1 is to go nowhere; see where ports are (dvs port list)");
    assert!(agent.say("port move p1").errors.contains("--to <HOST>"));
}

#[test]
fn hosts_are_drained() {
    let agent = manager();
    assert_eq!(agent.ok("host drain h1 --now"), "Port p1 goes to host h2 as soon as it is ready\n");
    let report = |host: &str, more: Value| {
        let mut report = json!({
            "instance": host, "version": "0.1.0", "applied": {"generation": 5, "errors": []},
            "claims": 0, "devices": {}, "ports": 0, "residentBytes": 0,
        });
        report.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tell(&agent, &format!("/v1/cluster/hosts/{host}/report"), &report);
    };
    for (standby, why) in [
        (json!({"ready": false, "active": false}), "h2 has no device for it; start its VM there"),
        (json!({"device": "p1", "ready": false, "active": false}), "h2 is preparing it"),
    ] {
        report("h2", json!({"standby": {"p1": standby}}));
        let said = agent.say("host drain h1 --now --wait --timeout 0");
        assert!(said.errors.contains(why), "{said:?}");
    }
    let ready = json!({"p1": {"device": "p1", "ready": true, "active": false}});
    report("h2", json!({"claims": 9, "standby": ready}));
    assert_eq!(agent.ok("host drain h1 --wait"), "there is no port to move\n");
    assert_eq!(agent.ok("host drain h1 --cancel"), "no move is planned\n");
    assert_eq!(agent.ok("host drain h2 --to h1"), "Port p1 goes to host h1 when its VM runs there\n");
    assert_eq!(agent.ok("host drain h2 --cancel"), "Port p1 stays\n");
    let why = agent.refused("host drain h9");
    assert!(why.starts_with("error: there is no Host h9"), "{why}");
}

/// Lets port p1 go to h2 as soon as somebody has asked which moves are planned.
fn hasty(router: Router) -> Router {
    let inner = router.clone();
    let layer = middleware::from_fn(move |request: Request, next: Next| {
        let inner = inner.clone();
        async move {
            let asked = request.method() == Method::GET && request.uri().path() == "/v1/cluster/moves";
            let answer = next.run(request).await;
            if asked {
                let report = json!({
                    "instance": "h2", "version": "0.1.0", "applied": {"generation": 5, "errors": []}, "claims": 9,
                    "devices": {}, "ports": 0, "residentBytes": 0,
                    "standby": {"p1": {"device": "p1", "ready": true, "active": true}},
                });
                let request =
                    Request::post("/v1/cluster/hosts/h2/report").body(Body::from(report.to_string()));
                let told = inner.oneshot(request.unwrap()).await.unwrap();
                assert!(told.status().is_success(), "{told:?}");
            }
            answer
        }
    });
    router.layer(layer)
}

#[test]
fn a_port_that_has_gone_while_its_drain_is_withdrawn_is_told() {
    let agent = filled(Agent::start_behind(true, hasty));
    tell(&agent, "/v1/cluster/hosts/h1/claims", &json!({"port": "p2", "device": "v1"}));
    let said = agent.ok("host drain h1");
    assert_eq!(
        said,
        "Port p1 goes to host h2 when its VM runs there\nPort p2 goes to host h2 when its VM runs there\n"
    );
    assert_eq!(agent.ok("host drain h1 --cancel"), "Port p1 has gone already\nPort p2 stays\n");
}

#[test]
fn ports_are_listed_with_their_host() {
    let table = "NAME  NETWORK  VLANS  HOST  DEVICE  STATE    MAC  IP
p1    blue     10     h1    p1      bound    -    -
p2    blue     10     -     v1      unbound  -    -
";
    assert_eq!(manager().ok("port list"), table);
}

#[test]
fn the_status_of_a_cluster_is_that_of_its_hosts() {
    let agent = manager();
    let status = timeless(&agent.ok("status"));
    let head =
        "generation: 5\nhosts: 2 (2 alive)\nports: 1 bound, 0 lost\nerror: host h1: no room\n\nNAME STATE";
    assert!(status.starts_with(head), "{status}");
    let status: Value = serde_json::from_str(&agent.ok("status -o json")).unwrap();
    assert_eq!(
        (&status["claims"], &status["lost"], status["hosts"].as_array().map(Vec::len)),
        (&json!(1), &json!([]), Some(2))
    );
}

#[test]
fn one_host_has_no_list_of_hosts() {
    let error = Agent::new().refused("host list");
    let expected = "error: this is one host's own manager, there are no others; ask a manager of many hosts (dvs --server URL)";
    assert_eq!(error, expected);
}
