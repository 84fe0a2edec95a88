//! Environments' branding.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx, image};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{Brand, Logo};
use countersign_protocol::time::Timestamp;

statements! {
    SET = "INSERT INTO branding (environment_id, name, logo, logo_dark, icon, primary_colour, primary_colour_dark, background, background_dark, ",
        "corners, font, terms_url, privacy_url, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ",
        "ON CONFLICT (environment_id) DO UPDATE SET name = excluded.name, logo = excluded.logo, logo_dark = excluded.logo_dark, ",
        "icon = excluded.icon, primary_colour = excluded.primary_colour, primary_colour_dark = excluded.primary_colour_dark, ",
        "background = excluded.background, background_dark = excluded.background_dark, corners = excluded.corners, font = excluded.font, ",
        "terms_url = excluded.terms_url, privacy_url = excluded.privacy_url, updated_at = excluded.updated_at";
    ALL = "SELECT b.environment_id, b.name, b.primary_colour, b.primary_colour_dark, b.background, b.background_dark, b.corners, b.font, ",
        "b.terms_url, b.privacy_url, l.digest, l.source, l.width, l.height, l.seen_on_light, l.seen_on_dark, ",
        "d.digest, d.source, d.width, d.height, d.seen_on_light, d.seen_on_dark, ",
        "i.digest, i.source, i.width, i.height, i.seen_on_light, i.seen_on_dark FROM branding b ",
        "LEFT JOIN image l ON l.environment_id = b.environment_id AND l.digest = b.logo ",
        "LEFT JOIN image d ON d.environment_id = b.environment_id AND d.digest = b.logo_dark ",
        "LEFT JOIN image i ON i.environment_id = b.environment_id AND i.digest = b.icon";
    FIND = "SELECT b.environment_id, b.name, b.primary_colour, b.primary_colour_dark, b.background, b.background_dark, b.corners, b.font, ",
        "b.terms_url, b.privacy_url, l.digest, l.source, l.width, l.height, l.seen_on_light, l.seen_on_dark, ",
        "d.digest, d.source, d.width, d.height, d.seen_on_light, d.seen_on_dark, ",
        "i.digest, i.source, i.width, i.height, i.seen_on_light, i.seen_on_dark FROM branding b ",
        "LEFT JOIN image l ON l.environment_id = b.environment_id AND l.digest = b.logo ",
        "LEFT JOIN image d ON d.environment_id = b.environment_id AND d.digest = b.logo_dark ",
        "LEFT JOIN image i ON i.environment_id = b.environment_id AND i.digest = b.icon WHERE b.environment_id = $1";
}

fn read(row: &Row) -> Result<(EnvironmentId, Brand)> {
    let text = |at: usize| -> Result<Option<String>> { Ok(row.opt_text(at)?.map(str::to_owned)) };
    let brand = Brand {
        name: text(1)?,
        primary: text(2)?,
        primary_dark: text(3)?,
        background: text(4)?,
        background_dark: text(5)?,
        corners: text(6)?,
        font: text(7)?,
        terms_url: text(8)?,
        privacy_url: text(9)?,
        logo: Logo { light: image::read(row, 10)?, dark: image::read(row, 16)? },
        icon: image::read(row, 22)?,
    };
    Ok((row.parse(0)?, brand))
}

/// Returns the branding of every environment that has one; used where all environments are read.
///
/// # Errors
/// Database errors.
pub(crate) async fn all(query: &mut impl Query) -> Result<Vec<(EnvironmentId, Brand)>> {
    query.query(ALL, &[]).await?.iter().map(read).collect()
}

/// Returns an environment's branding; the default if it has none.
///
/// # Errors
/// Database errors.
pub async fn find(query: &mut impl Query, environment_id: EnvironmentId) -> Result<Brand> {
    let row = query.query_opt(FIND, &[environment_id.into()]).await?;
    Ok(row.as_ref().map(read).transpose()?.map(|(_, brand)| brand).unwrap_or_default())
}

/// Stores an environment's branding. Its images already exist.
///
/// # Errors
/// Database errors.
pub async fn set(tx: &mut Tx, environment_id: EnvironmentId, brand: &Brand, now: Timestamp) -> Result<()> {
    let params = [
        environment_id.into(),
        brand.name.as_ref().into(),
        brand.logo.light.map(|image| image.digest).into(),
        brand.logo.dark.map(|image| image.digest).into(),
        brand.icon.map(|image| image.digest).into(),
        brand.primary.as_ref().into(),
        brand.primary_dark.as_ref().into(),
        brand.background.as_ref().into(),
        brand.background_dark.as_ref().into(),
        brand.corners.as_ref().into(),
        brand.font.as_ref().into(),
        brand.terms_url.as_ref().into(),
        brand.privacy_url.as_ref().into(),
        now.into(),
    ];
    tx.execute(SET, &params).await?;
    Ok(())
}
