//! The table of settings: each has one row, and from it come the flag, the variable, the key in the file, the help and
//! the page in the documentation.

/// How a setting may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// By flag, variable and file.
    Anywhere,
    /// By variable only: a secret that must not stand in a process list or a file that is shared.
    Variable,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key in the file. The flag is the same with dashes, the variable in capitals after `COUNTERSIGN_`.
    pub key: &'static str,
    /// Its default; empty is "not set".
    pub default: &'static str,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// How it may be given.
    pub given: Given,
    /// Whether its value is kept out of every output.
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
        "Directory for the database and the master key; made if absent, readable by its owner only",
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
    setting("database_connections", "16", "NUMBER", "Most connections to PostgreSQL"),
    setting("database_ca", "", "FILE", "Certificates (PEM) to trust for PostgreSQL besides the public ones"),
    setting(
        "master_key_file",
        "",
        "FILE",
        "File with the master key. Default: master.key in the data directory, made on first start",
    ),
    Setting {
        given: Given::Variable,
        secret: true,
        ..setting("master_key", "", "KEY", "The master key itself: 32 random bytes in base64 or hex")
    },
    setting("master_key_command", "", "COMMAND", "Command that prints the master key, run once at start by sh -c"),
    setting("tls_certificate", "", "FILE", "Certificate chain (PEM); with tls_key the server speaks https itself"),
    setting("tls_key", "", "FILE", "Private key (PEM) of the certificate"),
    setting(
        "trusted_proxies",
        "",
        "LIST",
        "Addresses or networks, comma-separated, whose X-Forwarded-For and X-Forwarded-Proto are believed",
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
    setting("smtp_ca", "", "FILE", "Certificates (PEM) to trust for the mail server besides the public ones"),
    setting("mail_from", "", "ADDRESS", "Sender of mail, such as 'Acme <no-reply@acme.example>'; needed with smtp_url"),
    setting(
        "dns_servers",
        "",
        "LIST",
        "Name servers, comma-separated, asked for the TXT records that prove domains. Default: the system's",
    ),
    setting(
        "outbound_allow",
        "",
        "LIST",
        "Addresses or networks, comma-separated, that requests of the server (such as logout notices) may reach although they are not public; a URL must use a host name there, one with a private IP address is refused",
    ),
    setting(
        "outbound_ca",
        "",
        "FILE",
        "Certificates (PEM) to trust for requests of the server besides the public ones",
    ),
    setting(
        "operations_listen",
        "",
        "ADDRESS",
        "Separate listener for /metrics, /healthz and /readyz; without it /metrics answers this machine only",
    ),
    setting(
        "log_level",
        "info",
        "LEVEL",
        "error, warn, info, debug or trace; also per module, as in 'info,countersign::http=debug'",
    ),
    setting("log_format", "text", "FORMAT", "'text' for people, 'json' for machines"),
    setting("threads", "0", "NUMBER", "Worker threads; 0 is one per core"),
    setting("cache_entries", "20000", "NUMBER", "Entries that each in-memory cache may hold"),
    setting("rate_limit_management", "6000", "NUMBER", "Management API requests per minute and API key; 0 is no limit"),
    setting("rate_limit_client", "6000", "NUMBER", "OAuth requests per minute and client; 0 is no limit"),
    setting(
        "rate_limit_failures",
        "60",
        "NUMBER",
        "Failed authentications per minute and address (IPv6: per /64); 0 is no limit",
    ),
    setting("key_rotation_days", "90", "DAYS", "Days after which a signing key is replaced; 0 is only by command"),
    setting("shutdown_seconds", "30", "SECONDS", "How long requests in flight may take to finish at shutdown"),
];

/// The setting with this key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

impl Setting {
    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("COUNTERSIGN_{}", self.key.to_uppercase())
    }

    /// The flag, without the leading dashes.
    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }
}

/// The page of the documentation that lists the settings.
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
