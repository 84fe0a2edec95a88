//! Images shown to users.

use crate::sql::{Query, Row, statements};
use crate::{Result, Tx};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{Image, ImageDigest};
use countersign_protocol::time::Timestamp;

statements! {
    KEEP = "INSERT INTO image (environment_id, digest, source, width, height, seen_on_light, seen_on_dark, png, used_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ",
        "ON CONFLICT (environment_id, digest) DO UPDATE SET source = excluded.source, used_at = excluded.used_at";
    PNG = "SELECT png FROM image WHERE environment_id = $1 AND digest = $2";
    TOUCH = "UPDATE image SET used_at = $3 WHERE environment_id = $1 AND digest = $2";
    // The first comparison rechecks rows that have been used again in the meantime before deleting them.
    PRUNE = "DELETE FROM image WHERE used_at < $1 AND (environment_id, digest) IN (",
        "SELECT i.environment_id, i.digest FROM image i WHERE i.used_at < $1 ",
        "AND NOT EXISTS (SELECT 1 FROM branding b WHERE b.environment_id = i.environment_id AND i.digest IN (b.logo, b.logo_dark, b.icon)) ",
        "AND NOT EXISTS (SELECT 1 FROM application_logo a WHERE a.environment_id = i.environment_id AND a.light = i.digest) ",
        "AND NOT EXISTS (SELECT 1 FROM application_logo a WHERE a.environment_id = i.environment_id AND a.dark = i.digest) ",
        "ORDER BY i.used_at LIMIT 1000)";
}

/// Reads an image's columns, starting at `from`: digest, source, width, height, on light, on dark.
pub(crate) fn read(row: &Row, from: usize) -> Result<Option<Image>> {
    let Some(digest) = row.opt_parse(from)? else { return Ok(None) };
    let pixels = |at| -> Result<u32> {
        u32::try_from(row.int(at)?).map_err(|_| crate::Error::Corrupt("the size of a picture".to_owned()))
    };
    Ok(Some(Image {
        digest,
        source: row.parse(from + 1)?,
        width: pixels(from + 2)?,
        height: pixels(from + 3)?,
        seen_on_light: row.truth(from + 4)?,
        seen_on_dark: row.truth(from + 5)?,
    }))
}

/// Stores an image. An existing one keeps its content and counts as used now.
///
/// # Errors
/// Database errors.
pub async fn keep(tx: &mut Tx, environment_id: EnvironmentId, image: &Image, png: &[u8], now: Timestamp) -> Result<()> {
    let params = [
        environment_id.into(),
        image.digest.into(),
        image.source.into(),
        image.width.into(),
        image.height.into(),
        image.seen_on_light.into(),
        image.seen_on_dark.into(),
        png.into(),
        now.into(),
    ];
    tx.execute(KEEP, &params).await?;
    Ok(())
}

/// Returns an image's PNG bytes.
///
/// # Errors
/// Database errors.
pub async fn png(
    query: &mut impl Query,
    environment_id: EnvironmentId,
    digest: ImageDigest,
) -> Result<Option<Vec<u8>>> {
    let row = query.query_opt(PNG, &[environment_id.into(), digest.into()]).await?;
    row.map(|row| Ok(row.bytes(0)?.to_vec())).transpose()
}

/// Records that an image was in use until now.
///
/// # Errors
/// Database errors.
pub async fn touch(tx: &mut Tx, environment_id: EnvironmentId, digest: ImageDigest, now: Timestamp) -> Result<()> {
    tx.execute(TOUCH, &[environment_id.into(), digest.into(), now.into()]).await?;
    Ok(())
}

/// Deletes up to a thousand unreferenced images last used before the given time; returns how many.
///
/// # Errors
/// Database errors.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(PRUNE, &[before.into()]).await
}
