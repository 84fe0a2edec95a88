//! User accounts.

use crate::sql::{Paged, Query, Row, Value, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{EnvironmentId, OrganizationId, UserId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{User, email_key};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO user_account (environment_id, id, email, email_key, email_verified, first_name, last_name, name, ",
        "profile_picture_url, external_id, metadata, locale, last_sign_in_at, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)";
    INSERT_UNLESS_TAKEN = "INSERT INTO user_account (environment_id, id, email, email_key, email_verified, first_name, last_name, name, ",
        "profile_picture_url, external_id, metadata, locale, last_sign_in_at, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) ON CONFLICT DO NOTHING";
    // If another account already has the new key (the same address with its domain spelled differently), this one keeps
    // its key.
    UPDATE = "UPDATE user_account SET email = $3, email_key = CASE WHEN email = $3 AND EXISTS (SELECT 1 FROM user_account o ",
        "WHERE o.environment_id = $1 AND o.email_key = $4 AND o.id <> $2) THEN email_key ELSE $4 END, email_verified = $5, first_name = $6, last_name = $7, name = $8, ",
        "profile_picture_url = $9, external_id = $10, metadata = $11, locale = $12, last_sign_in_at = $13, updated_at = $14 ",
        "WHERE environment_id = $1 AND id = $2";
    SIGNED_IN = "UPDATE user_account SET last_sign_in_at = $3 WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE user_account SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    DELETE = "DELETE FROM user_account WHERE environment_id = $1 AND id = $2";
    FIND = "SELECT id, email, email_verified, first_name, last_name, name, profile_picture_url, external_id, metadata, locale, ",
        "last_sign_in_at, created_at, updated_at FROM user_account WHERE environment_id = $1 AND id = $2";
    FIND_BY_EMAIL = "SELECT id, email, email_verified, first_name, last_name, name, profile_picture_url, external_id, metadata, locale, ",
        "last_sign_in_at, created_at, updated_at FROM user_account WHERE environment_id = $1 AND email_key = $2";
    BEGINNING_WITH = "SELECT id, email, email_verified, first_name, last_name, name, profile_picture_url, external_id, metadata, locale, ",
        "last_sign_in_at, created_at, updated_at FROM user_account WHERE environment_id = $1 AND email_key >= $2 AND email_key < $3 ",
        "ORDER BY email_key LIMIT $4";
    FIND_TO_SIGN_IN = "SELECT u.id, u.email, u.email_verified, u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, ",
        "u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at, p.hash FROM user_account u ",
        "LEFT JOIN user_password p ON p.environment_id = u.environment_id AND p.user_id = u.id ",
        "WHERE u.environment_id = $1 AND u.email_key = $2";
    FIND_WITH_PASSWORD = "SELECT u.id, u.email, u.email_verified, u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, ",
        "u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at, p.hash FROM user_account u ",
        "LEFT JOIN user_password p ON p.environment_id = u.environment_id AND p.user_id = u.id ",
        "WHERE u.environment_id = $1 AND u.id = $2";
    FIND_BY_EXTERNAL_ID = "SELECT id, email, email_verified, first_name, last_name, name, profile_picture_url, external_id, metadata, ",
        "locale, last_sign_in_at, created_at, updated_at FROM user_account WHERE environment_id = $1 AND external_id = $2";
    LIST_DESCENDING = "SELECT id, email, email_verified, first_name, last_name, name, profile_picture_url, external_id, metadata, locale, ",
        "last_sign_in_at, created_at, updated_at FROM user_account WHERE environment_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    LIST_ASCENDING = "SELECT id, email, email_verified, first_name, last_name, name, profile_picture_url, external_id, metadata, locale, ",
        "last_sign_in_at, created_at, updated_at FROM user_account WHERE environment_id = $1 AND id > $2 ORDER BY id ASC LIMIT $3";
    MEMBERS_DESCENDING = "SELECT u.id, u.email, u.email_verified, u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, ",
        "u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at FROM organization_membership m ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id ",
        "WHERE m.environment_id = $1 AND m.organization_id = $4 AND m.status = 'active' AND m.user_id < $2 ORDER BY m.user_id DESC LIMIT $3";
    MEMBERS_ASCENDING = "SELECT u.id, u.email, u.email_verified, u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, ",
        "u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at FROM organization_membership m ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id ",
        "WHERE m.environment_id = $1 AND m.organization_id = $4 AND m.status = 'active' AND m.user_id > $2 ORDER BY m.user_id ASC LIMIT $3";
    PASSWORD = "SELECT hash FROM user_password WHERE environment_id = $1 AND user_id = $2";
    SET_PASSWORD = "INSERT INTO user_password (environment_id, user_id, hash, updated_at) VALUES ($1, $2, $3, $4) ",
        "ON CONFLICT (environment_id, user_id) DO UPDATE SET hash = excluded.hash, updated_at = excluded.updated_at";
    DELETE_PASSWORD = "DELETE FROM user_password WHERE environment_id = $1 AND user_id = $2";
    REPLACE_PASSWORD = "UPDATE user_password SET hash = $4, updated_at = $5 WHERE environment_id = $1 AND user_id = $2 AND hash = $3";
}

fn read(row: &Row) -> Result<User> {
    read_at(row, 0)
}

/// Reads a user whose columns begin at `first`.
pub(crate) fn read_at(row: &Row, first: usize) -> Result<User> {
    let text = |at: usize| -> Result<Option<String>> { Ok(row.opt_text(first + at)?.map(str::to_owned)) };
    Ok(User {
        id: row.parse(first)?,
        email: row.text(first + 1)?.to_owned(),
        email_verified: row.truth(first + 2)?,
        first_name: text(3)?,
        last_name: text(4)?,
        name: text(5)?,
        profile_picture_url: text(6)?,
        external_id: text(7)?,
        metadata: row.json(first + 8)?,
        locale: text(9)?,
        last_sign_in_at: row.opt_timestamp(first + 10)?,
        created_at: row.timestamp(first + 11)?,
        updated_at: row.timestamp(first + 12)?,
    })
}

fn metadata(user: &User) -> String {
    serde_json::to_string(&user.metadata).unwrap_or_else(|_| "{}".to_owned())
}

/// The parameters shared by inserts and updates, in the same positions; `at` comes last.
fn params(environment_id: EnvironmentId, user: &User, at: Timestamp) -> [Value<'_>; 14] {
    [
        environment_id.into(),
        user.id.into(),
        (&user.email).into(),
        email_key(&user.email).into(),
        user.email_verified.into(),
        user.first_name.as_ref().into(),
        user.last_name.as_ref().into(),
        user.name.as_ref().into(),
        user.profile_picture_url.as_ref().into(),
        user.external_id.as_ref().into(),
        metadata(user).into(),
        user.locale.as_ref().into(),
        user.last_sign_in_at.into(),
        at.into(),
    ]
}

/// Inserts an account.
///
/// # Errors
/// `Unique` if the email address or the external ID is taken.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, user: &User) -> Result<()> {
    let params = params(environment_id, user, user.created_at);
    tx.execute(INSERT, &params).await?;
    Ok(())
}

/// Inserts an account, unless one has its email address or its external ID. Of several concurrent callers, one gets
/// `true`; the others then find that account.
///
/// # Errors
/// Database errors.
pub async fn insert_unless_taken(tx: &mut Tx, environment_id: EnvironmentId, user: &User) -> Result<bool> {
    let params = params(environment_id, user, user.created_at);
    Ok(tx.execute(INSERT_UNLESS_TAKEN, &params).await? == 1)
}

/// Stores an account's mutable fields, except its password.
///
/// # Errors
/// `Unique` if the email address or the external ID is taken.
pub async fn update(tx: &mut Tx, environment_id: EnvironmentId, user: &User) -> Result<()> {
    let params = params(environment_id, user, user.updated_at);
    tx.execute(UPDATE, &params).await?;
    Ok(())
}

/// Records the time of the user's last sign-in.
///
/// # Errors
/// Database errors.
pub async fn signed_in(tx: &mut Tx, environment_id: EnvironmentId, id: UserId, now: Timestamp) -> Result<()> {
    tx.execute(SIGNED_IN, &[environment_id.into(), id.into(), now.into()]).await?;
    Ok(())
}

/// Locks an account until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, id: UserId) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), id.into()]).await? == 1)
}

/// Deletes an account with everything that belongs to it; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: UserId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Returns the account with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: UserId) -> Result<Option<User>> {
    query.query_opt(FIND, &[environment_id.into(), id.into()]).await?.as_ref().map(read).transpose()
}

/// Returns the account with this email address, in any spelling that has the same [`email_key`].
///
/// # Errors
/// Database errors.
pub async fn find_by_email(query: &mut impl Query, environment_id: EnvironmentId, email: &str) -> Result<Option<User>> {
    query
        .query_opt(FIND_BY_EMAIL, &[environment_id.into(), email_key(email).into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Returns the account with this external ID.
///
/// # Errors
/// Database errors.
pub async fn find_by_external_id(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    external_id: &str,
) -> Result<Option<User>> {
    query
        .query_opt(FIND_BY_EXTERNAL_ID, &[environment_id.into(), external_id.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Lists a slice of the accounts; with an organization, only its active members.
///
/// # Errors
/// Database errors.
pub async fn list(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    slice: &Slice<UserId>,
    organization_id: Option<OrganizationId>,
) -> Result<Vec<User>> {
    let rows = match organization_id {
        None => {
            let (sql, bound, limit) = Paged { descending: LIST_DESCENDING, ascending: LIST_ASCENDING }.pick(slice);
            reader.query(sql, &[environment_id.into(), bound, limit]).await?
        }
        Some(id) => {
            let (sql, bound, limit) =
                Paged { descending: MEMBERS_DESCENDING, ascending: MEMBERS_ASCENDING }.pick(slice);
            reader.query(sql, &[environment_id.into(), bound, limit, id.into()]).await?
        }
    };
    rows.iter().map(read).collect()
}

/// Returns the first `most` users whose email address begins with the given text, ordered by address.
///
/// # Errors
/// Database errors.
pub async fn with_address_beginning(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    beginning: &str,
    most: i64,
) -> Result<Vec<User>> {
    let from = email_key(beginning);
    // No address contains this character, and every other character sorts before it, in byte order too.
    let until = format!("{from}\u{10FFFF}");
    let params = [environment_id.into(), from.into(), until.into(), most.into()];
    query.query(BEGINNING_WITH, &params).await?.iter().map(read).collect()
}

/// Returns the user with an email address, and the hash of their password, if any.
///
/// # Errors
/// Database errors.
pub async fn find_to_sign_in(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    email: &str,
) -> Result<Option<(User, Option<String>)>> {
    let row = query.query_opt(FIND_TO_SIGN_IN, &[environment_id.into(), email_key(email).into()]).await?;
    row.as_ref().map(read_with_password).transpose()
}

/// Like [`find_to_sign_in`], by ID.
///
/// # Errors
/// Database errors.
pub async fn find_with_password(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: UserId,
) -> Result<Option<(User, Option<String>)>> {
    let row = query.query_opt(FIND_WITH_PASSWORD, &[environment_id.into(), id.into()]).await?;
    row.as_ref().map(read_with_password).transpose()
}

fn read_with_password(row: &Row) -> Result<(User, Option<String>)> {
    Ok((read(row)?, row.opt_text(13)?.map(str::to_owned)))
}

/// Returns the hash of an account's password, if it has one.
///
/// # Errors
/// Database errors.
pub async fn password_hash(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: UserId,
) -> Result<Option<String>> {
    let row = query.query_opt(PASSWORD, &[environment_id.into(), id.into()]).await?;
    row.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// Sets an account's password.
///
/// # Errors
/// Database errors.
pub async fn set_password_hash(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: UserId,
    hash: &str,
    now: Timestamp,
) -> Result<()> {
    tx.execute(SET_PASSWORD, &[environment_id.into(), id.into(), hash.into(), now.into()]).await?;
    Ok(())
}

/// Deletes an account's password.
///
/// # Errors
/// Database errors.
pub async fn delete_password(tx: &mut Tx, environment_id: EnvironmentId, id: UserId) -> Result<()> {
    tx.execute(DELETE_PASSWORD, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

/// Replaces the hash of an unchanged password; `false` if the password was changed or rehashed in the meantime.
///
/// # Errors
/// Database errors.
pub async fn rehash_password(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: UserId,
    (old, new): (&str, &str),
    now: Timestamp,
) -> Result<bool> {
    let params = [environment_id.into(), id.into(), old.into(), new.into(), now.into()];
    Ok(tx.execute(REPLACE_PASSWORD, &params).await? == 1)
}
