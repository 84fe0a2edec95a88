//! Identifiers: only the canonical text is valid.
#![no_main]

use countersign_protocol::id::{
    ApiKeyId, ApplicationId, ClientId, ClientSecretId, EnvironmentApiKeyId, EnvironmentId, EventId,
    OrganizationDomainId, OrganizationId, PermissionId, SigningKeyId, TokenId,
};
use libfuzzer_sys::fuzz_target;

macro_rules! check {
    ($text:expr, $($kind:ty)*) => {
        [$(<$kind>::parse($text).map(|id| {
            assert_eq!(id.to_string(), $text, "printed as it was read");
        }).is_ok()),*].into_iter().filter(|read| *read).count()
    };
}

fuzz_target!(|text: &str| {
    let kinds = check!(
        text,
        EnvironmentId OrganizationId OrganizationDomainId PermissionId ClientId ClientSecretId ApiKeyId
        EnvironmentApiKeyId SigningKeyId EventId TokenId
    );
    let application = ApplicationId::parse(text).map(|id| {
        let written = id.to_string();
        assert!(written == text || format!("conn_{written}") == text);
    });
    assert!(kinds + usize::from(application.is_ok()) <= 1, "a text is an identifier of one kind");
});
