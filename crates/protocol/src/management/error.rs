//! The errors of the management API: one list that gives each its status and its body.

use serde_json::{Value, json};

/// One thing wrong with a body or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Where, as a path such as `redirect_uris.0.uri`.
    pub field: String,
    /// What, as a word for programs.
    pub code: &'static str,
    /// What, as a sentence for people.
    pub message: String,
}

impl FieldError {
    /// A field error.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }
}

/// An error of the management API. As text it is what a person at a terminal is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// 400: understood and not possible.
    BadRequest {
        /// The word for programs.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// 400: not possible, for reasons that are told one by one.
    NotPossible {
        /// The word for programs.
        code: &'static str,
        /// The sentence.
        message: String,
        /// Each reason: a word for programs and a sentence.
        reasons: Vec<(&'static str, String)>,
    },
    /// 400: an audit log event is not what the schema of its action says; the places, as JSON Pointers.
    InvalidAuditLogEvent(Vec<String>),
    /// 400, in the words of OAuth: the endpoints that sign people in speak them.
    Protocol {
        /// The word for programs.
        error: &'static str,
        /// The sentence.
        description: String,
    },
    /// 400: a claim that nobody may choose.
    ReservedClaim {
        /// The claim.
        claim: String,
    },
    /// 401: no key, or none that we know.
    Unauthorized,
    /// 403: the key does not allow it.
    Forbidden {
        /// The word for programs.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// 404: no such thing in this environment.
    NotFound {
        /// What was looked for, as people call it.
        thing: &'static str,
        /// The identifier that was given.
        id: String,
    },
    /// 404: no such path.
    NoSuchPath,
    /// 405: the path exists and does not take this method.
    MethodNotAllowed,
    /// 409: it collides with what exists.
    Conflict {
        /// The word for programs.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// 413: the body is larger than any request needs.
    TooLarge,
    /// 415: the body is not declared as JSON.
    UnsupportedMediaType,
    /// 421: no environment has this host.
    MisdirectedRequest,
    /// 422: the body or the query is not of the right form.
    Validation(Vec<FieldError>),
    /// 422: one property is wrong, told by the constraint it does not meet.
    Constraint {
        /// The property.
        property: &'static str,
        /// The constraint, as a word for programs.
        constraint: &'static str,
        /// The sentence.
        message: String,
    },
    /// 422: the form is right and what it names is not.
    Unprocessable {
        /// The word for programs.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// 429: too many of one thing, which has a word of its own.
    TooMany {
        /// The word for programs.
        code: &'static str,
        /// The sentence.
        message: String,
        /// Whole seconds until it is worth trying again.
        retry_after: u64,
    },
    /// 429: too many requests.
    RateLimited {
        /// Whole seconds until it is worth trying again.
        retry_after: u64,
    },
    /// 500: we failed. The log knows more.
    Internal,
    /// 503: we cannot answer now and may later.
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
    /// A validation error with one entry.
    pub fn invalid(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Validation(vec![FieldError::new(field, code, message)])
    }

    /// A 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::BadRequest { code, message: message.into() }
    }

    /// A 400 in the words of OAuth.
    pub fn protocol(error: &'static str, description: impl Into<String>) -> Self {
        Self::Protocol { error, description: description.into() }
    }

    /// A 404 for an identifier.
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
