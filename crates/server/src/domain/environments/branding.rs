//! An environment's branding: changing it, and how pages use it.

use crate::domain::audit_log;
use crate::domain::{Act, Failure};
use crate::images::Upload;
use countersign_pages::{Branding, Colour, Corners, Font, Logo as ShownLogo, Palette, Picture};
use countersign_protocol::model::{Brand, ConnectApplication, Image, ImageDigest, Logo};
use countersign_store::change::{self, Topic};
use countersign_store::{Tx, application_logo, branding, client_secret, image, signing_key};
use std::mem::take;

/// The maximum length of a product name, in characters.
const MAX_NAME_LENGTH: usize = 80;
/// The maximum length of a page's URL, in bytes.
const MAX_URL_LENGTH: usize = 2000;

/// A change to an optional setting.
#[derive(Debug, Clone, Default)]
pub enum Choice<T> {
    /// Leaves it unchanged.
    #[default]
    Leave,
    /// Clears it.
    Clear,
    /// Sets it.
    Set(T),
}

impl<T> Choice<T> {
    fn settle<U>(self, current: &mut Option<U>, read: impl FnOnce(T) -> Result<U, Failure>) -> Result<(), Failure> {
        match self {
            Self::Leave => {}
            Self::Clear => *current = None,
            Self::Set(value) => *current = Some(read(value)?),
        }
        Ok(())
    }
}

impl From<Option<String>> for Choice<String> {
    /// As in configuration files: an absent value leaves the setting unchanged, and an empty one clears it.
    fn from(text: Option<String>) -> Self {
        match text {
            None => Self::Leave,
            Some(text) if text.is_empty() => Self::Clear,
            Some(text) => Self::Set(text),
        }
    }
}

/// A change to the branding.
#[derive(Debug, Clone, Default)]
pub struct BrandChange {
    /// The product name shown to users.
    pub name: Choice<String>,
    /// The logo.
    pub logo: Choice<Upload>,
    /// The logo on dark pages.
    pub logo_dark: Choice<Upload>,
    /// The icon.
    pub icon: Choice<Upload>,
    /// The color of the main button, `#rrggbb`.
    pub primary: Choice<String>,
    /// The color of the main button on dark pages.
    pub primary_dark: Choice<String>,
    /// The color behind the card.
    pub background: Choice<String>,
    /// The color behind the card on dark pages.
    pub background_dark: Choice<String>,
    /// The corners: a value of [`Corners`].
    pub corners: Choice<String>,
    /// The font: a value of [`Font`].
    pub font: Choice<String>,
    /// The URL of the terms of service.
    pub terms_url: Choice<String>,
    /// The URL of the privacy policy.
    pub privacy_url: Choice<String>,
}

impl BrandChange {
    /// Applies everything but the pictures.
    fn apply_texts(&mut self, brand: &mut Brand) -> Result<(), Failure> {
        take(&mut self.name).settle(&mut brand.name, name)?;
        for (field, choice, current) in [
            ("primary", &mut self.primary, &mut brand.primary),
            ("primary_dark", &mut self.primary_dark, &mut brand.primary_dark),
            ("background", &mut self.background, &mut brand.background),
            ("background_dark", &mut self.background_dark, &mut brand.background_dark),
        ] {
            take(choice).settle(current, |text| colour(field, &text))?;
        }
        take(&mut self.corners).settle(&mut brand.corners, |text| {
            let known = Corners::parse(&text).map(|corners| corners.as_str().to_owned());
            known.ok_or_else(|| one_of("corners", &Corners::ALL.map(Corners::as_str)))
        })?;
        take(&mut self.font).settle(&mut brand.font, |text| {
            let known = Font::parse(&text).map(|font| font.as_str().to_owned());
            known.ok_or_else(|| one_of("font", &Font::ALL.map(Font::as_str)))
        })?;
        take(&mut self.terms_url).settle(&mut brand.terms_url, |text| page_url("terms_url", text))?;
        take(&mut self.privacy_url).settle(&mut brand.privacy_url, |text| page_url("privacy_url", text))
    }
}

/// Returns the branding that a change would produce, without storing it, and the uploads that exist nowhere else.
///
/// # Errors
/// As [`change`].
pub fn preview(before: &Brand, mut change: BrandChange) -> Result<(Brand, Vec<Upload>), Failure> {
    let mut brand = before.clone();
    change.apply_texts(&mut brand)?;
    let mut handed_in = Vec::new();
    for (choice, current) in
        [(change.logo, &mut brand.logo.light), (change.logo_dark, &mut brand.logo.dark), (change.icon, &mut brand.icon)]
    {
        match choice {
            Choice::Leave => {}
            Choice::Clear => *current = None,
            Choice::Set(upload) => {
                *current = Some(upload.image);
                handed_in.push(upload);
            }
        }
    }
    Ok((brand, handed_in))
}

/// Looks up an environment's branding and locks it against other changes until this transaction ends.
///
/// # Errors
/// Database errors.
pub async fn find_and_lock(tx: &mut Tx, act: &Act) -> Result<Brand, Failure> {
    signing_key::lock(tx, act.environment_id).await?;
    Ok(branding::find(tx, act.environment_id).await?)
}

/// Changes an environment's branding; returns the values before and after.
///
/// # Errors
/// 422 for invalid values.
pub async fn change(tx: &mut Tx, act: &Act, mut change: BrandChange) -> Result<(Brand, Brand), Failure> {
    // Read under the lock, so that the comparison is with a state that nobody else is changing.
    let before = find_and_lock(tx, act).await?;
    let mut brand = before.clone();
    change.apply_texts(&mut brand)?;
    for (choice, current) in
        [(change.logo, &mut brand.logo.light), (change.logo_dark, &mut brand.logo.dark), (change.icon, &mut brand.icon)]
    {
        settle_picture(tx, act, choice, current).await?;
    }
    if brand != before {
        branding::set(tx, act.environment_id, &brand, act.now).await?;
        audit_log::note(tx, act, "branding.updated", "environment", act.environment_id).await?;
        change::record(tx, act.environment_id, &Topic::Environment, act.now);
    }
    Ok((before, brand))
}

/// Changes the logo of an application; returns whether it is different now.
///
/// # Errors
/// Database errors.
pub async fn change_application_logo(
    tx: &mut Tx,
    act: &Act,
    application: &ConnectApplication,
    light: Choice<Upload>,
    dark: Choice<Upload>,
) -> Result<bool, Failure> {
    client_secret::lock_application(tx, act.environment_id, application.id).await?;
    let before = application_logo::find(tx, act.environment_id, application.id).await?;
    let mut logo = before;
    settle_picture(tx, act, light, &mut logo.light).await?;
    settle_picture(tx, act, dark, &mut logo.dark).await?;
    if logo != before {
        application_logo::set(tx, act.environment_id, application.id, &logo).await?;
        crate::domain::connect::applications::record_change(tx, act, application.client_id).await?;
        crate::domain::connect::applications::tell(tx, act, "connect_application.updated", application).await?;
    }
    Ok(logo != before)
}

/// Stores a new picture. The previous one is kept for a while, for pages sent a moment ago that still request it.
async fn settle_picture(
    tx: &mut Tx,
    act: &Act,
    choice: Choice<Upload>,
    current: &mut Option<Image>,
) -> Result<(), Failure> {
    let upload = match choice {
        Choice::Leave => return Ok(()),
        Choice::Clear => None,
        // The same pixels, or the same file: another version of this program may encode the same pixels differently.
        Choice::Set(Upload { image, .. })
            if current.is_some_and(|now| now.digest == image.digest || now.source == image.source) =>
        {
            return Ok(());
        }
        Choice::Set(upload) => Some(upload),
    };
    if let Some(old) = current {
        image::touch(tx, act.environment_id, old.digest, act.now).await?;
    }
    if let Some(upload) = &upload {
        image::keep(tx, act.environment_id, &upload.image, &upload.png, act.now).await?;
    }
    *current = upload.map(|upload| upload.image);
    Ok(())
}

fn name(text: String) -> Result<String, Failure> {
    let name = text.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME_LENGTH || name.chars().any(char::is_control) {
        let message = format!("Must have 1 to {MAX_NAME_LENGTH} characters, on one line.");
        return Err(Failure::invalid("name", "invalid", message));
    }
    Ok(name)
}

fn colour(field: &'static str, text: &str) -> Result<String, Failure> {
    let colour = Colour::parse(text).map(|colour| colour.to_string());
    colour.ok_or_else(|| Failure::invalid(field, "invalid", format!("'{text}' is not a colour such as #c2410c.")))
}

fn one_of(field: &'static str, words: &[&str]) -> Failure {
    Failure::invalid(field, "invalid", format!("Must be one of: {}.", words.join(", ")))
}

fn page_url(field: &'static str, text: String) -> Result<String, Failure> {
    let is_page = url::Url::parse(&text)
        .is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some() && url.password().is_none());
    if text.len() > MAX_URL_LENGTH
        || !is_page
        || text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
    {
        return Err(Failure::invalid(
            field,
            "invalid",
            "Must be the address of a page, such as https://acme.example/terms.",
        ));
    }
    Ok(text)
}

/// Resolves the branding for the pages and mails of a product.
pub fn look(product: &str, brand: &Brand) -> Branding {
    let colour = |chosen: &Option<String>| chosen.as_deref().and_then(Colour::parse);
    let primary = colour(&brand.primary);
    Branding {
        name: product.to_owned(),
        logo: shown_logo(&brand.logo),
        icon: brand.icon.map(picture),
        light: Palette {
            primary: primary.unwrap_or(Palette::LIGHT.primary),
            background: colour(&brand.background).unwrap_or(Palette::LIGHT.background),
        },
        dark: Palette {
            // A color set only for light pages is adapted to dark ones.
            primary: colour(&brand.primary_dark)
                .or(primary.map(Colour::for_dark_pages))
                .unwrap_or(Palette::DARK.primary),
            background: colour(&brand.background_dark).unwrap_or(Palette::DARK.background),
        },
        corners: brand.corners.as_deref().and_then(Corners::parse).unwrap_or_default(),
        font: brand.font.as_deref().and_then(Font::parse).unwrap_or_default(),
        terms_url: brand.terms_url.clone(),
        privacy_url: brand.privacy_url.clone(),
    }
}

/// A logo with the paths at which it is served.
pub fn shown_logo(logo: &Logo) -> ShownLogo {
    ShownLogo { light: logo.light.map(picture), dark: logo.dark.map(picture) }
}

fn picture(image: Image) -> Picture {
    let Image { width, height, seen_on_light, seen_on_dark, .. } = image;
    Picture { path: format!("{FOLDER}{}{PNG}", image.digest), width, height, seen_on_light, seen_on_dark }
}

/// The path under which pictures and style sheets of environments are served.
pub const FOLDER: &str = "/branding/";
const PNG: &str = ".png";

/// The file name of a picture under [`FOLDER`].
pub fn picture_name(digest: ImageDigest) -> String {
    format!("{digest}{PNG}")
}

/// Returns the picture with this file name under [`FOLDER`].
pub fn picture_named(name: &str) -> Option<ImageDigest> {
    name.strip_suffix(PNG)?.parse().ok()
}
