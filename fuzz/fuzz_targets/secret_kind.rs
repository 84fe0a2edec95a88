//! Whether a text has the format of a secret that we issue.
#![no_main]

use countersign_protocol::secret::SecretKind;
use libfuzzer_sys::fuzz_target;

const KINDS: [SecretKind; 3] =
    [SecretKind::EnvironmentApiKey, SecretKind::OrganizationApiKey, SecretKind::ClientSecret];

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input)
        && let Some(kind) = SecretKind::recognise(text)
    {
        assert!(text.starts_with(kind.prefix()) && text.is_ascii());
    }
    let Some(random) = input.first_chunk::<32>() else { return };
    for kind in KINDS {
        let secret = kind.compose(random);
        assert_eq!(SecretKind::recognise(secret.expose()), Some(kind));
        // With one wrong letter it is not recognized.
        let mut altered = secret.expose().to_owned();
        let at = usize::from(random[0]) % altered.len();
        let other = if altered.as_bytes()[at] == b'A' { "B" } else { "A" };
        altered.replace_range(at..=at, other);
        assert_eq!(SecretKind::recognise(&altered), None);
    }
});
