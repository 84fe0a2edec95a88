//! People: your own pages, second factors, people brought from elsewhere.

use super::reader::Reader;
use crate::harness::{Browser, TestServer, on_both_databases};

on_both_databases! {
    async fn your_product_signs_its_own_users_in(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("user-management.md");
        reader.paste("manage() {").await;
        reader.paste("ACME=").await;
        let address = reader.paste("echo \"$WORKOS_BASE_URL/user_management/authorize").await;
        let mut browser = Browser::new(&server);
        let page = browser.open(address.trim().strip_prefix(&server.base_url).unwrap()).await;
        let page = server.sign_in(&mut browser, &page, "grace@example.com").await;
        let acme = reader.variable("ACME").await;
        let page = browser.submit(&page, "/choose-organization", &[("organization_id", &acme)]).await;
        reader.answer("read -rp 'The code: '", &page.sent("code").unwrap()).await;
        let claims = reader.paste("SESSION=").await;
        assert!(claims.contains("\"sid\": \"session_") && claims.contains(&acme), "{claims}");
        let asked = reader.paste("ASKED=").await;
        assert!(asked.contains("organization_selection_required") && asked.contains(&acme), "{asked}");
        let globex = reader.variable("GLOBEX").await;
        assert!(reader.paste("SESSION=").await.contains(&globex));
        let ended = reader.paste("SESSION_ID=").await;
        assert!(ended.contains(&reader.filled_in("302 http://localhost:3000/")) && ended.contains("invalid_grant"), "{ended}");
        let waits = reader.paste("DEVICE=").await;
        assert!(waits.contains("user_code=") && waits.contains("authorization_pending"), "{waits}");
        assert!(reader.paste("manage POST /user_management/cors_origins").await.contains("\"origin\":"));
        reader.done();
    }

    async fn second_factors(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.fill_in("sk_cs_env_…", &server.api_key);
        reader.fill_in("client_…", &server.client_id);
        reader.open("second-factors.md");
        reader.pass_over("countersign apply countersign.toml");
        assert!(reader.paste("export API=").await.contains("auth_factor_"));
        let told = reader.paste("export CLIENT=").await;
        assert!(told.contains("mfa_challenge") && told.contains("ada@example.com"), "{told}");
        assert!(reader.paste("TILL=").await.contains("True"));
        reader.done();
        // The declaration that was passed over.
        reader.save("[[environment]]", "countersign.toml").await;
        assert!(reader.type_in("countersign apply countersign.toml").await.contains("1 changed."));
    }

    async fn people_move_in(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.define_functions().await;
        reader.open("moving-users.md");
        reader.paste("cat > people.jsonl").await;
        let told = reader.paste("cat > move.py").await;
        let (first, again) = ("2 made, 0 changed, 0 as before, 0 refused", "0 made, 0 changed, 2 as before, 0 refused");
        assert!(told.contains(&format!("{first}\n{again}")), "{told}");
        let signed_in = reader.paste("curl -sS \"$WORKOS_BASE_URL/user_management/authenticate\"").await;
        assert!(signed_in.contains("{\"access_token\":\"eyJ"), "{signed_in}");
        assert!(reader.paste("cat > moved.toml").await.contains("1 changed."));
        reader.done();
    }
}
