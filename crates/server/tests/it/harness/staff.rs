//! The company's staff.

use super::{Browser, PASSWORD, TestServer};
use countersign::domain::organizations::memberships;
use countersign::domain::{Act, Failure, staff};
use countersign_protocol::model::{Actor, StaffRole};
use countersign_store::environment;

impl TestServer {
    /// Returns the context for actions in the built-in environment.
    pub async fn act_of_staff(&self) -> Act {
        let found = environment::of_staff(&mut self.app.store.reader().await.unwrap()).await.unwrap().unwrap();
        Act::new(&found, Actor::Visitor, &self.app.clock, &self.app.entropy, &self.app.keyring)
    }

    /// Returns the path of a dashboard link.
    pub async fn link_for_staff(&self, role: StaffRole) -> String {
        let act = self.act_of_staff().await;
        let link = self
            .app
            .store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { staff::make_link(tx, &act, role).await }));
        self.path_of(&link.await.unwrap())
    }

    /// Returns the path of one of this server's URLs.
    #[track_caller]
    pub fn path_of(&self, address: &str) -> String {
        address.strip_prefix(self.app.public_url.as_str()).unwrap_or_else(|| panic!("{address} is not ours")).to_owned()
    }

    /// Ends the membership of all staff.
    pub async fn dismiss_staff(&self) {
        let act = self.act_of_staff().await;
        let all = staff::list(&mut self.app.store.reader().await.unwrap(), &act).await.unwrap();
        for (membership, _) in all {
            let (act, id) = (act.clone(), membership.id.to_string());
            let gone = self.app.store.write::<_, Failure, _>(move |tx| {
                Box::pin(async move { memberships::deactivate(tx, &act, &id).await.map(drop) })
            });
            gone.await.unwrap();
        }
    }

    /// Returns a staff member's browser, signed in to the dashboard.
    pub async fn staff(&self, role: StaffRole) -> Browser {
        let link = self.link_for_staff(role).await;
        let mut browser = Browser::new(self);
        let page = browser.open(&link).await;
        let email = format!(
            "{}-{}@staff.example",
            role.as_str(),
            &link[link.len() - 8..].replace(['-', '_'], "x").to_lowercase()
        );
        let page = browser.submit(&page, "/dashboard/welcome", &[("email", &email), ("password", PASSWORD)]).await;
        assert_eq!((page.status, page.path.as_str()), (200, "/dashboard/env/default"), "{}", page.html);
        browser
    }
}
