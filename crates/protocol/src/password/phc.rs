//! `$id$name=value,name=value$salt$hash`: PHC strings, and the similar formats that some systems use instead.

/// A text in this format, split into its parts.
pub(super) struct Phc<'a> {
    /// The algorithm's identifier.
    pub(super) id: &'a str,
    named: Vec<(&'a str, &'a str)>,
    /// The unnamed parts, in order: usually salt and digest.
    pub(super) unnamed: Vec<&'a str>,
}

/// The known part names. Anything else is not treated as a name, since base64 can end in `=` as well.
const NAMES: [&str; 19] = [
    "v", "m", "t", "p", "ln", "n", "r", "kl", "i", "l", "d", "ss", "sk", "salt", "hash", "rounds", "mem_cost", "keyid",
    "digest",
];
/// More parts than any hash has.
const MAX_PARTS: usize = 16;

impl<'a> Phc<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (id, rest) = text.strip_prefix('$')?.split_once('$')?;
        let (mut named, mut unnamed) = (Vec::new(), Vec::new());
        for part in rest.split('$') {
            for piece in part.split(',') {
                match piece.split_once('=').filter(|(name, _)| NAMES.contains(name)) {
                    Some((name, _)) if named.iter().any(|(known, _)| *known == name) => return None,
                    Some(pair) => named.push(pair),
                    None => unnamed.push(piece),
                }
                if named.len() + unnamed.len() > MAX_PARTS {
                    return None;
                }
            }
        }
        Some(Self { id, named, unnamed })
    }

    /// The value under the first of these names that occurs.
    pub(super) fn text(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.named.iter().find(|(known, _)| known == name)).map(|(_, value)| *value)
    }

    /// The number under the first of these names that occurs.
    pub(super) fn number(&self, names: &[&str]) -> Option<u32> {
        let text = self.text(names)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    }

    /// The decoded salt and digest, if they have plausible lengths and are the only unnamed parts.
    pub(super) fn salt_and_digest(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let [salt, digest] = self.unnamed.as_slice() else { return None };
        sound(super::encoding::decode(salt)?, super::encoding::decode(digest)?)
    }
}

/// Returns salt and digest if their lengths are plausible.
pub(super) fn sound(salt: Vec<u8>, digest: Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
    (salt.len() <= super::MAX_SALT_LENGTH && super::DIGEST_LENGTHS.contains(&digest.len())).then_some((salt, digest))
}
