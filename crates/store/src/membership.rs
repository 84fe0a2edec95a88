//! Organization memberships and their roles.

use crate::organization::{containing, contains};
use crate::sql::{Paged, Query, Row, statements};
use crate::{Reader, Result, Tx};
use countersign_protocol::id::{EnvironmentId, MembershipId, OrganizationId, UserId};
use countersign_protocol::management::page::Slice;
use countersign_protocol::model::{Membership, MembershipStatus, User};
use countersign_protocol::time::Timestamp;

statements! {
    INSERT = "INSERT INTO organization_membership (environment_id, id, user_id, organization_id, status, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $6)";
    SET_STATUS = "UPDATE organization_membership SET status = $3, updated_at = $4 WHERE environment_id = $1 AND id = $2";
    LOCK = "UPDATE organization_membership SET updated_at = updated_at WHERE environment_id = $1 AND id = $2";
    LOCK_ALL_OF_USER = "UPDATE organization_membership SET updated_at = updated_at WHERE environment_id = $1 AND user_id = $2";
    LOCK_ALL_OF_ORGANIZATION = "UPDATE organization_membership SET updated_at = updated_at ",
        "WHERE environment_id = $1 AND organization_id = $2";
    HOLD = "UPDATE organization_membership SET updated_at = updated_at ",
        "WHERE environment_id = $1 AND user_id = $2 AND organization_id = $3 AND status = 'active'";
    DELETE = "DELETE FROM organization_membership WHERE environment_id = $1 AND id = $2";
    INSERT_ROLE = "INSERT INTO membership_role (environment_id, membership_id, position, role_slug) VALUES ($1, $2, $3, $4)";
    DELETE_ROLES = "DELETE FROM membership_role WHERE environment_id = $1 AND membership_id = $2";
    ROLES = "SELECT m.role_slug FROM membership_role m LEFT JOIN role r ON r.environment_id = m.environment_id AND r.slug = m.role_slug ",
        "WHERE m.environment_id = $1 AND m.membership_id = $2 ",
        "ORDER BY r.priority, CASE m.role_slug WHEN 'member' THEN 1 ELSE 0 END, r.id, m.position";
    FIND = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at FROM organization_membership m ",
        "JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "WHERE m.environment_id = $1 AND m.id = $2";
    FIND_OF_USER = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at FROM organization_membership m ",
        "JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "WHERE m.environment_id = $1 AND m.user_id = $2 AND m.organization_id = $3";
    ACTIVE_OF_USER = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at FROM organization_membership m ",
        "JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "WHERE m.environment_id = $1 AND m.user_id = $2 AND m.status = 'active' ORDER BY m.id LIMIT $3";
    ACTIVE_OF_USER_NAMED = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at FROM organization_membership m ",
        "JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "WHERE m.environment_id = $1 AND m.user_id = $2 AND m.status = 'active' AND o.search_name LIKE $4 ESCAPE '\\' ORDER BY m.id LIMIT $3";
    IS_ACTIVE = "SELECT 1 FROM organization_membership WHERE environment_id = $1 AND user_id = $2 AND organization_id = $3 AND status = 'active'";
    OF_USER_DESCENDING = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at, u.id, u.email, u.email_verified, ",
        "u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at ",
        "FROM organization_membership m JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id WHERE m.environment_id = $1 AND m.user_id = $4 AND m.id < $2 ",
        "AND m.status IN ($5, $6, $7) ORDER BY m.id DESC LIMIT $3";
    OF_USER_ASCENDING = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at, u.id, u.email, u.email_verified, ",
        "u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at ",
        "FROM organization_membership m JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id WHERE m.environment_id = $1 AND m.user_id = $4 AND m.id > $2 ",
        "AND m.status IN ($5, $6, $7) ORDER BY m.id ASC LIMIT $3";
    OF_ORGANIZATION_DESCENDING = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at, u.id, u.email, u.email_verified, ",
        "u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at ",
        "FROM organization_membership m JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id WHERE m.environment_id = $1 AND m.organization_id = $4 AND m.id < $2 ",
        "AND m.status IN ($5, $6, $7) ORDER BY m.id DESC LIMIT $3";
    OF_ORGANIZATION_ASCENDING = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at, u.id, u.email, u.email_verified, ",
        "u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at ",
        "FROM organization_membership m JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id WHERE m.environment_id = $1 AND m.organization_id = $4 AND m.id > $2 ",
        "AND m.status IN ($5, $6, $7) ORDER BY m.id ASC LIMIT $3";
    MATCHING_DESCENDING = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at, u.id, u.email, u.email_verified, ",
        "u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at ",
        "FROM organization_membership m JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id WHERE m.environment_id = $1 AND m.organization_id = $4 AND m.id < $2 ",
        "AND lower(COALESCE(u.name, '') || ' ' || COALESCE(u.first_name, '') || ' ' || COALESCE(u.last_name, '') || ' ' || u.email) ",
        "LIKE $5 ESCAPE '\\' ORDER BY m.id DESC LIMIT $3";
    MATCHING_ASCENDING = "SELECT m.id, m.user_id, m.organization_id, o.name, m.status, m.created_at, m.updated_at, u.id, u.email, u.email_verified, ",
        "u.first_name, u.last_name, u.name, u.profile_picture_url, u.external_id, u.metadata, u.locale, u.last_sign_in_at, u.created_at, u.updated_at ",
        "FROM organization_membership m JOIN organization o ON o.environment_id = m.environment_id AND o.id = m.organization_id ",
        "JOIN user_account u ON u.environment_id = m.environment_id AND u.id = m.user_id WHERE m.environment_id = $1 AND m.organization_id = $4 AND m.id > $2 ",
        "AND lower(COALESCE(u.name, '') || ' ' || COALESCE(u.first_name, '') || ' ' || COALESCE(u.last_name, '') || ' ' || u.email) ",
        "LIKE $5 ESCAPE '\\' ORDER BY m.id ASC LIMIT $3";
}

/// The owner of the memberships to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A user's.
    User(UserId),
    /// An organization's.
    Organization(OrganizationId),
}

async fn read(query: &mut impl Query, environment_id: EnvironmentId, row: &Row) -> Result<Membership> {
    let id: MembershipId = row.parse(0)?;
    let roles = query.query(ROLES, &[environment_id.into(), id.into()]).await?;
    Ok(Membership {
        id,
        user_id: row.parse(1)?,
        organization_id: row.parse(2)?,
        organization_name: row.text(3)?.to_owned(),
        status: row.word(4, MembershipStatus::parse)?,
        roles: roles.iter().map(|row| Ok(row.text(0)?.to_owned())).collect::<Result<_>>()?,
        created_at: row.timestamp(5)?,
        updated_at: row.timestamp(6)?,
    })
}

async fn read_all(query: &mut impl Query, environment_id: EnvironmentId, rows: &[Row]) -> Result<Vec<Membership>> {
    let mut memberships = Vec::with_capacity(rows.len());
    for row in rows {
        memberships.push(read(query, environment_id, row).await?);
    }
    Ok(memberships)
}

/// Inserts a membership, with its roles.
///
/// # Errors
/// `Unique` if the user already belongs to the organization; `ForeignKey` if there is no such user or organization.
pub async fn insert(tx: &mut Tx, environment_id: EnvironmentId, membership: &Membership) -> Result<()> {
    let params = [
        environment_id.into(),
        membership.id.into(),
        membership.user_id.into(),
        membership.organization_id.into(),
        membership.status.as_str().into(),
        membership.created_at.into(),
    ];
    tx.execute(INSERT, &params).await?;
    set_roles(tx, environment_id, membership.id, &membership.roles).await
}

/// Replaces the roles of a membership.
///
/// # Errors
/// Database errors.
pub async fn set_roles(tx: &mut Tx, environment_id: EnvironmentId, id: MembershipId, roles: &[String]) -> Result<()> {
    tx.execute(DELETE_ROLES, &[environment_id.into(), id.into()]).await?;
    for (position, slug) in (0_i64..).zip(roles) {
        tx.execute(INSERT_ROLE, &[environment_id.into(), id.into(), position.into(), slug.into()]).await?;
    }
    Ok(())
}

/// Stores a membership's status and the time of the change.
///
/// # Errors
/// Database errors.
pub async fn set_status(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: MembershipId,
    status: MembershipStatus,
    now: Timestamp,
) -> Result<()> {
    tx.execute(SET_STATUS, &[environment_id.into(), id.into(), status.as_str().into(), now.into()]).await?;
    Ok(())
}

/// Locks a membership until the transaction ends; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn lock(tx: &mut Tx, environment_id: EnvironmentId, id: MembershipId) -> Result<bool> {
    Ok(tx.execute(LOCK, &[environment_id.into(), id.into()]).await? == 1)
}

/// Locks all memberships of a user until the transaction ends.
///
/// # Errors
/// Database errors.
pub async fn lock_all_of_user(tx: &mut Tx, environment_id: EnvironmentId, user_id: UserId) -> Result<()> {
    tx.execute(LOCK_ALL_OF_USER, &[environment_id.into(), user_id.into()]).await?;
    Ok(())
}

/// Locks all memberships of an organization until the transaction ends, against changes and [`hold`].
///
/// # Errors
/// Database errors.
pub async fn lock_all_of_organization(tx: &mut Tx, environment_id: EnvironmentId, id: OrganizationId) -> Result<()> {
    tx.execute_at_length(LOCK_ALL_OF_ORGANIZATION, &[environment_id.into(), id.into()]).await?;
    Ok(())
}

/// Locks a user's active membership, so that suspending or ending it waits for this transaction; `false` if they are
/// not an active member. Anything issued on the strength of a membership is issued after this call, and before anything
/// of the session is locked: ending a membership takes its locks in the same order, and so also ends what was issued a
/// moment earlier.
///
/// # Errors
/// Database errors.
pub async fn hold(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<bool> {
    Ok(tx.execute(HOLD, &[environment_id.into(), user_id.into(), organization_id.into()]).await? == 1)
}

/// Deletes a membership; `false` if it does not exist.
///
/// # Errors
/// Database errors.
pub async fn delete(tx: &mut Tx, environment_id: EnvironmentId, id: MembershipId) -> Result<bool> {
    Ok(tx.execute(DELETE, &[environment_id.into(), id.into()]).await? == 1)
}

/// Returns the membership with this ID.
///
/// # Errors
/// Database errors.
pub async fn find(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: MembershipId,
) -> Result<Option<Membership>> {
    match query.query_opt(FIND, &[environment_id.into(), id.into()]).await? {
        Some(row) => read(query, environment_id, &row).await.map(Some),
        None => Ok(None),
    }
}

/// Returns a user's membership in an organization, whatever its status.
///
/// # Errors
/// Database errors.
pub async fn find_of_user(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<Option<Membership>> {
    match query.query_opt(FIND_OF_USER, &[environment_id.into(), user_id.into(), organization_id.into()]).await? {
        Some(row) => read(query, environment_id, &row).await.map(Some),
        None => Ok(None),
    }
}

/// Returns up to `most` of a user's active memberships, oldest first; with a search text, only those in organizations
/// whose name contains it, ignoring case.
///
/// # Errors
/// Database errors.
pub async fn active_of_user(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
    most: i64,
    search: Option<&str>,
) -> Result<Vec<Membership>> {
    let mut params = vec![environment_id.into(), user_id.into(), most.into()];
    params.extend(search.map(|text| contains(text).into()));
    let sql = if search.is_some() { ACTIVE_OF_USER_NAMED } else { ACTIVE_OF_USER };
    let rows = query.query(sql, &params).await?;
    read_all(query, environment_id, &rows).await
}

/// Whether a user is an active member of an organization.
///
/// # Errors
/// Database errors.
pub async fn is_active(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    user_id: UserId,
    organization_id: OrganizationId,
) -> Result<bool> {
    let params = [environment_id.into(), user_id.into(), organization_id.into()];
    Ok(query.query_opt(IS_ACTIVE, &params).await?.is_some())
}

/// Lists a slice of a user's or an organization's memberships with these statuses, each with its user.
///
/// # Errors
/// Database errors.
pub async fn list(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    slice: &Slice<MembershipId>,
    of: Of,
    statuses: &[MembershipStatus],
) -> Result<Vec<(Membership, User)>> {
    let (paged, owner) = match of {
        Of::User(id) => (Paged { descending: OF_USER_DESCENDING, ascending: OF_USER_ASCENDING }, id.into()),
        Of::Organization(id) => {
            (Paged { descending: OF_ORGANIZATION_DESCENDING, ascending: OF_ORGANIZATION_ASCENDING }, id.into())
        }
    };
    let (sql, bound, limit) = paged.pick(slice);
    let mut params = vec![environment_id.into(), bound, limit, owner];
    // There are three statuses; for fewer, the last one is repeated.
    params.extend((0..3).map(|at| statuses.get(at).or(statuses.last()).map(|status| status.as_str()).into()));
    let rows = query.query(sql, &params).await?;
    with_people(query, environment_id, &rows).await
}

/// Lists an organization's memberships whose user's name or email address contains the text, whatever the status. Scans
/// every member. Ignores the case of ASCII letters only.
///
/// # Errors
/// Database errors.
pub async fn search(
    reader: &mut Reader,
    environment_id: EnvironmentId,
    slice: &Slice<MembershipId>,
    organization_id: OrganizationId,
    text: &str,
) -> Result<Vec<(Membership, User)>> {
    let (sql, bound, limit) = Paged { descending: MATCHING_DESCENDING, ascending: MATCHING_ASCENDING }.pick(slice);
    let pattern = containing(&text.to_ascii_lowercase());
    let rows =
        reader.scan(sql, vec![environment_id.into(), bound, limit, organization_id.into(), pattern.into()]).await?;
    with_people(reader, environment_id, &rows).await
}

async fn with_people(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    rows: &[Row],
) -> Result<Vec<(Membership, User)>> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        found.push((read(query, environment_id, row).await?, crate::user::read_at(row, 7)?));
    }
    Ok(found)
}
