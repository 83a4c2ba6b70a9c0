use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tollgate_api::{ErrorBody, ErrorDetail};
use tollgate_ledger::{AddAgentError, ReadError, RemoveAgentError, WriteError};

/// A refusal: `{"error":{"code","message","hint"}}`.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    fn ledger(error: &dyn std::error::Error, hint: Option<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "ledger_unavailable",
            message: error.to_string(),
            hint,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let error = ErrorDetail {
            code: self.code.into(),
            message: self.message,
            hint: self.hint,
        };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::ledger(&error, error.hint())
    }
}

impl From<WriteError> for Refusal {
    fn from(error: WriteError) -> Self {
        Self::ledger(&error, error.hint())
    }
}

impl From<AddAgentError> for Refusal {
    fn from(error: AddAgentError) -> Self {
        match error {
            AddAgentError::Exists(name) => exists(name.as_str()),
            AddAgentError::Write(error) => error.into(),
        }
    }
}

impl From<RemoveAgentError> for Refusal {
    fn from(error: RemoveAgentError) -> Self {
        match error {
            RemoveAgentError::Unknown(name) => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_agent",
                format!("no agent `{name}`"),
            )
            .hint("`tollgate agents list` shows all"),
            RemoveAgentError::Write(error) => error.into(),
        }
    }
}

pub(crate) fn exists(name: &str) -> Refusal {
    Refusal::new(
        StatusCode::CONFLICT,
        "exists",
        format!("agent `{name}` exists"),
    )
    .hint(format!(
        "choose another name, or `tollgate agents remove {name}` first"
    ))
}
