//! An environment's branding and its applications' logos, as the file declares them. Plan lines that begin with `!`
//! change nothing: they say what will not look as chosen.

use super::End;
use super::document::EnvironmentEntry;
use crate::domain::environments::branding::{self, BrandChange, Choice};
use crate::domain::{Act, Failure};
use crate::images::{self, MAX_SIZE, Purpose, Upload};
use countersign_protocol::model::{ApplicationKind, Brand, ConnectApplication};
use countersign_store::Tx;
use std::io::Read;
use std::path::Path;

/// The images named by an entry, already decoded, because that is too slow for a transaction.
pub(super) struct Pictures {
    logo: Choice<Upload>,
    logo_dark: Choice<Upload>,
    icon: Choice<Upload>,
    /// For each application, in file order: the logos for light and for dark pages.
    pub(super) applications: Vec<[Choice<Upload>; 2]>,
}

impl Pictures {
    /// Reads the files. Paths are relative to the declarative file.
    pub(super) fn read(entry: &EnvironmentEntry, base: &Path) -> Result<Self, String> {
        let chosen = |field: &str, path: &Option<String>, purpose| match path.as_deref() {
            None => Ok(Choice::Leave),
            Some("") => Ok(Choice::Clear),
            Some(path) => {
                read(&base.join(path), purpose).map(Choice::Set).map_err(|why| format!("{field}: {path}: {why}."))
            }
        };
        let look = &entry.branding;
        Ok(Self {
            logo: chosen("branding.logo", &look.logo, Purpose::Logo)?,
            logo_dark: chosen("branding.logo_dark", &look.logo_dark, Purpose::Logo)?,
            icon: chosen("branding.icon", &look.icon, Purpose::Icon)?,
            applications: entry
                .applications
                .iter()
                .map(|application| {
                    let field = |name: &str| format!("application '{}': {name}", application.name);
                    Ok([
                        chosen(&field("logo"), &application.logo, Purpose::Logo)?,
                        chosen(&field("logo_dark"), &application.logo_dark, Purpose::Logo)?,
                    ])
                })
                .collect::<Result<_, String>>()?,
        })
    }

    fn remarks(&self) -> impl Iterator<Item = String> {
        [("logo", &self.logo), ("logo_dark", &self.logo_dark), ("icon", &self.icon)].into_iter().flat_map(
            |(field, choice)| match choice {
                Choice::Set(upload) => upload.warnings.iter().map(|warning| format!("{field}: {warning}")).collect(),
                Choice::Leave | Choice::Clear => Vec::new(),
            },
        )
    }
}

fn read(path: &Path, purpose: Purpose) -> Result<Upload, String> {
    let mut file = std::fs::File::open(path).map_err(|error| error.to_string())?.take(MAX_SIZE as u64 + 1);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    images::read(&bytes, purpose).map_err(|refused| refused.to_string())
}

/// Returns the names of the choices that differ.
fn differences(before: &Brand, after: &Brand) -> Vec<&'static str> {
    [
        ("name", before.name != after.name),
        ("logo", before.logo.light != after.logo.light),
        ("logo_dark", before.logo.dark != after.logo.dark),
        ("icon", before.icon != after.icon),
        ("primary", before.primary != after.primary),
        ("primary_dark", before.primary_dark != after.primary_dark),
        ("background", before.background != after.background),
        ("background_dark", before.background_dark != after.background_dark),
        ("corners", before.corners != after.corners),
        ("font", before.font != after.font),
        ("terms_url", before.terms_url != after.terms_url),
        ("privacy_url", before.privacy_url != after.privacy_url),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

pub(super) async fn apply_branding(
    tx: &mut Tx,
    act: &Act,
    entry: &EnvironmentEntry,
    pictures: &Pictures,
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let look = &entry.branding;
    let text = |text: &Option<String>| Choice::from(text.clone());
    let change = BrandChange {
        name: text(&look.name),
        logo: pictures.logo.clone(),
        logo_dark: pictures.logo_dark.clone(),
        icon: pictures.icon.clone(),
        primary: text(&look.primary),
        primary_dark: text(&look.primary_dark),
        background: text(&look.background),
        background_dark: text(&look.background_dark),
        corners: text(&look.corners),
        font: text(&look.font),
        terms_url: text(&look.terms_url),
        privacy_url: text(&look.privacy_url),
    };
    let (before, after) = branding::change(tx, act, change).await.map_err(|failure| match failure {
        Failure::Refused(error) => End::Wrong(format!("environment '{}': branding: {error}", entry.name)),
        failure => failure.into(),
    })?;
    let differences = differences(&before, &after);
    if !differences.is_empty() {
        plan.push(format!("~ branding of {}: {}", entry.name, differences.join(", ")));
    }
    let remarks = pictures.remarks().chain(branding::look(&act.product, &after).warnings());
    plan.extend(remarks.map(|remark| format!("! branding of {}: {remark}", entry.name)));
    Ok(())
}

pub(super) async fn apply_logo(
    tx: &mut Tx,
    act: &Act,
    made: &ConnectApplication,
    [light, dark]: &[Choice<Upload>; 2],
    plan: &mut Vec<String>,
) -> Result<(), End> {
    let chosen = matches!(light, Choice::Set(_)) || matches!(dark, Choice::Set(_));
    if chosen && matches!(made.kind, ApplicationKind::Machine { .. }) {
        let why = "a machine-to-machine application cannot have a logo, because no page shows it";
        return Err(End::Wrong(format!("application '{}': {why}.", made.name)));
    }
    let nothing_said = matches!((light, dark), (Choice::Leave, Choice::Leave));
    if !nothing_said && branding::change_application_logo(tx, act, made, light.clone(), dark.clone()).await? {
        plan.push(format!("~ logo of application {}", made.name));
    }
    Ok(())
}
