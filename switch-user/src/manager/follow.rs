//! A host that follows managers has a copy of what concerns it: its own API reads it, and does not write it. Where a
//! port is, is for the host to say all the same.

use axum::Json;
use serde_json::Value;

use super::{ApiError, Manager, extract::WriteParams, object::Written};
use crate::{
    api::ChangeSet,
    model::{Action, Change, Kind, ObjectId, Problem, Reason},
    report::{Follow, FollowError},
};

impl Manager {
    /// Refuses a write where managers elsewhere have the configuration.
    pub(super) fn is_writable(&self) -> Result<(), ApiError> {
        match &self.follow {
            Some(follow) => Err(ApiError::Follows { managers: follow.following().managers.join(",") }),
            None => Ok(()),
        }
    }
}

/// Plugs a device into a port, or unplugs it, if this is all that a patch of it says, at a host that follows managers.
pub(super) async fn plug(
    manager: &Manager,
    id: &ObjectId,
    params: WriteParams,
    patch: &Value,
) -> Option<Written> {
    let follow = manager.follow.clone()?;
    let device = device(id, patch)?;
    let (port, exists) = (id.name.clone(), params.allow_missing);
    let plug = move |manager: &Manager| {
        if let Some(device) = device.as_ref().filter(|_| !exists) {
            let known = manager.host.devices().contains(device);
            let problem = || {
                Problem::new(
                    ObjectId::new(Kind::Port, &port),
                    "device",
                    device.as_str().into(),
                    Reason::NoSuchDevice,
                )
            };
            if !known {
                return Err(ApiError::Invalid(vec![problem()]));
            }
        }
        if !params.dry_run {
            ask(&*follow, &port, device.as_deref())?;
        }
        let fields = vec!["device".to_owned()];
        let changes = vec![Change { action: Action::Update, kind: Kind::Port, name: port, fields }];
        let generation = *manager.store.watch().borrow();
        Ok(Json(ChangeSet { generation, changes, ..ChangeSet::default() }))
    };
    Some(manager.blocking(plug).await)
}

fn ask(follow: &dyn Follow, port: &str, device: Option<&str>) -> Result<(), FollowError> {
    match device {
        Some(device) => follow.attach(port, device),
        None => follow.detach(port),
    }
}

/// The device, or that there shall be none.
fn device(id: &ObjectId, patch: &Value) -> Option<Option<String>> {
    let fields = patch.as_object().filter(|fields| id.kind == Kind::Port && fields.len() == 1)?;
    match fields.get("device")? {
        Value::Null => Some(None),
        Value::String(device) => Some(Some(device.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
