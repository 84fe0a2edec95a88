//! `grant_type=urn:workos:oauth:grant-type:mfa-totp`.

use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::{Refused, pending, sign_in};

/// Goes on with the code of a second factor.
///
/// # Errors
/// `invalid_pending_authentication_token`; `invalid_one_time_code` and its like; 404; as [`sign_in::go_on`].
pub async fn answer(asking: &Asking<'_>, token: &str, (challenge_id, code): (&str, &str)) -> Result<Reply, Refused> {
    let (proof, pending) = pending::open(asking, token).await?;
    let step = sign_in::Step::SecondFactor { challenge_id: challenge_id.to_owned(), code: code.to_owned() };
    sign_in::go_on(asking, proof, Some((pending, step))).await
}
