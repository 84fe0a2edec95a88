//! What ends when a person's belonging ends: tokens that were issued on the strength of it.

use super::{Act, Failure};
use countersign_protocol::id::{OrganizationId, UserId};
use countersign_store::Tx;

/// A person no longer belongs to an organization, or not for now. Called while the membership's row is still there.
///
/// # Errors
/// Database errors.
pub async fn membership_ended(
    _tx: &mut Tx,
    _act: &Act,
    _user_id: UserId,
    _organization_id: OrganizationId,
) -> Result<(), Failure> {
    Ok(())
}

/// A person's account is about to be deleted. Called while its row is still there.
///
/// # Errors
/// Database errors.
pub async fn user_ended(_tx: &mut Tx, _act: &Act, _user_id: UserId) -> Result<(), Failure> {
    Ok(())
}
