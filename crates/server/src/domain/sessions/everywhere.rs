//! The end of everything that somebody is signed in to.

use crate::domain::connect::grants;
use crate::domain::{Act, Failure, sessions};
use countersign_protocol::id::UserId;
use countersign_store::{Tx, user};

/// Ends the sessions of a person, and then what was issued in them: who redeems something at this moment holds its session,
/// and has either made what ends here or finds the session ended. Whoever asks has locked the account.
///
/// # Errors
/// Database errors.
pub async fn end_all(tx: &mut Tx, act: &Act, id: UserId) -> Result<(), Failure> {
    sessions::end_all(tx, act, id).await?;
    grants::end_all(tx, act, id).await
}

/// Ends every session of a person, and what the company's own applications hold besides. A session that begins at this moment
/// has begun before, and ends as well, or sees what it would begin from ended.
///
/// # Errors
/// Database errors.
pub async fn sign_out_everywhere(tx: &mut Tx, act: &Act, id: UserId) -> Result<(), Failure> {
    user::lock(tx, act.environment_id, id).await?;
    sessions::end_all(tx, act, id).await?;
    grants::end_first_party(tx, act, id).await
}
