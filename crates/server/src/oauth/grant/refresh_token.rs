//! `grant_type=refresh_token`: one conditional write per rotation, none for the retry of the last one.

use super::token_response::TokenResponse;
use super::user_tokens::{self, Person};
use crate::http::oauth_call::{OAuthCall, oauth_error};
use countersign_protocol::model::TokenFamily;
use countersign_protocol::oauth::client_auth::AuthenticatedClient;
use countersign_protocol::oauth::error::OAuthError;
use countersign_protocol::oauth::grant::refresh_token::{Refused, rejection, rotate};
use countersign_protocol::oauth::refresh_token::RefreshToken;
use countersign_protocol::oauth::resource::issuable;
use countersign_store::{logout_notice, token_family};

/// The event of a token that came long after it was spent.
const REUSED: &str = "oauth.refresh_token_reused";
/// How often a rotation that somebody else was faster with is looked at again; the second look answers it as a retry.
const LOOKS: usize = 3;

/// Rotates a refresh token.
///
/// # Errors
/// `invalid_grant`, `invalid_scope`, `invalid_target`.
pub async fn issue(
    call: &OAuthCall,
    client: AuthenticatedClient<'_>,
    refresh_token: &str,
    scope: Option<&str>,
    resources: &[&str],
) -> Result<TokenResponse, OAuthError> {
    let environment_id = call.environment.id();
    let database = |error: countersign_store::Error| oauth_error(error.into());
    let token = RefreshToken::read(refresh_token, &call.app.keyring.refresh_token, environment_id);
    let token = token.ok_or_else(rejection)?;
    for _ in 0..LOOKS {
        let mut reader = call.app.store.reader().await.map_err(database)?;
        let family = token_family::find(&mut reader, environment_id, token.family_id).await.map_err(database)?;
        let policy = call.environment.environment.sessions;
        // By the policy of today: a shorter one counts for what was authorized before, too.
        let family = policy.bound(family.ok_or_else(rejection)?);
        let now = call.app.clock.now();
        let rotation = match rotate(&family, token.generation, client, scope, now) {
            Ok(rotation) => rotation,
            Err(Refused::Wrong(error)) => return Err(error),
            Err(Refused::Reused) => {
                drop(reader);
                return Err(user_tokens::end_reused(call, REUSED, family.id, rejection()).await);
            }
        };
        // A device was not asked what its tokens are for, and `resource` means nothing for it at first: so it does later.
        if let Err(wrong) = issuable(resources, &family.resource, &call.environment.resources)
            && (!family.resource.is_empty()
                || token_family::is_of_code(&mut reader, environment_id, family.id).await.map_err(database)?)
        {
            return Err(wrong);
        }
        // Asked at every refresh: is this still the person, and still a member?
        let person = Person::load(call, &mut reader, family.user_id, family.organization_id, rejection).await?;
        drop(reader);
        let next = TokenFamily { generation: rotation.generation, scopes: rotation.scopes, ..family.clone() };
        let rotated = rotation.repeated || {
            let idle_expires_at = now.plus_secs(policy.inactivity_timeout).min(family.expires_at);
            let scopes = next.scopes.clone();
            let told = user_tokens::backchannel_logout_session(client, &family);
            let written = call
                .app
                .store
                .write::<bool, countersign_store::Error, _>(move |tx| {
                    Box::pin(async move {
                        // The application may want to be told of sign-outs since after this one was signed in to.
                        if let Some(id) = told
                            && !logout_notice::is_noted(tx, environment_id, id, family.application_id).await?
                        {
                            let subject = family.persona.subject_of(family.user_id);
                            let who = (family.user_id, subject.as_str());
                            logout_notice::note(tx, environment_id, id, family.application_id, who, now).await?;
                        }
                        let moments = (now, idle_expires_at);
                        token_family::rotate(tx, environment_id, &family, &scopes, moments).await
                    })
                })
                .await;
            match written {
                Ok(rotated) => rotated,
                // The application is deleted at this moment; the next look finds its family gone.
                Err(countersign_store::Error::ForeignKey) => false,
                Err(error) => return Err(database(error)),
            }
        };
        if rotated {
            return user_tokens::issue(call, client, &next, person, None);
        }
    }
    Err(rejection())
}
