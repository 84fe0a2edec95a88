//! What people have allowed, and how it ends.

use crate::domain::{Act, Failure, audit_log, events, sessions};
use countersign_protocol::audit::administrative::target;
use countersign_protocol::id::{
    ApplicationId, AuthorizedApplicationId, ConsentId, OrganizationId, TokenFamilyId, UserId,
};
use countersign_protocol::model::{Consent, SelfRegistered, TokenFamily};
use countersign_protocol::oauth::authorize::decision::covers;
use countersign_store::change::{self, Topic};
use countersign_store::{
    Tx, authentication_factor, consent, device_authorization, logout_notice, self_registration, session,
    session_family, token_family,
};
use serde_json::json;

/// A person has left an organization, or may not act in it for now: nothing that was issued for it stands.
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
    // For good: who comes back later signs in anew.
    token_family::end_of_member(tx, act.environment_id, user_id, organization_id, act.now).await?;
    session_family::end_of_member(tx, act.environment_id, user_id, organization_id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    Ok(())
}

/// A person's account is about to go; consents, families and sessions go with its row.
///
/// # Errors
/// Database errors.
pub async fn user_ended(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    sessions::end_all(tx, act, user_id).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    Ok(())
}

/// Ends everything that was issued about a person: whoever holds it may not be them.
///
/// # Errors
/// Database errors.
pub async fn end_all(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    // Devices first: one that is just getting its family is waited for, and then the family ends.
    device_authorization::deny_approved_of_user(tx, act.environment_id, user_id).await?;
    token_family::end_of_user(tx, act.environment_id, user_id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    // The second factors that were begun and never confirmed: their secrets were shown.
    for id in authentication_factor::delete_unconfirmed(tx, act.environment_id, user_id).await? {
        audit_log::note(tx, act, "authentication_factor.deleted", "authentication_factor", id).await?;
    }
    Ok(())
}

/// Ends what the company's own applications hold about a person, who was not asked for it and finds it on no list. What they have
/// allowed others stays until they take it back.
///
/// # Errors
/// Database errors.
pub async fn end_first_party(tx: &mut Tx, act: &Act, user_id: UserId) -> Result<(), Failure> {
    // Devices first, as in `end_all`.
    device_authorization::deny_approved_first_party_of_user(tx, act.environment_id, user_id).await?;
    token_family::end_first_party_of_user(tx, act.environment_id, user_id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::GrantsOfUser(user_id), act.now);
    Ok(())
}

/// An organization is about to go, and its memberships, consents and families with its row: the sessions in it end, and
/// applications are told.
///
/// # Errors
/// Database errors.
pub async fn organization_ended(tx: &mut Tx, act: &Act, id: OrganizationId) -> Result<(), Failure> {
    session::end_of_organization(tx, act.environment_id, id, act.now).await?;
    logout_notice::of_ended_organization(tx, act.environment_id, id, act.now).await?;
    change::record(tx, act.environment_id, &Topic::Grants, act.now);
    Ok(())
}

/// The consent among those `given` before that says all that is `wanted`: it stands as it is.
pub fn as_before(given: &[Consent], wanted: &Consent, registered: Option<SelfRegistered>) -> Option<ConsentId> {
    let known = given.iter().find(|given| given.organization_id == wanted.organization_id)?;
    says_all(known, wanted, registered).then_some(known.id)
}

fn says_all(known: &Consent, wanted: &Consent, registered: Option<SelfRegistered>) -> bool {
    // What is chosen anew counts from now on; what was not offered this time stays as it was.
    let chosen = wanted.choices.iter().all(|(claim, value)| known.choices.get(claim) == Some(value));
    !was_for_another(known, registered) && covers(&known.scopes, &wanted.scopes) && chosen
}

/// Whether an application that nobody registered by hand showed something else of itself when this was agreed to.
fn was_for_another(known: &Consent, registered: Option<SelfRegistered>) -> bool {
    registered.is_some_and(|registered| known.updated_at < registered.changed_at)
}

/// What a consent says from now on, when this is agreed to as well. What was agreed to for an application that showed
/// something else of itself counts no more.
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

/// What is agreed to now, joined with what was agreed to before for the same organization and resource. The identifier
/// stays the same while the consent lives. `registered` is of an application that nobody registered by hand, as it was
/// shown: it is kept from now on, and what it showed of itself is what was agreed to.
///
/// # Errors
/// `ForeignKey` when the application has gone, or says something else of itself by now.
pub async fn agree(
    tx: &mut Tx,
    act: &Act,
    mut wanted: Consent,
    registered: Option<SelfRegistered>,
) -> Result<ConsentId, Failure> {
    if let Some(shown) = registered {
        // Before the consent: a registration that is being forgotten at this moment takes no consent any more.
        let now = self_registration::keep(tx, act.environment_id, wanted.application_id).await?;
        if now != Some(shown.changed_at) {
            return Err(countersign_store::Error::ForeignKey.into());
        }
        // Another node, whose clock is ahead, may have seen it change: this was agreed to after that.
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
            // Another tab may have been faster: then that one is kept, and found now.
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
        // Of two tabs that agree to different things, the second adds to what the first has written.
        let known = consent::lock(tx, act.environment_id, id).await?.ok_or(countersign_store::Error::ForeignKey)?;
        consent::update(tx, act.environment_id, &joined(known, wanted, registered)).await?;
    }
    Ok(id)
}

/// Takes a consent back: its tokens stand no more.
///
/// # Errors
/// Database errors.
pub async fn take_back(tx: &mut Tx, act: &Act, id: ConsentId) -> Result<(), Failure> {
    // Not family by family: one may be made at this very moment.
    let found = consent::find(tx, act.environment_id, id).await?;
    if let Some(found) = &found {
        change::record(tx, act.environment_id, &Topic::GrantsOfUser(found.user_id), act.now);
    }
    consent::delete(tx, act.environment_id, id).await?;
    let target = target("authorized_connect_application", AuthorizedApplicationId::from(id));
    let organization_id = found.and_then(|found| found.organization_id);
    audit_log::record(tx, act, "authorized_connect_application.deleted", target, organization_id).await
}

/// Takes back everything that a person has allowed an application; `false` when there was nothing.
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

/// Ends what one authorization has led to.
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

/// A token or code came a second time: what was issued for it ends, and an event says so.
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
