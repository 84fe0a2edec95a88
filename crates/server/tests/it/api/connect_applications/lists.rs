//! The filters of `GET /connect/applications`.

use super::{PATH, first_party};
use crate::harness::{TestServer, ids, on_both_databases};
use serde_json::json;

on_both_databases! {
    async fn registration_types_come_in_every_spelling(server: TestServer) {
        let management = server.management();
        let made = first_party(&management, json!({})).await["id"].as_str().unwrap().to_owned();
        let listed = async |query: &str| ids(&management.get(&format!("{PATH}?{query}")).await.expect(200).json()["data"]);
        for query in [
            "", "registration_types=", "registration_types=authenticated", "registration_types=authenticated,dynamic",
            "registration_types=dynamic%2Cauthenticated", "registration_types=dynamic&registration_types=authenticated",
            "registration_types[]=authenticated", "registration_types[]=dynamic&registration_types[]=authenticated",
            "registration_types%5B0%5D=authenticated&registration_types%5B1%5D=dynamic",
        ] {
            assert_eq!(listed(query).await, [made.as_str()], "{query}");
        }
        for query in ["registration_types=dynamic", "registration_types[]=dynamic", "registration_types=dynamic,dynamic"] {
            assert_eq!(listed(query).await, Vec::<String>::new(), "{query}");
        }
        for query in ["registration_types=all", "registration_types=authenticated,none", "registration_types=Dynamic", "registration_types[]=x"] {
            management.get(&format!("{PATH}?{query}")).await.expect_invalid(&[("registration_types", "invalid")]);
        }
    }

    async fn applications_are_listed_by_organization(server: TestServer) {
        let management = server.management();
        let (acme, other, none) = (management.organization("Acme").await, management.organization("Other").await, management.organization("None").await);
        let site = first_party(&management, json!({})).await;
        let mut of_acme = Vec::new();
        for _ in 0..3 {
            of_acme.push(management.machine(&acme, &[]).await["id"].as_str().unwrap().to_owned());
        }
        let body = json!({"name": "P", "application_type": "oauth", "is_first_party": false, "organization_id": acme});
        of_acme.push(management.post(PATH, body).await.expect(201).text_at("id"));
        let of_other = management.machine(&other, &[]).await;
        of_acme.reverse();
        let listed = async |query: &str| ids(&management.get(&format!("{PATH}?{query}")).await.expect(200).json()["data"]);
        assert_eq!(listed(&format!("organization_id={acme}")).await, of_acme);
        assert_eq!(listed(&format!("organization_id={other}")).await, [of_other["id"].as_str().unwrap()]);
        for nobody in [none.as_str(), "org_01EHZNVPK3SFK441A1RGBFSHRT", "x", "'%20OR%201=1"] {
            assert_eq!(listed(&format!("organization_id={nobody}")).await, Vec::<String>::new());
        }
        let all = listed("limit=100").await;
        assert_eq!(all.len(), 6);
        assert!(all.contains(&site["id"].as_str().unwrap().to_owned()));
        assert_eq!(listed(&format!("organization_id={acme}&limit=2")).await, of_acme[..2]);
        assert_eq!(listed(&format!("organization_id={acme}&limit=2&after={}", of_acme[1])).await, of_acme[2..]);
        assert_eq!(listed(&format!("organization_id={acme}&registration_types=dynamic")).await, Vec::<String>::new());
        management.get(&format!("{PATH}?organization_id={acme}&organization_id={other}")).await.expect_invalid(&[("organization_id", "invalid")]);
    }
}
