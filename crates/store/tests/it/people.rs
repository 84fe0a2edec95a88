//! Users, roles, memberships, and invitations are read back as inserted and as updated.

use crate::harness::at;
use crate::sample::{
    a_membership, a_permission, a_role, a_user, an_invitation, everything, fresh_digest, plant_environment,
    plant_organization, plant_user,
};
use countersign_protocol::model::{InvitationState, MembershipStatus, StaffRole};
use countersign_store::{Error, Store, invitation, membership, permission, role, staff_link, user};

/// A text with everything that might break an encoding, a quotation, or a separator.
const DIFFICULT: &str = "O'Neill \"& Søns\" \\ % _ $1 ?1 {} 日本 🦀";

on_both_databases! {
    async fn users(store: Store) {
        let id = plant_environment(&store).await;
        let (first, second) = (a_user("a@b.co"), a_user("c@b.co"));
        let mut full = a_user("Ünder@Bücher.example");
        full.email_verified = true;
        for field in [&mut full.first_name, &mut full.last_name, &mut full.name, &mut full.profile_picture_url, &mut full.external_id, &mut full.locale] {
            *field = Some(DIFFICULT.to_owned());
        }
        full.metadata.insert(DIFFICULT.to_owned(), DIFFICULT.to_owned());
        full.last_sign_in_at = Some(at(70));
        let mut expected = vec![first, second, full];
        let inserted = expected.clone();
        transaction!(store, |tx| {
            for user in &inserted {
                user::insert(tx, id, user).await?;
            }
            Ok(())
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(user::list(&mut reader, id, &everything(), None).await.unwrap(), expected);
        let found = user::find_by_email(&mut reader, id, "ÜNDER@bücher.EXAMPLE").await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected[2]));
        assert_eq!(user::find_by_external_id(&mut reader, id, DIFFICULT).await.unwrap().as_ref(), Some(&expected[2]));
        assert_eq!(user::find_by_email(&mut reader, id, "%").await.unwrap(), None);

        // Two of them swap everything but their creation times.
        let (empty, full) = (expected[0].clone(), expected[2].clone());
        let mut changed = expected[1].clone();
        changed.email = "New@b.co".to_owned();
        changed.metadata = full.metadata.clone();
        changed.name = full.name.clone();
        changed.updated_at = at(90);
        let mut cleared = full.clone();
        (cleared.name, cleared.external_id, cleared.locale, cleared.last_sign_in_at) = (None, None, None, None);
        cleared.metadata = empty.metadata.clone();
        cleared.email_verified = false;
        (expected[1], expected[2]) = (changed.clone(), cleared.clone());
        let first = empty.id;
        transaction!(store, |tx| {
            user::update(tx, id, &changed).await?;
            user::update(tx, id, &cleared).await?;
            user::signed_in(tx, id, first, at(95)).await?;
            assert!(user::lock(tx, id, first).await?);
            Ok(())
        })
        .unwrap();
        expected[0].last_sign_in_at = Some(at(95));
        assert_eq!(user::list(&mut reader, id, &everything(), None).await.unwrap(), expected);
        assert_eq!(user::find_by_email(&mut reader, id, "c@b.co").await.unwrap(), None);
        assert_eq!(user::find_by_email(&mut reader, id, "new@b.co").await.unwrap().as_ref(), Some(&expected[1]));
    }

    async fn people_are_found_by_the_beginning_of_their_address(store: Store) {
        let (id, elsewhere) = (plant_environment(&store).await, plant_environment(&store).await);
        for email in ["ada@b.co", "adam@b.co", "ad@b.co", "Bea@b.co", "ad%@b.co", "ad日本@b.co"] {
            plant_user(&store, id, email).await;
        }
        plant_user(&store, elsewhere, "ada@elsewhere.co").await;
        let mut reader = store.reader().await.unwrap();
        for (beginning, most, expected) in [
            ("AD", 9, vec!["ad%@b.co", "ad@b.co", "ada@b.co", "adam@b.co", "ad日本@b.co"]),
            ("ad", 2, vec!["ad%@b.co", "ad@b.co"]),
            ("ada", 9, vec!["ada@b.co", "adam@b.co"]),
            ("ada@B", 9, vec!["ada@b.co"]),
            ("ad%", 9, vec!["ad%@b.co"]),
            ("ad日", 9, vec!["ad日本@b.co"]),
            ("b", 9, vec!["Bea@b.co"]),
            ("da", 9, vec![]),
        ] {
            let found = user::with_address_beginning(&mut reader, id, beginning, most).await.unwrap();
            assert_eq!(found.iter().map(|user| &*user.email).collect::<Vec<_>>(), expected, "{beginning}");
        }
    }

    async fn members_are_found_by_a_part_of_their_name_or_address(store: Store) {
        let id = plant_environment(&store).await;
        let (organization, another) = (plant_organization(&store, id).await, plant_organization(&store, id).await);
        let (mut grace, mut linus) = (a_user("grace@b.co"), a_user("l.t@b.co"));
        (grace.first_name, grace.last_name) = (Some("Grace".to_owned()), Some("Hopper".to_owned()));
        linus.name = Some("Linus 100% Ünal_".to_owned());
        let (members, stranger, organization_id) = ([grace, linus], a_user("grace.two@b.co"), organization.id);
        transaction!(store, |tx| {
            for user in &members {
                user::insert(tx, id, user).await?;
                membership::insert(tx, id, &a_membership(user.id, &organization)).await?;
            }
            user::insert(tx, id, &stranger).await?;
            membership::insert(tx, id, &a_membership(stranger.id, &another)).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        for (text, expected) in [
            ("GRACE h", "grace@b.co"), ("race@", "grace@b.co"), ("hopper", "grace@b.co"), ("100%", "l.t@b.co"), ("_", "l.t@b.co"),
            ("Ünal", "l.t@b.co"), ("b.co", "grace@b.co l.t@b.co"), ("grace.two", ""), ("h%r", ""), ("l_t", ""), ("\\", ""),
        ] {
            let found = membership::search(&mut reader, id, &everything(), organization_id, text).await.unwrap();
            let mut emails: Vec<String> = found.into_iter().map(|(_, user)| user.email).collect();
            emails.sort();
            assert_eq!(emails.join(" "), expected, "{text}");
        }
    }

    async fn passwords(store: Store) {
        let id = plant_environment(&store).await;
        let user_id = plant_user(&store, id, "a@b.co").await.id;
        let hash = async || user::password_hash(&mut store.reader().await.unwrap(), id, user_id).await.unwrap();
        assert_eq!(hash().await, None);
        for text in ["one", DIFFICULT] {
            transaction!(store, |tx| user::set_password_hash(tx, id, user_id, text, at(1)).await).unwrap();
            assert_eq!(hash().await.as_deref(), Some(text));
        }
        // Replaced only if it is still unchanged.
        transaction!(store, |tx| user::rehash_password(tx, id, user_id, ("one", "two"), at(2)).await).unwrap();
        assert_eq!(hash().await.as_deref(), Some(DIFFICULT));
        transaction!(store, |tx| user::rehash_password(tx, id, user_id, (DIFFICULT, "two"), at(2)).await).unwrap();
        assert_eq!(hash().await.as_deref(), Some("two"));
    }

    async fn roles(store: Store) {
        let id = plant_environment(&store).await;
        let (mut one, mut other) = (a_role("one"), a_role("other"));
        one.description = Some(DIFFICULT.to_owned());
        one.permissions = vec!["a".to_owned(), "b".to_owned()];
        let inserted = [one.clone(), other.clone()];
        transaction!(store, |tx| {
            for slug in ["a", "b", "c"] {
                permission::insert(tx, id, &a_permission(slug)).await?;
            }
            for role in &inserted {
                role::insert(tx, id, role).await?;
            }
            role::insert_if_missing(tx, id, &a_role("one")).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(role::list(&mut reader, id).await.unwrap(), [one.clone(), other.clone()]);
        assert_eq!(role::find(&mut reader, id, "nobody").await.unwrap(), None);
        (one.name, one.description, one.updated_at) = (DIFFICULT.to_owned(), None, at(50));
        let (changed, one_id, other_id) = (one.clone(), one.id, other.id);
        transaction!(store, |tx| {
            assert!(role::lock(tx, id, "one").await?);
            assert!(!role::lock(tx, id, "nobody").await?);
            role::update(tx, id, &changed, at(50)).await?;
            role::set_permissions(tx, id, other_id, &["c".to_owned(), "a".to_owned()]).await?;
            role::add_permission(tx, id, one_id, "c").await?;
            assert!(role::remove_permission(tx, id, one_id, "a").await?);
            assert!(!role::remove_permission(tx, id, one_id, "a").await?);
            Ok(())
        })
        .unwrap();
        one.permissions = vec!["b".to_owned(), "c".to_owned()];
        other.permissions = vec!["a".to_owned(), "c".to_owned()];
        assert_eq!(role::list(&mut reader, id).await.unwrap(), [one.clone(), other.clone()]);
        assert!(matches!(
            transaction!(store, |tx| role::add_permission(tx, id, one_id, "b").await), Err(Error::Unique { .. })
        ));
        let gone = permission::find(&mut reader, id, "c").await.unwrap().unwrap();
        transaction!(store, |tx| permission::delete(tx, id, &gone).await).unwrap();
        let left = role::list(&mut reader, id).await.unwrap();
        assert_eq!((left[0].permissions.join(" "), left[1].permissions.join(" ")), ("b".to_owned(), "a".to_owned()));
    }

    async fn memberships(store: Store) {
        let id = plant_environment(&store).await;
        let organization = plant_organization(&store, id).await;
        let user = plant_user(&store, id, "a@b.co").await.id;
        let mut membership = a_membership(user, &organization);
        membership.status = MembershipStatus::Pending;
        let (inserted, membership_id) = (membership.clone(), membership.id);
        transaction!(store, |tx| membership::insert(tx, id, &inserted).await).unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(membership::find(&mut reader, id, membership_id).await.unwrap().as_ref(), Some(&membership));
        for status in [MembershipStatus::Active, MembershipStatus::Inactive] {
            transaction!(store, |tx| membership::set_status(tx, id, membership_id, status, at(60)).await).unwrap();
            membership.status = status;
            membership.updated_at = at(60);
            let active = status == MembershipStatus::Active;
            assert_eq!(membership::is_active(&mut reader, id, user, organization.id).await.unwrap(), active);
            assert_eq!(membership::active_of_user(&mut reader, id, user, 9, None).await.unwrap().len(), usize::from(active));
            let found = membership::find_of_user(&mut reader, id, user, organization.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(&membership));
        }
        for roles in [vec!["b".to_owned(), "a".to_owned()], vec!["a".to_owned()], Vec::new()] {
            let wanted = roles.clone();
            transaction!(store, |tx| membership::set_roles(tx, id, membership_id, &wanted).await).unwrap();
            assert_eq!(membership::find(&mut reader, id, membership_id).await.unwrap().unwrap().roles, roles);
        }
    }

    async fn invitations(store: Store) {
        let id = plant_environment(&store).await;
        let organization = plant_organization(&store, id).await.id;
        let user = plant_user(&store, id, "a@b.co").await.id;
        let mut full = an_invitation("Eve@b.co", Some(organization));
        full.inviter_user_id = Some(user);
        full.role_slug = Some(DIFFICULT.to_owned());
        let empty = an_invitation("eve@b.co", None);
        let (inserted, digests) = ([full.clone(), empty.clone()], [fresh_digest(), fresh_digest()]);
        transaction!(store, |tx| {
            for (invitation, digest) in inserted.iter().zip(&digests) {
                invitation::insert(tx, id, invitation, digest).await?;
            }
            Ok(())
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        let all = invitation::list(&mut reader, id, &everything(), invitation::Filter::default()).await.unwrap();
        assert_eq!(all, [full.clone(), empty.clone()]);
        assert_eq!(invitation::find_by_token(&mut reader, id, &digests[1]).await.unwrap().as_ref(), Some(&empty));
        assert_eq!(invitation::find_by_token(&mut reader, id, &fresh_digest()).await.unwrap(), None);
        let late = full.expires_at;
        for (organization_id, expected) in [(Some(organization), &full), (None, &empty)] {
            let open = invitation::find_open(&mut reader, id, "EVE@b.co", organization_id, at(0)).await.unwrap();
            assert_eq!(open.as_ref(), Some(expected));
            assert_eq!(invitation::find_open(&mut reader, id, "EVE@b.co", organization_id, late).await.unwrap(), None);
            assert_eq!(invitation::find_open(&mut reader, id, "b.co", organization_id, at(0)).await.unwrap(), None);
        }
        let (accepted, revoked) = (InvitationState::Accepted { at: at(70), by: user }, InvitationState::Revoked { at: at(71) });
        let (first, second) = (full.id, empty.id);
        transaction!(store, |tx| {
            assert!(invitation::lock(tx, id, first).await?);
            assert!(invitation::settle(tx, id, first, accepted, at(70)).await?);
            assert!(invitation::settle(tx, id, second, revoked, at(71)).await?);
            // What is settled stays settled.
            assert!(!invitation::settle(tx, id, first, revoked, at(72)).await?);
            assert!(!invitation::settle(tx, id, second, accepted, at(72)).await?);
            invitation::touch(tx, id, second, at(73)).await
        })
        .unwrap();
        let found = invitation::find(&mut reader, id, first).await.unwrap().unwrap();
        assert_eq!((found.state, found.updated_at), (accepted, at(70)));
        let found = invitation::find(&mut reader, id, second).await.unwrap().unwrap();
        assert_eq!((found.state, found.updated_at), (revoked, at(73)));
        assert_eq!(invitation::find_open(&mut reader, id, "eve@b.co", None, at(0)).await.unwrap(), None);
    }

    async fn links_into_the_dashboard_go_all_at_once_and_one_by_one(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        let digests = [fresh_digest(), fresh_digest(), fresh_digest()];
        let links = digests;
        transaction!(store, |tx| {
            for (environment_id, digest) in [(id, &links[0]), (id, &links[1]), (other, &links[2])] {
                staff_link::insert(tx, environment_id, digest, StaffRole::Admin, at(100)).await?;
            }
            assert_eq!(staff_link::use_up(tx, id, &links[0], at(99)).await?, Some(StaffRole::Admin));
            assert_eq!(staff_link::use_up(tx, id, &links[0], at(99)).await?, None);
            staff_link::delete_all(tx, id).await
        })
        .unwrap();
        let mut reader = store.reader().await.unwrap();
        assert_eq!(staff_link::find(&mut reader, id, &digests[1], at(0)).await.unwrap(), None);
        // Another environment's links stay until they expire.
        assert_eq!(staff_link::find(&mut reader, other, &digests[2], at(99)).await.unwrap(), Some(StaffRole::Admin));
        assert_eq!(staff_link::find(&mut reader, other, &digests[2], at(100)).await.unwrap(), None);
    }
}
