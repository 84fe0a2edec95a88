//! Where users sign in, if not here (Standalone Connect): per environment, and for applications that differ.

use crate::sql::{Query, statements};
use crate::{Result, Tx};
use countersign_protocol::id::{ApplicationId, EnvironmentId};
use countersign_protocol::model::{LoginUri, Standalone, StandaloneSubject};
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO standalone (environment_id, login_uri, subject, updated_at) VALUES ($1, $2, $3, $4) ",
        "ON CONFLICT (environment_id) DO UPDATE SET login_uri = excluded.login_uri, subject = excluded.subject, updated_at = excluded.updated_at";
    FIND = "SELECT login_uri, subject FROM standalone WHERE environment_id = $1";
    SET_OF_APPLICATION = "INSERT INTO application_login_uri (environment_id, application_id, login_uri) VALUES ($1, $2, $3) ",
        "ON CONFLICT (environment_id, application_id) DO UPDATE SET login_uri = excluded.login_uri";
    CLEAR_OF_APPLICATION = "DELETE FROM application_login_uri WHERE environment_id = $1 AND application_id = $2";
    FIND_OF_APPLICATION = "SELECT login_uri FROM application_login_uri WHERE environment_id = $1 AND application_id = $2";
}

/// Stores an environment's settings.
///
/// # Errors
/// Database errors.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, settings: &Standalone, now: Timestamp) -> Result<()> {
    let login_uri = settings.login_uri.as_ref().map(LoginUri::as_str);
    tx.execute(SET, &[environment_id.into(), login_uri.into(), settings.subject.as_str().into(), now.into()]).await?;
    Ok(())
}

/// Returns an environment's settings.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Standalone> {
    match query.query_opt(FIND, &[environment_id.into()]).await? {
        Some(row) => Ok(Standalone {
            login_uri: row.opt_text(0)?.map(|text| LoginUri::from_stored(text.to_owned())),
            subject: row.word(1, StandaloneSubject::parse)?,
        }),
        None => Ok(Standalone::default()),
    }
}

/// Stores where an application's users sign in; `None` for the environment's setting.
///
/// # Errors
/// `ForeignKey` if there is no such application.
pub async fn set_of_application(
    tx: &mut Tx,
    environment_id: EnvironmentId,
    id: ApplicationId,
    login_uri: Option<&LoginUri>,
) -> Result<()> {
    match login_uri {
        Some(uri) => tx.execute(SET_OF_APPLICATION, &[environment_id.into(), id.into(), uri.as_str().into()]).await?,
        None => tx.execute(CLEAR_OF_APPLICATION, &[environment_id.into(), id.into()]).await?,
    };
    Ok(())
}

/// Returns where an application's users sign in, if it differs from the environment's setting.
///
/// # Errors
/// Database errors.
pub async fn find_of_application(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    id: ApplicationId,
) -> Result<Option<LoginUri>> {
    let row = query.query_opt(FIND_OF_APPLICATION, &[environment_id.into(), id.into()]).await?;
    row.map(|row| Ok(LoginUri::from_stored(row.text(0)?.to_owned()))).transpose()
}
