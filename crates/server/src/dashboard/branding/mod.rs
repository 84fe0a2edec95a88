//! `/dashboard/env/{environment}/branding`: the look of an environment's pages and emails.
//!
//! | Module | Owns |
//! |---|---|
//! | [`preview`] | the real pages with unsaved branding |

pub mod preview;

use super::call::DashboardCall;
use super::field;
use super::form_version;
use super::page::reply;
use crate::domain::environments::branding::{self, BrandChange, Choice};
use crate::domain::{Failure, product_name};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::images::Purpose;
use countersign_pages::dashboard::{BrandingPage, ColourField, PictureField, Section, WordOption};
use countersign_pages::{Corners, Font, Palette};
use countersign_protocol::model::{Brand, Environment};
use countersign_protocol::oauth::params::Params;
use countersign_store::branding as kept;
use http::StatusCode;
use std::sync::Arc;

/// Parses the form, including uploaded pictures.
async fn read(call: &DashboardCall, form: &Params<'_>) -> Result<BrandChange, Failure> {
    let text = |name: &str| Choice::from(Some(field::text(form, name).to_owned()));
    Ok(BrandChange {
        name: text("name"),
        logo: call.chosen_picture(form, "logo", Purpose::Logo).await?,
        logo_dark: call.chosen_picture(form, "logo_dark", Purpose::Logo).await?,
        icon: call.chosen_picture(form, "icon", Purpose::Icon).await?,
        primary: text("primary"),
        primary_dark: text("primary_dark"),
        background: text("background"),
        background_dark: text("background_dark"),
        corners: text("corners"),
        font: text("font"),
        terms_url: text("terms_url"),
        privacy_url: text("privacy_url"),
    })
}

/// The version of the branding that the form is drawn from.
fn version_of(brand: &Brand) -> String {
    let pictures = (&brand.logo, &brand.icon);
    let colours = (&brand.primary, &brand.primary_dark, &brand.background, &brand.background_dark);
    form_version::of(&(
        &brand.name,
        pictures,
        colours,
        &brand.corners,
        &brand.font,
        &brand.terms_url,
        &brand.privacy_url,
    ))
}

/// The environment with different branding.
fn looking(call: &DashboardCall, brand: &Brand) -> Environment {
    Environment { brand: Arc::new(brand.clone()), ..call.environment.environment.clone() }
}

fn corners_in_words(corners: Corners) -> &'static str {
    match corners {
        Corners::Square => "Square",
        Corners::Rounded => "Rounded",
        Corners::Pill => "Pills",
    }
}

fn font_in_words(font: Font) -> &'static str {
    match font {
        Font::System => "The system's",
        Font::Humanist => "Humanist",
        Font::Geometric => "Geometric",
        Font::Rounded => "Rounded",
        Font::Serif => "Serif",
        Font::Mono => "Monospace",
    }
}

/// A warning about the branding, with the field named by its label on this page.
fn in_words(warning: &str) -> String {
    const LABELS: &[(&str, &str)] = &[
        ("primary", "Buttons"),
        ("primary_dark", "Buttons on dark pages"),
        ("logo", "Logo"),
        ("logo_dark", "Logo on dark pages"),
        ("icon", "Icon"),
    ];
    let labelled = LABELS.iter().find_map(|(field, label)| {
        let rest = warning.strip_prefix(field)?.strip_prefix(": ")?;
        Some(format!("{label}: {}", rest.replace("set logo_dark", "upload one for dark pages")))
    });
    labelled.unwrap_or_else(|| warning.to_owned())
}

fn pictures(call: &DashboardCall, brand: &Brand) -> [PictureField; 3] {
    let hint = "PNG, JPEG or WebP, at most 2 MiB. Shown without its transparent margin, 48 pixels high at most.";
    [
        PictureField {
            name: "logo",
            label: "Logo",
            hint,
            shown: call.picture_of(brand.logo.light),
            on_dark: brand.logo.light.is_some_and(|logo| !logo.seen_on_light),
        },
        PictureField {
            name: "logo_dark",
            label: "Logo on dark pages",
            hint: "For people who use dark mode. If there is none, the other logo is shown.",
            shown: call.picture_of(brand.logo.dark),
            on_dark: true,
        },
        PictureField {
            name: "icon",
            label: "Icon",
            hint: "Square, at least 160 × 160 pixels. Shown in the browser tab, and beside the name if there is no logo.",
            shown: call.picture_of(brand.icon),
            on_dark: brand.icon.is_some_and(|icon| !icon.seen_on_light),
        },
    ]
}

async fn show(
    call: &DashboardCall,
    typed: Option<&Params<'_>>,
    problem: Option<String>,
    mut warnings: Vec<String>,
) -> Result<Reply, PageError> {
    let brand = kept::find(&mut call.page.app.store.reader().await?, call.environment.id()).await?;
    let without = Environment { brand: Arc::default(), ..call.environment.environment.clone() };
    let look = branding::look(&product_name(&looking(call, &brand)), &brand);
    warnings.extend(look.warnings());
    let warnings: Vec<String> = warnings.iter().map(|warning| in_words(warning)).collect();
    // The typed value if the form was refused, otherwise the stored one.
    let text = |name: &str, chosen: &Option<String>| match typed {
        Some(form) => field::text(form, name).to_owned(),
        None => chosen.clone().unwrap_or_default(),
    };
    let colour = |name, label, chosen: &Option<String>, without: String| ColourField {
        name,
        label,
        value: text(name, chosen),
        without,
    };
    let dark_button = if brand.primary.is_some() { look.dark.primary } else { Palette::DARK.primary };
    let colours = [
        colour("primary", "Buttons", &brand.primary, Palette::LIGHT.primary.to_string()),
        colour("primary_dark", "Buttons on dark pages", &brand.primary_dark, dark_button.to_string()),
        colour("background", "Background", &brand.background, Palette::LIGHT.background.to_string()),
        colour(
            "background_dark",
            "Background of dark pages",
            &brand.background_dark,
            Palette::DARK.background.to_string(),
        ),
    ];
    let chosen = text("corners", &Some(look.corners.as_str().to_owned()));
    let option = |word: &'static str, label, chosen: &str| WordOption { word, label, chosen: word == chosen };
    let corners = Corners::ALL.map(|one| option(one.as_str(), corners_in_words(one), &chosen));
    let chosen = text("font", &Some(look.font.as_str().to_owned()));
    let fonts = Font::ALL.map(|one| option(one.as_str(), font_in_words(one), &chosen));
    let (status, shell) = match problem {
        Some(problem) => (StatusCode::UNPROCESSABLE_ENTITY, call.shell_with(Section::Branding, Some(problem))),
        None => (StatusCode::OK, call.shell(Section::Branding)),
    };
    let page = BrandingPage {
        shell: &shell,
        seen: &version_of(&brand),
        name: &text("name", &brand.name),
        without_name: &product_name(&without),
        colours: &colours,
        corners: &corners,
        fonts: &fonts,
        terms_url: &text("terms_url", &brand.terms_url),
        privacy_url: &text("privacy_url", &brand.privacy_url),
        pictures: &pictures(call, &brand),
        warnings: &warnings,
        previews: preview::PAGES,
    };
    Ok(reply(status, &page))
}

/// The saved branding.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    show(call, None, None, Vec::new()).await
}

/// Saves the branding; every node applies it within a second.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let act = call.act();
    let before = version_of(&kept::find(&mut call.page.app.store.reader().await?, call.environment.id()).await?);
    let read = match form_version::check(&form, &before) {
        Ok(()) => read(call, &form).await,
        Err(failure) => Err(failure),
    };
    let saved = match read {
        Ok(change) => {
            let told: Vec<String> = [("logo", &change.logo), ("logo_dark", &change.logo_dark), ("icon", &change.icon)]
                .into_iter()
                .filter_map(
                    |(field, choice)| if let Choice::Set(upload) = choice { Some((field, upload)) } else { None },
                )
                .flat_map(|(field, upload)| upload.warnings.iter().map(move |warning| format!("{field}: {warning}")))
                .collect();
            let saved = call.commit(move |tx| {
                Box::pin(async move {
                    form_version::unchanged(&before, &version_of(&branding::find_and_lock(tx, &act).await?))?;
                    branding::change(tx, &act, change).await
                })
            });
            let saved = saved.await;
            saved.map(|_| told)
        }
        Err(failure) => Err(failure),
    };
    match saved {
        Ok(told) if told.is_empty() => call.to("/branding?done=saved"),
        // Warnings about a picture are known only now.
        Ok(told) => show(call, None, None, told).await,
        Err(failure) => {
            let (status, problem) = form_version::refused_with(failure)?;
            Ok(show(call, Some(&form), Some(problem), Vec::new()).await?.with_status(status))
        }
    }
}
