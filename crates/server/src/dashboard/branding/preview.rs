//! The real pages and a real email with unsaved branding. The response is shown in a frame on our own page and is
//! inert: no script runs, no form can be submitted, and nothing in it can be clicked.

use super::{in_words, looking, read};
use crate::dashboard::call::DashboardCall;
use crate::dashboard::page::refused;
use crate::domain::environments::branding::{FOLDER, look, picture_name, preview};
use crate::domain::product_name;
use crate::hosted::page::PageError;
use crate::http::reply::Reply;
use crate::images::Upload;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_pages::dashboard::PreviewPage;
use countersign_pages::mail::{PICTURE_ID, Style, sign_in_code};
use countersign_pages::{
    Access, Application, Branding, Code, CodePurpose, Consent, Form, Frame, Identity, Language, Logo, Organization,
    Page, Picture, STYLESHEET, STYLESHEET_PATH, SignIn, branding_css,
};
use countersign_protocol::model::Brand;
use countersign_protocol::oauth::params::Params;
use countersign_store::branding as kept;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};

/// The pages that can be previewed.
pub const PAGES: &[PreviewPage] = &[
    PreviewPage { word: "sign-in", label: "Sign-in" },
    PreviewPage { word: "code", label: "Code" },
    PreviewPage { word: "consent", label: "Consent" },
    PreviewPage { word: "mail", label: "Mail" },
];

/// Framed by our own pages, without any privileges. Stylesheets are embedded as `data:` URLs, since they are not served
/// elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self' data:; img-src 'self' data:; font-src 'self'; form-action 'none'; \
     frame-ancestors 'self'; base-uri 'none'",
);
/// The same for an email, whose styles are inline attributes.
const POLICY_OF_MAILS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; frame-ancestors 'self'; \
     base-uri 'none'",
);

/// What to preview.
struct Wanted {
    page: String,
    dark: bool,
    language: Language,
}

impl Wanted {
    fn read(params: &Params<'_>) -> Self {
        Self {
            page: params.get("page").unwrap_or("sign-in").to_owned(),
            dark: params.get("scheme") == Some("dark"),
            language: params.get("language").and_then(Language::parse).unwrap_or(Language::English),
        }
    }
}

/// `GET …/branding/preview`: the saved branding.
///
/// # Errors
/// Database errors.
pub async fn get(call: &DashboardCall) -> Result<Reply, PageError> {
    let wanted = Wanted::read(&call.page.query()?);
    let brand = kept::find(&mut call.page.app.store.reader().await?, call.environment.id()).await?;
    Ok(answer(call, &wanted, &brand, &[]))
}

/// `POST …/branding/preview`: the typed branding.
///
/// # Errors
/// Database errors.
pub async fn post(call: &DashboardCall) -> Result<Reply, PageError> {
    let form = call.page.form()?;
    let before = kept::find(&mut call.page.app.store.reader().await?, call.environment.id()).await?;
    let wanted = Wanted::read(&form);
    let typed = match read(call, &form).await {
        Ok(change) => preview(&before, change),
        Err(failure) => Err(failure),
    };
    match typed {
        Ok((brand, handed_in)) => Ok(answer(call, &wanted, &brand, &handed_in)),
        Err(failure) => {
            let problem = refused(failure)?;
            let page =
                format!("<!doctype html><html lang=\"en\"><title>Preview</title><body><p>{}</p>", escaped(&problem));
            Ok(document(StatusCode::UNPROCESSABLE_ENTITY, page, POLICY))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn document(status: StatusCode, html: String, policy: HeaderValue) -> Reply {
    let mut reply = Reply::empty(status)
        .with(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .with(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"))
        .with(CONTENT_SECURITY_POLICY, policy)
        .no_store();
    reply.body = Bytes::from(html);
    reply
}

/// Points the pictures to where the dashboard can load them; uploads that are not saved yet are embedded in the page.
fn with_local_pictures(call: &DashboardCall, mut branding: Branding, handed_in: &[Upload]) -> Branding {
    let Branding { logo: Logo { light, dark }, icon, .. } = &mut branding;
    for picture in [light, dark, icon].into_iter().flatten() {
        let known = |upload: &&Upload| picture.path == format!("{FOLDER}{}", picture_name(upload.image.digest));
        picture.path = match handed_in.iter().find(known) {
            Some(upload) => Picture::address_of(&STANDARD.encode(&upload.png)),
            None => call.picture(&picture.path).unwrap_or_default(),
        };
    }
    branding
}

fn answer(call: &DashboardCall, wanted: &Wanted, brand: &Brand, handed_in: &[Upload]) -> Reply {
    let branding = with_local_pictures(call, look(&product_name(&looking(call, brand)), brand), handed_in);
    let is_mail = wanted.page == "mail";
    let html = if is_mail { mail(&branding, wanted) } else { page(&branding, wanted) };
    let told: Vec<String> = branding.warnings().iter().map(|warning| in_words(warning)).collect();
    let warnings = format!("<meta name=\"warnings\" content=\"{}\"></head>", escaped(&told.join(". ")));
    // Nothing in it can be clicked or focused, but it can be scrolled.
    let html = html.replacen("</head>", &warnings, 1).replacen("<body", "<body inert", 1);
    document(StatusCode::OK, html, if is_mail { POLICY_OF_MAILS } else { POLICY })
}

fn mail(branding: &Branding, wanted: &Wanted) -> String {
    let style = Style { language: wanted.language, branding };
    let mail = sign_in_code(style, "482913", 10, Some("https://id.example.com/sign-in/code"));
    mail.html.replace(&format!("cid:{PICTURE_ID}"), &escaped(mail.picture.as_deref().unwrap_or("")))
}

/// Fixes a stylesheet to the light or dark scheme, regardless of the viewer's system setting.
fn of_scheme(css: &str, dark: bool) -> String {
    let (holds, holds_not) = ("@media all", "@media not all");
    css.replace("@media (prefers-color-scheme: dark)", if dark { holds } else { holds_not })
        .replace("@media (prefers-color-scheme: light)", if dark { holds_not } else { holds })
        .replace("color-scheme: light dark", if dark { "color-scheme: dark" } else { "color-scheme: light" })
}

fn written_in(css: &str) -> String {
    format!("data:text/css;base64,{}", STANDARD.encode(css))
}

fn page(branding: &Branding, wanted: &Wanted) -> String {
    let own = written_in(&of_scheme(&branding_css(branding), wanted.dark));
    let frame = Frame {
        language: wanted.language,
        branding,
        branding_stylesheet: Some(&own),
        base: "",
        language_keeps: Some(""),
    };
    let form = Form { action: "", csrf: "", flow: "", problem: None };
    let logo = Logo::default();
    let application = Application { name: "Northwind Reports", logo: &logo };
    let email = "ada@example.com";
    let html = match wanted.page.as_str() {
        "code" => Code {
            frame,
            form,
            purpose: CodePurpose::SignIn,
            email,
            code: "",
            resend_action: "",
            resent: false,
            mailbox: None,
            restart: Some("#"),
        }
        .html(),
        "consent" => {
            let access = [
                Access { name: "Read reports", description: "Titles and figures, not the drafts." },
                Access { name: "Write reports", description: "" },
            ];
            let organizations = [Organization { id: "org_1", name: "Northwind Traders" }];
            Consent {
                frame,
                form,
                application: application.name,
                application_logo: &logo,
                identity: Identity::Registered,
                on_this_device: false,
                publisher: Some("Northwind Traders"),
                account: email,
                other_account: "#",
                access: &access,
                organizations: &organizations,
                organization_id: Some("org_1"),
                choosing: &[],
                redirect_host: "reports.example.com",
                terms_url: None,
                privacy_url: None,
            }
            .html()
        }
        _ => SignIn { frame, form, email: "", application: Some(application), sign_up: Some("#") }.html(),
    };
    let media = if wanted.dark { "media=\"all\"" } else { "media=\"not all\"" };
    html.replacen(STYLESHEET_PATH, &written_in(&of_scheme(STYLESHEET, wanted.dark)), 1)
        .replace("media=\"(prefers-color-scheme: dark)\"", media)
        .replacen("content=\"light dark\"", if wanted.dark { "content=\"dark\"" } else { "content=\"light\"" }, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_is_for_one_scheme_and_keeps_nothing_of_the_others_condition() {
        for dark in [true, false] {
            for css in [of_scheme(STYLESHEET, dark), of_scheme(&branding_css(&Branding::default()), dark)] {
                assert!(!css.contains("prefers-color-scheme") && !css.contains("light dark"), "{css}");
            }
        }
        assert!(!STYLESHEET.contains("url("), "a style sheet in an address has no folder to find others in");
    }

    #[test]
    fn every_page_is_another_one_and_shows_the_look() {
        let branding = Branding { name: "<b>Acme</b>".to_owned(), ..Branding::default() };
        let wanted = |page: &str| Wanted { page: page.to_owned(), dark: false, language: Language::German };
        let pages: Vec<String> = PAGES
            .iter()
            .map(|one| {
                if one.word == "mail" { mail(&branding, &wanted(one.word)) } else { page(&branding, &wanted(one.word)) }
            })
            .collect();
        for (at, html) in pages.iter().enumerate() {
            assert!(html.contains("&#60;b&#62;Acme") && !html.contains("<b>Acme"), "{html}");
            assert!(html.contains("<body") && html.contains("</head>") && html.contains("lang=\"de\""));
            assert!(pages.iter().skip(at + 1).all(|other| other != html));
        }
    }
}
