//! Mail that acts send: written in the transaction of the act, delivered afterwards.

use super::{Act, Failure};
use countersign_protocol::model::Invitation;
use countersign_protocol::secret::Secret;
use countersign_store::Tx;

/// The mail with an invitation's link, in a language that was asked for.
///
/// # Errors
/// Database errors.
pub async fn invitation(
    _tx: &mut Tx,
    _act: &Act,
    _invitation: &Invitation,
    _token: &Secret,
    _locale: Option<&str>,
) -> Result<(), Failure> {
    Ok(())
}
