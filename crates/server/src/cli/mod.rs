//! The command line: one file per command. The flags for settings come from the settings table.

mod api_keys;
mod applications;
pub(crate) mod apply;
mod audit;
mod backup;
mod config_check;
mod demo;
mod doctor;
mod init;
mod keys;
mod migrate;
pub mod serve;
mod staff;

use crate::clock::Clock;
use crate::config::settings::{Given, SETTINGS};
use crate::config::source::{self, Sources};
use crate::config::{Config, ConfigError};
use crate::installation::Installation;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign_protocol::model::Actor;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a command failed: the message for the operator and the exit code.
#[derive(Debug)]
struct CommandError {
    message: String,
    code: u8,
}

impl<E: std::fmt::Display> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), code: 1 }
    }
}

/// The log level of one-shot commands: warnings and errors only. Other output is printed.
const COMMANDS_LOG: &str = "warn";

type CommandResult = Result<ExitCode, CommandError>;

fn command() -> Command {
    let settings = SETTINGS.iter().filter(|setting| setting.given == Given::Anywhere).map(|setting| {
        let default =
            if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
        Arg::new(setting.key)
            .long(setting.flag())
            .value_name(setting.value)
            .help(format!("{}{default}", setting.help))
            .global(true)
            .help_heading("Settings (also as COUNTERSIGN_… variables and in the configuration file)")
    });
    let environment =
        || Arg::new("environment").long("environment").value_name("NAME").help("Environment [default: the first one]");
    Command::new("countersign")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A self-hosted identity server: OAuth, OpenID Connect, API credentials bound to organizations")
        .after_help("Without a command, it serves. Start here: docs/quickstart-m2m.md")
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Configuration file (TOML); also COUNTERSIGN_CONFIG")
                .global(true),
        )
        .args(settings)
        .subcommand(Command::new("serve").about("Serve (the default)"))
        .subcommand(
            Command::new("init")
                .about("Set up a data directory or an empty database without serving; print its key once")
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON object")),
        )
        .subcommand(
            Command::new("apply")
                .about("Make environments, keys, permissions, organizations and applications match a file")
                .arg(Arg::new("file").value_name("FILE").required(true))
                .arg(
                    Arg::new("check")
                        .long("check")
                        .action(ArgAction::SetTrue)
                        .help("Change nothing; exit with 2 if something would change"),
                ),
        )
        .subcommand(
            Command::new("keys")
                .about("Signing keys")
                .subcommand_required(true)
                .subcommand(Command::new("list").about("List signing keys").arg(environment()))
                .subcommand(
                    Command::new("rotate")
                        .about("Publish new signing keys that take over after 15 minutes")
                        .arg(environment())
                        .arg(
                            Arg::new("purpose").long("purpose").value_name("PURPOSE").help(
                                "direct (sessions, machines) or delegated (applications of people) [default: both]",
                            ),
                        )
                        .arg(
                            Arg::new("algorithm")
                                .long("algorithm")
                                .value_name("ALGORITHM")
                                .help("RS256, ES256 or EdDSA [default: the environment's]"),
                        )
                        .arg(
                            Arg::new("now")
                                .long("now")
                                .action(ArgAction::SetTrue)
                                .help("Take over at once; clients that cache the key set may fail for five minutes"),
                        ),
                )
                .subcommand(
                    Command::new("burn")
                        .about("Revoke a leaked signing key at once: every token it signed becomes invalid")
                        .arg(environment())
                        .arg(Arg::new("kid").value_name("KID").required(true)),
                ),
        )
        .subcommand(
            Command::new("doctor")
                .about("Check an integration the way a client sees it, and report what would fail")
                .subcommand_required(true)
                .subcommand(
                    Command::new("mcp")
                        .about("Act as a client of an MCP server, up to the sign-in page")
                        .arg(
                            Arg::new("url")
                                .value_name("URL")
                                .required(true)
                                .help("The server's address, such as https://mcp.example.com/mcp"),
                        )
                        .arg(
                            Arg::new("no-register")
                                .long("no-register")
                                .action(ArgAction::SetTrue)
                                .help("Do not register a client, and so do not check the sign-in page"),
                        ),
                ),
        )
        .subcommand(
            Command::new("api-keys")
                .about("An environment's keys for the management API")
                .subcommand_required(true)
                .subcommand(Command::new("list").about("List API keys").arg(environment()))
                .subcommand(
                    Command::new("create")
                        .about("Create an API key and print it once")
                        .arg(environment())
                        .arg(Arg::new("name").value_name("NAME").required(true)),
                )
                .subcommand(
                    Command::new("revoke")
                        .about("Revoke an API key at once")
                        .arg(environment())
                        .arg(Arg::new("name").value_name("NAME").required(true)),
                ),
        )
        .subcommand(
            Command::new("applications")
                .about("Applications with a metadata document (CIMD): which ones may sign people in")
                .subcommand_required(true)
                .subcommand(Command::new("list").about("List the pending ones and the decisions so far").arg(environment()))
                .subcommand(
                    Command::new("allow")
                        .about("Allow the application with this metadata document")
                        .arg(environment())
                        .arg(Arg::new("url").value_name("URL").required(true)),
                )
                .subcommand(
                    Command::new("refuse")
                        .about("Refuse it, whatever the environment's policy; its access ends at once")
                        .arg(environment())
                        .arg(Arg::new("url").value_name("URL").required(true)),
                ),
        )
        .subcommand(audit::command(environment))
        .subcommand(
            Command::new("demo")
                .about("Run a sample company on this machine and explore it in a browser: nothing to set up, nothing is kept")
                .arg(
                    Arg::new("port")
                        .long("port")
                        .value_name("PORT")
                        .value_parser(clap::value_parser!(u16))
                        .help("The first of five ports in a row [default: 8080]"),
                ),
        )
        .subcommand(
            Command::new("staff")
                .about("The people who can use the dashboard")
                .subcommand_required(true)
                .subcommand(Command::new("list").about("List the members of staff and their roles"))
                .subcommand(
                    Command::new("password")
                        .about("Print a link that lets a member of staff choose a new password, once, within an hour")
                        .arg(Arg::new("email").value_name("EMAIL").required(true).help("Their address")),
                )
                .subcommand(Command::new("move").about("Move the dashboard to the public_url of this configuration"))
                .subcommand(
                    Command::new("link")
                        .about("Print a link that gives the first person to open it access to the dashboard, within a day")
                        .arg(
                            Arg::new("role")
                                .long("role")
                                .value_name("ROLE")
                                .help("owner, admin, developer or read-only [default: owner]"),
                        ),
                ),
        )
        .subcommand(
            Command::new("migrate").about("Bring the database schema up to date (serve does this automatically)").arg(
                Arg::new("check")
                    .long("check")
                    .action(ArgAction::SetTrue)
                    .help("Change nothing; exit with 2 if migrations are pending"),
            ),
        )
        .subcommand(
            Command::new("backup")
                .about("Write a consistent copy of the SQLite database while it is in use")
                .arg(Arg::new("file").value_name("FILE").required(true)),
        )
        .subcommand(
            Command::new("config")
                .about("The configuration")
                .subcommand_required(true)
                .subcommand(
                    Command::new("check").about("Check the configuration and print where each setting comes from"),
                )
                .subcommand(Command::new("settings").about("Print the table of settings, in Markdown")),
        )
}

/// Runs the program.
pub fn main() -> ExitCode {
    let matches = command().get_matches();
    match run(&matches) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "countersign: {}", error.message);
            ExitCode::from(error.code)
        }
    }
}

fn sources(matches: &ArgMatches) -> Result<Sources, ConfigError> {
    let variables = source::environment();
    let named = variables.iter().find(|(name, value)| name == "COUNTERSIGN_CONFIG" && !value.is_empty());
    let file = matches.get_one::<String>("config").or(named.map(|(_, value)| value)).map(PathBuf::from);
    let flags: Vec<(&'static str, String)> = SETTINGS
        .iter()
        .filter(|setting| setting.given == Given::Anywhere)
        .filter_map(|setting| Some((setting.key, matches.get_one::<String>(setting.key)?.clone())))
        .collect();
    Sources::collect(flags, variables, file.as_deref())
}

fn run(matches: &ArgMatches) -> CommandResult {
    // Global flags may come before or after the command; the innermost level knows them all.
    let mut innermost = matches;
    let mut path: Vec<&str> = Vec::new();
    while let Some((name, inner)) = innermost.subcommand() {
        path.push(name);
        innermost = inner;
    }
    let sources = sources(innermost)?;
    if path == ["config", "settings"] {
        say(crate::config::settings::documentation().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    if path == ["config", "check"] {
        return config_check::run(&sources);
    }
    let config = Config::load(&sources)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.threads > 0 {
        runtime.worker_threads(config.threads);
    }
    let runtime = runtime.enable_all().build()?;
    let serves = matches!(path.as_slice(), [] | ["serve"]);
    crate::logging::start(&config, if serves { &config.log_level } else { COMMANDS_LOG })?;
    runtime.block_on(async {
        match path.as_slice() {
            [] | ["serve"] => {
                for name in &sources.unknown_variables {
                    tracing::warn!(%name, "there is no setting for this variable; it is ignored");
                }
                serve::run(config).await
            }
            ["init"] => init::run(&config, innermost.get_flag("json")).await,
            ["apply"] => apply::run(&config, text(innermost, "file"), innermost.get_flag("check")).await,
            ["keys", command] => keys::run(&config, command, innermost).await,
            ["api-keys", command] => api_keys::run(&config, command, innermost).await,
            ["applications", command] => applications::run(&config, command, innermost).await,
            ["demo"] => demo::run(innermost.get_one::<u16>("port").copied().unwrap_or(8080)).await,
            ["staff", command] => staff::run(&config, command, innermost).await,
            ["audit", command @ ..] => audit::run(&config, command, innermost).await,
            ["migrate"] => migrate::run(&config, innermost.get_flag("check")).await,
            ["doctor", "mcp"] => {
                doctor::mcp::run(&config, text(innermost, "url"), !innermost.get_flag("no-register")).await
            }
            ["backup"] => backup::run(&config, text(innermost, "file")).await,
            _ => Err(CommandError { message: "no such command; see --help".to_owned(), code: 2 }),
        }
    })
}

fn text<'m>(matches: &'m ArgMatches, name: &str) -> &'m str {
    matches.get_one::<String>(name).map_or("", String::as_str)
}

/// Prints a line to standard output.
fn say(line: impl std::fmt::Display) -> Result<(), std::io::Error> {
    writeln!(std::io::stdout(), "{line}")
}

/// Returns the actor that runs a command.
fn actor(command: &str) -> Actor {
    let account = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(source::variable);
    Actor::command(command, account.filter(|name| !name.is_empty() && name.len() <= 255))
}

/// Opens an installation that must already exist.
async fn open_existing(config: &Config) -> Result<Installation, CommandError> {
    Ok(Installation::open_existing(config, Clock::default()).await?)
}

/// Returns the environment that a command applies to.
async fn environment(
    installation: &Installation,
    name: Option<&String>,
) -> Result<countersign_protocol::model::Environment, CommandError> {
    let mut all = countersign_store::environment::all(&mut installation.store.reader().await?).await?.into_iter();
    let found = match name {
        None => all.next(),
        Some(name) => all.find(|environment| environment.name == *name),
    };
    found.ok_or_else(|| {
        CommandError::from(match name {
            Some(name) => format!("There is no environment '{name}'."),
            None => "There is no environment yet. Run 'countersign init' first.".to_owned(),
        })
    })
}
