//! A user's password in a request body: the password itself, or a hash from another system.

use crate::app::App;
use crate::domain::Failure;
use crate::passwords::strength;
use countersign_protocol::management::error::ApiError;
use countersign_protocol::management::fields::Fields;
use countersign_protocol::password::{HashType, MAX_HASH_LENGTH, SaltPosition, import};
use countersign_protocol::secret::Secret;

/// The fields, parsed but not yet checked against each other.
pub(super) struct PasswordFields {
    password: Option<Secret>,
    hash: Option<String>,
    kind: Option<HashType>,
    position: Option<SaltPosition>,
}

impl PasswordFields {
    /// Reads the fields, and records errors in them.
    pub(super) fn read(fields: &mut Fields) -> Self {
        let password = fields.secret("password").value();
        let hash = fields.optional_text("password_hash", MAX_HASH_LENGTH).value();
        let mut word = |field: &str, words: &str| {
            let text = fields.optional_text(field, 64).value()?;
            let known = match field {
                "password_hash_type" => HashType::parse(&text).is_some(),
                _ => SaltPosition::parse(&text).is_some(),
            };
            if !known {
                fields.refuse(field, "invalid", format!("{field} must be one of {words}."));
            }
            Some(text)
        };
        let kind_word = word("password_hash_type", "bcrypt, firebase-scrypt, ssha, ssha256, scrypt, pbkdf2, argon2");
        let position_word = word("password_salt_position", "prefix, suffix");
        let kind = kind_word.as_deref().and_then(HashType::parse);
        let position = position_word.as_deref().and_then(SaltPosition::parse);
        if password.is_none() {
            match (&hash, &kind_word) {
                (Some(_), None) => {
                    fields.require("password_hash_type", "password_hash_type is required with password_hash.");
                }
                (None, Some(_)) => {
                    fields.require("password_hash", "password_hash is required with password_hash_type.")
                }
                _ => {}
            }
        }
        if hash.is_some() && position.is_some() && kind.is_some_and(|kind| kind != HashType::Ssha256) {
            fields.refuse("password_salt_position", "not_allowed", "password_salt_position goes with ssha256 only.");
        }
        Self { password, hash, kind, position }
    }

    /// Checks the fields against each other and makes the hash to store, if any. This takes time, and belongs before
    /// the transaction. A password made of what is `known` about the user is rejected.
    ///
    /// # Errors
    /// 400; 503 when too many passwords are being hashed.
    pub(super) async fn into_hash(self, app: &App, known: &[&str]) -> Result<Option<String>, Failure> {
        let refused = |code, message: &str| Err(Failure::bad_request(code, message));
        match (self.password, self.hash) {
            (Some(_), Some(_)) => {
                refused("password_and_password_hash_provided", "Send a password or a password_hash, not both.")
            }
            (Some(_), None) if self.kind.is_some() => refused(
                "password_and_password_hash_type_provided",
                "password_hash_type goes with password_hash, not with a password.",
            ),
            (_, None) if self.position.is_some() => refused(
                "password_salt_position_requires_password_hash",
                "password_salt_position goes with password_hash.",
            ),
            (Some(password), None) => {
                strength(password.expose(), known).map_err(|weakness| {
                    Failure::Refused(ApiError::NotPossible {
                        code: "password_strength_error",
                        message: "The password is not strong enough.".to_owned(),
                        reasons: vec![(weakness.code(), weakness.message())],
                    })
                })?;
                Ok(Some(app.passwords.hash(password).await?))
            }
            (None, Some(hash)) => {
                let imported =
                    self.kind.and_then(|kind| import(kind, &hash, self.position.unwrap_or(SaltPosition::Suffix)));
                match imported {
                    Some(stored) => Ok(Some(stored)),
                    None => refused(
                        "invalid_password_hash",
                        "password_hash is no hash of this type, or one that takes more memory or time than is given.",
                    ),
                }
            }
            (None, None) => Ok(None),
        }
    }
}
