//! Errors of the API, as problem details for HTTP (RFC 9457).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::model::{Problem, sentence};

/// The media type of [`Details`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Details {
    /// Kind of the problem for programs, such as `urn:dvs:invalid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Kind of the problem for people.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// What to do about it; empty where `errors` say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// Everything that is wrong with the configuration that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl fmt::Display for Details {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errors.is_empty() {
            out.write_str(&self.detail)?;
            return if self.remedy.is_empty() { Ok(()) } else { write!(out, "; {}", self.remedy) };
        }
        let lines: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The object, such as `Port p1`.
    pub object: String,
    /// The field, such as `mac`; empty if the object as a whole is wrong.
    pub field: String,
    /// The value that is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The reason for programs, such as `mac-taken`.
    pub reason: String,
    /// The reason for people.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl From<&Problem> for FieldError {
    fn from(problem: &Problem) -> Self {
        Self {
            object: problem.object.clone(),
            field: problem.field.clone(),
            value: problem.value.clone(),
            reason: problem.reason.name().into(),
            message: problem.reason.to_string(),
            remedy: problem.reason.remedy().into(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        sentence(out, &self.object, &self.field, self.value.as_ref())?;
        write!(out, ": {}; {}", self.message, self.remedy)
    }
}
