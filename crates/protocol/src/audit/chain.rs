//! The hash chain of an environment's audit log: each link is a hash of the previous one and of the recorded event. The
//! hashes need no key, so anyone who has noted a head can verify the log against it. The seals need a key that is not
//! in the database, so someone with write access to the database can neither forge a record, nor claim that one was
//! pruned, nor move the head.

use crate::id::{AuditEventId, EnvironmentId, OrganizationId};
use crate::secret::{Digest, DigestKey};
use crate::time::Timestamp;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;

/// A link, or the hash of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The value before the first link.
    pub const NOTHING: Self = Self([0; 32]);

    /// Creates a hash from its stored bytes; `None` unless there are exactly 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who reported an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The company, about one of its organizations.
    Organization,
    /// This server: something was changed here.
    Administrative,
}

impl Kind {
    /// The kind, as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Administrative => "administrative",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Organization, Self::Administrative].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A recorded event, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its identifier.
    pub id: AuditEventId,
    /// Who reported it.
    pub kind: Kind,
    /// The organization it is about.
    pub organization_id: Option<OrganizationId>,
    /// When it happened, as reported.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The event as JSON; exactly these bytes are hashed.
    pub content: String,
}

/// Hashes fields, each prefixed with its length, so that no two field sequences yield the same bytes.
struct Fields(Context);

impl Fields {
    fn new(of: &str) -> Self {
        let mut fields = Self(Context::new(&SHA256));
        fields.add(of.as_bytes());
        fields
    }

    fn add(&mut self, field: &[u8]) {
        self.0.update(&(field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn finish(self) -> Hash {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        Hash(hash)
    }
}

impl Record {
    /// The hash of the entire record.
    pub fn hash(&self, environment_id: EnvironmentId) -> Hash {
        let mut fields = Fields::new("countersign/audit/record/v1");
        fields.add(environment_id.to_string().as_bytes());
        fields.add(self.id.to_string().as_bytes());
        fields.add(self.kind.as_str().as_bytes());
        fields.add(self.organization_id.map(|id| id.to_string()).unwrap_or_default().as_bytes());
        fields.add(&self.occurred_at.as_millis().to_be_bytes());
        fields.add(&self.recorded_at.as_millis().to_be_bytes());
        fields.add(self.content.as_bytes());
        fields.finish()
    }
}

/// The link for a record at a position in the chain.
pub fn link(environment_id: EnvironmentId, sequence: i64, previous: &Hash, content: &Hash) -> Hash {
    let mut fields = Fields::new("countersign/audit/link/v1");
    fields.add(environment_id.to_string().as_bytes());
    fields.add(&sequence.to_be_bytes());
    fields.add(previous.as_bytes());
    fields.add(content.as_bytes());
    fields.finish()
}

/// The key for seals over statements that the database alone cannot vouch for.
#[derive(Debug, Clone)]
pub struct ChainKey(DigestKey);

impl ChainKey {
    /// Creates the key from 32 bytes of key material.
    pub fn new(material: &[u8; 32]) -> Self {
        Self(DigestKey::new(material))
    }

    /// Seals the statement that this server wrote the record with this hash.
    pub fn written(&self, environment_id: EnvironmentId, id: AuditEventId, content: &Hash) -> Digest {
        self.0.digest(&format!("written\n{environment_id}\n{id}\n{content}"))
    }

    /// Seals the statement that this server pruned the record with this link.
    pub fn pruned(&self, environment_id: EnvironmentId, sequence: i64, hash: &Hash) -> Digest {
        self.0.digest(&format!("pruned\n{environment_id}\n{sequence}\n{hash}"))
    }

    /// Seals the start and end of an environment's chain.
    pub fn ends(&self, environment_id: EnvironmentId, ends: &Ends) -> Digest {
        let Ends { pruned_through, pruned_hash, sequence, hash } = ends;
        self.0.digest(&format!("ends\n{environment_id}\n{pruned_through}\n{pruned_hash}\n{sequence}\n{hash}"))
    }
}

/// The start and end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The last position whose entry has been deleted.
    pub pruned_through: i64,
    /// The link at that position.
    pub pruned_hash: Hash,
    /// The last position.
    pub sequence: i64,
    /// The link at that position.
    pub hash: Hash,
}

impl Ends {
    /// The ends of an empty chain.
    pub const EMPTY: Self = Self { pruned_through: 0, pruned_hash: Hash::NOTHING, sequence: 0, hash: Hash::NOTHING };
}

/// A stored position of the chain.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The position.
    pub sequence: i64,
    /// The event's identifier.
    pub id: AuditEventId,
    /// The record; `None` once it has been pruned.
    pub record: Option<Record>,
    /// The hash of the record.
    pub content_hash: Hash,
    /// The link.
    pub hash: Hash,
    /// The seal confirming that this server wrote or pruned it.
    pub seal: Digest,
}

/// A fault at a position of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The seal of the ends does not match.
    #[error("where the chain begins and ends was changed by something else than this server")]
    Ends,
    /// The position does not exist.
    #[error("the record is missing")]
    Missing,
    /// The record's hash has changed.
    #[error("the record was changed")]
    Changed,
    /// The record does not have this server's seal.
    #[error("the record was not written by this server")]
    Forged,
    /// The link does not follow from the previous one.
    #[error("the link does not follow from the one before")]
    Relinked,
    /// The record is gone but was not pruned by this server.
    #[error("the content was removed by something else than this server")]
    Removed,
    /// A record exists at a position that is not in the chain.
    #[error("a record stands outside the chain")]
    Outside,
}

/// The first fault found in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("place {sequence}: {fault}")]
pub struct Break {
    /// The position.
    pub sequence: i64,
    /// The fault.
    pub fault: Fault,
}

/// Verifies a chain from its first position to its last.
#[derive(Debug)]
pub struct Walk<'k> {
    key: &'k ChainKey,
    environment_id: EnvironmentId,
    ends: Ends,
    at: i64,
    hash: Hash,
}

impl<'k> Walk<'k> {
    /// Starts the walk.
    ///
    /// # Errors
    /// When the ends do not match their seal.
    pub fn begin(key: &'k ChainKey, environment_id: EnvironmentId, ends: Ends, seal: &Digest) -> Result<Self, Break> {
        if !key.ends(environment_id, &ends).matches(seal) || ends.pruned_through > ends.sequence {
            return Err(Break { sequence: ends.sequence, fault: Fault::Ends });
        }
        Ok(Self { key, environment_id, ends, at: ends.pruned_through, hash: ends.pruned_hash })
    }

    /// The position reached so far, with its link.
    pub fn reached(&self) -> (i64, Hash) {
        (self.at, self.hash)
    }

    /// Verifies the next position.
    ///
    /// # Errors
    /// The fault at that position.
    pub fn step(&mut self, stored: &Stored) -> Result<(), Break> {
        let sequence = self.at + 1;
        let broken = |fault| Err(Break { sequence, fault });
        if sequence > self.ends.sequence {
            return broken(Fault::Outside);
        }
        if stored.sequence != sequence {
            return broken(Fault::Missing);
        }
        match &stored.record {
            Some(record) => {
                if record.id != stored.id || record.hash(self.environment_id) != stored.content_hash {
                    return broken(Fault::Changed);
                }
                if !self.key.written(self.environment_id, stored.id, &stored.content_hash).matches(&stored.seal) {
                    return broken(Fault::Forged);
                }
            }
            None => {
                if !self.key.pruned(self.environment_id, sequence, &stored.hash).matches(&stored.seal) {
                    return broken(Fault::Removed);
                }
            }
        }
        if link(self.environment_id, sequence, &self.hash, &stored.content_hash) != stored.hash {
            return broken(Fault::Relinked);
        }
        (self.at, self.hash) = (sequence, stored.hash);
        Ok(())
    }

    /// Finishes the walk: there are no more entries.
    ///
    /// # Errors
    /// When the chain should continue, or ends with a different link.
    pub fn finish(self) -> Result<Ends, Break> {
        if self.at < self.ends.sequence {
            return Err(Break { sequence: self.at + 1, fault: Fault::Missing });
        }
        if self.hash != self.ends.hash {
            return Err(Break { sequence: self.at, fault: Fault::Relinked });
        }
        Ok(self.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use proptest::prelude::*;

    const TENANT: u128 = 1;

    fn environment() -> EnvironmentId {
        EnvironmentId::from_ulid(TENANT)
    }

    fn key() -> ChainKey {
        ChainKey::new(&[7; 32])
    }

    fn record(number: u128) -> Record {
        Record {
            id: AuditEventId::from_ulid(number),
            kind: if number.is_multiple_of(2) { Kind::Organization } else { Kind::Administrative },
            organization_id: number.is_multiple_of(2).then(|| OrganizationId::from_ulid(number)),
            occurred_at: Timestamp::from_millis(5),
            recorded_at: Timestamp::from_millis(6),
            content: format!("{{\"number\":{number}}}"),
        }
    }

    /// A chain of this length, with some positions pruned.
    fn chain(length: u128, pruned: &[i64]) -> (Vec<Stored>, Ends, Digest) {
        let (mut stored, mut ends) = (Vec::new(), Ends::EMPTY);
        for number in 1..=length {
            let record = record(number);
            let content_hash = record.hash(environment());
            let sequence = ends.sequence + 1;
            let hash = link(environment(), sequence, &ends.hash, &content_hash);
            (ends.sequence, ends.hash) = (sequence, hash);
            let gone = pruned.contains(&sequence);
            stored.push(Stored {
                sequence,
                id: record.id,
                seal: if gone {
                    key().pruned(environment(), sequence, &hash)
                } else {
                    key().written(environment(), record.id, &content_hash)
                },
                record: (!gone).then_some(record),
                content_hash,
                hash,
            });
        }
        let seal = key().ends(environment(), &ends);
        (stored, ends, seal)
    }

    fn walk(stored: &[Stored], ends: Ends, seal: &Digest) -> Result<Ends, Break> {
        let key = key();
        let mut walk = Walk::begin(&key, environment(), ends, seal)?;
        for place in stored {
            walk.step(place)?;
        }
        walk.finish()
    }

    #[test]
    fn a_chain_that_was_left_alone_is_whole() {
        for (length, pruned) in [(0, &[][..]), (1, &[]), (9, &[]), (9, &[1, 2, 5]), (3, &[1, 2, 3])] {
            let (stored, ends, seal) = chain(length, pruned);
            assert_eq!(walk(&stored, ends, &seal), Ok(ends));
        }
    }

    #[test]
    fn what_was_pruned_from_the_beginning_is_remembered_by_its_last_link() {
        let (stored, mut ends, _) = chain(9, &[1, 2, 3]);
        (ends.pruned_through, ends.pruned_hash) = (3, stored[2].hash);
        let seal = key().ends(environment(), &ends);
        assert_eq!(walk(&stored[3..], ends, &seal), Ok(ends));
        let fault = Err(Break { sequence: 4, fault: Fault::Missing });
        assert_eq!(walk(&stored[4..], ends, &seal), fault, "more is gone than that");
    }

    /// What an attacker with write access to the database but without the key may try.
    #[derive(Debug, Clone)]
    enum Attack {
        Edit(usize),
        EditAndRelink(usize),
        Delete(usize),
        DeleteAndRelink(usize),
        Swap(usize, usize),
        Prune(usize),
        Insert(usize),
        Cut(usize),
        CutAndMoveHead(usize),
        MoveStart(usize),
    }

    fn relink(stored: &mut [Stored], ends: &mut Ends) {
        let mut previous = Hash::NOTHING;
        for (at, place) in stored.iter_mut().enumerate() {
            place.sequence = i64::try_from(at).unwrap() + 1;
            place.hash = link(environment(), place.sequence, &previous, &place.content_hash);
            previous = place.hash;
        }
        (ends.sequence, ends.hash) = (stored.len().try_into().unwrap(), previous);
    }

    fn edit(place: &mut Stored) {
        if let Some(record) = &mut place.record {
            record.content.push(' ');
            place.content_hash = record.hash(environment());
        }
    }

    fn attack(stored: &mut Vec<Stored>, ends: &mut Ends, attack: &Attack) {
        match *attack {
            Attack::Edit(at) => stored[at].record.as_mut().unwrap().occurred_at = Timestamp::from_millis(9),
            Attack::EditAndRelink(at) => {
                edit(&mut stored[at]);
                relink(stored, ends);
            }
            Attack::Delete(at) => drop(stored.remove(at)),
            Attack::DeleteAndRelink(at) => {
                stored.remove(at);
                relink(stored, ends);
            }
            Attack::Swap(one, other) => {
                let (a, b) = (stored[one].clone(), stored[other].clone());
                (stored[one].record, stored[one].id, stored[one].content_hash, stored[one].seal) =
                    (b.record, b.id, b.content_hash, b.seal);
                (stored[other].record, stored[other].id, stored[other].content_hash, stored[other].seal) =
                    (a.record, a.id, a.content_hash, a.seal);
            }
            Attack::Prune(at) => stored[at].record = None,
            Attack::Insert(at) => {
                let mut forged = stored[at].clone();
                edit(&mut forged);
                stored.insert(at, forged);
                relink(stored, ends);
            }
            Attack::Cut(at) => stored.truncate(at),
            Attack::CutAndMoveHead(at) => {
                stored.truncate(at);
                (ends.sequence, ends.hash) =
                    stored.last().map_or((0, Hash::NOTHING), |last| (last.sequence, last.hash));
            }
            Attack::MoveStart(at) => {
                (ends.pruned_through, ends.pruned_hash) = (stored[at].sequence, stored[at].hash);
                stored.drain(..=at);
            }
        }
    }

    fn attacks() -> impl Strategy<Value = Attack> {
        let place = 0_usize..9;
        prop_oneof![
            place.clone().prop_map(Attack::Edit),
            place.clone().prop_map(Attack::EditAndRelink),
            place.clone().prop_map(Attack::Delete),
            place.clone().prop_map(Attack::DeleteAndRelink),
            (0_usize..4, 5_usize..9).prop_map(|(one, other)| Attack::Swap(one, other)),
            place.clone().prop_map(Attack::Prune),
            place.clone().prop_map(Attack::Insert),
            place.clone().prop_map(Attack::Cut),
            place.clone().prop_map(Attack::CutAndMoveHead),
            place.prop_map(Attack::MoveStart),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_the_database_is_found(tried in attacks()) {
            let (mut stored, mut ends, seal) = chain(9, &[]);
            attack(&mut stored, &mut ends, &tried);
            prop_assert!(walk(&stored, ends, &seal).is_err());
        }

        #[test]
        fn no_two_records_have_one_hash(one in "[a-z]{0,6}", other in "[a-z]{0,6}", place in 0_i64..3) {
            let with = |content: &str, at: i64| Record { content: content.to_owned(), occurred_at: Timestamp::from_millis(at), ..record(2) };
            let same = one == other && place == 0;
            prop_assert_eq!(with(&one, 0).hash(environment()) == with(&other, place).hash(environment()), same);
        }
    }

    #[test]
    fn a_chain_of_another_environment_is_not_this_ones() {
        let (stored, ends, seal) = chain(2, &[]);
        let (key, other) = (key(), EnvironmentId::from_ulid(2));
        assert!(Walk::begin(&key, other, ends, &seal).is_err());
        let mut walk = Walk::begin(&key, other, ends, &key.ends(other, &ends)).unwrap();
        assert!(walk.step(&stored[0]).is_err());
    }
}
