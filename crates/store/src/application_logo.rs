//! Logos of Connect applications. In a table of their own, as most applications have none.

use crate::sql::{Query, statements};
use crate::{Result, Tx, image};
use countersign_protocol::id::{ApplicationId, EnvironmentId};
use countersign_protocol::model::Logo;

statements! {
    SET = "INSERT INTO application_logo (environment_id, application_id, light, dark) VALUES ($1, $2, $3, $4) ",
        "ON CONFLICT (environment_id, application_id) DO UPDATE SET light = excluded.light, dark = excluded.dark";
    FIND = "SELECT l.digest, l.source, l.width, l.height, l.seen_on_light, l.seen_on_dark, ",
        "d.digest, d.source, d.width, d.height, d.seen_on_light, d.seen_on_dark FROM application_logo a ",
        "LEFT JOIN image l ON l.environment_id = a.environment_id AND l.digest = a.light ",
        "LEFT JOIN image d ON d.environment_id = a.environment_id AND d.digest = a.dark ",
        "WHERE a.environment_id = $1 AND a.application_id = $2";
}

/// Returns an application's logo; empty if it has none.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId, id: ApplicationId) -> Result<Logo> {
    match query.query_opt(FIND, &[environment_id.into(), id.into()]).await? {
        Some(row) => Ok(Logo { light: image::read(&row, 0)?, dark: image::read(&row, 6)? }),
        None => Ok(Logo::default()),
    }
}

/// Stores an application's logo. Its images already exist.
///
/// # Errors
/// `ForeignKey` if there is no such application.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, id: ApplicationId, logo: &Logo) -> Result<()> {
    let digest = |image: Option<countersign_protocol::model::Image>| image.map(|image| image.digest).into();
    tx.execute(SET, &[environment_id.into(), id.into(), digest(logo.light), digest(logo.dark)]).await?;
    Ok(())
}
