//! Every statement prepares on both engines, and on SQLite none scans a whole table without a reason.

use crate::harness::Database;
use countersign_store::Store;

/// Query plan steps that read more than an index leads to, each with the reason why that is acceptable.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("environment::ALL", "SCAN environment", "all of them are wanted, and there are few"),
    ("branding::ALL", "SCAN b", "all of them are wanted, and there are few"),
    ("audit_log_event::LOCK", "(environment_id=?)", "an environment has one"),
    ("audit_log_event::SET_HEAD", "(environment_id=?)", "an environment has one"),
    ("audit_log_event::HEAD", "(environment_id=?)", "an environment has one"),
    ("audit_log_event::LINK", "SCAN CONSTANT ROW", "the numbers of some hundred records that are linked at once"),
    ("audit_log_event::LINK", "SCAN n", "the same"),
    ("audit_log_retention::DUE", "SCAN told", "the organizations that were ever told of, each by an index"),
    ("audit_log_retention::DUE", "SCAN t", "the same"),
    (
        "audit_log_retention::LEFT_BEHIND",
        "(environment_id=?)",
        "all of an environment's are asked about, each by an index",
    ),
    ("audit_log_stream::ALL", "(environment_id=?)", "all of an environment's are wanted: one of an organization"),
    (
        "audit_log_stream::CLOSE",
        "SCAN audit_log_stream",
        "all are asked about, each by an index: one of an organization",
    ),
    ("migrate::email_keys::ACCOUNTS", "SCAN user_account", "all are looked at, once"),
    ("migrate::email_keys::INVITATIONS", "SCAN invitation", "all are looked at, once"),
    (
        "audit_log_export::FORGET_EXPIRED",
        "SCAN audit_log_export",
        "all are asked about: what people have asked to be copied",
    ),
    ("audit_log_stream::DUE", "FOR ORDER BY", "those that have something to send now, in turn"),
    ("audit_log_stream::DUE", "SCAN (subquery-", "the same"),
    ("audit_log_stream::DUE", "SCAN due", "the same"),
    ("domain_check::DUE", "FOR ORDER BY", "those that are due, in turn"),
    ("domain_check::DUE", "SCAN (subquery-", "the same"),
    ("domain_check::DUE", "SCAN due", "the same"),
    ("logout_notice::DUE_APPLICATIONS", "SCAN e ", "all are asked about, and there are few"),
    ("logout_notice::DUE_APPLICATIONS", "(environment_id=?)", "the first row of an environment"),
    ("logout_notice::DUE_APPLICATIONS", "SCAN a", "the applications that have notices, each found by an index"),
    ("branding::FIND", "SEARCH b ", "an environment has one row there"),
    ("image::PRUNE", "SEARCH b ", "an environment has one row there"),
    ("image::PRUNE", "SEARCH branding ", "the same, when the references to a deleted one are looked for"),
    ("event::PLACE", "SCAN (subquery-", "these are the events that wait, a thousand at most"),
    ("event::PLACE", "SCAN n", "the same"),
    (
        "client_document::ALL",
        "(environment_id=?)",
        "all of an environment's are wanted: decisions of people, and a bounded number that wait",
    ),
    ("environment_api_key::LIST", "(environment_id=?)", "all of an environment's are wanted, and there are few"),
    ("cors_origin::ALL", "(environment_id=?)", "all of an environment's are wanted, and there are few"),
    ("oauth_resource::NO_DEFAULT", "(environment_id=?)", "an environment has few of them"),
    ("oauth_resource::ALL", "(environment_id=?)", "all of an environment's are wanted, and there are few"),
    ("redirect_uri::ALL", "(environment_id=?)", "all of an environment's are wanted, and there are few"),
    ("staff_link::DELETE_ALL", "(environment_id=?)", "all of them are to go, and there are few"),
    ("standalone::FIND", "(environment_id=?)", "an environment has one"),
    ("external_authentication::TRIM", "(environment_id=?)", "an environment has a bounded number, which this sees to"),
    ("jwt_template::DELETE", "(environment_id=?)", "an environment has one"),
    ("jwt_template::FIND", "(environment_id=?)", "an environment has one"),
    ("membership::ROLES", "FOR ORDER BY", "a member has few roles, which an index led to"),
    ("role::INSERT", "(environment_id=?)", "all of an environment's are asked about, and there are few"),
    ("role::INSERT_IF_MISSING", "(environment_id=?)", "the same"),
    ("role::LIST", "FOR ORDER BY", "there are few"),
    ("role::LIST", "(environment_id=?)", "all of an environment's are wanted, and there are few"),
    (
        "webhook_delivery::HIGHEST_ENABLED_COUNT",
        "SCAN webhook_endpoint",
        "an index of the enabled, and an environment has few",
    ),
    ("webhook_delivery::HIGHEST_ENABLED_COUNT", "FOR ORDER BY", "the same, counted"),
    ("webhook_delivery::FAN_OUT", "FOR ORDER BY", "these are the events just placed, a thousand at most"),
    ("webhook_delivery::FAN_OUT", "SCAN (subquery-", "the same"),
    ("webhook_delivery::REPLAY", "FOR ORDER BY", "these are the events of one step, a thousand at most"),
    ("webhook_delivery::REPLAY", "SCAN (subquery-", "the same"),
    ("webhook_delivery::PENDING", "SCAN webhook_delivery", "a bounded number of rows of an index of the pending"),
    ("webhook_delivery::PENDING", "SCAN p", "the same"),
    ("webhook_delivery::BLOCKED", "SCAN w", "all that are enabled are asked about, and an environment has few"),
    ("webhook_endpoint::DROPPING", "SCAN webhook_endpoint", "an index of those that are wanted, and there are few"),
    ("webhook_endpoint::OVERDUE", "SCAN w", "all that are enabled are asked about, and an environment has few"),
    ("webhook_endpoint::COUNT", "(environment_id=?)", "an environment has a bounded number"),
    ("webhook_endpoint::REPLAYING", "SCAN webhook_endpoint", "an index of those that are wanted, and there are few"),
    ("webhook_endpoint::DUE", "SCAN w", "all that are enabled are asked about, and an environment has few"),
    ("webhook_endpoint::ENDED", "SCAN w", "all that are not, by their index"),
    ("signing_key::LIST", "(environment_id=?)", "all of an environment's are wanted, and there are few"),
    ("past_signing_key::PRUNE", "(environment_id=?)", "an environment has few of them"),
];

on_both_databases! {
    async fn every_statement_prepares(store: Store) {
        let statements = Store::statements();
        assert!(statements.len() > 60, "{}", statements.len());
        for (name, sql) in statements {
            store.prepare(sql).await.unwrap_or_else(|error| panic!("{name}: {error}\n{sql:?}"));
        }
    }

    async fn every_statement_says_what_it_is_called_once(store: Store) {
        let mut names: Vec<_> = Store::statements().into_iter().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{store:?}");
    }
}

#[test]
fn no_statement_is_left_out() {
    let mut ahead = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut modules = 0;
    while let Some(path) = ahead.pop() {
        if path.is_dir() {
            ahead.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if std::fs::read_to_string(&path).unwrap().contains("\nstatements! {") {
            let module = format!("::{}::", path.file_stem().unwrap().to_str().unwrap());
            assert!(Store::statements().iter().any(|(name, _)| name.contains(&module)), "{module} is missing");
            modules += 1;
        }
    }
    assert!(modules > 10, "{modules}");
}

/// Whether a query plan step reads rows without an index: a whole table, a whole tenant, or a sort.
fn is_wide(step: &str) -> bool {
    step.starts_with("SCAN") || step.ends_with("(environment_id=?)") || step.ends_with("FOR ORDER BY")
}

#[test]
fn sqlite_finds_rows_by_index() {
    crate::harness::on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let mut unused: Vec<_> = ALLOWED.iter().collect();
        let mut wide = Vec::new();
        for (name, sql) in Store::statements() {
            for step in store.prepare(sql).await.unwrap() {
                let allowed =
                    |(statement, text, _): &(&str, &str, &str)| name.ends_with(statement) && step.contains(text);
                if is_wide(&step) && !ALLOWED.iter().any(allowed) {
                    wide.push(format!("{name}: {step}"));
                }
                unused.retain(|row| !allowed(row));
            }
        }
        assert!(wide.is_empty(), "an index is missing, or a reason:\n{}", wide.join("\n"));
        assert!(unused.is_empty(), "no longer needed: {unused:?}");
    });
}

#[test]
fn events_of_an_organization_are_led_to_by_the_organization() {
    crate::harness::on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let mut seen = 0;
        for (name, sql) in Store::statements() {
            if name.contains("::event::") && name.ends_with("_ORGANIZATION") {
                let steps = store.prepare(sql).await.unwrap();
                assert!(steps.iter().all(|step| step.contains("event_organization_id")), "{name}: {steps:?}");
                seen += 1;
            }
        }
        assert_eq!(seen, 5);
    });
}

/// The pitfall: if the planner prefers another index, the rows for each name are searched for among all others.
#[test]
fn events_of_a_name_are_led_to_by_the_name() {
    crate::harness::on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let mut seen = 0;
        for (name, sql) in Store::statements() {
            if name.contains("::event::") && name.contains("_NAMED") {
                let expected = match name.ends_with("_ORGANIZATION") {
                    true => "event_organization_id_event (organization_id=? AND event=? AND position>? AND position<?)",
                    false => "event_event (environment_id=? AND event=? AND position>? AND position<?)",
                };
                let steps = store.prepare(sql).await.unwrap();
                assert!(steps.len() == 1 && steps[0].ends_with(expected), "{name}: {steps:?}");
                seen += 1;
            }
        }
        assert_eq!(seen, 4);
    });
}

/// The pitfall: there is also an index on the state, which leads to everything pending for an endpoint each time a
/// delivery is settled.
#[test]
fn what_waits_for_a_webhook_is_led_to_by_its_subject() {
    crate::harness::on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let subject = "webhook_delivery_subject (environment_id=? AND endpoint_id=? AND subject=?)";
        for (statement, expected) in [
            ("FAN_OUT", &[subject][..]),
            ("REPLAY", &[subject]),
            ("RELEASE", &[subject]),
            ("RELEASE_BLOCKED", &[subject, subject]),
            ("AGAIN", &[subject]),
            ("BLOCKED", &["webhook_delivery_waiting (environment_id=? AND endpoint_id=?)", subject]),
            ("EXPIRE", &["webhook_delivery_pending_since (environment_id=? AND endpoint_id=? AND pending_since<?)"]),
        ] {
            let suffix = format!("webhook_delivery::{statement}");
            let (_, sql) = Store::statements().into_iter().find(|(name, _)| name.ends_with(&suffix)).unwrap();
            let steps = store.prepare(sql).await.unwrap();
            let led: Vec<_> = steps
                .iter()
                .filter(|step| step.contains("INDEX webhook_delivery_"))
                .map(|step| step.split_once("INDEX ").unwrap().1)
                .collect();
            assert_eq!(led, expected, "{statement}: {steps:?}");
        }
    });
}

#[test]
fn records_of_the_audit_log_are_linked_by_their_identifiers() {
    crate::harness::on_sqlite(|database: Database| async move {
        let store = database.migrated().await;
        let (_, sql) =
            Store::statements().into_iter().find(|(name, _)| name.ends_with("audit_log_event::LINK")).unwrap();
        let steps = store.prepare(sql).await.unwrap();
        assert!(steps.iter().any(|step| step.ends_with("(environment_id=? AND id=?)")), "{steps:?}");
    });
}
