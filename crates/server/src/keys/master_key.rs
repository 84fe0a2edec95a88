//! The master key: where it comes from, and what is refused.

use crate::config::MasterKeySource;
use crate::entropy::Entropy;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_protocol::seal::SealKey;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// The master key cannot be had. The text says why and what to do; it never holds the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MasterKeyError(pub String);

/// The master key.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

impl MasterKey {
    /// Reads the text of a key: 32 bytes in base64, base64url or hex.
    ///
    /// # Errors
    /// When it is not a key, or one that was evidently not drawn at random.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        let decoded = if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            (0..32).map(|at| text.get(at * 2..at * 2 + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
        } else {
            let unpadded = text.trim_end_matches('=');
            URL_SAFE_NO_PAD.decode(unpadded).or_else(|_| STANDARD.decode(text)).ok()
        };
        let bytes: [u8; 32] = decoded.and_then(|bytes: Vec<u8>| bytes.try_into().ok()).ok_or_else(|| {
            MasterKeyError(
                "The master key must be 32 random bytes in base64 or hex; 'openssl rand -base64 32' makes one.".into(),
            )
        })?;
        let key = Self(Zeroizing::new(bytes));
        if key.looks_weak() {
            return Err(MasterKeyError(
                "The master key is weak: it does not look random. 'openssl rand -base64 32' makes a good one.".into(),
            ));
        }
        Ok(key)
    }

    /// Few different bytes, a steady step from byte to byte, or text: 32 random bytes are none of these (the chance is
    /// below one in 2^30).
    fn looks_weak(&self) -> bool {
        let distinct = self.0.iter().collect::<std::collections::HashSet<_>>().len();
        let steps =
            self.0.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect::<std::collections::HashSet<_>>();
        distinct < 16 || steps.len() < 4 || self.0.iter().all(|byte| matches!(byte, 0x20..=0x7E))
    }

    /// Obtains the key from its source. A file at the default place is made when `first_start` allows it.
    ///
    /// # Errors
    /// When there is none, it is unreadable, readable by others, or weak.
    pub fn obtain(source: &MasterKeySource, first_start: bool, entropy: &Entropy) -> Result<Self, MasterKeyError> {
        match source {
            MasterKeySource::Value(secret) => Self::parse(secret.expose()),
            MasterKeySource::Command(command) => {
                let output = std::process::Command::new("sh")
                    .args(["-c", command])
                    .stdin(std::process::Stdio::null())
                    .stderr(std::process::Stdio::inherit())
                    .output()
                    .map_err(|error| MasterKeyError(format!("master_key_command could not be run: {error}.")))?;
                if !output.status.success() {
                    return Err(MasterKeyError(format!("master_key_command failed: {}.", output.status)));
                }
                let printed = Zeroizing::new(output.stdout);
                let text = std::str::from_utf8(&printed)
                    .map_err(|_| MasterKeyError("master_key_command printed what is not text.".into()))?;
                Self::parse(text)
            }
            MasterKeySource::File { path, may_create } => {
                if path.try_exists().map_err(|error| unreadable(path, &error))? {
                    read_file(path)
                } else if *may_create && first_start {
                    create_file(path, entropy)
                } else {
                    Err(MasterKeyError(format!(
                        "The master key is missing: {} does not exist, and the database was set up with one. Restore the \
                         file from your backup, or give the key in COUNTERSIGN_MASTER_KEY. Without it nothing sealed in the database can be read.",
                        path.display()
                    )))
                }
            }
        }
    }

    /// The key that seals the data key.
    ///
    /// # Errors
    /// Only if the cryptographic library refuses it, which it does for no 32 bytes.
    pub fn seal_key(&self) -> Result<SealKey, MasterKeyError> {
        SealKey::new(&self.0).map_err(|error| MasterKeyError(error.to_string()))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> MasterKeyError {
    MasterKeyError(format!("Cannot read the master key {}: {error}.", path.display()))
}

fn read_file(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let mode = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(MasterKeyError(format!(
            "The master key {} can be read by every user of this machine (mode {:03o}). Run: chmod 600 {}",
            path.display(),
            mode & 0o777,
            path.display()
        )));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?);
    MasterKey::parse(&text).map_err(|error| MasterKeyError(format!("{}: {error}", path.display())))
}

fn create_file(path: &Path, entropy: &Entropy) -> Result<MasterKey, MasterKeyError> {
    let failed = |error: &dyn std::fmt::Display| {
        MasterKeyError(format!("Cannot make the master key {}: {error}.", path.display()))
    };
    let bytes = Zeroizing::new(entropy.bytes::<32>().map_err(|error| failed(&error))?);
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*bytes)));
    // Written whole under another name and then given its own, never over an existing file: two processes may start at
    // once, and one of them must then read the other's key, and read it whole.
    let directory = path.parent().unwrap_or(Path::new("."));
    let suffix = entropy.bytes::<8>().map_err(|error| failed(&error))?;
    let temporary = directory.join(format!(".master.key.{:016x}", u64::from_be_bytes(suffix)));
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::hard_link(&temporary, path)?;
        std::fs::File::open(directory)?.sync_all()
    })();
    let _ = std::fs::remove_file(&temporary);
    match written {
        Ok(()) => MasterKey::parse(&text),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => read_file(path),
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "q83vEjRWeJCrze8SNFZ4kBI0VniQq83v/ty6mHZUMhA=";

    fn obtain(source: &MasterKeySource, first_start: bool) -> Result<MasterKey, String> {
        MasterKey::obtain(source, first_start, &Entropy::default()).map_err(|error| error.0)
    }

    #[test]
    fn keys_come_in_three_spellings() {
        let key = MasterKey::parse(GOOD).unwrap();
        let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(MasterKey::parse(&hex).unwrap().0, key.0);
        assert_eq!(MasterKey::parse(&GOOD.replace('+', "-").replace('/', "_")).unwrap().0, key.0);
        assert_eq!(MasterKey::parse(&format!(" {GOOD}\n")).unwrap().0, key.0);
    }

    #[test]
    fn threat_32_weak_and_malformed_keys_are_refused() {
        for weak in [[0_u8; 32], [7; 32], std::array::from_fn(|n| n as u8), *b"correct horse battery staple 123"] {
            let error = MasterKey::parse(&STANDARD.encode(weak)).unwrap_err().0;
            assert!(error.contains("weak"), "{error}");
        }
        for malformed in ["", "secret", &GOOD[..40], &format!("{GOOD}AAAA"), "zz"] {
            assert!(MasterKey::parse(malformed).unwrap_err().0.contains("32 random bytes"));
        }
    }

    #[test]
    fn threat_32_a_missing_key_is_made_on_first_start_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let source = MasterKeySource::File { path: path.clone(), may_create: true };
        assert!(obtain(&source, false).unwrap_err().contains("missing"));
        let made = obtain(&source, true).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(obtain(&source, false).unwrap().0, made.0);
        assert_eq!(obtain(&source, true).unwrap().0, made.0, "never made anew over an existing one");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(obtain(&source, false).unwrap_err().contains("chmod 600"));
        let named = MasterKeySource::File { path: directory.path().join("other"), may_create: false };
        assert!(obtain(&named, true).unwrap_err().contains("missing"));
    }

    #[test]
    fn a_command_prints_the_key() {
        assert!(obtain(&MasterKeySource::Command(format!("echo {GOOD}")), false).is_ok());
        assert!(obtain(&MasterKeySource::Command("exit 3".into()), false).unwrap_err().contains("failed"));
        assert!(obtain(&MasterKeySource::Command("echo hello".into()), false).is_err());
    }

    #[test]
    fn a_generated_key_never_looks_weak() {
        for _ in 0..2000 {
            assert!(!MasterKey(Zeroizing::new(Entropy::default().bytes().unwrap())).looks_weak());
        }
    }
}
