//! The organization portal.

use super::{Browser, TestServer};
use serde_json::json;
use std::collections::BTreeMap;

/// The permissions that open the portal to members.
const PORTAL_PERMISSIONS: [&str; 2] = ["widgets:api-keys:manage", "widgets:domain-verification:manage"];

impl TestServer {
    /// Returns the path of a portal link for an organization; without an intent, for everything.
    pub async fn portal_link(&self, organization: &str, intent: Option<&str>) -> String {
        let mut body = json!({"organization": organization});
        if let Some(intent) = intent {
            body["intent"] = intent.into();
        }
        let link = self.management().post("/portal/generate_link", body).await.expect(201).text_at("link");
        self.path_of(&link)
    }

    /// Returns a browser that has followed a portal link.
    pub async fn visitor(&self, organization: &str, intent: Option<&str>) -> Browser {
        let link = self.portal_link(organization, intent).await;
        let mut browser = Browser::new(self);
        browser.headers = navigation();
        let page = browser.open(&link).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(page.path.starts_with("/portal/") && browser.has_cookie("cs_portal"), "{}", page.path);
        browser
    }

    /// Grants the permissions that open the portal to the role `member`.
    pub async fn open_portal_to_members(&self) {
        let management = self.management();
        for slug in PORTAL_PERMISSIONS {
            management.permission(slug).await;
            let body = json!({"slug": slug});
            management.post("/authorization/roles/member/permissions", body).await.expect(200);
        }
    }
}

/// The headers that a browser sends when navigating to a page.
pub fn navigation() -> Vec<(&'static str, String)> {
    [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
}

/// Returns the CSRF fields for this browser and organization, taken from a form that every page has.
pub async fn portal_csrf(browser: &mut Browser) -> BTreeMap<String, String> {
    let page = browser.open("/portal").await;
    page.form("/portal/leave").fields
}
