//! The keys derived from the data key: one per purpose, so that nothing made for one purpose is good for another.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use countersign_protocol::audit::chain::ChainKey;
use countersign_protocol::seal::{OpenError, SealKey};
use countersign_protocol::secret::DigestKey;
use zeroize::Zeroizing;

/// Every key we digest and seal with.
#[derive(Debug)]
pub struct Keyring {
    /// Digests of client secrets.
    pub client_secret: DigestKey,
    /// Digests of environments' API keys.
    pub environment_api_key: DigestKey,
    /// Digests of customers' API keys.
    pub api_key: DigestKey,
    /// Digests of idempotency keys and of the requests they came with.
    pub idempotency: DigestKey,
    /// Digests of authorization codes.
    pub authorization_code: DigestKey,
    /// Seals authorization codes.
    pub sealed_authorization_code: SealKey,
    /// Digests of what browsers bring back that were signed in elsewhere.
    pub external_authentication: DigestKey,
    /// Digests of device codes.
    pub device_code: DigestKey,
    /// Makes refresh tokens, and tells them from others.
    pub refresh_token: DigestKey,
    /// Digests of codes for environments' own applications.
    pub session_code: DigestKey,
    /// Digests of device codes for environments' own applications.
    pub session_device_code: DigestKey,
    /// Makes refresh tokens of sessions, and tells them from others.
    pub session_refresh_token: DigestKey,
    /// Tells whether an account is as it was when an authentication was left pending.
    pub pending_account: DigestKey,
    /// Seals pending authentications.
    pub pending_authentication: SealKey,
    /// Digests of session cookies.
    pub session: DigestKey,
    /// Makes the names that applications have for sessions.
    pub session_name: DigestKey,
    /// Makes the tokens that prove that a form is ours.
    pub csrf: DigestKey,
    /// Digests of password reset tokens.
    pub password_reset: DigestKey,
    /// Digests of what attempts are counted by.
    pub attempt: DigestKey,
    /// Seals what the browser carries from page to page.
    pub flow: SealKey,
    /// Seals the audit log.
    pub audit_log: ChainKey,
    /// Makes the addresses at which copies of audit logs can be had.
    pub audit_export: DigestKey,
    /// Seals the headers that go with streams of audit logs.
    pub audit_stream: SealKey,
    /// Seals messages on their way.
    pub mail: SealKey,
    /// Digests of invitations' tokens.
    pub invitation: DigestKey,
    /// Seals private signing keys.
    pub signing_key: SealKey,
    /// Seals replies kept for a retry.
    pub kept_reply: SealKey,
    /// Seals invitations' tokens.
    pub invitation_token: SealKey,
    /// Seals codes that are mailed.
    pub mailed_code: SealKey,
    /// Seals what codes of authenticator applications are made from.
    pub second_factor: SealKey,
    /// Seals the tokens of password resets.
    pub password_reset_token: SealKey,
    /// Seals what webhooks are signed with.
    pub webhook_secret: SealKey,
    /// Digests of links into the dashboard.
    pub staff_link: DigestKey,
    /// Digests of links to organizations' pages.
    pub portal_link: DigestKey,
    /// Digests of the cookies of visits there.
    pub portal_visit: DigestKey,
}

struct ThirtyTwo;
impl KeyType for ThirtyTwo {
    fn len(&self) -> usize {
        32
    }
}

fn derive(data_key: &Prk, purpose: &str) -> Result<Zeroizing<[u8; 32]>, OpenError> {
    let mut key = Zeroizing::new([0_u8; 32]);
    data_key
        .expand(&[b"countersign/v1/", purpose.as_bytes()], ThirtyTwo)
        .and_then(|okm| okm.fill(key.as_mut_slice()))
        .map_err(|_| OpenError)?;
    Ok(key)
}

impl Keyring {
    /// Derives every key (HKDF-SHA-256, RFC 5869).
    ///
    /// # Errors
    /// Only if the cryptographic library fails.
    pub fn new(data_key: &[u8]) -> Result<Self, OpenError> {
        let prk = Salt::new(HKDF_SHA256, b"countersign data key").extract(data_key);
        Ok(Self {
            client_secret: DigestKey::new(&*derive(&prk, "client-secret")?),
            environment_api_key: DigestKey::new(&*derive(&prk, "environment-api-key")?),
            api_key: DigestKey::new(&*derive(&prk, "api-key")?),
            idempotency: DigestKey::new(&*derive(&prk, "idempotency")?),
            authorization_code: DigestKey::new(&*derive(&prk, "authorization-code")?),
            sealed_authorization_code: SealKey::new(&*derive(&prk, "sealed-authorization-code")?)?,
            external_authentication: DigestKey::new(&*derive(&prk, "external-authentication")?),
            device_code: DigestKey::new(&*derive(&prk, "device-code")?),
            refresh_token: DigestKey::new(&*derive(&prk, "refresh-token")?),
            session_code: DigestKey::new(&*derive(&prk, "session-code")?),
            session_device_code: DigestKey::new(&*derive(&prk, "session-device-code")?),
            session_refresh_token: DigestKey::new(&*derive(&prk, "session-refresh-token")?),
            pending_account: DigestKey::new(&*derive(&prk, "pending-account")?),
            pending_authentication: SealKey::new(&*derive(&prk, "pending-authentication")?)?,
            session: DigestKey::new(&*derive(&prk, "session")?),
            session_name: DigestKey::new(&*derive(&prk, "session-name")?),
            csrf: DigestKey::new(&*derive(&prk, "csrf")?),
            password_reset: DigestKey::new(&*derive(&prk, "password-reset")?),
            attempt: DigestKey::new(&*derive(&prk, "attempt")?),
            flow: SealKey::new(&*derive(&prk, "flow")?)?,
            audit_log: ChainKey::new(&*derive(&prk, "audit-log")?),
            audit_export: DigestKey::new(&*derive(&prk, "audit-export")?),
            audit_stream: SealKey::new(&*derive(&prk, "audit-stream")?)?,
            mail: SealKey::new(&*derive(&prk, "mail")?)?,
            invitation: DigestKey::new(&*derive(&prk, "invitation")?),
            signing_key: SealKey::new(&*derive(&prk, "signing-key")?)?,
            kept_reply: SealKey::new(&*derive(&prk, "kept-reply")?)?,
            invitation_token: SealKey::new(&*derive(&prk, "invitation-token")?)?,
            mailed_code: SealKey::new(&*derive(&prk, "mailed-code")?)?,
            second_factor: SealKey::new(&*derive(&prk, "second-factor")?)?,
            password_reset_token: SealKey::new(&*derive(&prk, "password-reset-token")?)?,
            webhook_secret: SealKey::new(&*derive(&prk, "webhook-secret")?)?,
            staff_link: DigestKey::new(&*derive(&prk, "staff-link")?),
            portal_link: DigestKey::new(&*derive(&prk, "portal-link")?),
            portal_visit: DigestKey::new(&*derive(&prk, "portal-visit")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threat_38_every_purpose_has_a_key_of_its_own() {
        let keyring = Keyring::new(&[7; 32]).unwrap();
        let digests = [
            &keyring.client_secret,
            &keyring.environment_api_key,
            &keyring.api_key,
            &keyring.idempotency,
            &keyring.invitation,
            &keyring.portal_link,
            &keyring.portal_visit,
        ]
        .map(|key| *key.digest("same value").as_bytes());
        for (at, one) in digests.iter().enumerate() {
            assert!(digests[at + 1..].iter().all(|other| other != one));
        }
        let sealed = keyring.signing_key.seal(&["x"], b"private", [0; 12]).unwrap();
        assert!(keyring.kept_reply.open(&["x"], &sealed).is_err());
        for other in [
            &keyring.invitation_token,
            &keyring.mailed_code,
            &keyring.second_factor,
            &keyring.password_reset_token,
            &keyring.webhook_secret,
        ] {
            assert!(other.open(&["x"], &sealed).is_err());
        }
        assert!(Keyring::new(&[8; 32]).unwrap().signing_key.open(&["x"], &sealed).is_err());
    }
}
