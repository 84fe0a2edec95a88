//! The JSON body of a management request, read as every kind of field.
#![no_main]

use countersign_protocol::management::domain_name;
use countersign_protocol::management::fields::{
    Fields, MAX_DESCRIPTION_LENGTH, MAX_ENTRIES, MAX_EXTERNAL_ID_LENGTH, MAX_METADATA, MAX_METADATA_KEY_LENGTH,
    MAX_METADATA_VALUE_LENGTH, MAX_NAME_LENGTH, MAX_SLUG_LENGTH, Patch, is_slug,
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
    let name = fields.required_text("name", MAX_NAME_LENGTH);
    let external_id = fields.external_id().value();
    let slug = fields.required_slug("slug");
    let description = fields.description().value();
    let metadata = fields.metadata();
    let scopes = fields.texts("scopes", MAX_SLUG_LENGTH).value().unwrap_or_default();
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
            assert!(!name.trim().is_empty() && short(&name, MAX_NAME_LENGTH));
            assert!(is_slug(&slug));
            assert!(external_id.is_none_or(|id| id.is_ascii() && short(&id, MAX_EXTERNAL_ID_LENGTH)));
            assert!(description.is_none_or(|text| !text.is_empty() && short(&text, MAX_DESCRIPTION_LENGTH)));
            if let Patch::Value(metadata) = metadata {
                assert!(metadata.len() <= MAX_METADATA);
                for (key, value) in &metadata {
                    assert!(!key.is_empty() && short(key, MAX_METADATA_KEY_LENGTH));
                    assert!(value.as_ref().is_none_or(|value| short(value, MAX_METADATA_VALUE_LENGTH)));
                }
            }
            assert!(scopes.len() <= MAX_ENTRIES && redirect_uris.len() <= MAX_ENTRIES);
            assert!(scopes.iter().all(|scope| short(scope, MAX_SLUG_LENGTH)));
            for (domain, _) in &domains {
                assert_eq!(domain_name::normalize(domain).as_ref(), Some(domain));
            }
        }
    }
});
