//! The two files of a migration create the same tables, columns, and indexes, and follow the rules that the crate
//! relies on.

use crate::harness::{Database, on_postgres, on_sqlite};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The lines of a schema, in the same form for both engines.
type Lines = Vec<String>;

fn lines(rows: Vec<Vec<String>>) -> Lines {
    let mut lines: Lines = rows.into_iter().map(|row| row.join(" ")).collect();
    lines.sort();
    lines
}

/// `table column type not-null place-in-primary-key`. SQLite has `rowid`, the insertion order, implicitly.
const SQLITE_COLUMNS: &str = "
    SELECT t.name, c.name, c.type, c.\"notnull\", c.pk FROM sqlite_schema t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> 'schema_migration'";
const POSTGRES_COLUMNS: &str = "
    SELECT c.relname, a.attname,
        CASE format_type(a.atttypid, a.atttypmod) WHEN 'bigint' THEN 'INTEGER' WHEN 'text' THEN 'TEXT'
            WHEN 'bytea' THEN 'BLOB' ELSE format_type(a.atttypid, a.atttypmod) END,
        a.attnotnull::int, COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'schema_migration'
        AND a.attname <> 'rowid'";

/// `index table unique partial place column`.
const SQLITE_INDEXES: &str = "
    SELECT l.name, t.name, l.\"unique\", l.partial, c.seqno, c.name
    FROM sqlite_schema t, pragma_index_list(t.name) l, pragma_index_info(l.name) c
    WHERE t.type = 'table' AND l.origin = 'c'";
const POSTGRES_INDEXES: &str = "
    SELECT x.relname, c.relname, i.indisunique::int, (i.indpred IS NOT NULL)::int, k.place - 1, a.attname
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid,
        unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place), pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum = k.attnum AND NOT i.indisprimary
        AND c.relnamespace = current_schema()::regnamespace";

/// `table column referred-table referred-column cascades`.
const SQLITE_FOREIGN_KEYS: &str = "
    SELECT t.name, f.\"from\", f.\"table\", f.\"to\", f.on_delete = 'CASCADE'
    FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'";
const POSTGRES_FOREIGN_KEYS: &str = "
    SELECT c.relname, a.attname, r.relname, b.attname, (f.confdeltype = 'c')::int
    FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class r ON r.oid = f.confrelid,
        unnest(f.conkey, f.confkey) k (here, there), pg_attribute a, pg_attribute b
    WHERE f.contype = 'f' AND c.relnamespace = current_schema()::regnamespace
        AND a.attrelid = c.oid AND a.attnum = k.here AND b.attrelid = r.oid AND b.attnum = k.there";

async fn introspect(database: &Database, queries: [&str; 3]) -> [Lines; 3] {
    database.migrated().await;
    let mut found = Vec::new();
    for query in queries {
        found.push(lines(database.rows(query).await));
    }
    found.try_into().unwrap()
}

fn sqlite_schema() -> [Lines; 3] {
    let found = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&found);
    on_sqlite(|database: Database| async move {
        let schema = introspect(&database, [SQLITE_COLUMNS, SQLITE_INDEXES, SQLITE_FOREIGN_KEYS]).await;
        *keep.lock().unwrap() = Some(schema);
    });
    found.lock().unwrap().take().unwrap()
}

#[test]
fn both_engines_have_the_same_schema() {
    let [columns, indexes, foreign_keys] = sqlite_schema();
    assert!(columns.len() > 80, "{columns:#?}");
    assert!(indexes.len() > 20, "{indexes:#?}");
    assert!(foreign_keys.len() > 10, "{foreign_keys:#?}");
    on_postgres(|database: Database| async move {
        let found = introspect(&database, [POSTGRES_COLUMNS, POSTGRES_INDEXES, POSTGRES_FOREIGN_KEYS]).await;
        assert_eq!(found, [columns, indexes, foreign_keys]);
        // Pages are ordered by the bytes of identifiers, whatever the database's locale.
        let otherwise_ordered = database
            .rows(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()
                 AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'schema_migration'",
            )
            .await;
        assert_eq!(otherwise_ordered, Vec::<Vec<String>>::new());
    });
}

#[test]
fn unique_indexes_are_named_after_their_columns() {
    let [_, indexes, _] = sqlite_schema();
    let mut columns: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for line in indexes {
        let [index, table, unique, _, _, column] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(unique == "1", index.ends_with("_unique"), "{index}");
        if unique == "1" && column != "environment_id" {
            columns.entry((index.to_owned(), table.to_owned())).or_default().push(column.to_owned());
        }
    }
    assert!(columns.len() > 10, "{columns:?}");
    for ((index, table), columns) in columns {
        // `Error::is_unique` relies on this.
        assert_eq!(index, format!("{table}_{}_unique", columns.join("_")));
    }
}

#[test]
fn every_table_of_a_tenants_rows_is_keyed_by_its_environment() {
    let [columns, _, _] = sqlite_schema();
    let without: &[&str] = &["change", "change_counter", "data_key", "environment", "event_counter"];
    let mut tables: BTreeMap<&str, bool> = BTreeMap::new();
    for line in &columns {
        let [table, column, _, not_null, key] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        *tables.entry(table).or_default() |= column == "environment_id" && not_null == "1" && key == "1";
    }
    let not_keyed: Vec<_> = tables.iter().filter(|(_, keyed)| !**keyed).map(|(table, _)| *table).collect();
    assert_eq!(not_keyed, without);
}

/// Migrations in which SQLite recreates tables where PostgreSQL alters them. Their results are compared by
/// introspection only.
const MADE_ANEW: &[&str] = &["0018_audit_logs_outlive"];

/// The files differ only in type names, so rules that introspection does not show agree too.
#[test]
fn the_two_files_of_a_migration_say_the_same() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut names: Vec<String> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".sqlite.sql")?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names.len(), usize::try_from(countersign_store::newest_version()).unwrap(), "{names:?}");
    for name in names.iter().filter(|name| !MADE_ANEW.contains(&name.as_str())) {
        let read = |engine: &str| {
            let text = std::fs::read_to_string(directory.join(format!("{name}.{engine}.sql"))).unwrap();
            // SQLite has a `rowid` in every table.
            let said = |line: &&str| !["--", "rowid "].iter().any(|start| line.trim_start().starts_with(start));
            let lines: Vec<_> = text.lines().filter(said).collect();
            lines.join("\n").trim().to_owned()
        };
        let postgres = read("postgres")
            .replace(" COLLATE \"C\"", "")
            .replace(" BIGINT", " INTEGER")
            .replace(" BYTEA", " BLOB")
            .replace("\n);", "\n) STRICT;");
        assert_eq!(read("sqlite"), postgres, "{name}");
    }
}
