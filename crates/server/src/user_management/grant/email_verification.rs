//! `grant_type=urn:workos:oauth:grant-type:email-verification:code`.

use crate::http::reply::Reply;
use crate::user_management::authenticate::Asking;
use crate::user_management::{Refused, pending, sign_in};

/// Goes on with the proof that the address is theirs.
///
/// # Errors
/// `invalid_pending_authentication_token`; `invalid_one_time_code` and its like; as [`sign_in::go_on`].
pub async fn answer(asking: &Asking<'_>, token: &str, code: &str) -> Result<Reply, Refused> {
    let (proof, pending) = pending::open(asking, token).await?;
    sign_in::go_on(asking, proof, Some((pending, sign_in::Step::Address(code.to_owned())))).await
}
