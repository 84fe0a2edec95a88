//! Rotating a secret without any event that the receiver cannot verify.

use super::{endpoint, path};
use crate::harness::{Receiver, TestServer, on_both_databases};
use serde_json::{Value, json};

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// Returns the number of signatures in the header that allows several.
fn standard(received: &crate::harness::Received) -> usize {
    received.header("webhook-signature").split(' ').count()
}

on_both_databases! {
    async fn the_new_secret_is_shown_first_and_signs_a_day_later(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        let old = text(&made, "secret");
        management.post(&format!("{}/complete_rotation", path(&made)), json!({})).await.expect_code(409, "no_rotation_in_progress");
        let rotate = format!("{}/rotate_secret", path(&made));
        let rotating = management.post(&rotate, json!({})).await.expect(200).json();
        let new = text(&rotating, "next_secret");
        assert_eq!(text(&rotating, "secret"), old);
        assert_ne!(new, old);
        assert!(rotating["next_secret_at"].is_string());
        management.post(&rotate, json!({})).await.expect_code(409, "rotation_in_progress");
        assert_eq!(management.get(&path(&made)).await.json(), rotating);

        management.organization("A").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(&old) && !received.is_signed_by(&new));
        assert_eq!(standard(&received), 2, "both, where there is place");

        server.clock.advance_seconds(24 * 3600 + 1);
        management.organization("B").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(&new) && !received.is_signed_by(&old));
        assert_eq!(standard(&received), 2, "the old one besides");
        let shown = management.get(&path(&made)).await.json();
        assert_eq!((text(&shown, "secret"), shown.get("next_secret")), (new.clone(), None));

        server.clock.advance_seconds(24 * 3600);
        management.organization("C").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(&new));
        assert_eq!(standard(&received), 1);
        // The next rotation starts from the current secret.
        let rotating = management.post(&rotate, json!({})).await.expect(200).json();
        assert_eq!(text(&rotating, "secret"), new);
    }

    async fn the_operator_decides_when(server: TestServer) {
        let (mut receiver, management) = (Receiver::start().await, server.management());
        let made = endpoint(&management, &receiver.base_url, "x", &["organization.created"]).await;
        let rotate = format!("{}/rotate_secret", path(&made));
        let rotating = management.post(&rotate, json!({})).await.expect(200).json();
        let new = text(&rotating, "next_secret");
        let completed = management.post(&format!("{}/complete_rotation", path(&made)), json!({})).await.expect(200).json();
        assert_eq!((text(&completed, "secret"), completed.get("next_secret")), (new.clone(), None));
        management.organization("A").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(&new));
        assert_eq!(standard(&received), 2);
        // A compromised secret no longer signs anything.
        let replaced = management.post(&rotate, json!({"immediately": true})).await.expect(200).json();
        let newest = text(&replaced, "secret");
        assert!(newest != new && replaced.get("next_secret").is_none());
        management.organization("B").await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(&newest) && !received.is_signed_by(&new));
        assert_eq!(standard(&received), 1);
        management.post(&rotate, json!({"immediately": "yes"})).await.expect_invalid(&[("immediately", "invalid_type")]);
    }
}
