//! Which rule decides about a connection.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Manager,
    extract::{Params, Refused},
};
use crate::{
    api::{PolicyEnd, PolicyTest, PolicyVerdict},
    classifier::{
        ask::{self, Connection, Judgement},
        ends::{self, EndError, SOURCE_PORT},
    },
    model::{Protocol, RuleAction, Validated, validate_as},
};

/// Routes of questions.
pub(super) fn routes() -> OpenApiRouter<Manager> {
    OpenApiRouter::new().routes(routes!(policy_test))
}

/// Which connection is asked about.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TestParams {
    /// Where it comes from: a port, or an address.
    from: String,
    /// Where it goes: `IP[:PORT][/PROTO]`, of which IP may be the name of a port. Without protocol it is TCP
    /// if there is a port, an echo request otherwise.
    #[param(example = "10.0.20.11:443/tcp")]
    to: String,
    /// Source port; 49152 if it is left out.
    src_port: Option<u16>,
}

/// Tells which rules decide about the first packet of a connection.
///
/// Only policies are asked: not whether there is a route, or whether the sender may have its address.
#[utoipa::path(get, path = "/v1/policy-test", operation_id = "policyTest", tag = "policies", params(TestParams), responses(
    (status = 200, description = "What decides at each end, and what becomes of it.", body = PolicyTest),
    Refused,
))]
async fn policy_test(
    State(manager): State<Manager>,
    Params(TestParams { from, to, src_port }): Params<TestParams>,
) -> Result<Json<PolicyTest>, ApiError> {
    let known = manager.desired().await?;
    let ask = move |manager: &Manager| {
        let valid = validate_as(&known.desired, &[], manager.scope()).map_err(ApiError::Damaged)?;
        let connection = ends::connection(&valid, &from, &to, src_port.unwrap_or(SOURCE_PORT));
        Ok(answer(&valid, &connection.map_err(refusal)?))
    };
    Ok(Json(manager.blocking(ask).await?))
}

fn refusal(error: EndError) -> ApiError {
    if let EndError::UnknownPort(name) = error {
        ApiError::UnknownFilter { what: "port", name }
    } else {
        ApiError::Question(error)
    }
}

fn answer(valid: &Validated, connection: &Connection<'_>) -> PolicyTest {
    let judgements = ask::ask(valid, connection);
    let refusal = judgements.iter().map(Judgement::action).find(|action| *action != RuleAction::Allow);
    let end = |port: Option<&str>, address| PolicyEnd { port: port.map(str::to_owned), address };
    let ports = connection.service.ports;
    PolicyTest {
        from: end(connection.from, connection.source),
        to: end(connection.to, connection.destination),
        protocol: Protocol(connection.service.protocol).to_string(),
        source_port: ports.map(|[source, _]| source),
        destination_port: ports.map(|[_, destination]| destination),
        action: refusal.unwrap_or(RuleAction::Allow),
        verdicts: judgements.iter().map(verdict).collect(),
    }
}

fn verdict(judgement: &Judgement<'_>) -> PolicyVerdict {
    let decision = judgement.decision.as_ref();
    PolicyVerdict {
        port: judgement.port.to_owned(),
        direction: judgement.direction.name().to_owned(),
        action: judgement.action(),
        policy: decision.map(|decision| decision.policy.to_owned()),
        rule: decision.and_then(|decision| decision.rule).map(str::to_owned),
        staged: judgement.staged.iter().map(|names| names.join("/")).collect(),
    }
}
