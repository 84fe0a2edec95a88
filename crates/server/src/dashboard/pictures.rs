//! Pictures: uploading them with a form, and showing those of the environment being looked at. The hosted sign-in pages
//! are on another host, from which the dashboard loads nothing.

use super::call::DashboardCall;
use super::field;
use crate::domain::Failure;
use crate::domain::environments::branding::{Choice, FOLDER, picture_named};
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::images::{Purpose, Upload};
use countersign_pages::Trouble;
use countersign_protocol::model::Image;
use countersign_protocol::oauth::params::Params;
use countersign_store::image;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

/// A picture opened directly is a page without any privileges.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox; frame-ancestors 'none'");

/// `GET /dashboard/env/{environment}/pictures/{name}`.
///
/// # Errors
/// 404 if this environment has no such picture.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let missing = || PageError::Trouble(StatusCode::NOT_FOUND, Trouble::Address);
    let digest = picture_named(call.page.path.get("name")).ok_or_else(missing)?;
    let mut reader = call.page.app.store.reader().await?;
    let png = image::png(&mut reader, call.environment.id(), digest).await?.ok_or_else(missing)?;
    let mut reply = Reply::empty(StatusCode::OK)
        .with(CONTENT_TYPE, HeaderValue::from_static("image/png"))
        .with(CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"))
        .with(CONTENT_SECURITY_POLICY, NOTHING);
    reply.body = png.into();
    Ok(reply)
}

impl DashboardCall {
    /// Maps a picture's path on the hosted pages to its path in the dashboard.
    pub fn picture(&self, path: &str) -> Option<String> {
        let name = path.strip_prefix(FOLDER)?;
        Some(format!("/dashboard/env/{}/pictures/{name}", self.environment.environment.name))
    }

    /// Like [`picture`](Self::picture), for an image that was chosen.
    pub fn picture_of(&self, image: Option<Image>) -> Option<String> {
        self.picture(&format!("{FOLDER}{}", crate::domain::environments::branding::picture_name(image?.digest)))
    }

    /// What a form does with a picture: replaces it, removes it, or leaves it.
    ///
    /// # Errors
    /// 422 if the file is not a picture.
    pub async fn chosen_picture(
        &self,
        form: &Params<'_>,
        name: &'static str,
        purpose: Purpose,
    ) -> Result<Choice<Upload>, Failure> {
        let file = self.page.file(name).map_err(|_| {
            Failure::bad_request("invalid_form", "The form did not arrive completely. Please try again.")
        })?;
        match file {
            Some(file) => Ok(Choice::Set(self.page.app.uploads.read(name, file.to_vec(), purpose).await?)),
            None if field::ticked(form, &format!("remove_{name}")) => Ok(Choice::Clear),
            None => Ok(Choice::Leave),
        }
    }
}
