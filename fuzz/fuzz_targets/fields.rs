//! The JSON body of a management request, read as every kind of field.
#![no_main]

use countersign_protocol::management::domain_name;
use countersign_protocol::management::fields::{
    Fields, LONGEST_DESCRIPTION, LONGEST_EXTERNAL_ID, LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE, LONGEST_NAME,
    LONGEST_SLUG, MOST_ENTRIES, MOST_METADATA, Patch, is_slug,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut fields = match Fields::parse(body) {
        Ok(fields) => fields,
        Err(error) => {
            assert!(matches!(error.status(), 400 | 422));
            let _ = error.body().to_string();
            return;
        }
    };
    let name = fields.required_text("name", LONGEST_NAME);
    let external_id = fields.external_id().value();
    let slug = fields.required_slug("slug");
    let description = fields.description().value();
    let metadata = fields.metadata();
    let scopes = fields.texts("scopes", LONGEST_SLUG).value().unwrap_or_default();
    let redirect_uris = fields.redirect_uris().value().unwrap_or_default();
    let domains = fields.domain_data().value().unwrap_or_default();
    let _ = (fields.boolean("uses_pkce"), fields.timestamp("expires_at"));
    match fields.finish() {
        Err(error) => {
            assert!(matches!(error.status(), 400 | 422));
            let _ = error.body().to_string();
        }
        // Nothing was rejected, so everything is within its bounds.
        Ok(()) => {
            let short = |text: &str, most: usize| text.chars().count() <= most && !text.contains('\0');
            assert!(!name.trim().is_empty() && short(&name, LONGEST_NAME));
            assert!(is_slug(&slug));
            assert!(external_id.is_none_or(|id| id.is_ascii() && short(&id, LONGEST_EXTERNAL_ID)));
            assert!(description.is_none_or(|text| !text.is_empty() && short(&text, LONGEST_DESCRIPTION)));
            if let Patch::Value(metadata) = metadata {
                assert!(metadata.len() <= MOST_METADATA);
                for (key, value) in &metadata {
                    assert!(!key.is_empty() && short(key, LONGEST_METADATA_KEY));
                    assert!(value.as_ref().is_none_or(|value| short(value, LONGEST_METADATA_VALUE)));
                }
            }
            assert!(scopes.len() <= MOST_ENTRIES && redirect_uris.len() <= MOST_ENTRIES);
            assert!(scopes.iter().all(|scope| short(scope, LONGEST_SLUG)));
            for (domain, _) in &domains {
                assert_eq!(domain_name::normalize(domain).as_ref(), Some(domain));
            }
        }
    }
});
