//! An installation: its data directory, database, master key, data key, and first environment.

use crate::clock::Clock;
use crate::config::{Config, ConfigError, MasterKeySource};
use crate::domain::environments::{self, environment_api_keys};
use crate::domain::organizations::roles;
use crate::domain::{Act, Failure, audit_log, staff};
use crate::entropy::Entropy;
use crate::keys::keyring::Keyring;
use crate::keys::master_key::{MasterKey, MasterKeyError};
use crate::keys::signing;
use countersign_protocol::jose::Algorithm;
use countersign_protocol::model::{
    Actor, Authentication, DEFAULT_ROLE, Environment, EnvironmentApiKey, EnvironmentKind, Issuer, SessionPolicy,
    StaffRole,
};
use countersign_protocol::seal::SealKey;
use countersign_protocol::secret::{Secret, SecretKind};
use countersign_store::{Location, Store, data_key, environment, environment_api_key, role, signing_key};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The name of the environment created on first start.
pub const DEFAULT_ENVIRONMENT: &str = "default";
/// The name of the built-in environment. It is not a valid slug, so no other environment can have the same name.
const STAFF_ENVIRONMENT: &str = "Countersign";
/// Staff have broad privileges: they sign in again once a week, or after half a day of inactivity.
const STAFF_SESSIONS: SessionPolicy = SessionPolicy { maximum_length: 7 * 86_400, inactivity_timeout: 43_200 };

/// Returns the environment kind for this issuer.
fn kind_of(issuer: &Issuer) -> EnvironmentKind {
    if issuer.is_this_machine() { EnvironmentKind::Staging } else { EnvironmentKind::Production }
}

const DATA_KEY: &[&str] = &["data-key"];

/// Why an installation cannot be opened. The message is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The master key cannot be obtained.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The master key is not the one this database was set up with.
    #[error(
        "The master key is not the one this database was set up with. Restore the right one: without it nothing sealed \
         in the database can be read, and no other key will do."
    )]
    WrongMasterKey,
    /// Nothing has been set up at this location.
    #[error(
        "Nothing is set up here yet. Run 'countersign init' or 'countersign serve' first, or name the right place with --data or --database."
    )]
    NotSetUp,
    /// The schema is older than this program.
    #[error(
        "The database's schema is older than this program. Start the server with it, or run 'countersign migrate', first."
    )]
    Outdated,
    /// Two nodes started on an empty database at the same time, each with a master key that it created.
    #[error(
        "Another node has set this database up at this moment, with a master key of its own. Give that one to this node (master_key_file, COUNTERSIGN_MASTER_KEY) and start it again."
    )]
    AnotherWasFirst,
    /// The database file is empty, but a master key exists next to it.
    #[error(
        "{0} is empty, and a master key lies beside it: is it a copy that failed? Copy the backup again, or remove the empty file to set up anew."
    )]
    EmptyDatabase(String),
    /// The data directory cannot be used.
    #[error("The data directory {path}: {reason}")]
    DataDirectory {
        /// Its path.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A database error.
    #[error("The database: {0}")]
    Store(#[from] countersign_store::Error),
    /// Any other failure.
    #[error("{0}")]
    Failed(String),
}

impl From<Failure> for InstallationError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => Self::Store(error),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// An open installation.
#[derive(Debug)]
pub struct Installation {
    /// The database, with an up-to-date schema.
    pub store: Store,
    /// The keys derived from its data key.
    pub keyring: Arc<Keyring>,
    /// Random bytes and identifiers.
    pub entropy: Arc<Entropy>,
    /// The clock.
    pub clock: Clock,
    /// The master key file, if it was just created.
    pub made_master_key: Option<PathBuf>,
}

/// When to create a dashboard link for the first owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invite {
    /// On every start while there are no staff members.
    Always,
    /// Only on the start that creates the dashboard.
    Once,
}

/// The state of the dashboard at startup.
#[derive(Debug, Default)]
pub struct FirstStaff {
    /// A link that lets the first owner in, if one was created.
    pub link: Option<String>,
    /// Whether there are no staff members yet.
    pub nobody: bool,
}

/// What the first start created; shown once.
#[derive(Debug)]
pub struct FirstEnvironment {
    /// The environment.
    pub environment: Environment,
    /// Its API key. `None` if the environment already existed.
    pub api_key: Option<Secret>,
}

/// Creates the data directory if it does not exist, readable by its owner only.
///
/// # Errors
/// When it cannot be created, or when others can read it.
pub fn prepare_data_directory(path: &Path) -> Result<(), InstallationError> {
    let failed = |reason: String| InstallationError::DataDirectory { path: path.display().to_string(), reason };
    if !exists(path, path)? {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| failed(format!("cannot be made: {error}.")))?;
    }
    let metadata = std::fs::metadata(path).map_err(|error| failed(format!("cannot be read: {error}.")))?;
    if !metadata.is_dir() {
        return Err(failed("is not a directory.".to_owned()));
    }
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(failed(format!("is open to every user of this machine. Run: chmod 700 {}", path.display())));
    }
    Ok(())
}

/// Whether a file exists. A path that cannot be inspected is an error rather than treated as missing.
fn exists(path: &Path, data: &Path) -> Result<bool, InstallationError> {
    path.try_exists().map_err(|error| InstallationError::DataDirectory {
        path: data.display().to_string(),
        reason: format!("cannot be read: {error}."),
    })
}

/// On first start the key is created after the database has its schema. So an empty database file next to the key in
/// this data directory is not an interrupted first start, and setting up again in it would hide that a restored copy is
/// empty. (A key stored elsewhere may have existed before the first start.)
fn refuse_empty(database: &Path, config: &Config) -> Result<(), InstallationError> {
    let MasterKeySource::File { path: key, may_create: true } = &config.master_key else { return Ok(()) };
    if std::fs::metadata(database).is_ok_and(|found| found.len() == 0) && exists(key, &config.data)? {
        return Err(InstallationError::EmptyDatabase(database.display().to_string()));
    }
    Ok(())
}

/// Opens the database without changing it.
///
/// # Errors
/// See [`InstallationError`].
pub async fn open_store(config: &Config) -> Result<Store, InstallationError> {
    if let Location::Sqlite(path) = &config.database {
        prepare_data_directory(&config.data)?;
        refuse_empty(path, config)?;
    }
    Ok(Store::open(&config.database).await?)
}

/// Opens a database that must already exist; creates neither a directory nor a file.
///
/// # Errors
/// See [`InstallationError`], including the case that nothing has been set up yet.
pub async fn open_existing_store(config: &Config) -> Result<Store, InstallationError> {
    if let Location::Sqlite(path) = &config.database
        && !exists(path, &config.data)?
    {
        return Err(InstallationError::NotSetUp);
    }
    open_store(config).await
}

/// Returns the keys of a database by opening its data key with the master key.
fn unlock(master_key: &SealKey, sealed: &[u8]) -> Result<Arc<Keyring>, InstallationError> {
    let data_key = master_key.open(DATA_KEY, sealed).map_err(|_| InstallationError::WrongMasterKey)?;
    Ok(Arc::new(Keyring::new(&data_key).map_err(Failure::internal)?))
}

impl Installation {
    /// Opens an installation that is set up and up to date, without changing anything.
    ///
    /// # Errors
    /// See [`InstallationError`], including the cases that nothing has been set up yet or that migrations are pending.
    pub async fn open_existing(config: &Config, clock: Clock) -> Result<Self, InstallationError> {
        let store = open_existing_store(config).await?;
        let state = store.migration_state().await?;
        if state.version == 0 {
            return Err(InstallationError::NotSetUp);
        }
        if !state.pending.is_empty() {
            return Err(InstallationError::Outdated);
        }
        if data_key::find(&mut store.reader().await?).await?.is_none() {
            return Err(InstallationError::NotSetUp);
        }
        drop(store);
        Self::open(config, clock).await
    }

    /// Opens an installation, or sets one up in an empty location: schema, master key, data key.
    ///
    /// # Errors
    /// See [`InstallationError`].
    pub async fn open(config: &Config, clock: Clock) -> Result<Self, InstallationError> {
        let entropy = Arc::new(Entropy::default());
        let store = open_store(config).await?;
        // If there is a data key, unlock it before migrating, so that a start with the wrong master key changes
        // nothing.
        let sealed = match store.migration_state().await?.version {
            0 => None,
            _ => data_key::find(&mut store.reader().await?).await?,
        };
        if let Some(sealed) = sealed {
            let master_key = MasterKey::obtain(&config.master_key, false, &entropy)?.seal_key()?;
            let keyring = unlock(&master_key, &sealed)?;
            store.migrate(clock.now()).await?;
            return Ok(Self { store, keyring, entropy, clock, made_master_key: None });
        }
        store.migrate(clock.now()).await?;
        // Another node may have been first.
        let sealed = data_key::find(&mut store.reader().await?).await?;
        let first_start = sealed.is_none();
        let may_create = match &config.master_key {
            MasterKeySource::File { path, may_create: true } if first_start => Some(path),
            _ => None,
        };
        if may_create.is_some() {
            prepare_data_directory(&config.data)?;
        }
        let made_master_key = may_create.filter(|path| !path.exists()).cloned();
        let master_key = MasterKey::obtain(&config.master_key, first_start, &entropy)?.seal_key()?;
        let sealed = match sealed {
            Some(sealed) => sealed,
            None => Self::make_data_key(&store, &master_key, &entropy, &clock).await?,
        };
        let keyring = match (unlock(&master_key, &sealed), &made_master_key) {
            // Another node was first, with its own master key. This key opens nothing, so delete it rather than leave
            // it to be mistaken for the right one.
            (Err(InstallationError::WrongMasterKey), Some(path)) => {
                let _ = std::fs::remove_file(path);
                return Err(InstallationError::AnotherWasFirst);
            }
            (unlocked, _) => unlocked?,
        };
        if let (Location::Postgres { .. }, Some(path)) = (&config.database, may_create) {
            tracing::warn!(
                path = %path.display(),
                "the master key of this database lies in a file of this machine: copy it to a safe place and give it to \
                 every other node (master_key_file, COUNTERSIGN_MASTER_KEY); without it the database cannot be opened again"
            );
        }
        Ok(Self { store, keyring, entropy, clock, made_master_key })
    }

    /// Creates the data key. Two nodes may start on an empty database at the same time, so the stored key is the one
    /// used.
    async fn make_data_key(
        store: &Store,
        master_key: &SealKey,
        entropy: &Entropy,
        clock: &Clock,
    ) -> Result<Vec<u8>, InstallationError> {
        let fresh = Zeroizing::new(entropy.bytes::<32>().map_err(Failure::from)?);
        let nonce = entropy.bytes().map_err(Failure::from)?;
        let sealed = master_key.seal(DATA_KEY, fresh.as_slice(), nonce).map_err(Failure::internal)?;
        let now = clock.now();
        store
            .write::<_, Failure, _>(move |tx| Box::pin(async move { Ok(data_key::insert(tx, &sealed, now).await?) }))
            .await?;
        data_key::find(&mut store.reader().await?)
            .await?
            .ok_or_else(|| InstallationError::Failed("the data key was not stored".to_owned()))
    }

    /// Returns the default environment, or creates it with a signing key and an API key.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ensure_environment(&self, issuer: &Issuer) -> Result<FirstEnvironment, InstallationError> {
        let existing = environment::all(&mut self.store.reader().await?).await?;
        self.ensure_roles(&existing).await?;
        if let Some(environment) = existing.into_iter().next() {
            return Ok(FirstEnvironment { environment, api_key: None });
        }
        let kind = kind_of(issuer);
        let environment = self.new_environment(DEFAULT_ENVIRONMENT, kind, issuer.clone(), Algorithm::Rs256)?;
        let value = self.entropy.secret(SecretKind::EnvironmentApiKey).map_err(Failure::from)?;
        let api_key = self.new_api_key(&environment, DEFAULT_ENVIRONMENT, &value)?;
        let made = self.create_environment(environment, vec![(api_key, value.clone())]).await;
        match made {
            Ok(environment) => Ok(FirstEnvironment { environment, api_key: Some(value) }),
            Err(InstallationError::Store(countersign_store::Error::Unique { .. })) => {
                // Another node started at the same time and was first.
                let existing = environment::all(&mut self.store.reader().await?).await?.into_iter().next();
                let environment =
                    existing.ok_or_else(|| InstallationError::Failed("the environment has vanished".to_owned()))?;
                Ok(FirstEnvironment { environment, api_key: None })
            }
            Err(error) => Err(error),
        }
    }

    /// Makes sure that the built-in environment, whose users are the staff, exists. While there are no staff members,
    /// creates a dashboard link as often as `invite` says; the first person to open it becomes owner.
    ///
    /// The dashboard moves with `public_url` while there are no staff members, or if its current address is on the
    /// local machine. Otherwise it stays: the node with the different `public_url` may be the misconfigured one, and
    /// two such nodes would keep moving it back and forth.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ensure_staff(&self, public_url: &Issuer, invite: Invite) -> Result<FirstStaff, InstallationError> {
        let issuer = Issuer::of_staff(public_url);
        let kind = kind_of(&issuer);
        let found = environment::of_staff(&mut self.store.reader().await?).await?;
        let environment = match found {
            Some(found) => found,
            None => {
                let made = Environment {
                    authentication: Authentication { sign_up: false, ..Authentication::default() },
                    sessions: STAFF_SESSIONS,
                    ..self.new_environment(STAFF_ENVIRONMENT, kind, issuer.clone(), Algorithm::EdDsa)?
                };
                match self.create_environment(made, Vec::new()).await {
                    Ok(made) => made,
                    // Another node started at the same time and was first.
                    Err(InstallationError::Store(countersign_store::Error::Unique { .. })) => {
                        let found = environment::of_staff(&mut self.store.reader().await?).await?;
                        found.ok_or_else(|| {
                            InstallationError::Failed("the environment of staff has vanished".to_owned())
                        })?
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let act = Act::new(&environment, Actor::System { job: "start" }, &self.clock, &self.entropy, &self.keyring);
        let there = issuer.clone();
        let done = self.store.write::<_, Failure, _>(move |tx| {
            Box::pin(async move {
                let new = staff::ensure(tx, &act).await?;
                // Read again under the lock: another node starting at the same time may have moved it.
                signing_key::lock(tx, act.environment_id).await?;
                let stands = environment::of_staff(tx).await?.map_or_else(|| there.clone(), |found| found.issuer);
                let nobody = staff::is_nobody(tx, &act).await?;
                let moves = stands != there && (nobody || stands.is_this_machine());
                // A link points to the dashboard's current address, whichever node moved it there.
                let mut act = act;
                act.issuer = stands.clone();
                let act = if moves { staff::move_to(tx, &act, there, kind).await? } else { act };
                let link = if nobody && (new || invite == Invite::Always) {
                    Some(staff::make_link(tx, &act, StaffRole::Owner).await?)
                } else {
                    None
                };
                Ok((FirstStaff { link, nobody }, moves, stands))
            })
        });
        let done = done.await;
        match &done {
            Ok((_, true, stands)) => {
                tracing::warn!(from = %stands, to = %issuer, "the dashboard has moved with public_url");
            }
            Ok((_, false, stands)) if *stands != issuer => tracing::error!(
                dashboard = %stands,
                %public_url,
                "this node's public_url is not where the dashboard is, so the dashboard does not work here; give all nodes the \
                 same public_url, or run 'countersign staff move' with the new one"
            ),
            _ => {}
        }
        match done {
            Ok((found, ..)) => Ok(found),
            // When two nodes start at the same time, the other one created everything and shows the link.
            Err(Failure::Refused(_) | Failure::Store(countersign_store::Error::Unique { .. })) => {
                Ok(FirstStaff::default())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Moves the dashboard to the API's origin. Returns the old and the new address.
    ///
    /// # Errors
    /// Database errors, or when there is no dashboard.
    pub async fn move_staff(&self, public_url: &Issuer, actor: Actor) -> Result<(Issuer, Issuer), InstallationError> {
        let found = environment::of_staff(&mut self.store.reader().await?).await?;
        let found = found.ok_or_else(|| InstallationError::Failed("there is no dashboard yet".to_owned()))?;
        let issuer = Issuer::of_staff(public_url);
        let (act, there) = (Act::new(&found, actor, &self.clock, &self.entropy, &self.keyring), issuer.clone());
        if found.issuer != issuer {
            self.store
                .write::<_, Failure, _>(move |tx| {
                    Box::pin(async move {
                        let kind = kind_of(&there);
                        staff::move_to(tx, &act, there, kind).await.map(drop)
                    })
                })
                .await?;
        }
        Ok((found.issuer, issuer))
    }

    /// Adds the default role to environments that predate roles.
    async fn ensure_roles(&self, environments: &[Environment]) -> Result<(), InstallationError> {
        let mut reader = self.store.reader().await?;
        for environment in environments {
            if role::find(&mut reader, environment.id, DEFAULT_ROLE).await?.is_some() {
                continue;
            }
            let act = Act::new(environment, Actor::System { job: "start" }, &self.clock, &self.entropy, &self.keyring);
            self.store
                .write::<_, Failure, _>(move |tx| Box::pin(async move { roles::ensure_default(tx, &act).await }))
                .await?;
        }
        Ok(())
    }

    /// Returns a new environment that is not yet stored.
    ///
    /// # Errors
    /// When random bytes cannot be obtained.
    pub fn new_environment(
        &self,
        name: &str,
        kind: EnvironmentKind,
        issuer: Issuer,
        signing_algorithm: Algorithm,
    ) -> Result<Environment, Failure> {
        Ok(environments::fresh(name, kind, issuer, signing_algorithm, &self.entropy, self.clock.now())?)
    }

    /// Returns a new management API key that is not yet stored.
    ///
    /// # Errors
    /// When random bytes cannot be obtained.
    pub fn new_api_key(
        &self,
        environment: &Environment,
        name: &str,
        value: &Secret,
    ) -> Result<EnvironmentApiKey, Failure> {
        Ok(environment_api_keys::fresh(environment.id, name, value, &self.entropy, self.clock.now())?)
    }

    /// Stores an environment with its first signing key and API keys in one transaction.
    ///
    /// # Errors
    /// `Unique` when the name, issuer, or client ID is taken.
    pub async fn create_environment(
        &self,
        environment: Environment,
        api_keys: Vec<(EnvironmentApiKey, Secret)>,
    ) -> Result<Environment, InstallationError> {
        let now = self.clock.now();
        let keys = signing::generate_first(&environment, &self.keyring, &self.entropy, now);
        let keys = keys.map_err(Failure::internal)?;
        let digests: Vec<_> = api_keys
            .into_iter()
            .map(|(key, value)| (key, self.keyring.environment_api_key.digest(value.expose())))
            .collect();
        let act = Act::new(&environment, Actor::System { job: "start" }, &self.clock, &self.entropy, &self.keyring);
        let stored = environment.clone();
        self.store
            .write::<_, Failure, _>(move |tx| {
                Box::pin(async move {
                    environments::insert(tx, &act, &stored, &keys).await?;
                    for (key, digest) in &digests {
                        environment_api_key::insert(tx, key, digest).await?;
                        audit_log::note(tx, &act, "environment_api_key.created", "environment_api_key", key.id).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(environment)
    }
}
