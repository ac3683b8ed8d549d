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
    let plug = Plug::of(id, patch)?;
    let ask = move |manager: &Manager| {
        if !params.allow_missing {
            plug.check(manager)?;
        }
        if !params.dry_run {
            plug.ask(&*follow)?;
        }
        let fields = vec!["device".to_owned()];
        let changes = vec![Change { action: Action::Update, kind: Kind::Port, name: plug.port, fields }];
        let generation = *manager.store.watch().borrow();
        Ok(Json(ChangeSet { generation, changes, ..ChangeSet::default() }))
    };
    Some(manager.blocking(ask).await)
}

/// A port and the device that it is to have, or none.
struct Plug {
    port: String,
    device: Option<String>,
}

impl Plug {
    /// What a patch says, if it says nothing else.
    fn of(id: &ObjectId, patch: &Value) -> Option<Self> {
        let fields = patch.as_object().filter(|fields| id.kind == Kind::Port && fields.len() == 1)?;
        let device = match fields.get("device")? {
            Value::Null => None,
            Value::String(device) => Some(device.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Self { port: id.name.clone(), device })
    }

    /// Refuses a device that does not exist.
    fn check(&self, manager: &Manager) -> Result<(), ApiError> {
        let absent = manager.host.absent(self.device.iter().cloned().collect());
        absent.first().map_or(Ok(()), |device| {
            let id = ObjectId::new(Kind::Port, &self.port);
            let problem = Problem::new(id, "device", device.as_str().into(), Reason::NoSuchDevice);
            Err(ApiError::Invalid(vec![problem]))
        })
    }

    fn ask(&self, follow: &dyn Follow) -> Result<(), FollowError> {
        match &self.device {
            Some(device) => follow.attach(&self.port, device),
            None => follow.detach(&self.port),
        }
    }
}
