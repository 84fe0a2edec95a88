//! `countersign audit`: the audit log. Works on the database, so it can also run while servers do.

use super::{CommandError, CommandResult, environment, open_existing, say, text};
use crate::config::Config;
use crate::domain::audit_log::chain::{Report, verify};
use crate::domain::audit_log::streams::{NewStream, end, set};
use crate::domain::audit_log::{Trail, list};
use crate::domain::{Act, Failure};
use crate::installation::Installation;
use clap::{Arg, ArgAction, ArgMatches, Command};
use countersign_protocol::audit::export::StreamFormat;
use countersign_protocol::model::Environment;
use countersign_store::audit_log_stream;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// The exit code when a chain is broken.
const BROKEN: u8 = 2;

/// The command.
pub(super) fn command(environment: impl Fn() -> Arg) -> Command {
    let named = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let organization = || Arg::new("organization").value_name("ORGANIZATION").required(true).help("Its identifier");
    Command::new("audit")
        .about("The audit log: what was done here, and whether it is intact")
        .subcommand_required(true)
        .subcommand(
            Command::new("verify")
                .about("Check the chain; exit with 2 if it is broken")
                .arg(environment().help("Environment [default: all]"))
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON object per line")),
        )
        .subcommand(
            Command::new("list")
                .about("Print what administrators have done, newest first, one JSON object per line")
                .arg(environment())
                .arg(named("actor", "ACTOR", "Only actions of this actor: an identifier or a name"))
                .arg(named("action", "NAME", "Only this action, such as organization.updated"))
                .arg(named("limit", "NUMBER", "How many records to print [default: 50]")),
        )
        .subcommand(
            Command::new("stream")
                .about("Streams that send organizations' events elsewhere")
                .subcommand_required(true)
                .subcommand(Command::new("list").about("List streams").arg(environment()))
                .subcommand(
                    Command::new("set")
                        .about("Send an organization's events to an https address from now on")
                        .arg(environment())
                        .arg(organization())
                        .arg(named("url", "URL", "Where to").required(true))
                        .arg(named(
                            "format",
                            "FORMAT",
                            "json (an array), ndjson (one line per event), datadog, splunk [default: json]",
                        ))
                        .arg(
                            named(
                                "header-file",
                                "FILE",
                                "File with headers to send along, one 'Name: value' per line; stored encrypted",
                            )
                            .action(ArgAction::Append),
                        ),
                )
                .subcommand(Command::new("stop").about("Stop sending").arg(environment()).arg(organization()))
                .subcommand(Command::new("delete").about("Remove the stream").arg(environment()).arg(organization())),
        )
}

pub(super) async fn run(config: &Config, command: &[&str], matches: &ArgMatches) -> CommandResult {
    let installation = open_existing(config).await?;
    match command {
        ["verify"] => verify_all(&installation, matches).await,
        ["list"] => show(&installation, matches).await,
        ["stream", command] => stream(&installation, command, matches).await,
        _ => Err("no such command; see --help".into()),
    }
}

/// Returns the environment for a read-only command, which may also be the built-in one for staff.
async fn environment_or_staff(installation: &Installation, name: Option<&String>) -> Result<Environment, CommandError> {
    let of_staff = countersign_store::environment::of_staff(&mut installation.store.reader().await?).await?;
    match of_staff.filter(|of_staff| Some(&of_staff.name) == name) {
        Some(of_staff) => Ok(of_staff),
        None => environment(installation, name).await,
    }
}

async fn verify_all(installation: &Installation, matches: &ArgMatches) -> CommandResult {
    let environments = match matches.get_one::<String>("environment") {
        None => countersign_store::environment::with_staff(&mut installation.store.reader().await?).await?,
        name => vec![environment_or_staff(installation, name).await?],
    };
    let mut code = ExitCode::SUCCESS;
    for environment in environments {
        let report = verify(&installation.store, &installation.keyring.audit_log, environment.id).await?;
        if report.broken.is_some() {
            code = ExitCode::from(BROKEN);
        }
        if matches.get_flag("json") {
            say(json!({
                "environment": environment.name,
                "environment_id": environment.id,
                "intact": report.broken.is_none(),
                "records": report.whole,
                "pruned": report.pruned,
                "pruned_through": report.ends.pruned_through,
                "sequence": report.ends.sequence,
                "hash": report.ends.hash.to_string(),
                "broken_at": report.broken.map(|broken| broken.sequence),
                "fault": report.broken.map(|broken| broken.fault.to_string()),
            }))?;
        } else {
            say(summary(&environment, &report))?;
        }
    }
    Ok(code)
}

fn summary(environment: &Environment, report: &Report) -> String {
    let name = &environment.name;
    match report.broken {
        Some(broken) => format!("{name}: BROKEN at {broken}"),
        None => format!(
            "{name}: intact, {} records, {} pruned since place {}; head {} {}",
            report.whole, report.pruned, report.ends.pruned_through, report.ends.sequence, report.ends.hash
        ),
    }
}

async fn show(installation: &Installation, matches: &ArgMatches) -> CommandResult {
    let environment = environment_or_staff(installation, matches.get_one::<String>("environment")).await?;
    let limit: usize = match matches.get_one::<String>("limit") {
        None => 50,
        Some(text) => text.parse().map_err(|_| format!("'{text}' is not a number."))?,
    };
    let trail = Trail {
        actor: matches.get_one::<String>("actor").cloned(),
        action: matches.get_one::<String>("action").cloned(),
        ..Trail::default()
    };
    let key = &installation.keyring.audit_log;
    let (mut shown, mut before) = (0, None);
    while shown < limit {
        let page = list(&installation.store, key, environment.id, &trail, before, limit - shown).await?;
        shown += page.entries.len();
        for entry in page.entries {
            say(json!({
                "id": entry.id.bare(),
                "sequence": entry.sequence,
                "organization_id": entry.organization_id,
                "action": entry.event.action,
                "occurred_at": entry.event.occurred_at,
                "actor": entry.event.actor,
                "targets": entry.event.targets,
                "context": entry.event.context,
            }))?;
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn stream(installation: &Installation, command: &str, matches: &ArgMatches) -> CommandResult {
    let environment = environment(installation, matches.get_one::<String>("environment")).await?;
    if command == "list" {
        for stream in audit_log_stream::all(&mut installation.store.reader().await?, environment.id).await? {
            let state = stream.state.as_str();
            let synced = stream.last_synced_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
            say(format_args!(
                "{}  {}  {}  {state}  last taken {synced}",
                stream.id, stream.organization_id, stream.url
            ))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let by = super::actor(&format!("audit stream {command}"));
    let act = Act::new(&environment, by, &installation.clock, &installation.entropy, &installation.keyring);
    let organization = text(matches, "organization").to_owned();
    if command == "set" {
        let new = new_stream(matches)?;
        let made = installation
            .store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { set(tx, &act, &organization, new).await }))
            .await?;
        say(format_args!("{} sends to {} from now on.", made.id, made.url))?;
    } else {
        let forget = command == "delete";
        installation
            .store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { end(tx, &act, &organization, forget).await }))
            .await?;
        say("Nothing is sent anymore.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn new_stream(matches: &ArgMatches) -> Result<NewStream, String> {
    let word = text(matches, "format");
    let format = StreamFormat::parse(if word.is_empty() { "json" } else { word })
        .ok_or_else(|| format!("'{word}' is not json, ndjson, datadog or splunk."))?;
    let mut headers = BTreeMap::new();
    for file in matches.get_many::<String>("header-file").unwrap_or_default() {
        let content = std::fs::read_to_string(file).map_err(|error| format!("Cannot read {file}: {error}."))?;
        for line in content.lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) =
                line.split_once(':').ok_or_else(|| format!("{file}: every line must be 'Name: value'."))?;
            headers.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    Ok(NewStream { url: text(matches, "url").to_owned(), format, headers })
}
