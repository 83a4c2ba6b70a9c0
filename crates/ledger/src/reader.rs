use std::path::PathBuf;

use sqlx::sqlite::{SqlitePool, SqliteRow};
use tollgate_types::{RequestId, UnixMillis};

use crate::columns::Reading;
use crate::{
    Cursor, Entry, ReadError, SliceRow, Spent, StoredAgent, StoredBudget, StoredCutoff,
    StoredRequest, UsageBy, UsageRow, agents, budgets, cutoffs, fault, journal, slices, usage,
};

/// Everything that reads, on connections of its own.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    pool: SqlitePool,
}

impl Reader {
    pub(crate) fn new(path: PathBuf, pool: SqlitePool) -> Self {
        Self { path, pool }
    }

    pub(crate) async fn request(&self, id: RequestId) -> Result<Option<StoredRequest>, ReadError> {
        let row = sqlx::query("SELECT * FROM request_full WHERE id = ? ORDER BY seq DESC LIMIT 1")
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| self.fault(&error))?;
        row.as_ref().map(StoredRequest::read).transpose()
    }

    pub(crate) async fn recent(&self, limit: u32) -> Result<Vec<StoredRequest>, ReadError> {
        let rows = sqlx::query("SELECT * FROM request_full ORDER BY seq DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&self.pool)
            .await;
        self.collect(rows, StoredRequest::read)
    }

    pub(crate) async fn agents(&self) -> Result<Vec<StoredAgent>, ReadError> {
        let rows = sqlx::query(agents::SELECT).fetch_all(&self.pool).await;
        self.collect(rows, agents::read)
    }

    pub(crate) async fn budgets(&self) -> Result<Vec<StoredBudget>, ReadError> {
        let rows = sqlx::query(budgets::SELECT).fetch_all(&self.pool).await;
        self.collect(rows, budgets::read)
    }

    pub(crate) async fn cutoffs(&self) -> Result<Vec<StoredCutoff>, ReadError> {
        let rows = sqlx::query(cutoffs::SELECT).fetch_all(&self.pool).await;
        self.collect(rows, cutoffs::read)
    }

    pub(crate) async fn slices(&self) -> Result<Vec<SliceRow>, ReadError> {
        let rows = sqlx::query(slices::SELECT).fetch_all(&self.pool).await;
        self.collect(rows, slices::read)
    }

    pub(crate) async fn spent(&self, since: Option<UnixMillis>) -> Result<Vec<Spent>, ReadError> {
        let spent = async {
            let mut snapshot = self.pool.begin().await?;
            let spent = usage::spent(&mut snapshot, since).await?;
            snapshot.commit().await?;
            Ok(spent)
        };
        spent.await.map_err(|error| self.fault(&error))
    }

    /// The place before the newest `count` entries.
    pub(crate) async fn before_newest(&self, count: u32) -> Result<Cursor, ReadError> {
        let last: i64 = sqlx::query_scalar(
            "SELECT max(coalesce((SELECT max(seq) FROM request), 0),
                        coalesce((SELECT max(seq) FROM event), 0))",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(|error| self.fault(&error))?;
        Ok(Cursor(last.unsigned_abs().saturating_sub(count.into())))
    }

    pub(crate) async fn usage(
        &self,
        by: UsageBy,
        since: Option<UnixMillis>,
    ) -> Result<Vec<UsageRow>, ReadError> {
        let sums = async {
            let mut snapshot = self.pool.begin().await?;
            let sums = usage::query(&mut snapshot, by, since).await?;
            snapshot.commit().await?;
            Ok(sums)
        };
        sums.await.map_err(|error: sqlx::Error| self.fault(&error))
    }

    /// Both tables, merged by their common sequence; from one snapshot, or a
    /// row that was committed between the two queries would be skipped for
    /// ever.
    /// Events of these kinds from `since` on, the newest `limit`, in order. The
    /// first walk ends at the newest event that is older, so the cost is that
    /// of the events since then.
    pub(crate) async fn events_of(
        &self,
        kinds: &[&str; 2],
        since: UnixMillis,
        limit: u32,
    ) -> Result<Vec<Entry>, ReadError> {
        let since = i64::try_from(since.0).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT * FROM event
             WHERE seq > coalesce(
                 (SELECT seq FROM event WHERE at < ?1 ORDER BY seq DESC LIMIT 1), 0)
               AND kind IN (?2, ?3)
             ORDER BY seq DESC LIMIT ?4",
        )
        .bind(since)
        .bind(kinds[0])
        .bind(kinds[1])
        .bind(limit)
        .fetch_all(&self.pool)
        .await;
        let mut entries = self.collect(rows, journal::read)?;
        entries.reverse();
        Ok(entries)
    }

    pub(crate) async fn entries(&self, after: Cursor, limit: u32) -> Result<Vec<Entry>, ReadError> {
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        let both = async {
            let mut snapshot = self.pool.begin().await?;
            let requests =
                sqlx::query("SELECT * FROM request_full WHERE seq > ? ORDER BY seq LIMIT ?")
                    .bind(after)
                    .bind(limit)
                    .fetch_all(&mut *snapshot)
                    .await?;
            let events = sqlx::query("SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?")
                .bind(after)
                .bind(limit)
                .fetch_all(&mut *snapshot)
                .await?;
            snapshot.commit().await?;
            Ok((requests, events))
        };
        let (requests, events) = both
            .await
            .map_err(|error: sqlx::Error| self.fault(&error))?;
        let requests = requests.iter().map(|row| {
            let link = Reading::new(row).link()?;
            StoredRequest::read(row).map(|request| Entry {
                cursor: request.cursor,
                link,
                event: request.into_event(),
            })
        });
        let entries = requests.chain(events.iter().map(journal::read));
        let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(|entry| entry.cursor);
        entries.truncate(limit as usize);
        Ok(entries)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    fn collect<T>(
        &self,
        rows: Result<Vec<SqliteRow>, sqlx::Error>,
        read: fn(&SqliteRow) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let rows = rows.map_err(|error| self.fault(&error))?;
        rows.iter().map(read).collect()
    }

    fn fault(&self, error: &sqlx::Error) -> ReadError {
        fault::read(&self.path, error)
    }
}
