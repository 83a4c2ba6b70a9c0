use std::sync::Arc;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Decode, Encode, Row, Sqlite, Type};
use tollgate_types::{Actor, AgentName, OperatorName, Principal, RequestId, RunId, Versions};

use crate::ReadError;
use crate::chain::Link;
use crate::encoding::{Cell, Encoding, Kind};

/// Values bound to a statement in order; the first error is kept. What is
/// bound goes into the row's canonical form at the same time, so that the
/// chain is over exactly what is stored.
#[derive(Default)]
pub(crate) struct Values {
    arguments: SqliteArguments,
    fault: Option<sqlx::Error>,
    row: Encoding,
}

impl Values {
    pub(crate) fn with_room_for(count: usize) -> Self {
        let mut values = Self::default();
        values.arguments.reserve(count, 0);
        values
    }

    pub(crate) fn of(kind: Kind) -> Self {
        let mut values = Self::default();
        values.begin(kind);
        values
    }

    /// The next row begins.
    pub(crate) fn begin(&mut self, kind: Kind) {
        self.row.begin(kind);
    }

    /// The row so far, in its canonical form.
    pub(crate) fn row(&self) -> &Encoding {
        &self.row
    }

    pub(crate) fn add<'t, T: Cell + Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        self.row.add(&value);
        self.bind(value);
    }

    /// Binds a number that stands for a row of another table: in the
    /// canonical form stands that row's digest, so that it can't be exchanged.
    pub(crate) fn add_reference(&mut self, number: i64, digest: &[u8; 32]) {
        self.row.add(digest);
        self.bind(number);
    }

    pub(crate) fn add_digest(&mut self, digest: Option<[u8; 32]>) {
        self.row.add(&digest);
        self.bind(digest.map(|digest| digest.to_vec()));
    }

    /// Binds what is no part of the row's canonical form.
    pub(crate) fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        if let Err(error) = self.arguments.add(value) {
            self.fault.get_or_insert(sqlx::Error::Encode(error));
        }
    }

    pub(crate) fn bind_link(&mut self, link: &Link) {
        self.bind(link.0.to_vec());
    }

    /// A count or time; what does not fit is cut, since SQLite's integers
    /// are signed.
    pub(crate) fn add_count(&mut self, count: u64) {
        self.add(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn add_optional_count(&mut self, count: Option<u64>) {
        self.add(count.map(|count| i64::try_from(count).unwrap_or(i64::MAX)));
    }

    pub(crate) fn add_label(&mut self, label: Option<&Arc<str>>) {
        self.add(label.cloned());
    }

    pub(crate) fn add_id(&mut self, id: RequestId) {
        self.add(id.as_bytes().to_vec());
    }

    pub(crate) fn add_principal(&mut self, principal: Option<&Principal>) {
        let Some(principal) = principal else {
            self.add(None::<&str>);
            self.add(None::<&str>);
            self.add(None::<&str>);
            return;
        };
        self.add(principal.actor.name());
        self.add(match &principal.actor {
            Actor::Agent(_) => None,
            Actor::Operator(_) => Some("operator"),
            Actor::Gateway => Some("gateway"),
        });
        self.add(principal.run.as_ref().map(RunId::as_str));
    }

    pub(crate) fn add_versions(&mut self, config: u64, policy: &Arc<str>) {
        self.add_count(config);
        self.add_label(Some(policy).filter(|policy| !policy.is_empty()));
    }

    pub(crate) fn finish(self) -> Result<SqliteArguments, sqlx::Error> {
        match self.fault {
            None => Ok(self.arguments),
            Some(fault) => Err(fault),
        }
    }
}

/// One row being read; errors name its place in the sequence.
pub(crate) struct Reading<'r> {
    row: &'r SqliteRow,
    pub(crate) seq: u64,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(row: &'r SqliteRow) -> Self {
        let seq: i64 = row.try_get("seq").unwrap_or_default();
        Self {
            row,
            seq: seq.unsigned_abs(),
        }
    }

    pub(crate) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(
        &self,
        column: &str,
    ) -> Result<T, ReadError> {
        self.row
            .try_get(column)
            .map_err(|error| self.wrong(column, &error))
    }

    pub(crate) fn count(&self, column: &str) -> Result<u64, ReadError> {
        Ok(self.get::<i64>(column)?.unsigned_abs())
    }

    pub(crate) fn optional_count(&self, column: &str) -> Result<Option<u64>, ReadError> {
        Ok(self.get::<Option<i64>>(column)?.map(i64::unsigned_abs))
    }

    pub(crate) fn label(&self, column: &str) -> Result<Option<Arc<str>>, ReadError> {
        Ok(self.get::<Option<&str>>(column)?.map(Into::into))
    }

    pub(crate) fn id(&self, column: &str) -> Result<RequestId, ReadError> {
        self.optional_id(column)?
            .ok_or_else(|| self.wrong(column, &"nothing"))
    }

    pub(crate) fn optional_id(&self, column: &str) -> Result<Option<RequestId>, ReadError> {
        let Some(bytes) = self.get::<Option<&[u8]>>(column)? else {
            return Ok(None);
        };
        let bytes = <[u8; 16]>::try_from(bytes);
        let bytes = bytes.map_err(|_| self.wrong(column, &"an id that is not 16 bytes"))?;
        Ok(Some(RequestId::from_bytes(bytes)))
    }

    /// An enumeration from its word.
    pub(crate) fn word<T: for<'de> Deserialize<'de>>(&self, column: &str) -> Result<T, ReadError> {
        self.optional_word(column)?
            .ok_or_else(|| self.wrong(column, &"nothing"))
    }

    pub(crate) fn optional_word<T: for<'de> Deserialize<'de>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, ReadError> {
        let Some(word) = self.get::<Option<&str>>(column)? else {
            return Ok(None);
        };
        let word: StrDeserializer<'_, WordError> = word.into_deserializer();
        T::deserialize(word)
            .map(Some)
            .map_err(|error| self.wrong(column, &error))
    }

    pub(crate) fn json<T: for<'de> Deserialize<'de>>(
        &self,
        column: &str,
        text: &str,
    ) -> Result<T, ReadError> {
        serde_json::from_str(text).map_err(|error| self.wrong(column, &error))
    }

    /// The record's link; rows of a damaged chain may have none.
    pub(crate) fn link(&self) -> Result<Option<Link>, ReadError> {
        Ok(Link::from_column(self.get("link")?))
    }

    pub(crate) fn principal(&self) -> Result<Option<Principal>, ReadError> {
        let Some(name) = self.get::<Option<&str>>("principal")? else {
            return Ok(None);
        };
        let actor = match self.get::<Option<&str>>("principal_kind")? {
            None => AgentName::new(name).map(Actor::Agent),
            Some("operator") => OperatorName::new(name).map(Actor::Operator),
            Some(_) => Ok(Actor::Gateway),
        };
        Ok(Some(Principal {
            actor: actor.map_err(|error| self.wrong("principal", &error))?,
            run: self.get::<Option<&str>>("run")?.map(RunId::new),
            bottle: None,
        }))
    }

    pub(crate) fn versions(&self) -> Result<Versions, ReadError> {
        Ok(Versions {
            config: self.count("config_version")?,
            policy: self.label("policy")?.unwrap_or_default(),
        })
    }

    fn wrong(&self, column: &str, found: &dyn std::fmt::Display) -> ReadError {
        ReadError::Row {
            seq: self.seq,
            found: format!("column `{column}`: {found}"),
        }
    }
}
