//! House rules as tests: which modules may import which, and where things may be.

use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|_| panic!("no folder {}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

/// Returns everything before the unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[track_caller]
fn never(folder: &str, words: &[&str], why: &str) {
    for (path, text) in sources(folder) {
        for word in words {
            assert!(!code(&text).contains(word), "{path} has '{word}': {why}");
        }
    }
}

#[test]
fn rules_do_no_io() {
    never(
        "protocol/src",
        &[
            "tokio",
            "axum",
            "rusqlite",
            "std::fs",
            "TcpStream",
            "UdpSocket",
            "ToSocketAddrs",
            "SystemTime",
            "std::env",
            "reqwest",
        ],
        "a rule takes time, randomness and data as arguments",
    );
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol/Cargo.toml")).unwrap();
    for dependency in ["tokio", "axum", "hyper", "rusqlite", "reqwest", "rand"] {
        assert!(!manifest.contains(&format!("\n{dependency}")), "protocol depends on {dependency}");
    }
}

#[test]
fn only_the_store_knows_sql() {
    never(
        "server/src",
        &["SELECT ", "INSERT INTO", "DELETE FROM", "rusqlite", "tokio_postgres"],
        "SQL lives in the store",
    );
    never("protocol/src", &["SELECT ", "INSERT INTO", "DELETE FROM"], "SQL lives in the store");
    never("store/src", &["axum", "hyper", "http::"], "the store knows nothing of HTTP");
    never(
        "pages/src",
        &["std::fs", "std::net", "std::env", "tokio", "SystemTime", "countersign_"],
        "pages are views in, text out",
    );
}

#[test]
fn feature_folders_do_not_import_one_another() {
    const FEATURES: [&str; 5] = ["api", "oauth", "operations", "cli", "user_management"];
    for feature in FEATURES.iter().filter(|feature| **feature != "cli") {
        let others: Vec<String> =
            FEATURES.iter().filter(|other| *other != feature).map(|other| format!("crate::{other}::")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        never(&format!("server/src/{feature}"), &others, "what two features need belongs to domain or http");
    }
    never(
        "server/src/domain",
        &["crate::api", "crate::oauth", "crate::http", "crate::cli"],
        "domain serves the features",
    );
}

#[test]
fn only_the_configuration_reads_the_environment_and_only_the_clock_the_time() {
    for (path, text) in sources("server/src") {
        let text = code(&text);
        assert!(!text.contains("env::var") || path.contains("/config/source.rs"), "{path}");
        assert!(!text.contains("SystemTime") || path.ends_with("/clock.rs"), "{path}");
        assert!(!text.contains("process::exit") || path.ends_with("/cli/serve.rs"), "{path}");
    }
}

#[test]
fn files_hold_one_idea() {
    for folder in ["protocol/src", "store/src", "server/src"] {
        for (path, text) in sources(folder) {
            let lines = code(&text).lines().count();
            assert!(lines <= 600, "{path} has {lines} lines: would a newcomer find what they seek?");
        }
    }
}

#[test]
fn every_error_code_is_documented() {
    let documented = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api-errors.md")).unwrap();
    // Reported only by pages and commands.
    let elsewhere = ["api_key_name_conflict", "client_id_already_used", "staff_role"];
    let mut codes = 0;
    for folder in
        ["protocol/src", "server/src/api", "server/src/domain", "server/src/oauth", "server/src/user_management"]
    {
        for (path, text) in sources(folder) {
            // Regardless of line breaks.
            let text = code(&text).split_whitespace().collect::<Vec<_>>().join(" ").replace("( \"", "(\"");
            let words_of_oauth = path.ends_with("/protocol/src/oauth/error.rs").then_some("=> \"");
            let markers = ["conflict(\"", "bad_request(\"", "Code(\"", "OAuth(\"", "code: \"", "refused(\""];
            for marker in markers.into_iter().chain(words_of_oauth) {
                for (at, _) in text.match_indices(marker) {
                    let rest = &text[at + marker.len()..];
                    let word = &rest[..rest.find('"').unwrap()];
                    let is_code = word.len() > 3 && word.bytes().all(|c| c.is_ascii_lowercase() || c == b'_');
                    if !is_code || elsewhere.contains(&word) {
                        continue;
                    }
                    assert!(
                        documented.contains(&format!("`{word}`")),
                        "{path}: docs/api-errors.md does not have {word}"
                    );
                    codes += 1;
                }
            }
        }
    }
    assert!(codes > 80, "{codes}");
}

#[test]
fn nothing_is_left_half_done() {
    for folder in ["protocol/src", "store/src", "pages/src", "server/src", "server/tests", "store/tests"] {
        for (path, text) in sources(folder) {
            if path.ends_with("/tidy.rs") {
                continue;
            }
            for word in ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX:", "#[ignore", "thread::sleep"] {
                assert!(!text.contains(word), "{path} has {word}");
            }
        }
    }
}
