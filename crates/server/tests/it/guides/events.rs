//! What is told of what happens.

use super::machines::clients_are_installed;
use super::reader::Reader;
use crate::harness::{TestServer, on_both_databases};

on_both_databases! {
    async fn what_has_happened(server: TestServer) {
        server.management().organization("Acme").await;
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.define_functions().await;
        reader.open("events.md");
        // Events get their place within a moment.
        reader.until_it_prints("manage GET '/events?limit=2'; echo", "organization.created").await;
        assert!(reader.paste("manage GET '/events?limit=2'").await.contains("organization.created"));
        assert!(reader.paste("LAST=").await.contains("\"data\":["));
        reader.done();
    }

    async fn be_told_what_happens(server: TestServer) {
        if !clients_are_installed("webhooks.md") {
            return;
        }
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.define_functions().await;
        reader.type_in("npm install @workos-inc/node@11.0.0 && python3 -m venv venv && venv/bin/pip install workos==10.7.0").await;
        reader.open("webhooks.md");
        reader.paste("ENDPOINT=").await;
        reader.save("[[environment]]", "countersign.toml").await;
        assert!(reader.paste("echo \"whsec_").await.contains("+ webhook endpoint https://app.example.com/webhooks"));
        reader.save("// Takes events.", "webhook-receiver.mjs").await;
        reader.paste("PORT=").await;
        reader.until_it_prints("curl -s -o /dev/null -w '%{http_code}' http://localhost:4000 || true", "400").await;
        reader.paste("manage POST \"/webhook_endpoints/$ENDPOINT_ID/test\"").await;
        reader.until("organization.created org_").await;
        let deliveries = reader.paste("manage GET").await;
        assert!(deliveries.contains("\"state\":\"delivered\""), "{deliveries}");
        reader.paste("manage POST \"/webhook_endpoints/$ENDPOINT_ID/deliveries/$EVENT/resend\"").await;
        assert!(reader.paste("manage POST \"/webhook_endpoints/$ENDPOINT_ID/rotate_secret\"").await.contains("whsec_"));
        assert!(reader.paste("manage POST \"/webhook_endpoints/$ENDPOINT_ID/complete_rotation\"").await.contains("whsec_"));
        reader.done();
    }

    async fn an_audit_log_for_customers_and_one_of_our_own(server: TestServer) {
        let Some(mut reader) = Reader::beside(&server).await else { return };
        reader.define_functions().await;
        reader.open("audit-logs.md");
        assert!(reader.paste("manage POST /audit_logs/actions").await.contains("{\"success\":true}"));
        assert!(reader.paste("EXPORT=").await.contains("\"object\":\"audit_log_export\""));
        let kept = reader.paste("manage PUT").await;
        assert!(kept.contains("\"retention_period_in_days\":30"), "{kept}");
        assert!(reader.paste("printf 'Authorization").await.contains("https://logs.example.com/in"));
        assert!(reader.paste("countersign audit list").await.contains("."));
        reader.paste("countersign audit verify").await;
        reader.paste("countersign audit verify --json").await;
        reader.done();
    }
}
