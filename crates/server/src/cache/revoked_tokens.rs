//! Tokens revoked one by one, in memory. When there are more than fit, the answer "not known here" sends the asker to
//! the database, so that the bound costs time and never truth.

use countersign_protocol::id::{EnvironmentId, TokenId};
use countersign_protocol::time::Timestamp;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// What memory knows of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It was revoked.
    Revoked,
    /// It was not.
    NotRevoked,
    /// Memory does not hold all of them: ask the database.
    AskTheDatabase,
}

#[derive(Debug, Default)]
struct Marks {
    tokens: HashMap<(EnvironmentId, TokenId), Timestamp>,
    complete: bool,
}

/// The revoked tokens that would still be valid.
#[derive(Debug)]
pub struct RevokedTokens {
    marks: RwLock<Marks>,
    most: usize,
}

impl RevokedTokens {
    /// A set for so many. Until it is filled it knows nothing.
    pub fn new(most: usize) -> Self {
        Self { marks: RwLock::default(), most }
    }

    /// How many rows to read for [`RevokedTokens::fill`]: one more than fit, which tells whether they all do.
    pub fn wanted(&self) -> usize {
        self.most + 1
    }

    /// Replaces the content by what the database holds.
    pub fn fill(&self, mut rows: Vec<(EnvironmentId, TokenId, Timestamp)>) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        marks.complete = rows.len() <= self.most;
        rows.truncate(self.most);
        marks.tokens = rows.into_iter().map(|(environment, jti, until)| ((environment, jti), until)).collect();
    }

    /// Adds a token.
    pub fn insert(&self, environment_id: EnvironmentId, jti: TokenId, until: Timestamp) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        if marks.tokens.len() < self.most {
            marks.tokens.insert((environment_id, jti), until);
        } else {
            marks.complete = false;
        }
    }

    /// What memory knows of a token.
    pub fn know(&self, environment_id: EnvironmentId, jti: TokenId) -> Known {
        let marks = self.marks.read().unwrap_or_else(PoisonError::into_inner);
        if marks.tokens.contains_key(&(environment_id, jti)) {
            Known::Revoked
        } else if marks.complete {
            Known::NotRevoked
        } else {
            Known::AskTheDatabase
        }
    }

    /// Drops tokens that have expired by themselves. Tells whether the content should be filled anew.
    pub fn expire(&self, now: Timestamp) -> bool {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        marks.tokens.retain(|_, until| *until > now);
        !marks.complete && marks.tokens.len() < self.most / 2
    }

    /// From now on nothing is known.
    pub fn forget(&self) {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        *marks = Marks::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::id::Id;

    #[test]
    fn more_than_fit_cost_time_and_never_truth() {
        let environment = EnvironmentId::from_ulid(1);
        let token = TokenId::from_ulid;
        let set = RevokedTokens::new(2);
        assert_eq!(set.know(environment, token(1)), Known::AskTheDatabase);
        set.fill(vec![(environment, token(1), Timestamp::from_millis(10))]);
        assert_eq!(set.know(environment, token(1)), Known::Revoked);
        assert_eq!(set.know(environment, token(2)), Known::NotRevoked);
        assert_eq!(set.know(EnvironmentId::from_ulid(2), token(1)), Known::NotRevoked);
        set.insert(environment, token(2), Timestamp::from_millis(20));
        set.insert(environment, token(3), Timestamp::from_millis(30));
        assert_eq!(set.know(environment, token(2)), Known::Revoked);
        assert_eq!(set.know(environment, token(3)), Known::AskTheDatabase);
        assert_eq!(set.know(environment, token(9)), Known::AskTheDatabase);
        assert!(set.expire(Timestamp::from_millis(25)));
        set.fill(vec![(environment, token(3), Timestamp::from_millis(30))]);
        assert_eq!(set.know(environment, token(9)), Known::NotRevoked);
    }
}
