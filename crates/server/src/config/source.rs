//! The four sources of settings and their precedence: flag, variable, file, default.

use super::ConfigError;
use super::settings::{Given, SETTINGS, Setting, find};
use std::collections::BTreeMap;
use std::path::Path;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// An environment variable.
    Variable,
    /// The file.
    File(String),
    /// The default.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable => f.write_str("variable"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The settings that were given, each with its origin.
#[derive(Debug, Default)]
pub struct Sources {
    values: BTreeMap<&'static str, (String, Origin)>,
    /// Variables with our prefix that are not settings: reported but not rejected, because orchestrators inject such
    /// names.
    pub unknown_variables: Vec<String>,
}

impl Sources {
    /// Collects the settings.
    ///
    /// # Errors
    /// When the file cannot be read, has a key that is not a setting (the nearest one is named), or has a value that is
    /// not a string, number, or boolean; when a flag has no value.
    pub fn collect(
        flags: impl IntoIterator<Item = (&'static str, String)>,
        variables: impl IntoIterator<Item = (String, String)>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self::default();
        if let Some(path) = file {
            sources.read_file(path)?;
        }
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix("COUNTERSIGN_") else { continue };
            match find(&rest.to_lowercase()).filter(|setting| setting.variable() == name) {
                Some(setting) if !value.is_empty() => {
                    sources.values.insert(setting.key, (value, Origin::Variable));
                }
                Some(_) => {}
                None if rest == "CONFIG" || rest.starts_with("TEST_") => {}
                None => sources.unknown_variables.push(name),
            }
        }
        for (key, value) in flags {
            // Probably an unset shell variable; falling back to the default would not be what was meant.
            if value.is_empty() {
                let flag = find(key).map_or_else(|| key.to_owned(), Setting::flag);
                return Err(ConfigError(format!("--{flag} has no value. Give it one, or leave the flag out.")));
            }
            sources.values.insert(key, (value, Origin::Flag));
        }
        Ok(sources)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("Cannot read the configuration file {shown}: {error}.")))?;
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError(format!("{shown} is not well-formed TOML: {error}")))?;
        for (key, value) in table {
            let Some(setting) = find(&key).filter(|setting| setting.given == Given::Anywhere) else {
                let advice = nearest(&key).map_or_else(
                    || "Run 'countersign serve --help' for the list of settings.".to_owned(),
                    |known| format!("Did you mean '{known}'?"),
                );
                return Err(ConfigError(format!("{shown}: there is no setting '{key}'. {advice}")));
            };
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Array(entries) if setting.key == "trusted_proxies" => {
                    let texts: Option<Vec<&str>> = entries.iter().map(toml::Value::as_str).collect();
                    texts
                        .map(|texts| texts.join(","))
                        .ok_or_else(|| ConfigError(format!("{shown}: trusted_proxies must be a list of strings.")))?
                }
                _ => return Err(ConfigError(format!("{shown}: the value of '{key}' must be a string or a number."))),
            };
            self.values.insert(setting.key, (value, Origin::File(shown.to_string())));
        }
        Ok(())
    }

    /// Returns a setting's value or default; empty if there is neither.
    pub fn text(&self, key: &str) -> String {
        self.optional(key).unwrap_or_else(|| find(key).map_or("", |setting| setting.default).to_owned())
    }

    /// Returns a setting's value, if it was given.
    pub fn optional(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|(value, _)| value.clone()).filter(|value| !value.is_empty())
    }

    /// Returns the origin of a setting's value.
    pub fn origin(&self, key: &str) -> Origin {
        self.values.get(key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// Returns a setting's parsed value.
    ///
    /// # Errors
    /// The parser's error, with the key and origin.
    pub fn parse<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, ConfigError> {
        read(&self.text(key)).map_err(|error| ConfigError(format!("{key} ({}): {error}.", self.origin(key))))
    }

    /// Returns a setting's parsed value, if it was given.
    ///
    /// # Errors
    /// The parser's error, with the key and origin.
    pub fn parse_optional<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        if self.optional(key).is_none() { Ok(None) } else { self.parse(key, read).map(Some) }
    }

    /// Returns a number within bounds.
    ///
    /// # Errors
    /// When it is not a number within the bounds.
    pub fn number(&self, key: &str, least: u32, most: u32) -> Result<u32, ConfigError> {
        self.parse(key, |text| match text.parse::<u32>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!("must be a number from {least} to {most}")),
        })
    }

    /// Returns all settings with their values, for display; secrets are not shown.
    pub fn describe(&self) -> Vec<(&'static Setting, String, Origin)> {
        SETTINGS
            .iter()
            .map(|setting| {
                let value = self.text(setting.key);
                let shown = if setting.secret && value.contains("://") {
                    url::Url::parse(&value).map_or_else(
                        |_| "(not shown)".to_owned(),
                        |url| {
                            format!(
                                "{}://{}{} (password not shown)",
                                url.scheme(),
                                url.host_str().unwrap_or(""),
                                url.path()
                            )
                        },
                    )
                } else if setting.secret && value != setting.default {
                    "(set, not shown)".to_owned()
                } else {
                    value
                };
                (setting, shown, self.origin(setting.key))
            })
            .collect()
    }
}

/// Returns the setting whose key is closest to a mistyped one, if any is close enough.
pub fn nearest(key: &str) -> Option<&'static str> {
    SETTINGS
        .iter()
        .filter(|setting| setting.given == Given::Anywhere)
        .map(|setting| (strsim::jaro_winkler(key, setting.key), setting.key))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

/// Returns the process's environment variables with our prefix, except those that are not valid Unicode.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("COUNTERSIGN_"))
        .collect()
}

/// Returns an environment variable by name, for secrets that a declarative file refers to.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn flag_beats_variable_beats_file_beats_default() {
        let file = file("listen = \"127.0.0.1:1\"\nthreads = 3\nlog_level = \"warn\"\n");
        let variables = [("COUNTERSIGN_LISTEN", "127.0.0.1:2"), ("COUNTERSIGN_THREADS", "4"), ("PATH", "x")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sources = Sources::collect([("listen", "127.0.0.1:3".to_owned())], variables, Some(file.path())).unwrap();
        assert_eq!(sources.text("listen"), "127.0.0.1:3");
        assert_eq!(sources.origin("listen"), Origin::Flag);
        assert_eq!(sources.text("threads"), "4");
        assert_eq!(sources.text("log_level"), "warn");
        assert_eq!(sources.text("log_format"), "text");
        assert!(Config::load(&sources).is_ok());
    }

    #[test]
    fn a_flag_without_a_value_is_refused() {
        let variables = [("COUNTERSIGN_PUBLIC_URL".to_owned(), "https://auth.example.com".to_owned())];
        let error = Sources::collect([("public_url", String::new())], variables, None).unwrap_err().0;
        assert!(error.contains("--public-url has no value"), "{error}");
    }

    #[test]
    fn a_level_that_is_none_is_refused_and_the_nearest_named() {
        let load = |level: &str| Config::load(&Sources::collect([("log_level", level.to_owned())], [], None).unwrap());
        let refused = |level: &str, expected: &str| {
            let error = load(level).unwrap_err().0;
            assert!(error.starts_with("log_level (flag): ") && error.contains(expected), "{error}");
        };
        refused("warning", "'warning' is not a log level (did you mean 'warn'?); use off");
        refused("inof", "did you mean 'info'?");
        refused("info,countersing", "did you mean 'countersign'?");
        refused("0", "'0' is not a log level; use off, error, warn, info, debug or trace");
        refused("hyper", "'hyper' is not a log level");
        refused("countersign=loud", "countersign=loud");
        refused(",", "is not a log level");
        for (given, read) in [
            ("INFO", "INFO"),
            ("off", "off"),
            ("warn, countersign::http=debug", "warn,countersign::http=debug"),
            ("countersign_store::sqlite", "countersign_store::sqlite"),
            ("info,hyper=trace", "info,hyper=trace"),
        ] {
            assert_eq!(load(given).unwrap().log_level, read);
        }
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_nearest_named() {
        let check = |text: &str, expected: &str| {
            let file = file(text);
            let error = Sources::collect([], [], Some(file.path())).unwrap_err().0;
            assert!(error.contains(expected), "{error}");
        };
        check("lissten = \"x\"", "Did you mean 'listen'?");
        check("public_uri = \"x\"", "Did you mean 'public_url'?");
        check("zzz = 1", "there is no setting 'zzz'");
        check("master_key = \"x\"", "there is no setting 'master_key'");
        check("listen = [1]", "must be a string or a number");
        check("listen = ", "not well-formed TOML");
    }

    #[test]
    fn unknown_variables_are_told_about_and_not_refused() {
        let variables = [
            ("COUNTERSIGN_LISTN".to_owned(), "x".to_owned()),
            ("COUNTERSIGN_PORT".to_owned(), "tcp://10.0.0.1".to_owned()),
        ];
        let sources = Sources::collect([], variables, None).unwrap();
        assert_eq!(sources.unknown_variables, ["COUNTERSIGN_LISTN", "COUNTERSIGN_PORT"]);
    }

    #[test]
    fn bad_values_name_their_setting_and_origin() {
        let check = |key: &'static str, value: &str, expected: &str| {
            let sources = Sources::collect([(key, value.to_owned())], [], None).unwrap();
            let error = Config::load(&sources).unwrap_err().0;
            assert!(error.contains(expected), "{error}");
        };
        check("listen", "8080", "listen (flag): not an address");
        check("threads", "many", "threads (flag): must be a number");
        check("public_url", "http://auth.example.com", "must be https");
        check("public_url", "https://auth.example.com/path", "must be an origin");
        check("database", "mysql://x", "database (flag) must be");
        check("trusted_proxies", "10.0.0.0/33", "is not an address or a network");
        check("tls_key", "x", "tls_certificate is not");
    }

    #[test]
    fn the_description_shows_no_secret() {
        let variables =
            [("COUNTERSIGN_MASTER_KEY", "hunter2secret"), ("COUNTERSIGN_DATABASE", "postgres://u:hunter2@db/x")];
        let sources = Sources::collect([], variables.map(|(n, v)| (n.to_owned(), v.to_owned())), None).unwrap();
        let shown = format!(
            "{:?}",
            sources.describe().iter().map(|(s, v, o)| format!("{} {v} {o}", s.key)).collect::<Vec<_>>()
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_mail_server_is_checked_once_and_its_password_not_shown() {
        let check = |url: &str, from: &str| {
            let flags = [("smtp_url", url.to_owned()), ("mail_from", from.to_owned())];
            Config::load(&Sources::collect(flags, [], None).unwrap())
        };
        let config = check("smtps://user:hunter2@mail.example.com", "a@b.co").unwrap();
        assert!(!config.mailer.keeps(), "what was checked is what is used");
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        assert!(check("smtps://mail.example.com", "nobody").unwrap_err().0.contains("mail_from"));
        assert!(check("gopher://mail.example.com", "a@b.co").unwrap_err().0.contains("smtp_url"));
    }
}
