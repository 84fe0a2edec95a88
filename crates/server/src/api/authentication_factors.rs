//! `/auth/factors`, `/auth/challenges` and `/user_management/users/{id}/auth_factors`: second factors. Those of a user
//! are required at sign-in; those without a user are the company's own, for any purpose for which it asks for a code.

use crate::domain::users::second_factors::{self, FactorSecret, NewFactor};
use crate::domain::{Act, Failure, users};
use crate::http::management::ManagementCall;
use crate::http::reply::Reply;
use crate::images::qr_code;
use countersign_protocol::id::AuthFactorId;
use countersign_protocol::management::fields::{Fields, MAX_NAME_LENGTH, Patch};
use countersign_protocol::management::page::PageRequest;
use countersign_protocol::management::views::{authentication_challenge_view, authentication_factor_view};
use countersign_protocol::model::{AuthenticationFactor, User};
use countersign_protocol::second_factor::enrolment;
use countersign_store::authentication_factor;
use http::StatusCode;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// The maximum length of a code: digits, and separators that users type between them.
const MAX_CODE_LENGTH: usize = 32;
/// The maximum length of a user's identifier.
const MAX_ID_LENGTH: usize = 64;
/// The maximum length of an account name in an application: it is part of a QR code.
const MAX_ACCOUNT_LENGTH: usize = 320;

/// The properties of a new factor in a request.
struct Wanted {
    issuer: Option<String>,
    account: Option<String>,
    secret: Option<FactorSecret>,
}

impl Wanted {
    fn read(fields: &mut Fields, brings_secret: bool) -> Self {
        let kind = fields.required_text("type", MAX_NAME_LENGTH);
        if !matches!(kind.as_str(), "" | "totp") {
            fields.refuse("type", "unsupported", "type must be totp: no other kind of factor is supported.");
        }
        let issuer = fields.optional_text("totp_issuer", MAX_NAME_LENGTH).value();
        let account = fields.optional_text("totp_user", MAX_ACCOUNT_LENGTH).value();
        let secret = match fields.secret("totp_secret") {
            Patch::Value(secret) if brings_secret => {
                let read = enrolment::from_text(secret.expose());
                if read.is_none() {
                    fields.refuse("totp_secret", "invalid", "totp_secret must be 16 to 64 bytes, as base32.");
                }
                read.map(Zeroizing::new)
            }
            _ => None,
        };
        Self { issuer, account, secret }
    }

    /// The factor to create; issuer and account default to the product's name and the user's address.
    fn factor(&self, act: &Act, user: Option<&User>) -> NewFactor {
        NewFactor {
            user_id: user.map(|user| user.id),
            issuer: self.issuer.clone().unwrap_or_else(|| act.product.clone()),
            account: self.account.clone().or_else(|| user.map(|user| user.email.clone())).unwrap_or_default(),
        }
    }
}

/// A factor with what is shown only once: its secret, and the QR code from which an application reads it.
fn shown_once(factor: &AuthenticationFactor, secret: &FactorSecret) -> Result<Value, Failure> {
    let uri = enrolment::uri(&factor.issuer, &factor.account, secret);
    let mut view = authentication_factor_view(factor);
    view["totp"]["secret"] = enrolment::to_text(secret).into();
    view["totp"]["qr_code"] = qr_code::picture(&uri)?.into();
    view["totp"]["uri"] = uri.into();
    Ok(view)
}

/// `POST /user_management/users/{id}/auth_factors`: creates a factor of this user, and the challenge that confirms it.
///
/// # Errors
/// 404, 409, 422.
pub async fn create_of_user(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let wanted = Wanted::read(&mut fields, true);
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let user = users::find_and_lock(tx, &act, &id).await?;
            let new = wanted.factor(&act, Some(&user));
            let (made, secret) = second_factors::enrol(tx, &act, new, wanted.secret).await?;
            let challenge = second_factors::challenge(tx, &act, &made).await?;
            let view = json!({
                "authentication_factor": shown_once(&made, &secret)?,
                "authentication_challenge": authentication_challenge_view(&challenge),
            });
            Ok(Reply::created(&view).showing_secret())
        })
    })
    .await
}

/// `GET /user_management/users/{id}/auth_factors`.
///
/// # Errors
/// 404, 422.
pub async fn list_of_user(call: ManagementCall) -> Result<Reply, Failure> {
    let request = PageRequest::parse(&call.query, |text| AuthFactorId::parse(text).ok())?;
    let mut reader = call.reader().await?;
    let user = users::find(&mut reader, &call.act(), call.path.get("id")).await?;
    let rows = authentication_factor::list(&mut reader, call.environment.id(), user.id, &request.slice()).await?;
    Ok(Reply::ok(&request.page(rows, |row| row.id).map(|row| authentication_factor_view(&row)).envelope()))
}

/// `POST /auth/factors/enroll`: creates a factor without a user, or of the named user.
///
/// # Errors
/// 404, 409, 422.
pub async fn create(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let wanted = Wanted::read(&mut fields, false);
    let user_id = fields.optional_text("user_id", MAX_ID_LENGTH).value();
    if user_id.is_none() && wanted.account.is_none() {
        fields.refuse("totp_user", "required", "totp_user is required for a factor that is no user's.");
    }
    fields.finish()?;
    call.commit(move |tx, act| {
        Box::pin(async move {
            let user = match &user_id {
                Some(id) => Some(users::find_and_lock(tx, &act, id).await?),
                None => None,
            };
            let (made, secret) = second_factors::enrol(tx, &act, wanted.factor(&act, user.as_ref()), None).await?;
            Ok(Reply::created(&shown_once(&made, &secret)?).showing_secret())
        })
    })
    .await
}

/// `GET /auth/factors/{id}`.
///
/// # Errors
/// 404.
pub async fn get(call: ManagementCall) -> Result<Reply, Failure> {
    let found = second_factors::find(&mut call.reader().await?, &call.act(), call.path.get("id")).await?;
    Ok(Reply::ok(&authentication_factor_view(&found)))
}

/// `DELETE /auth/factors/{id}`.
///
/// # Errors
/// 404.
pub async fn delete(call: ManagementCall) -> Result<Reply, Failure> {
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let found = second_factors::find(tx, &act, &id).await?;
            if !second_factors::delete(tx, &act, found.id).await? {
                return Err(Failure::not_found("Authentication factor", id));
            }
            Ok(Reply::no_content())
        })
    })
    .await
}

/// `POST /auth/factors/{id}/challenge`.
///
/// # Errors
/// 404, 422.
pub async fn challenge(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    // Has no use without text messages, but clients send it.
    let _ = fields.nullable_text("sms_template", MAX_NAME_LENGTH);
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.commit(move |tx, act| {
        Box::pin(async move {
            let found = second_factors::find(tx, &act, &id).await?;
            let made = second_factors::challenge(tx, &act, &found).await?;
            Ok(Reply::created(&authentication_challenge_view(&made)))
        })
    })
    .await
}

/// `POST /auth/challenges/{id}/verify`: whether the code was right. Never stored for a retry: a code is valid only
/// once.
///
/// # Errors
/// 400 `one_time_code_too_many_attempts`, 404, 422.
pub async fn verify(call: ManagementCall) -> Result<Reply, Failure> {
    let mut fields = call.fields()?;
    let code = fields.required_text("code", MAX_CODE_LENGTH);
    fields.finish()?;
    let id = call.path.get("id").to_owned();
    call.settle(move |tx, act| {
        Box::pin(async move {
            let verified = second_factors::verify(tx, &act, &id, &code).await?;
            Ok(verified.map(|(challenge, valid)| {
                let view = json!({"challenge": authentication_challenge_view(&challenge), "valid": valid});
                Reply::json(StatusCode::CREATED, &view)
            }))
        })
    })
    .await
}
