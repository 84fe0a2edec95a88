//! `grant_type=urn:workos:oauth:grant-type:magic-auth:code`.

use crate::domain::Failure;
use crate::domain::attempts::{self, API_SIGN_INS};
use crate::domain::users::{magic_auth, mailed_codes};
use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::pending::Proof;
use crate::user_management::{Refused, sign_in};
use countersign_protocol::model::{AuthenticationMethod, User, email_key};
use countersign_protocol::time::Timestamp;
use countersign_protocol::user_management::error::AuthenticateError;
use countersign_store::user;

/// What became of a code.
enum CodeCheck {
    /// It was right; this is the person, and the hash of their password.
    Right(Box<User>, Option<String>),
    /// It was not.
    Refused(mailed_codes::Refused),
    /// There were too many sign-ins; the next is allowed at this moment.
    TooMany(Timestamp),
}

/// Signs in with a mailed code.
///
/// # Errors
/// `invalid_one_time_code` and its like, also for an address without an account; too many tries; as [`sign_in::go_on`].
pub async fn answer(
    asking: &Asking<'_>,
    email: &str,
    code: &str,
    invitation_token: Option<&str>,
) -> Result<Reply, Refused> {
    sign_in::require_method(asking, AuthenticationMethod::MagicAuth)?;
    let act = asking.act();
    let client_info = asking.client_info();
    let (now, email, code) = (act.now, email.to_owned(), code.to_owned());
    // Refusals are committed: they are tries.
    let tried = asking.call.app.store.write::<CodeCheck, Failure, _>(move |tx| {
        Box::pin(async move {
            if let Err(over_at) = attempts::count(tx, &act, API_SIGN_INS, &email_key(&email)).await? {
                return Ok(CodeCheck::TooMany(over_at));
            }
            let proven = match magic_auth::redeem(tx, &act, (&email, &code), &client_info).await? {
                Ok(proven) => proven,
                Err(refused) => return Ok(CodeCheck::Refused(refused)),
            };
            attempts::clear(tx, &act, API_SIGN_INS, &email_key(&email)).await?;
            // As it is now: a password that somebody else may have set has gone.
            let hash = user::password_hash(tx, act.environment_id, proven.user().id).await?;
            Ok(CodeCheck::Right(Box::new(proven.user().clone()), hash))
        })
    });
    let tried = tried.await?;
    asking.call.app.catch_up().await;
    match tried {
        CodeCheck::Right(user, hash) => {
            let proof = Proof::new(asking, AuthenticationMethod::MagicAuth, (&user, hash.as_deref()), invitation_token);
            sign_in::go_on(asking, proof, None).await
        }
        CodeCheck::Refused(refused) => Err(AuthenticateError::Api(magic_auth::refusal(refused)).into()),
        CodeCheck::TooMany(over_at) => Err(Refused::too_many(over_at, now)),
    }
}
