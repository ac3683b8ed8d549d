//! A host that follows managers elsewhere.

use std::sync::Mutex;

use super::*;
use crate::{
    model::{Kind, ObjectId},
    report::{FollowError, Following},
};

/// Notes which ports are plugged.
#[derive(Default)]
struct FakeFollow(Mutex<Vec<String>>);

impl Follow for FakeFollow {
    fn following(&self) -> Following {
        let managers = ["https://m1", "https://m2"].map(String::from).into();
        Following { managers, claims: 4, ..Following::default() }
    }

    fn attach(&self, port: &str, device: &str) -> Result<(), FollowError> {
        let id = ObjectId::new(Kind::Port, port);
        if port == "p9" {
            return Err(FollowError::Refused(Box::new(ApiError::NotFound(id).details())));
        }
        self.0.lock().unwrap().push(format!("{port} {device}"));
        Ok(())
    }

    fn detach(&self, _: &str) -> Result<(), FollowError> {
        Err(FollowError::Alone("on purpose".into()))
    }
}

/// An API over a copy of the usual objects.
async fn follower() -> (Api, Arc<FakeFollow>) {
    let mut api = Api::with_objects().await;
    let follow = Arc::new(FakeFollow::default());
    let state = State {
        store: api.store.clone(),
        host: api.host.clone(),
        cluster: None,
        follow: Some(follow.clone()),
    };
    api.router = router(state);
    (api, follow)
}

#[tokio::test]
async fn writes_are_refused_with_the_managers() {
    let (api, _) = follower().await;
    for (method, uri, body) in [
        ("POST", "/v1/networks", r#"{"name": "red", "vlan": 30}"#),
        ("PUT", "/v1/networks/blue", r#"{"vlan": 11}"#),
        ("PATCH", "/v1/ports/p1", r#"{"device": "v2", "admin": "down"}"#),
        ("PATCH", "/v1/switch", r#"{"ageing": 30}"#),
        ("DELETE", "/v1/ports/p1", ""),
        ("POST", "/v1/apply", r#"{"objects": []}"#),
    ] {
        assert_eq!(
            api.refusal(method, uri, body).await,
            (409, vec!["urn:dvs:follows".into()]),
            "{method} {uri}"
        );
    }
    let (_, answer) = api.call("DELETE", "/v1/ports/p1", "").await;
    assert_eq!(answer["detail"], "this host follows the managers at https://m1,https://m2");
}

#[tokio::test]
async fn a_port_is_plugged_by_a_claim() {
    let (api, follow) = follower().await;
    let set = api.ok("PATCH", "/v1/ports/p7?dryRun=true", r#"{"device": "v2"}"#).await;
    assert_eq!(set["changes"][0]["name"], "p7");
    assert!(follow.0.lock().unwrap().is_empty(), "it was a dry run");
    api.ok("PATCH", "/v1/ports/p7", r#"{"device": "v2"}"#).await;
    api.ok("PATCH", "/v1/ports/p6?allowMissing=true", r#"{"device": "none"}"#).await;
    assert_eq!(*follow.0.lock().unwrap(), ["p7 v2", "p6 none"]);
}

#[tokio::test]
async fn a_plug_that_is_refused_says_why() {
    let (api, _) = follower().await;
    let missing = (422, vec!["Port p7 device no-such-device".to_owned()]);
    assert_eq!(api.refusal("PATCH", "/v1/ports/p7", r#"{"device": "none"}"#).await, missing);
    let unknown = (404, vec!["urn:dvs:not-found".to_owned()]);
    assert_eq!(api.refusal("PATCH", "/v1/ports/p9", r#"{"device": "v2"}"#).await, unknown);
    let alone = (503, vec!["urn:dvs:alone".to_owned()]);
    assert_eq!(api.refusal("PATCH", "/v1/ports/p1", r#"{"device": null}"#).await, alone);
}

#[tokio::test]
async fn the_status_names_the_managers() {
    let (api, _) = follower().await;
    let status = api.get("/v1/status").await;
    assert_eq!((&status["follows"]["claims"], &status["follows"]["connected"]), (&4.into(), &Value::Null));
    assert_eq!(Api::new().get("/v1/status").await.get("follows"), None);
}
