//! Pages of lists in both directions, search by name, and the filters of applications.

use crate::sample::{
    a_membership, a_permission, an_api_key, an_application, an_invitation, an_organization, everything, fresh_digest,
    insert_application, insert_organization, plant, plant_environment, plant_organization, plant_user,
};
use countersign_protocol::id::{EnvironmentId, Id, OrganizationId};
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::{ApplicationKind, ClientType, ConnectApplication, MembershipStatus, Ownership};
use countersign_store::application::Filter;
use countersign_store::membership::Of;
use countersign_store::{
    Reader, Result, Store, api_key, application, invitation, membership, organization, permission, user,
};

/// Reads a list to its end with pages of each size, in both directions, and from a cursor that matches no row.
macro_rules! check_pages {
    ($store:expr, $expected:expr, |$reader:ident, $slice:ident| $list:expr) => {{
        let oldest_first: Vec<_> = $expected;
        let newest_first: Vec<_> = oldest_first.iter().rev().copied().collect();
        for limit in [1, 2, 3, oldest_first.len(), 100] {
            for (scan, expected) in [(Scan::Ascending, &oldest_first), (Scan::Descending, &newest_first)] {
                let (mut seen, mut from) = (Vec::new(), None);
                loop {
                    let $slice = Slice { scan, from, limit };
                    let $reader: &mut Reader = &mut $store.reader().await.unwrap();
                    let page: Vec<_> = $list.await.unwrap().into_iter().map(|row| row.id).collect();
                    assert!(page.len() <= limit);
                    if page.is_empty() {
                        break;
                    }
                    seen.extend(page.iter().copied());
                    from = page.last().copied();
                }
                assert_eq!(&seen, expected, "{scan:?} in steps of {limit}");
            }
        }
        for (scan, expected) in [(Scan::Ascending, oldest_first.len()), (Scan::Descending, 0)] {
            let $slice = Slice { scan, from: Some(Id::from_ulid(0)), limit: 100 };
            let $reader: &mut Reader = &mut $store.reader().await.unwrap();
            assert_eq!($list.await.unwrap().len(), expected, "{scan:?} from before the first");
        }
    }};
}

fn oauth(ownership: Ownership) -> ApplicationKind {
    let (redirect_uris, cors_origins) = (Vec::new(), Vec::new());
    ApplicationKind::OAuth {
        ownership,
        client_type: ClientType::Public,
        redirect_uris,
        cors_origins,
        backchannel_logout_uri: None,
    }
}

async fn plant_application(store: &Store, id: EnvironmentId, kind: ApplicationKind) -> ConnectApplication {
    let application = an_application(kind, &[]);
    insert_application(store, id, &application).await.unwrap();
    application
}

async fn search(store: &Store, id: EnvironmentId, text: &str) -> Vec<String> {
    let mut reader = store.reader().await.unwrap();
    let found = organization::list(&mut reader, id, &everything(), Some(text)).await.unwrap();
    found.into_iter().map(|organization| organization.name).collect()
}

on_both_databases! {
    async fn organizations(store: Store) {
        let id = plant_environment(&store).await;
        let mut expected = Vec::new();
        for _ in 0..7 {
            expected.push(plant_organization(&store, id).await.id);
        }
        plant_organization(&store, plant_environment(&store).await).await;
        check_pages!(store, expected.clone(), |reader, slice| organization::list(reader, id, &slice, None));
        check_pages!(store, expected, |reader, slice| organization::list(reader, id, &slice, Some("acm")));
    }

    async fn permissions(store: Store) {
        let id = plant_environment(&store).await;
        let mut expected = Vec::new();
        for number in 0..7 {
            // Their slugs sort in the opposite order.
            let permission = a_permission(&format!("slug-{}", 9 - number));
            expected.push(permission.id);
            transaction!(store, |tx| permission::insert(tx, id, &permission).await).unwrap();
        }
        check_pages!(store, expected, |reader, slice| permission::list(reader, id, &slice));
    }

    async fn api_keys_of_an_organization(store: Store) {
        let id = plant_environment(&store).await;
        let (one, other) = (plant_organization(&store, id).await.id, plant_organization(&store, id).await.id);
        let mut expected: Vec<(OrganizationId, _)> = Vec::new();
        for organization_id in [one, other, one, one, other, one, one] {
            let key = an_api_key(organization_id, &["b", "a"]);
            expected.push((organization_id, key.id));
            transaction!(store, |tx| api_key::insert(tx, id, &key, &fresh_digest()).await).unwrap();
        }
        for organization_id in [one, other] {
            let expected = expected.iter().filter(|(owner, _)| *owner == organization_id).map(|(_, id)| *id).collect();
            check_pages!(store, expected, |reader, slice| api_key::list(reader, id, organization_id, &slice));
        }
    }

    async fn people_and_their_memberships(store: Store) {
        let id = plant_environment(&store).await;
        let (one, other) = (plant_organization(&store, id).await, plant_organization(&store, id).await);
        let (mut people, mut members, mut memberships) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..7 {
            // Addresses sort in the opposite order.
            let user = plant_user(&store, id, &format!("{}@b.co", 9 - number)).await.id;
            people.push(user);
            let mut membership = a_membership(user, if number == 3 { &other } else { &one });
            match number {
                1 => membership.status = MembershipStatus::Inactive,
                2 => membership.status = MembershipStatus::Pending,
                3 => {}
                _ => members.push(user),
            }
            memberships.push((membership.id, membership.organization_id, membership.status));
            transaction!(store, |tx| membership::insert(tx, id, &membership).await).unwrap();
        }
        plant(&store).await;
        check_pages!(store, people.clone(), |reader, slice| user::list(reader, id, &slice, None));
        check_pages!(store, members, |reader, slice| user::list(reader, id, &slice, Some(one.id)));
        let (active, inactive, pending) = (MembershipStatus::Active, MembershipStatus::Inactive, MembershipStatus::Pending);
        for statuses in [vec![active], vec![inactive], vec![pending, inactive], vec![active, pending, inactive]] {
            let expected = memberships.iter().filter(|(_, owner, status)| *owner == one.id && statuses.contains(status));
            let (expected, of) = (expected.map(|(id, ..)| *id).collect(), Of::Organization(one.id));
            check_pages!(store, expected, |reader, slice| async {
                let found = membership::list(reader, id, &slice, of, &statuses).await;
                found.map(|rows| rows.into_iter().map(|(row, user)| {
                    assert_eq!(row.user_id, user.id);
                    assert_eq!(row.roles, ["admin", "member"]);
                    row
                }).collect::<Vec<_>>())
            });
        }
        let mut reader = store.reader().await.unwrap();
        let of = Of::User(people[3]);
        let found = membership::list(&mut reader, id, &everything(), of, &[active]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0.id, found[0].0.organization_id), (memberships[3].0, other.id));
        assert_eq!(found[0].1, user::find(&mut reader, id, people[3]).await.unwrap().unwrap());
        assert_eq!(membership::list(&mut reader, id, &everything(), of, &[pending]).await.unwrap(), []);
    }

    async fn invitations_by_filter(store: Store) {
        let id = plant_environment(&store).await;
        let (one, other) = (plant_organization(&store, id).await.id, plant_organization(&store, id).await.id);
        let mut made = Vec::new();
        for (email, organization_id) in
            [("a@b.co", Some(one)), ("A@B.co", Some(other)), ("c@b.co", Some(one)), ("a@b.co", None), ("a@b.co", Some(one))]
        {
            let invitation = an_invitation(email, organization_id);
            made.push((invitation.id, email.to_lowercase(), organization_id));
            transaction!(store, |tx| invitation::insert(tx, id, &invitation, &fresh_digest()).await).unwrap();
        }
        plant(&store).await;
        for (email, organization_id) in [(None, None), (Some("A@b.co"), None), (None, Some(one)), (Some("a@b.co"), Some(one))] {
            let filter = invitation::Filter { email, organization_id };
            let expected = made.iter().filter(|(_, address, organization)| {
                email.is_none_or(|email| email.to_lowercase() == *address)
                    && organization_id.is_none_or(|id| Some(id) == *organization)
            });
            let expected = expected.map(|(id, ..)| *id).collect();
            check_pages!(store, expected, |reader, slice| invitation::list(reader, id, &slice, filter));
        }
    }

    async fn applications_by_filter(store: Store) {
        let id = plant_environment(&store).await;
        let organization_id = plant_organization(&store, id).await.id;
        let other_id = plant_organization(&store, id).await.id;
        let (mut all, mut made, mut dynamic, mut owned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let first_party = plant_application(&store, id, oauth(Ownership::FirstParty)).await.id;
            let machine = plant_application(&store, id, ApplicationKind::Machine { organization_id }).await.id;
            let registered = plant_application(&store, id, oauth(Ownership::DynamicallyRegistered)).await.id;
            let third_party = plant_application(&store, id, oauth(Ownership::ThirdParty { organization_id })).await.id;
            let foreign = ApplicationKind::Machine { organization_id: other_id };
            let others = plant_application(&store, id, foreign).await.id;
            all.extend([first_party, machine, registered, third_party, others]);
            made.extend([first_party, machine, third_party, others]);
            dynamic.push(registered);
            owned.extend([machine, third_party]);
        }
        let filter = |organization_id, authenticated, dynamic| Filter { organization_id, authenticated, dynamic };
        let owner = Some(organization_id);
        for (filter, expected) in [
            (filter(None, true, true), all),
            (filter(None, true, false), made),
            (filter(None, false, true), dynamic),
            (filter(None, false, false), vec![]),
            (filter(owner, true, true), owned.clone()),
            (filter(owner, true, false), owned),
            (filter(owner, false, true), vec![]),
            (filter(owner, false, false), vec![]),
        ] {
            if expected.is_empty() {
                let mut reader = store.reader().await.unwrap();
                let found = application::list(&mut reader, id, filter, &everything()).await.unwrap();
                assert_eq!(found, [], "{filter:?}");
            } else {
                check_pages!(store, expected.clone(), |reader, slice| application::list(reader, id, filter, &slice));
            }
        }
    }

    async fn the_search_finds_names_whatever_the_case_and_takes_signs_literally(store: Store) {
        let id = plant_environment(&store).await;
        for name in ["Acme Corp", "ACME GmbH", "50% Off_Ltd\\", "Ärzte AG", "Éclair", "日本"] {
            let mut organization = an_organization();
            organization.name = name.to_owned();
            insert_organization(&store, id, &organization).await.unwrap();
        }
        let check = async |text: &str, expected: &[&str]| assert_eq!(search(&store, id, text).await, expected, "{text}");
        check("acme", &["Acme Corp", "ACME GmbH"]).await;
        check("CME C", &["Acme Corp"]).await;
        check("%", &["50% Off_Ltd\\"]).await;
        check("_", &["50% Off_Ltd\\"]).await;
        check("\\", &["50% Off_Ltd\\"]).await;
        check("a_me", &[]).await;
        check("Ärzte", &["Ärzte AG"]).await;
        check("ÄRZTE", &["Ärzte AG"]).await;
        check("ärzte", &["Ärzte AG"]).await;
        check("arzte", &[]).await;
        check("é", &["Éclair"]).await;
        check("本", &["日本"]).await;
        check("'; DROP TABLE organization; --", &[]).await;
    }

    async fn a_changed_name_is_found_under_the_new_one_only(store: Store) {
        let id = plant_environment(&store).await;
        let mut organization = plant_organization(&store, id).await;
        organization.name = "Über Uns".to_owned();
        let changed = organization.clone();
        transaction!(store, |tx| organization::update(tx, id, &changed).await).unwrap();
        assert_eq!(search(&store, id, "über").await, ["Über Uns"]);
        assert_eq!(search(&store, id, "acme").await, Vec::<String>::new());
    }

    async fn domains_find_the_organizations_that_claim_them(store: Store) {
        use countersign_protocol::model::DomainState::{Pending, Verified};
        let id = plant_environment(&store).await;
        let (mut one, mut other) = (plant_organization(&store, id).await, plant_organization(&store, id).await);
        plant_organization(&store, id).await;
        for (first, name, state) in
            [(false, "b.example", Verified), (true, "a.example", Pending), (true, "b.example", Pending)]
        {
            let owner = if first { &mut one } else { &mut other };
            let domain = crate::sample::a_domain(owner.id, name, state);
            owner.domains.push(domain.clone());
            let outcome: Result<()> = transaction!(store, |tx| organization::insert_domain(tx, id, &domain).await);
            outcome.unwrap();
        }
        let claiming = async |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            organization::claiming(&mut store.reader().await.unwrap(), id, &names).await.unwrap()
        };
        assert_eq!(claiming(&["a.example"]).await, [one.clone()]);
        assert_eq!(claiming(&["b.example", "a.example", "b.example"]).await, [one, other]);
        assert_eq!(claiming(&["c.example"]).await, []);
        assert_eq!(claiming(&[]).await, []);
    }
}
