//! `countersign staff`: who may use the dashboard. Works on the database, so it can also run while servers do.

use super::{CommandResult, open_existing, say};
use crate::config::Config;
use crate::domain::{Act, Failure, staff};
use clap::ArgMatches;
use countersign_protocol::model::StaffRole;
use countersign_store::environment;
use std::process::ExitCode;

pub(super) async fn run(config: &Config, command: &str, matches: &ArgMatches) -> CommandResult {
    let public_url = config.public_url.as_ref();
    if command == "move" && public_url.is_none() {
        return Err("There is no public_url to move the dashboard to. Set it with --public-url.".into());
    }
    let installation = open_existing(config).await?;
    let found = environment::of_staff(&mut installation.store.reader().await?).await?;
    let of_staff = found.ok_or("There is no dashboard yet. Start the server once, or run 'countersign init'.")?;
    let act = Act::new(
        &of_staff,
        super::actor(&format!("staff {command}")),
        &installation.clock,
        &installation.entropy,
        &installation.keyring,
    );
    if let (Some(public_url), "move") = (public_url, command) {
        let (from, to) = installation.move_staff(public_url, super::actor("staff move")).await?;
        say(if from == to {
            format!("The dashboard is at {to}.")
        } else {
            format!("The dashboard moved from {from} to {to}.")
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if command == "list" {
        for (membership, user) in staff::list(&mut installation.store.reader().await?, &act).await? {
            let role = StaffRole::most(&membership.roles).map_or("none", StaffRole::as_str);
            say(format_args!("{}  {role}  {}", user.email, membership.status.as_str()))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if command == "password" {
        let email = matches.get_one::<String>("email").cloned().unwrap_or_default();
        let link = installation.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move { staff::make_password_link(tx, &act, &email).await })
        });
        say(link.await?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let role = match matches.get_one::<String>("role") {
        None => StaffRole::Owner,
        Some(word) => StaffRole::parse(word)
            .ok_or_else(|| format!("'{word}' is not a role: use owner, admin, developer or read-only."))?,
    };
    let link = installation
        .store
        .write::<_, Failure, _>(move |tx| Box::pin(async move { staff::make_link(tx, &act, role).await }))
        .await?;
    say(link)?;
    Ok(ExitCode::SUCCESS)
}
