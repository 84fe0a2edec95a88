//! Files that declare an installation, and the commands of operators.

use super::reader::Reader;
use crate::harness::{Browser, TestServer, on_both_databases};

on_both_databases! {
    async fn an_installation_from_a_file(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("apply.md");
        reader.pass_over("countersign apply countersign.toml");
        reader.save("[[environment]]\nname = \"default\"\nissuer", "countersign.toml").await;
        let told = reader.paste("openssl rand").await;
        let shown = reader.shown("+ environment default");
        for line in shown.lines().skip(1).filter(|line| line.starts_with("+ ") && !line.starts_with("+ secret")) {
            assert!(told.contains(line), "{line}: {told}");
        }
        assert!(told.contains("~ environment default") && told.contains("9 changed.") && told.contains("Nothing to change."), "{told}");
        reader.pass_over("countersign serve");
        let answers = reader.paste("curl -s http://").await;
        assert!(answers.contains("\"access_token\":") && answers.contains("\"external_id\":\"acme\""), "{answers}");
        assert!(reader.paste("countersign apply --check").await.contains("Nothing to change."));
        reader.done();
    }

    async fn pages_look_like_the_product(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("branding.md");
        reader.paste("python3 - <<'PYTHON'").await;
        reader.paste("cat > look.toml").await;
        assert!(reader.paste("countersign apply look.toml").await.contains("Nothing to change."));
        reader.done();
        let page = Browser::new(&server).open("/sign-in").await;
        assert!(page.html.contains("Alpenglow") && page.html.contains("brand-logo"), "{}", page.html);
    }

    async fn staff_from_the_command_line(server: TestServer) {
        server.staff(countersign_protocol::model::StaffRole::Admin).await;
        let Some(mut reader) = Reader::beside(&server).await else { return };
        let listed = reader.type_in("countersign staff list").await;
        let email = listed.split_whitespace().find(|word| word.ends_with("@staff.example")).unwrap();
        reader.fill_in("ada@example.com", email);
        reader.open("dashboard.md");
        let told = reader.paste("countersign staff link").await;
        assert_eq!(told.matches("/dashboard/welcome?token=").count(), 2, "{told}");
        assert!(told.contains("/dashboard/reset-password?token=") && told.contains(email), "{told}");
        let moved = reader.paste("countersign staff move").await;
        assert!(moved.contains("https://auth.example.com"), "{moved}");
        reader.done();
    }

    async fn an_operators_commands(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.open("operations.md");
        reader.pass_over("cargo build --release");
        if server.database.url == "sqlite" {
            let safe = server.database.directory.path().join("data/master.key");
            reader.fill_in("/safe/place/master.key", safe.to_str().unwrap());
            reader.fill_in("--data restored", "--data restored --listen 127.0.0.1:0");
            reader.paste("countersign backup").await;
            reader.start("mkdir -m 700 restored", "serving").await;
        } else {
            reader.pass_over("countersign backup");
            reader.pass_over("mkdir -m 700 restored");
        }
        reader.paste("countersign migrate --check").await;
        reader.pass_over("countersign serve --operations-listen");
        let told = reader.paste("countersign keys list").await;
        assert!(told.contains("active") && told.contains("signs from") && told.contains("signs now"), "{told}");
        reader.pass_over("countersign keys burn KID");
        let told = reader.paste("countersign api-keys list").await;
        assert!(told.contains("sk_cs_env_"), "{told}");
        reader.done();
    }
}
