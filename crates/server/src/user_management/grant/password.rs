//! `grant_type=password`.

use crate::domain::attempts::{API_SIGN_INS, PASSWORDS_FOR_ACCOUNT};
use crate::domain::users::password_check::{Checked, check};
use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::pending::Proof;
use crate::user_management::{Refused, sign_in};
use countersign_protocol::management::error::ApiError;
use countersign_protocol::model::{AuthenticationMethod, email_key};
use countersign_protocol::secret::Secret;
use countersign_protocol::user_management::error::AuthenticateError;

/// Signs in with address and password.
///
/// # Errors
/// `invalid_credentials`, whatever of the two is wrong; too many tries; as [`sign_in::go_on`].
pub async fn answer(
    asking: &Asking<'_>,
    email: &str,
    password: &str,
    invitation_token: Option<&str>,
) -> Result<Reply, Refused> {
    sign_in::require_method(asking, AuthenticationMethod::Password)?;
    let act = asking.act();
    let key = email_key(email);
    let counts = vec![(API_SIGN_INS, key.clone()), (PASSWORDS_FOR_ACCOUNT, key)];
    let app = &asking.call.app;
    let secret = Secret::new(password.to_owned());
    match check((&app.store, &app.passwords), &act, (email, secret), counts, asking.client_info()).await? {
        Checked::Right(user, hash, tries) => {
            tries.forget_now(&app.store, &act).await?;
            let proof = Proof::new(asking, AuthenticationMethod::Password, (&user, Some(&hash)), invitation_token);
            sign_in::go_on(asking, proof, None).await
        }
        Checked::Wrong => Err(AuthenticateError::invalid_credentials(email).into()),
        Checked::TooMany(over_at) => Err(Refused::too_many(over_at, act.now)),
        Checked::Busy => Err(Refused::Error(ApiError::Unavailable.into())),
    }
}
