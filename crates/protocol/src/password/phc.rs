//! `$id$name=value,name=value$salt$hash`: PHC strings, and the kindred forms that systems write in their place.

/// A text of this form, in parts.
pub(super) struct Phc<'a> {
    /// Which algorithm.
    pub(super) id: &'a str,
    named: Vec<(&'a str, &'a str)>,
    /// What stands without a name, in order: as a rule salt and digest.
    pub(super) unnamed: Vec<&'a str>,
}

/// Names that a part may have. Others are none: base64 ends in `=` as well.
const NAMES: [&str; 19] = [
    "v", "m", "t", "p", "ln", "n", "r", "kl", "i", "l", "d", "ss", "sk", "salt", "hash", "rounds", "mem_cost", "keyid",
    "digest",
];
/// More parts than any has.
const MOST_PARTS: usize = 16;

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
                if named.len() + unnamed.len() > MOST_PARTS {
                    return None;
                }
            }
        }
        Some(Self { id, named, unnamed })
    }

    /// A value, under the first of these names that occurs.
    pub(super) fn text(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.named.iter().find(|(known, _)| known == name)).map(|(_, value)| *value)
    }

    /// A number, under the first of these names that occurs.
    pub(super) fn number(&self, names: &[&str]) -> Option<u32> {
        let text = self.text(names)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
    }

    /// Salt and digest, decoded and of sound lengths, when nothing else is without a name.
    pub(super) fn salt_and_digest(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let [salt, digest] = self.unnamed.as_slice() else { return None };
        sound(super::encoding::decode(salt)?, super::encoding::decode(digest)?)
    }
}

/// A salt and a digest, if their lengths are ones that somebody would choose.
pub(super) fn sound(salt: Vec<u8>, digest: Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
    (salt.len() <= super::LONGEST_SALT && super::DIGEST_LENGTHS.contains(&digest.len())).then_some((salt, digest))
}
