//! The settings table. Each setting has one row, from which its flag, variable, file key, help text, and documentation
//! are derived.

/// How a setting may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// By flag, variable and file.
    Anywhere,
    /// By variable only: a secret that must not appear in a process list or a shared file.
    Variable,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key in the file. The flag is the same with dashes, the variable in capitals after `COUNTERSIGN_`.
    pub key: &'static str,
    /// Its default; empty means "not set".
    pub default: &'static str,
    /// The placeholder for the value in the help.
    pub value: &'static str,
    /// How it may be given.
    pub given: Given,
    /// Whether its value is hidden from all output.
    pub secret: bool,
    /// What it does.
    pub help: &'static str,
}

const fn setting(key: &'static str, default: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { key, default, value, given: Given::Anywhere, secret: false, help }
}

/// Every setting, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    setting(
        "data",
        "./countersign-data",
        "DIR",
        "Directory for the database and the master key; created if missing, readable by its owner only",
    ),
    setting("listen", "127.0.0.1:8080", "ADDRESS", "Address and port to listen on"),
    setting(
        "public_url",
        "",
        "URL",
        "Origin under which the API is reached, and issuer of the default environment; https unless it is localhost. Default: http://localhost and the port",
    ),
    Setting {
        secret: true,
        ..setting(
            "database",
            "sqlite",
            "URL",
            "'sqlite' for a file in the data directory, or postgres://user:password@host/database",
        )
    },
    setting("database_connections", "16", "NUMBER", "Maximum number of connections to PostgreSQL"),
    setting("database_ca", "", "FILE", "Certificates (PEM) to trust for PostgreSQL in addition to the public ones"),
    setting(
        "master_key_file",
        "",
        "FILE",
        "File with the master key. Default: master.key in the data directory, created at first start",
    ),
    Setting {
        given: Given::Variable,
        secret: true,
        ..setting("master_key", "", "KEY", "The master key itself: 32 random bytes in base64 or hex")
    },
    setting("master_key_command", "", "COMMAND", "Command that prints the master key, run once at start with sh -c"),
    setting("tls_certificate", "", "FILE", "Certificate chain (PEM); with tls_key, the server itself speaks https"),
    setting("tls_key", "", "FILE", "Private key (PEM) of the certificate"),
    setting(
        "trusted_proxies",
        "",
        "LIST",
        "Addresses or networks, comma-separated, whose X-Forwarded-For and X-Forwarded-Proto are trusted",
    ),
    Setting {
        secret: true,
        ..setting(
            "smtp_url",
            "",
            "URL",
            "Mail server, such as smtps://user:password@mail.example.com. Without one, mail stays at /dev/mailbox in staging",
        )
    },
    setting("smtp_ca", "", "FILE", "Certificates (PEM) to trust for the mail server in addition to the public ones"),
    setting(
        "mail_from",
        "",
        "ADDRESS",
        "Sender of mail, such as 'Acme <no-reply@acme.example>'; required with smtp_url",
    ),
    setting(
        "dns_servers",
        "",
        "LIST",
        "Name servers, comma-separated, to ask for the TXT records that verify domains. Default: the system's",
    ),
    setting(
        "outbound_allow",
        "",
        "LIST",
        "Addresses or networks, comma-separated, that the server's own requests (such as logout notices) may reach although they are not public; URLs must use a host name, not a private IP address",
    ),
    setting(
        "outbound_ca",
        "",
        "FILE",
        "Certificates (PEM) to trust for the server's own requests in addition to the public ones",
    ),
    setting(
        "operations_listen",
        "",
        "ADDRESS",
        "Separate listener for /metrics, /healthz and /readyz; without it, /metrics answers only this machine",
    ),
    setting(
        "log_level",
        "info",
        "LEVEL",
        "error, warn, info, debug or trace; also per module, as in 'info,countersign::http=debug'",
    ),
    setting("log_format", "text", "FORMAT", "'text' for people or 'json' for machines"),
    setting("threads", "0", "NUMBER", "Worker threads; 0 means one per core"),
    setting("cache_entries", "20000", "NUMBER", "Maximum number of entries in each in-memory cache"),
    setting(
        "rate_limit_management",
        "6000",
        "NUMBER",
        "Management API requests per minute and API key; 0 means no limit",
    ),
    setting("rate_limit_client", "6000", "NUMBER", "OAuth requests per minute and client; 0 means no limit"),
    setting(
        "rate_limit_failures",
        "60",
        "NUMBER",
        "Failed authentications per minute and address (IPv6: per /64); 0 means no limit",
    ),
    setting("key_rotation_days", "90", "DAYS", "Days after which a signing key is replaced; 0 means only by command"),
    setting("shutdown_seconds", "30", "SECONDS", "Seconds that requests in flight have to finish at shutdown"),
];

/// Returns the setting with this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

impl Setting {
    /// Returns the environment variable.
    pub fn variable(&self) -> String {
        format!("COUNTERSIGN_{}", self.key.to_uppercase())
    }

    /// Returns the flag without the leading dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }
}

/// Returns the documentation page that lists the settings.
pub fn documentation() -> String {
    let mut page =
        String::from("| Key in the file | Flag | Variable | Default | What it does |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let (key, flag) = match setting.given {
            Given::Anywhere => (format!("`{}`", setting.key), format!("`--{}`", setting.flag())),
            Given::Variable => ("–".to_owned(), "–".to_owned()),
        };
        let default = if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
        page.push_str(&format!("| {key} | {flag} | `{}` | {default} | {} |\n", setting.variable(), setting.help));
    }
    page
}
