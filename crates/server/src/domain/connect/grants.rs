//! Consents, the grants that follow from them, and how these end.

use crate::domain::{Act, Failure, audit_log, events, sessions};
use countersign_protocol::audit::administrative::target;
use countersign_protocol::id::{
    ApplicationId, AuthorizedApplicationId, ConsentId, OrganizationId, TokenFamilyId, UserId,
};
use countersign_protocol::model::{Consent, SelfRegistered, TokenFamily};
use countersign_protocol::oauth::authorize::decision::covers;
use countersign_store::change::{self, Topic};
use countersign_store::{
    Tx, authentication_factor, consent, device_authorization, logout_notice, membership, self_registration, session,
    session_family, token_family,
};
use serde_json::json;

/// Ends everything issued for a user in an organization, after they have left it or were deactivated in it.
///
/// # Errors
/// Database errors.
pub async fn membership_ended(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<(), Failure> {
    sessions::end_in_organization(tx, act, user_id, organization_id).await?;
    // Permanently: a user who comes back later signs in again.
    token_family::end_of_member(tx, act.environment_id, user_id, organization_id, act.now).await?;
    session_family::end_of_member(tx, act.environment_id, user_id, organization_id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    Ok(())
}

/// Ends a user's sessions before the account is deleted; its consents, families and sessions are deleted with its row.
///
/// # Errors
/// Database errors.
pub async fn user_ended(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    sessions::end_all(tx, act, user_id).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    Ok(())
}

/// Ends everything issued for a user: whoever holds it may be somebody else.
///
/// # Errors
/// Database errors.
pub async fn end_all(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    // Device authorizations first: one that is just getting its family is waited for, and then the family ends.
    device_authorization::deny_approved_of_user(tx, act.environment_id, user_id).await?;
    token_family::end_of_user(tx, act.environment_id, user_id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    // Second factors that were never confirmed: their secrets were shown.
    for id in authentication_factor::delete_unconfirmed(tx, act.environment_id, user_id).await? {
        audit_log::note(tx, act, "authentication_factor.deleted", "authentication_factor", id).await?;
    }
    Ok(())
}

/// Ends what the company's own applications hold for a user, who was not asked for consent and finds them on no list.
/// Consents given to other applications stay until the user revokes them.
///
/// # Errors
/// Database errors.
pub async fn end_first_party(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    // Device authorizations first, as in `end_all`.
    device_authorization::deny_approved_first_party_of_user(tx, act.environment_id, user_id).await?;
    token_family::end_first_party_of_user(tx, act.environment_id, user_id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    Ok(())
}

/// Ends the sessions in an organization that is about to be deleted, and queues notices to applications. Its
/// memberships, consents and families are deleted with its row.
///
/// # Errors
/// Database errors.
pub async fn organization_ended(tx: &mut Tx, act: &Act, id: OrganizationId) -> Result<(), Failure> {
    // A sign-in that holds one of the memberships commits first: its session is among those that end.
    membership::lock_all_of_organization(tx, act.environment_id, id).await?;
    session::end_of_organization(tx, act.environment_id, id, act.now).await?;
    logout_notice::of_ended_organization(tx, act.environment_id, id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::Grants, act.now);
    Ok(())
}

/// Returns the consent among the earlier ones, `given`, that covers all that is `wanted` and need not change.
pub fn as_before(given: &[Consent], wanted: &Consent, registered: Option<SelfRegistered>) -> Option<ConsentId> {
    let known = given.iter().find(|given| given.organization_id == wanted.organization_id)?;
    says_all(known, wanted, registered).then_some(known.id)
}

fn says_all(known: &Consent, wanted: &Consent, registered: Option<SelfRegistered>) -> bool {
    // New choices count from now on; claims that were not offered this time keep their values.
    let chosen = wanted.choices.iter().all(|(claim, value)| known.choices.get(claim) == Some(value));
    !was_for_another(known, registered) && covers(&known.scopes, &wanted.scopes) && chosen
}

/// Whether a self-registered application showed users something else when this consent was given.
fn was_for_another(known: &Consent, registered: Option<SelfRegistered>) -> bool {
    registered.is_some_and(|registered| known.updated_at < registered.changed_at)
}

/// Returns the consent after `wanted` is added to it. Consent given when the application showed users something else no
/// longer counts.
fn joined(known: Consent, wanted: Consent, registered: Option<SelfRegistered>) -> Consent {
    let another = was_for_another(&known, registered);
    let mut joined = Consent { updated_at: wanted.updated_at, ..known };
    if another {
        joined.scopes.clear();
        joined.choices.clear();
    }
    let more: Vec<String> = wanted.scopes.into_iter().filter(|scope| !joined.scopes.contains(scope)).collect();
    joined.scopes.extend(more);
    joined.choices.extend(wanted.choices);
    joined
}

/// Stores a consent, merged with an earlier one for the same organization and resource. The identifier stays the same
/// while the consent exists. `registered` is the self-registration as it was shown to the user, which the consent is
/// for: its application is kept from now on.
///
/// # Errors
/// `ForeignKey` when the application has been deleted, or has changed what it shows users.
pub async fn agree(
    tx: &mut Tx,
    act: &Act,
    mut wanted: Consent,
    registered: Option<SelfRegistered>,
) -> Result<ConsentId, Failure> {
    if let Some(shown) = registered {
        // Before the consent: a registration that is being deleted at this moment accepts no consent.
        let now = self_registration::keep(tx, act.environment_id, wanted.application_id).await?;
        if now != Some(shown.changed_at) {
            return Err(countersign_store::Error::ForeignKey.into());
        }
        // Another node, whose clock is ahead, may have recorded the change: this consent was given after that.
        wanted.updated_at = wanted.updated_at.max(shown.changed_at);
        wanted.created_at = wanted.updated_at;
    }
    let kept = consent::of_user_and_application(
        tx,
        act.environment_id,
        wanted.user_id,
        wanted.application_id,
        &wanted.resource,
    )
    .await?;
    let known = match kept.into_iter().find(|kept| kept.organization_id == wanted.organization_id) {
        Some(known) => known,
        None => {
            // Another tab may have been faster: then its consent is kept, and found now.
            consent::insert(tx, act.environment_id, &wanted).await?;
            let kept = consent::of_user_and_application(
                tx,
                act.environment_id,
                wanted.user_id,
                wanted.application_id,
                &wanted.resource,
            )
            .await?;
            let found = kept.into_iter().find(|kept| kept.organization_id == wanted.organization_id);
            found.ok_or_else(|| Failure::internal("a consent was not kept"))?
        }
    };
    let id = known.id;
    if !says_all(&known, &wanted, registered) {
        // If two tabs consent to different things, the second adds to what the first has written.
        let known = consent::lock(tx, act.environment_id, id).await?.ok_or(countersign_store::Error::ForeignKey)?;
        consent::update(tx, act.environment_id, &joined(known, wanted, registered)).await?;
    }
    Ok(id)
}

/// Revokes a consent: its tokens are no longer valid.
///
/// # Errors
/// Database errors.
pub async fn take_back(tx: &mut Tx, act: &Act, id: ConsentId) -> Result<(), Failure> {
    // Not family by family: one may be created at this very moment.
    let found = consent::find(tx, act.environment_id, id).await?;
    if let Some(found) = &found {
        change::record(tx, act.environment_id, &Topic::GrantsOfUser(found.user_id), act.now);
    }
    consent::delete(tx, act.environment_id, id).await?;
    let target = target("authorized_connect_application", AuthorizedApplicationId::from(id));
    let organization_id = found.and_then(|found| found.organization_id);
    audit_log::record(tx, act, "authorized_connect_application.deleted", target, organization_id).await
}

/// Revokes everything that a user has allowed an application; returns `false` if there was nothing.
///
/// # Errors
/// Database errors.
pub async fn take_back_all(
    tx: &mut Tx,
    act: &Act,
    user_id: UserId,
    application_id: ApplicationId,
) -> Result<bool, Failure> {
    let ids = consent::all_of_application(tx, act.environment_id, user_id, application_id).await?;
    for id in &ids {
        take_back(tx, act, *id).await?;
    }
    Ok(!ids.is_empty())
}

/// Ends the token family of one authorization.
///
/// # Errors
/// Database errors.
pub async fn end_family(tx: &mut Tx, act: &Act, id: TokenFamilyId) -> Result<bool, Failure> {
    let ended = token_family::end(tx, act.environment_id, id, act.now).await?;
    if ended {
        change::record(tx, act.environment_id, &Topic::Grant(id), act.now);
    }
    Ok(ended)
}

/// Ends the family of a refresh token or code that was presented a second time, and records an event.
///
/// # Errors
/// Database errors.
pub async fn end_reused(tx: &mut Tx, act: &Act, event: &'static str, family_id: TokenFamilyId) -> Result<(), Failure> {
    if !end_family(tx, act, family_id).await? {
        return Ok(());
    }
    if let Some(TokenFamily { application_id, user_id, organization_id, consent_id, .. }) =
        token_family::find(tx, act.environment_id, family_id).await?
    {
        let data = json!({
            "object": "oauth_grant",
            "id": family_id,
            "application_id": application_id,
            "consent_id": consent_id,
            "user_id": user_id,
            "organization_id": organization_id,
        });
        events::record(tx, act, event, organization_id, &data).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::Id;
    use countersign_protocol::model::RegisteredGrants;
    use countersign_protocol::time::Timestamp;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn consent(scopes: &[&str], choice: Option<&str>, agreed_at: i64) -> Consent {
        Consent {
            id: Id::from_ulid(1),
            user_id: Id::from_ulid(2),
            application_id: Id::from_ulid(3),
            organization_id: None,
            resource: String::new(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            choices: choice.map(|value| ("plan".to_owned(), value.to_owned())).into_iter().collect(),
            created_at: at(0),
            updated_at: at(agreed_at),
        }
    }

    fn changed_at(second: i64) -> Option<SelfRegistered> {
        Some(SelfRegistered {
            changed_at: at(second),
            fresh_until: None,
            decision: None,
            grants: RegisteredGrants::UNSAID,
        })
    }

    #[test]
    fn more_is_added_to_what_was_agreed_to() {
        let known = || consent(&["openid", "email"], Some("a"), 10);
        let wanted = || consent(&["posts:read", "openid"], None, 20);
        for registered in [None, changed_at(10)] {
            let now = joined(known(), wanted(), registered);
            assert_eq!(
                now,
                Consent { updated_at: at(20), ..consent(&["openid", "email", "posts:read"], Some("a"), 0) }
            );
        }
    }

    #[test]
    fn what_was_agreed_to_for_what_an_application_was_before_does_not_come_back() {
        let known = consent(&["openid", "email", "offline_access"], Some("a"), 10);
        let wanted = consent(&["openid"], Some("b"), 20);
        assert!(says_all(&known, &consent(&["openid"], None, 20), changed_at(10)));
        assert!(!says_all(&known, &consent(&["openid"], None, 20), changed_at(11)));
        let now = joined(known, wanted.clone(), changed_at(11));
        assert_eq!(now, wanted);
        assert!(says_all(&now, &wanted, changed_at(11)), "agreed to, as it is now");
    }
}
