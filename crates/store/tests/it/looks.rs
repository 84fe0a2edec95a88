//! Branding of environments and logos of applications: images stay as long as they are referenced, and within their
//! tenant.

use crate::harness::at;
use crate::sample::{plant, plant_environment};
use countersign_protocol::id::EnvironmentId;
use countersign_protocol::model::{Brand, Image, ImageDigest, Logo};
use countersign_store::{Error, Store, application, application_logo, branding, environment, image};
use std::sync::Arc;

fn a_picture(number: u8) -> Image {
    Image {
        digest: ImageDigest::from_bytes([number; 32]),
        source: ImageDigest::from_bytes([number ^ 255; 32]),
        width: 960,
        height: u32::from(number),
        seen_on_light: number.is_multiple_of(2),
        seen_on_dark: number.is_multiple_of(3),
    }
}

async fn keep(store: &Store, id: EnvironmentId, picture: Image, seconds: i64) {
    let png = [b"png".as_slice(), &[picture.height as u8]].concat();
    transaction!(store, |tx| image::keep(tx, id, &picture, &png, at(seconds)).await).unwrap();
}

async fn png(store: &Store, id: EnvironmentId, picture: Image) -> Option<Vec<u8>> {
    image::png(&mut store.reader().await.unwrap(), id, picture.digest).await.unwrap()
}

async fn prune(store: &Store, seconds: i64) -> u64 {
    transaction!(store, |tx| image::prune(tx, at(seconds)).await).unwrap()
}

fn everything_chosen() -> Brand {
    let text = |text: &str| Some(text.to_owned());
    Brand {
        name: text("O'Neill \"& Søns\" 日本"),
        logo: Logo { light: Some(a_picture(1)), dark: Some(a_picture(2)) },
        icon: Some(a_picture(3)),
        primary: text("#c2410c"),
        primary_dark: text("#fb923c"),
        background: text("#fff7ed"),
        background_dark: text("#1c0f06"),
        corners: text("pill"),
        font: text("serif"),
        terms_url: text("https://acme.example/terms"),
        privacy_url: text("https://acme.example/privacy"),
    }
}

on_both_databases! {
    async fn a_look_comes_back_as_it_was_chosen(store: Store) {
        let (id, other) = (plant_environment(&store).await, plant_environment(&store).await);
        assert_eq!(branding::find(&mut store.reader().await.unwrap(), id).await.unwrap(), Brand::default());
        for number in 1..=3 {
            keep(&store, id, a_picture(number), 1).await;
        }
        for brand in [everything_chosen(), Brand { name: None, icon: None, ..everything_chosen() }, Brand::default(), everything_chosen()] {
            let stored = brand.clone();
            transaction!(store, |tx| branding::set(tx, id, &stored, at(2)).await).unwrap();
            let reader = &mut store.reader().await.unwrap();
            assert_eq!(branding::find(reader, id).await.unwrap(), brand);
            let all = environment::all(reader).await.unwrap();
            let brand_of = |id| Arc::clone(&all.iter().find(|environment| environment.id == id).unwrap().brand);
            assert_eq!((&*brand_of(id), &*brand_of(other)), (&brand, &Brand::default()));
        }
    }

    async fn an_application_loses_its_logo_with_itself_alone(store: Store) {
        let world = plant(&store).await;
        let (id, application_id) = (world.environment.id, world.application.id);
        let find = async || application_logo::find(&mut store.reader().await.unwrap(), id, application_id).await.unwrap();
        assert_eq!(find().await, Logo::default());
        keep(&store, id, a_picture(1), 1).await;
        for logo in [
            Logo { light: Some(a_picture(1)), dark: None },
            Logo { light: None, dark: Some(a_picture(1)) },
            Logo::default(),
            Logo { light: Some(a_picture(1)), dark: Some(a_picture(1)) },
        ] {
            transaction!(store, |tx| application_logo::set(tx, id, application_id, &logo).await).unwrap();
            assert_eq!(find().await, logo);
            let client_id = world.application.client_id;
            let client = application::load_client(&mut store.reader().await.unwrap(), id, client_id).await.unwrap();
            assert_eq!(client.unwrap().logo, logo);
        }
        assert_eq!(prune(&store, 1_000).await, 0);
        transaction!(store, |tx| application::delete(tx, id, application_id).await).unwrap();
        assert_eq!((find().await, prune(&store, 1_000).await), (Logo::default(), 1));
    }

    async fn threat_34_pictures_stay_within_their_environment(store: Store) {
        let (mine, theirs) = (plant(&store).await, plant(&store).await);
        keep(&store, theirs.environment.id, a_picture(1), 1).await;
        let id = mine.environment.id;
        assert_eq!(png(&store, id, a_picture(1)).await, None);
        assert!(png(&store, theirs.environment.id, a_picture(1)).await.is_some());
        let brand = Brand { icon: Some(a_picture(1)), ..Brand::default() };
        let outcome = transaction!(store, |tx| branding::set(tx, id, &brand, at(2)).await);
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
        let logo = Logo { light: Some(a_picture(1)), dark: None };
        let application_id = mine.application.id;
        let outcome = transaction!(store, |tx| application_logo::set(tx, id, application_id, &logo).await);
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
        let (their_id, theirs_too) = (theirs.application.id, Logo::default());
        let outcome = transaction!(store, |tx| application_logo::set(tx, id, their_id, &theirs_too).await);
        assert!(matches!(outcome, Err(Error::ForeignKey)), "{outcome:?}");
        // The same image in both environments is two rows.
        keep(&store, id, a_picture(1), 50).await;
        assert_eq!(prune(&store, 20).await, 1);
        assert!(png(&store, id, a_picture(1)).await.is_some() && png(&store, theirs.environment.id, a_picture(1)).await.is_none());
    }

    async fn a_picture_that_nothing_refers_to_is_kept_for_a_while(store: Store) {
        let id = plant_environment(&store).await;
        for number in 1..=5 {
            keep(&store, id, a_picture(number), 1).await;
        }
        transaction!(store, |tx| branding::set(tx, id, &everything_chosen(), at(1)).await).unwrap();
        transaction!(store, |tx| image::touch(tx, id, a_picture(4).digest, at(100)).await).unwrap();
        assert_eq!(prune(&store, 50).await, 1, "the fifth");
        assert_eq!(png(&store, id, a_picture(5)).await, None);
        for number in 1..=4 {
            assert_eq!(png(&store, id, a_picture(number)).await, Some(vec![b'p', b'n', b'g', number]));
        }
        // Stored again, it counts as new; what is referenced stays, however old it is.
        keep(&store, id, a_picture(4), 300).await;
        assert_eq!(prune(&store, 200).await, 0);
        assert_eq!(prune(&store, 301).await, 1);
    }
}
