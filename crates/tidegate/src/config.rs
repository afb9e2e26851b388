//! Reads `tidegate.toml`, with what the environment puts over it.

mod server;
mod told;
mod traces;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use config::{Config, Environment, File, FileFormat};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tidegate_model::{
    approval::ApprovalRules,
    budget::Budgets,
    declaration::{self, SubjectDeclaration},
    fault::Faults,
    registry::{self, ActionDeclaration},
    role::Role,
    settings::{SETTINGS, Settings},
};
use tidegate_service::{
    NotifySettings,
    artifacts::BucketOptions,
    audit::{AnchorSettings, AuditSettings, SinkSettings},
};
use tidegate_source::SourceSettings;

pub use self::server::{
    HandOverDeclaration, OidcDeclaration, RoleDeclaration, ServerSettings, TrustedHeaderDeclaration,
};
pub use self::traces::TracesSettings;
use self::{server::ServerDeclaration, told::told, traces::TracesDeclaration};
use crate::failure::Failure;

/// Prefix of the variables that stand over the file: `TIDEGATE__SOURCES__SHOP__URL`.
const PREFIX: &str = "TIDEGATE";
/// What separates the parts of such a variable.
const SEPARATOR: &str = "__";
/// Ending of a variable that names a file with the value, for secrets.
const FILE_SUFFIX: &str = "_FILE";
/// Seconds of a lease unless the file says otherwise.
const LEASE_SECONDS: u64 = 15;
/// Seconds between two sweeps unless the file says otherwise.
const SWEEP_SECONDS: u64 = 60 * 60;
/// Seconds for which a sweep leaves everything alone unless the file says otherwise: clocks differ.
const SWEEP_GRACE_SECONDS: u64 = 60 * 60;
/// File of the checkpoints unless the file says otherwise.
const ANCHOR: &str = "audit/anchors.jsonl";

/// The configuration, read and checked as far as that goes without a database.
#[derive(Debug)]
pub struct Site {
    /// Where it was read.
    pub path: PathBuf,
    /// Sources by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// Subjects, in the order of the file.
    pub subjects: Vec<SubjectDeclaration>,
    /// Admin actions, in the order of the file.
    pub actions: Vec<ActionDeclaration>,
    /// Exports that may read a source at a time, where the file says so.
    pub exports_max: BTreeMap<String, u32>,
    /// Settings that the environment says, which nobody changes elsewhere.
    pub pinned: Vec<&'static str>,
    /// The control plane, if the site has one.
    pub control: Option<ControlSettings>,
    /// Where spans are sent to, if anywhere.
    pub traces: Option<TracesSettings>,
    /// How people are reached.
    pub notify: NotifySettings,
}

/// What the control plane needs: where its state, its files and its keys are.
#[derive(Clone, Debug)]
pub struct ControlSettings {
    /// URL of the control database.
    pub url: SecretString,
    /// URL of the artifact store.
    pub artifacts_url: String,
    /// How its bucket is reached, if it is one.
    pub bucket: BucketOptions,
    /// Folder of the keys.
    pub keys_folder: PathBuf,
    /// Where the edge listens.
    pub server: ServerSettings,
    /// Names the host.
    pub host: Option<String>,
    /// Folder of the workers' locks.
    pub state_folder: PathBuf,
    /// Seconds of a lease.
    pub lease_seconds: u64,
    /// Seconds between two sweeps of the artifact store.
    pub sweep_seconds: u64,
    /// Seconds for which a sweep leaves everything alone.
    pub sweep_grace_seconds: u64,
    /// Where checkpoints of the activity log are kept, and its entries go.
    pub audit: AuditSettings,
    /// First values of the settings.
    pub first_settings: Option<Settings>,
    /// Roles that the file declares.
    pub roles: Vec<Role>,
    /// First rules of approval.
    pub first_rules: Option<ApprovalRules>,
    /// First budgets.
    pub first_budgets: Option<Budgets>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    sources: BTreeMap<String, SourceDeclaration>,
    #[serde(default)]
    subjects: Vec<SubjectDeclaration>,
    #[serde(default)]
    actions: Vec<ActionDeclaration>,
    control: Option<ControlDeclaration>,
    #[serde(default)]
    artifacts: ArtifactsDeclaration,
    #[serde(default)]
    keys: KeysDeclaration,
    #[serde(default)]
    server: ServerDeclaration,
    #[serde(default)]
    worker: WorkerDeclaration,
    audit: Option<AuditSettings>,
    #[serde(default)]
    upkeep: UpkeepDeclaration,
    settings: Option<Settings>,
    approval: Option<ApprovalRules>,
    budgets: Option<Budgets>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    traces: TracesDeclaration,
    #[serde(default)]
    notify: NotifySettings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlDeclaration {
    url: SecretString,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArtifactsDeclaration {
    url: Option<String>,
    #[serde(default)]
    s3: BucketOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct UpkeepDeclaration {
    sweep_seconds: Option<u64>,
    sweep_grace_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysDeclaration {
    dir: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkerDeclaration {
    host_id: Option<String>,
    state_dir: Option<PathBuf>,
    lease_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceDeclaration {
    url: Option<SecretString>,
    replica_url: Option<SecretString>,
    readers: Option<usize>,
    exports_max: Option<u32>,
    statement_seconds_max: Option<u64>,
    snapshot_seconds_max: Option<u64>,
}

impl Site {
    /// Reads the file and the environment.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it says something wrong: all faults at once.
    pub fn load(path: &Path, environment: &BTreeMap<String, String>) -> Result<Self, Failure> {
        if !path.exists() {
            return Err(Failure::wrong(format!(
                "there is no configuration at `{}`; write one with `tidegate init URL`, name one \
                 with --config, or export without one: `tidegate export --source URL --table T`",
                path.display()
            )));
        }
        let document = read(path, environment)
            .map_err(|error| Failure::wrong(format!("`{}`: {error}", path.display())))?;
        let names: Vec<&str> = document.sources.keys().map(String::as_str).collect();
        declaration::check(&document.subjects, &names).map_err(|Faults(faults)| {
            Failure::faults(format!("`{}` is wrong:", path.display()), faults)
        })?;
        registry::check_declared(&document.actions, &document.subjects).map_err(
            |Faults(faults)| Failure::faults(format!("`{}` is wrong:", path.display()), faults),
        )?;
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let notify = notify_in(document.notify, &document.server, &folder);
        let control = document.control.map(|control| {
            let beside = |given: Option<PathBuf>, default: &str| {
                folder.join(given.unwrap_or_else(|| PathBuf::from(default)))
            };
            ControlSettings {
                url: in_folder(&control.url, path),
                artifacts_url: document
                    .artifacts
                    .url
                    .unwrap_or_else(|| "file:artifacts".to_owned()),
                bucket: document.artifacts.s3,
                keys_folder: beside(document.keys.dir, "keys"),
                server: document.server.into(),
                host: document.worker.host_id,
                state_folder: beside(document.worker.state_dir, "workers"),
                lease_seconds: document.worker.lease_seconds.unwrap_or(LEASE_SECONDS).max(1),
                sweep_seconds: document.upkeep.sweep_seconds.unwrap_or(SWEEP_SECONDS).max(1),
                sweep_grace_seconds: document
                    .upkeep
                    .sweep_grace_seconds
                    .unwrap_or(SWEEP_GRACE_SECONDS),
                audit: audit_in(document.audit, &folder),
                first_settings: document.settings,
                roles: document.roles,
                first_rules: document.approval,
                first_budgets: document.budgets,
            }
        });
        let exports_max = document
            .sources
            .iter()
            .filter_map(|(name, source)| Some((name.clone(), source.exports_max?)))
            .collect();
        let settings = |(name, source): (String, SourceDeclaration)| {
            Ok((name.clone(), source.settings(name, &folder)?))
        };
        Ok(Self {
            path: path.to_owned(),
            sources: document.sources.into_iter().map(settings).collect::<Result<_, Failure>>()?,
            subjects: document.subjects,
            actions: actions_in(document.actions, &folder),
            exports_max,
            pinned: pinned(environment),
            control,
            traces: document.traces.settings()?,
            notify,
        })
    }
}

impl SourceDeclaration {
    fn settings(self, name: String, folder: &Path) -> Result<SourceSettings, Failure> {
        let variable = format!("{PREFIX}{SEPARATOR}SOURCES{SEPARATOR}{}", name.to_uppercase());
        let Some(url) = self.replica_url.or(self.url) else {
            return Err(Failure::wrong(format!(
                "source `{name}` has no URL; set the variable {variable}{SEPARATOR}URL, or `url` \
                 under [sources.{name}]"
            )));
        };
        let defaults = SourceSettings::new(name, url);
        Ok(SourceSettings {
            folder: folder.to_owned(),
            readers: self.readers.unwrap_or(defaults.readers).max(1),
            statement_seconds_max: self.statement_seconds_max,
            snapshot_seconds_max: self
                .snapshot_seconds_max
                .unwrap_or(defaults.snapshot_seconds_max),
            ..defaults
        })
    }
}

/// Relative files start from the folder of the configuration. Without an anchor of its own a site
/// has one file, beside it.
fn audit_in(declared: Option<AuditSettings>, folder: &Path) -> AuditSettings {
    let mut audit = declared.unwrap_or_default();
    if audit.anchors.is_empty() {
        audit.anchors.push(AnchorSettings::File(PathBuf::from(ANCHOR)));
    }
    for anchor in audit.anchors.iter_mut().chain([&mut audit.archive]) {
        if let AnchorSettings::File(path) = anchor {
            *path = folder.join(&path);
        }
    }
    for sink in &mut audit.stream {
        if let SinkSettings::File(path) = sink {
            *path = folder.join(&path);
        }
    }
    audit
}

/// Links lead to the address of the pages; the file of authorities is beside the configuration.
fn notify_in(
    declared: NotifySettings,
    server: &ServerDeclaration,
    folder: &Path,
) -> NotifySettings {
    NotifySettings {
        ca_file: declared.ca_file.as_ref().map(|file| folder.join(file)),
        public_url: ServerSettings::from(server.clone()).address(),
        ..declared
    }
}

/// Relative files start from the folder of the configuration.
fn actions_in(mut declared: Vec<ActionDeclaration>, folder: &Path) -> Vec<ActionDeclaration> {
    for file in declared.iter_mut().filter_map(|action| action.secret_file.as_mut()) {
        *file = folder.join(&*file);
    }
    declared
}

/// Settings that the environment says.
fn pinned(environment: &BTreeMap<String, String>) -> Vec<&'static str> {
    let variable =
        |name: &str| format!("{PREFIX}{SEPARATOR}SETTINGS{SEPARATOR}{}", name.to_uppercase());
    let is_pinned = |name: &&str| {
        let variable = variable(name);
        environment.contains_key(&variable)
            || environment.contains_key(&format!("{variable}{FILE_SUFFIX}"))
    };
    SETTINGS.iter().map(|setting| setting.name).filter(is_pinned).collect()
}

/// A relative path in the URL of a SQLite file starts from the folder of the configuration.
fn in_folder(url: &SecretString, configuration: &Path) -> SecretString {
    let folder = configuration.parent().unwrap_or(Path::new(""));
    match url.expose_secret().strip_prefix("sqlite:") {
        Some(path) if !path.starts_with("//") => {
            format!("sqlite:{}", folder.join(path).display()).into()
        }
        _ => url.clone(),
    }
}

fn read(
    path: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Document, Box<dyn std::error::Error>> {
    let over = Environment::with_prefix(PREFIX)
        .prefix_separator(SEPARATOR)
        .separator(SEPARATOR)
        .try_parsing(true)
        .source(Some(with_files(environment)?.into_iter().collect()));
    let config = Config::builder()
        .add_source(File::from(path).format(FileFormat::Toml))
        .add_source(over)
        .build();
    config.and_then(Config::try_deserialize).map_err(|error| {
        // It was read a moment ago; if it is gone meanwhile, no place can be told.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        told(&error, &text).into()
    })
}

/// Our variables, those that name a file replaced by its content.
fn with_files(
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Box<dyn std::error::Error>> {
    let mut values = BTreeMap::new();
    for (name, value) in environment {
        if !name.starts_with(&format!("{PREFIX}{SEPARATOR}")) {
            continue;
        }
        match name.strip_suffix(FILE_SUFFIX) {
            Some(name) => {
                let content = std::fs::read_to_string(value)
                    .map_err(|cause| format!("{name}{FILE_SUFFIX}: cannot read it: {cause}"))?;
                values.insert(name.to_owned(), content.trim_end().to_owned());
            }
            None => _ = values.insert(name.clone(), value.clone()),
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Site, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Site::load(file.path(), &environment)
    }

    #[test]
    fn a_variable_stands_over_the_file() {
        let site = load(
            "[sources.shop]\nurl = 'sqlite:a.db'\nreaders = 2",
            &[("TIDEGATE__SOURCES__SHOP__URL", "postgres://u:12345@h/d")],
        );
        let shop = &site.unwrap().sources["shop"];
        assert_eq!(shop.url.expose_secret(), "postgres://u:12345@h/d");
        assert_eq!(shop.readers, 2);
    }

    #[test]
    fn a_secret_may_stand_in_a_file_of_its_own() {
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        writeln!(secret, "mysql://h/d").unwrap();
        let path = secret.path().to_str().unwrap();
        let site =
            load("[sources.shop]\nreaders = 1", &[("TIDEGATE__SOURCES__SHOP__URL_FILE", path)]);
        assert_eq!(site.unwrap().sources["shop"].url.expose_secret(), "mysql://h/d");
    }

    #[test]
    fn the_bucket_of_artifacts_is_described_in_part_by_variables() {
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        writeln!(secret, "hush").unwrap();
        let site = load(
            "[control]\nurl = 'sqlite:c.db'\n[artifacts]\nurl = 's3://b/p'\n[artifacts.s3]\n\
             endpoint = 'https://s3.example.com'\npart_bytes = 16777216",
            &[
                ("TIDEGATE__ARTIFACTS__S3__REGION", "eu-central-1"),
                ("TIDEGATE__ARTIFACTS__S3__ALLOW_HTTP", "true"),
                (
                    "TIDEGATE__ARTIFACTS__S3__SECRET_ACCESS_KEY_FILE",
                    secret.path().to_str().unwrap(),
                ),
            ],
        );
        let bucket = site.unwrap().control.unwrap().bucket;
        assert_eq!(bucket.endpoint.as_deref(), Some("https://s3.example.com"));
        assert_eq!((bucket.region.as_deref(), bucket.part_bytes), (Some("eu-central-1"), 16 << 20));
        assert_eq!(bucket.secret_access_key.unwrap().expose_secret(), "hush");
        assert!(bucket.allow_http && bucket.checksums);
    }

    #[test]
    fn nothing_is_sent_to_a_collector_that_nobody_names() {
        let mut secret = tempfile::NamedTempFile::new().unwrap();
        writeln!(secret, "Bearer hush").unwrap();
        let file = secret.path().to_str().unwrap();
        let header = ("TIDEGATE__TRACES__HEADERS__AUTHORIZATION_FILE", file);
        assert!(load("", &[header]).unwrap().traces.is_none());
        let endpoint = ("TIDEGATE__TRACES__ENDPOINT", "http://127.0.0.1:4318");
        let traces = load("", &[header, endpoint]).unwrap().traces.unwrap();
        assert_eq!(traces.headers[0].0, "authorization");
        assert_eq!(traces.headers[0].1.expose_secret(), "Bearer hush");
        for (wrong, word) in
            [("sample_ratio = 1.5", "0 to 1"), ("headers = { 'a b' = 'c' }", "a b")]
        {
            let failure = load(&format!("[traces]\n{wrong}"), &[endpoint]).unwrap_err();
            assert!(format!("{failure:?}").contains(word), "{failure:?}");
        }
    }

    #[test]
    fn a_source_without_a_url_names_the_variable() {
        let failure = load("[sources.shop]\nreaders = 1", &[]).unwrap_err();
        assert!(format!("{failure:?}").contains("TIDEGATE__SOURCES__SHOP__URL"), "{failure:?}");
    }

    #[test]
    fn an_unknown_section_is_refused_by_name() {
        let failure = load("[surces.shop]\nurl = 'sqlite:a.db'", &[]).unwrap_err();
        assert!(format!("{failure:?}").contains("surces"), "{failure:?}");
    }

    #[test]
    fn names_keep_their_case() {
        let site = load(
            "[sources.shop]\nurl = 'sqlite:a.db'\n[[subjects]]\nslug = 'orders'\nsource = \
             'shop'\ntable = 'Orders'\nrelations = [{ name = 'u', table = 'Users', on = { userId \
             = 'Id' } }]\nfields = ['Id']",
            &[],
        );
        let subject = &site.unwrap().subjects[0];
        assert_eq!(subject.relations[0].on["userId"], "Id");
    }
}
