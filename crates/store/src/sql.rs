//! Statements, values and rows: what both engines have in common.

use crate::error::{Error, Result};
use countersign_protocol::audit::chain::Hash;
use countersign_protocol::id;
use countersign_protocol::management::page::{Scan, Slice};
use countersign_protocol::model::ImageDigest;
use countersign_protocol::secret::Digest;
use countersign_protocol::time::Timestamp;
use std::borrow::Cow;
use std::future::Future;
use std::str::FromStr;

/// A statement, as text for each engine.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    /// With `?1` placeholders.
    pub(crate) sqlite: &'static str,
    /// With `$1` placeholders.
    pub(crate) postgres: &'static str,
}

/// Replaces `$1` with `?1` at compile time and removes comment delimiters: text inside a comment, such as an index
/// hint, applies to SQLite only. No statement uses `$` or a comment for any other purpose.
pub(crate) const fn question_marks<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut turned = [0_u8; N];
    let mut at = 0;
    while at < N {
        let next = if at + 1 < N { bytes[at + 1] } else { b' ' };
        if matches!((bytes[at], next), (b'/', b'*') | (b'*', b'/')) {
            (turned[at], turned[at + 1]) = (b' ', b' ');
            at += 2;
            continue;
        }
        turned[at] = if bytes[at] == b'$' { b'?' } else { bytes[at] };
        at += 1;
    }
    turned
}

/// Declares statements as constants, plus a list of them all, which a test prepares on both engines.
macro_rules! statements {
    ($($name:ident = $($text:literal),+;)*) => {
        $(const $name: $crate::Sql = {
            const TEXT: &str = concat!($($text),+);
            const TURNED: [u8; TEXT.len()] = $crate::sql::question_marks(TEXT);
            $crate::Sql {
                sqlite: match std::str::from_utf8(&TURNED) { Ok(text) => text, Err(_) => "" },
                postgres: TEXT,
            }
        };)*
        pub(crate) const STATEMENTS: &[(&str, $crate::Sql)] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}
pub(crate) use statements;

/// A parameter. Columns are TEXT, BIGINT (integers, times, booleans) or bytes, and nothing else.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// TEXT.
    Text(Cow<'a, str>),
    /// BLOB, BYTEA.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}
impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}
impl<'a> From<&'a Digest> for Value<'a> {
    fn from(digest: &'a Digest) -> Self {
        Self::Bytes(Cow::Borrowed(digest.as_bytes()))
    }
}
impl<'a> From<&'a Hash> for Value<'a> {
    fn from(hash: &'a Hash) -> Self {
        Self::Bytes(Cow::Borrowed(hash.as_bytes()))
    }
}
impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Int(i64::from(truth))
    }
}
impl From<Timestamp> for Value<'_> {
    fn from(timestamp: Timestamp) -> Self {
        Self::Int(timestamp.as_millis())
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<ImageDigest> for Value<'_> {
    fn from(digest: ImageDigest) -> Self {
        Self::Text(Cow::Owned(digest.to_string()))
    }
}
impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

macro_rules! id_values {
    ($($name:ident)*) => {$(
        impl From<id::$name> for Value<'_> {
            fn from(id: id::$name) -> Self {
                Self::Text(Cow::Owned(id.to_string()))
            }
        }
    )*};
}
id_values! {
    EnvironmentId OrganizationId OrganizationDomainId PermissionId ApplicationId ClientId ClientSecretId ApiKeyId
    EnvironmentApiKeyId SigningKeyId EventId TokenId UserId MembershipId RoleId InvitationId
    SessionFamilyId RedirectUriId CorsOriginId OAuthResourceId
    PasswordResetId MagicAuthId EmailVerificationId EmailChangeId SessionId ConsentId TokenFamilyId MailId
    ExternalAuthenticationId WebhookEndpointId
    AuthFactorId AuthChallengeId AuditEventId AuditActionId AuditSchemaId AuditExportId AuditStreamId
}

/// A row of a query result.
#[derive(Debug)]
pub struct Row(pub(crate) RowKind);

#[derive(Debug)]
pub(crate) enum RowKind {
    Sqlite(Vec<rusqlite::types::Value>),
    Postgres(tokio_postgres::Row),
}

impl Row {
    fn corrupt(at: usize, expected: &str) -> Error {
        Error::Corrupt(format!("column {at} is not {expected}"))
    }

    /// A TEXT column that may be NULL.
    pub(crate) fn opt_text(&self, at: usize) -> Result<Option<&str>> {
        use rusqlite::types::Value as V;
        match &self.0 {
            RowKind::Sqlite(columns) => match columns.get(at) {
                Some(V::Null) => Ok(None),
                Some(V::Text(text)) => Ok(Some(text)),
                _ => Err(Self::corrupt(at, "text")),
            },
            RowKind::Postgres(row) => row.try_get(at).map_err(|_| Self::corrupt(at, "text")),
        }
    }

    /// A TEXT column.
    pub(crate) fn text(&self, at: usize) -> Result<&str> {
        self.opt_text(at)?.ok_or_else(|| Self::corrupt(at, "text"))
    }

    /// A BIGINT column that may be NULL.
    pub(crate) fn opt_int(&self, at: usize) -> Result<Option<i64>> {
        use rusqlite::types::Value as V;
        match &self.0 {
            RowKind::Sqlite(columns) => match columns.get(at) {
                Some(V::Null) => Ok(None),
                Some(V::Integer(number)) => Ok(Some(*number)),
                _ => Err(Self::corrupt(at, "a number")),
            },
            RowKind::Postgres(row) => row.try_get(at).map_err(|_| Self::corrupt(at, "a number")),
        }
    }

    /// A BIGINT column.
    pub(crate) fn int(&self, at: usize) -> Result<i64> {
        self.opt_int(at)?.ok_or_else(|| Self::corrupt(at, "a number"))
    }

    /// A boolean column.
    pub(crate) fn truth(&self, at: usize) -> Result<bool> {
        Ok(self.int(at)? != 0)
    }

    /// A timestamp column.
    pub(crate) fn timestamp(&self, at: usize) -> Result<Timestamp> {
        self.int(at).map(Timestamp::from_millis)
    }

    /// A timestamp column that may be NULL.
    pub(crate) fn opt_timestamp(&self, at: usize) -> Result<Option<Timestamp>> {
        Ok(self.opt_int(at)?.map(Timestamp::from_millis))
    }

    /// A bytes column.
    pub(crate) fn bytes(&self, at: usize) -> Result<&[u8]> {
        use rusqlite::types::Value as V;
        match &self.0 {
            RowKind::Sqlite(columns) => match columns.get(at) {
                Some(V::Blob(bytes)) => Ok(bytes),
                _ => Err(Self::corrupt(at, "bytes")),
            },
            RowKind::Postgres(row) => row.try_get(at).map_err(|_| Self::corrupt(at, "bytes")),
        }
    }

    /// A keyed digest column.
    pub(crate) fn digest(&self, at: usize) -> Result<Digest> {
        Digest::from_bytes(self.bytes(at)?).ok_or_else(|| Self::corrupt(at, "a digest"))
    }

    /// A hash chain link.
    pub(crate) fn hash(&self, at: usize) -> Result<Hash> {
        Hash::from_bytes(self.bytes(at)?).ok_or_else(|| Self::corrupt(at, "a hash"))
    }

    /// A TEXT column parsed into one of our types, such as an identifier.
    pub(crate) fn parse<T: FromStr>(&self, at: usize) -> Result<T> {
        self.text(at)?.parse().map_err(|_| Self::corrupt(at, std::any::type_name::<T>()))
    }

    /// Same as [`Row::parse`], but the column may be NULL.
    pub(crate) fn opt_parse<T: FromStr>(&self, at: usize) -> Result<Option<T>> {
        self.opt_text(at)?
            .map(|text| text.parse().map_err(|_| Self::corrupt(at, std::any::type_name::<T>())))
            .transpose()
    }

    /// A TEXT column parsed by one of our functions, such as the name of a state.
    pub(crate) fn word<T>(&self, at: usize, read: impl Fn(&str) -> Option<T>) -> Result<T> {
        read(self.text(at)?).ok_or_else(|| Self::corrupt(at, std::any::type_name::<T>()))
    }

    /// A JSON column.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T> {
        serde_json::from_str(self.text(at)?).map_err(|_| Self::corrupt(at, "the JSON we write"))
    }
}

/// Something that runs queries: a [`crate::Reader`] or a [`crate::Tx`].
pub trait Query: Send {
    /// Returns all rows of a result. For bounded results only.
    ///
    /// # Errors
    /// Database errors.
    fn query(&mut self, sql: Sql, params: &[Value<'_>]) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Returns the first row of a result, if any.
    ///
    /// # Errors
    /// Database errors.
    fn query_opt(&mut self, sql: Sql, params: &[Value<'_>]) -> impl Future<Output = Result<Option<Row>>> + Send {
        async move { Ok(self.query(sql, params).await?.into_iter().next()) }
    }
}

/// A statement that reads a page: one text per direction, both with the bound as `$2` and the limit as `$3`.
#[derive(Clone, Copy)]
pub(crate) struct Paged {
    pub(crate) descending: Sql,
    pub(crate) ascending: Sql,
}

impl Paged {
    /// Returns the statement for a slice, with its bound and its limit.
    pub(crate) fn pick<I: std::fmt::Display>(self, slice: &Slice<I>) -> (Sql, Value<'static>, Value<'static>) {
        // Every identifier sorts between these two in byte order, so one statement works with and without a cursor.
        let (sql, open) = match slice.scan {
            Scan::Descending => (self.descending, "~"),
            Scan::Ascending => (self.ascending, ""),
        };
        let bound = slice.from.as_ref().map_or_else(|| open.to_owned(), ToString::to_string);
        (sql, bound.into(), i64::try_from(slice.limit).unwrap_or(i64::MAX).into())
    }
}
