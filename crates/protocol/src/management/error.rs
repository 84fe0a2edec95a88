//! The errors of the management API, each with its status and body.

use serde_json::{Value, json};

/// A single validation error in a body or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field, such as `redirect_uris.0.uri`.
    pub field: String,
    /// A machine-readable error code.
    pub code: &'static str,
    /// A human-readable message.
    pub message: String,
}

impl FieldError {
    /// Creates a field error.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

/// An error of the management API. `Display` renders it for a user at a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// 400: the request is understood but cannot be carried out.
    BadRequest {
        /// The machine-readable code.
        code: &'static str,
        /// The message.
        message: String,
    },
    /// 400: the request cannot be carried out, for several individually listed reasons.
    NotPossible {
        /// The machine-readable code.
        code: &'static str,
        /// The message.
        message: String,
        /// Each reason: a code and a message.
        reasons: Vec<(&'static str, String)>,
    },
    /// 400: an audit log event does not match its action's schema; the mismatches, as JSON Pointers.
    InvalidAuditLogEvent(Vec<String>),
    /// 400 in OAuth's format, which the sign-in endpoints use.
    Protocol {
        /// The machine-readable code.
        error: &'static str,
        /// The description.
        description: String,
    },
    /// 400: a reserved claim that cannot be offered.
    ReservedClaim {
        /// The claim.
        claim: String,
    },
    /// 401: no API key, or an unknown one.
    Unauthorized,
    /// 403: the API key does not permit it.
    Forbidden {
        /// The machine-readable code.
        code: &'static str,
        /// The message.
        message: String,
    },
    /// 404: no such object in this environment.
    NotFound {
        /// The kind of object, in human-readable form.
        thing: &'static str,
        /// The requested identifier.
        id: String,
    },
    /// 404: no such path.
    NoSuchPath,
    /// 405: the path exists but does not support this method.
    MethodNotAllowed,
    /// 409: the request conflicts with existing data.
    Conflict {
        /// The machine-readable code.
        code: &'static str,
        /// The message.
        message: String,
    },
    /// 413: the request body is too large.
    TooLarge,
    /// 415: the body is not declared as JSON.
    UnsupportedMediaType,
    /// 421: no environment is served under this host.
    MisdirectedRequest,
    /// 422: the body or query is invalid.
    Validation(Vec<FieldError>),
    /// 422: one property is invalid, reported with the constraint it violates.
    Constraint {
        /// The property.
        property: &'static str,
        /// The machine-readable name of the constraint.
        constraint: &'static str,
        /// The message.
        message: String,
    },
    /// 422: the request is well-formed but refers to something invalid.
    Unprocessable {
        /// The machine-readable code.
        code: &'static str,
        /// The message.
        message: String,
    },
    /// 429: a specific limit is exceeded, reported with its own code.
    TooMany {
        /// The machine-readable code.
        code: &'static str,
        /// The message.
        message: String,
        /// Whole seconds until a retry is worthwhile.
        retry_after: u64,
    },
    /// 429: too many requests.
    RateLimited {
        /// Whole seconds until a retry is worthwhile.
        retry_after: u64,
    },
    /// 500: an internal error; details are in the log.
    Internal,
    /// 503: the server is temporarily unable to respond.
    Unavailable,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Validation(errors) => {
                let told: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
                f.write_str(&told.join(" "))
            }
            Self::NotPossible { message, reasons, .. } => {
                f.write_str(message)?;
                reasons.iter().try_for_each(|(_, sentence)| write!(f, " {sentence}"))
            }
            Self::InvalidAuditLogEvent(paths) => write!(f, "Invalid Audit Log event: {}.", paths.join(", ")),
            Self::Constraint { message, .. } => f.write_str(message),
            Self::Protocol { description, .. } => f.write_str(description),
            other => f.write_str(other.body()["message"].as_str().unwrap_or_default()),
        }
    }
}

impl ApiError {
    /// Creates a validation error with one entry.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Validation(vec![FieldError::new(field, code, message)])
    }

    /// Creates a 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::BadRequest { code, message: message.into() }
    }

    /// Creates a 400 in OAuth's format.
    pub fn protocol(error: &'static str, description: impl Into<String>) -> Self {
        Self::Protocol { error, description: description.into() }
    }

    /// Creates a 404 for an identifier.
    pub fn not_found(thing: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { thing, id: id.into() }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest { .. }
            | Self::NotPossible { .. }
            | Self::InvalidAuditLogEvent(_)
            | Self::Protocol { .. }
            | Self::ReservedClaim { .. } => 400,
            Self::Unauthorized => 401,
            Self::Forbidden { .. } => 403,
            Self::NotFound { .. } | Self::NoSuchPath => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict { .. } => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::MisdirectedRequest => 421,
            Self::Validation(_) | Self::Unprocessable { .. } | Self::Constraint { .. } => 422,
            Self::RateLimited { .. } | Self::TooMany { .. } => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// The body.
    pub fn body(&self) -> Value {
        match self {
            Self::BadRequest { code, message }
            | Self::Forbidden { code, message }
            | Self::Conflict { code, message }
            | Self::TooMany { code, message, .. }
            | Self::Unprocessable { code, message } => {
                json!({"code": code, "message": message})
            }
            Self::NotPossible { code, message, reasons } => json!({
                "code": code,
                "message": message,
                "errors": reasons
                    .iter()
                    .map(|(code, message)| json!({"code": code, "message": message}))
                    .collect::<Vec<_>>(),
            }),
            Self::InvalidAuditLogEvent(paths) => json!({
                "message": "Invalid Audit Log event.",
                "code": "invalid_audit_log_event",
                "errors": paths.iter().map(|path| json!({"instancePath": path})).collect::<Vec<_>>(),
            }),
            Self::Protocol { error, description } => json!({"error": error, "error_description": description}),
            Self::ReservedClaim { claim } => json!({
                "error": "Bad Request",
                "message": format!("Claim \"{claim}\" is reserved and cannot be used."),
            }),
            Self::Unauthorized => json!({"message": "Unauthorized"}),
            Self::NotFound { thing, id } => json!({
                "message": format!("{thing} not found: '{id}'."),
                "code": "entity_not_found",
                "entity_id": id,
            }),
            Self::NoSuchPath => json!({"message": "Not Found"}),
            Self::MethodNotAllowed => json!({"message": "Method Not Allowed"}),
            Self::TooLarge => json!({"code": "request_too_large", "message": "The request body is too large."}),
            Self::UnsupportedMediaType => json!({
                "code": "unsupported_media_type",
                "message": "Send the body as JSON, with 'Content-Type: application/json'.",
            }),
            Self::MisdirectedRequest => json!({
                "code": "unknown_host",
                "message": "No environment is served under this host. Check the URL, and that the proxy passes the Host header on.",
            }),
            Self::Validation(errors) => json!({
                "message": "Validation failed.",
                "code": "invalid_request_parameters",
                "errors": errors
                    .iter()
                    .map(|e| json!({"field": e.field, "code": e.code, "message": e.message}))
                    .collect::<Vec<_>>(),
            }),
            Self::Constraint { property, constraint, message } => json!({
                "message": "Validation failed.",
                "code": "invalid_request_parameters",
                "errors": [{"property": property, "constraints": {*constraint: message}}],
            }),
            Self::RateLimited { .. } => json!({
                "code": "rate_limit_exceeded",
                "message": "Rate limit exceeded. Try again after the time given in Retry-After.",
            }),
            Self::Internal => json!({
                "code": "internal_error",
                "message": "Something went wrong on our side. The X-Request-ID of this answer finds it in the log.",
            }),
            Self::Unavailable => json!({
                "code": "temporarily_unavailable",
                "message": "The server cannot answer this right now. Try again after the time given in Retry-After.",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_reads_as_a_sentence() {
        let check = |error: ApiError, expected: &str| assert_eq!(error.to_string(), expected);
        check(
            ApiError::not_found("Member of staff", "ada@example.com"),
            "Member of staff not found: 'ada@example.com'.",
        );
        check(ApiError::invalid("name", "required", "It is required."), "name: It is required.");
        check(ApiError::bad_request("x", "No."), "No.");
        check(ApiError::protocol("invalid_grant", "The code is old."), "The code is old.");
        check(ApiError::InvalidAuditLogEvent(vec!["/a".into(), "/b".into()]), "Invalid Audit Log event: /a, /b.");
        let reasons = vec![("a", "One.".to_owned()), ("b", "Two.".to_owned())];
        check(ApiError::NotPossible { code: "x", message: "No.".into(), reasons }, "No. One. Two.");
        let message = "It is too long.".to_owned();
        check(ApiError::Constraint { property: "a", constraint: "b", message }, "It is too long.");
        for error in [ApiError::Unauthorized, ApiError::Internal, ApiError::Unavailable, ApiError::TooLarge] {
            assert!(!error.to_string().is_empty());
        }
    }
}
