//! Ends everything that a user is signed in to.

use crate::domain::connect::grants;
use crate::domain::{Act, Failure, sessions};
use countersign_protocol::id::UserId;
use countersign_store::{Tx, user};

/// Ends a user's sessions, and then the grants issued in them. A concurrent redemption holds the lock on its session:
/// either what it issued is ended here, or it finds the session ended. The caller has locked the account.
///
/// # Errors
/// Database errors.
pub async fn end_all(tx: &mut Tx, act: &Act, id: UserId) -> Result<(), Failure> {
    sessions::end_all(tx, act, id).await?;
    grants::end_all(tx, act, id).await
}

/// Ends every session of a user, and the grants of the company's own applications. A session that starts at the same
/// moment either started before the lock, and ends as well, or sees that what it would start from has ended.
///
/// # Errors
/// Database errors.
pub async fn sign_out_everywhere(tx: &mut Tx, act: &Act, id: UserId) -> Result<(), Failure> {
    user::lock(tx, act.environment_id, id).await?;
    sessions::end_all(tx, act, id).await?;
    grants::end_first_party(tx, act, id).await
}
