//! The one fixture: a site with a small shop, a control database, and people.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::JobId,
    job::Job,
    policy,
    request::ExportRequest,
    status::Status,
};
use tidegate_service::{
    Clock, Keys, NotifySettings, Service, Site, SweepSettings, Upkeep, UpkeepSettings, Worker,
    WorkerSettings,
    artifacts::{Artifacts, BucketOptions},
    audit::ArchivePlace,
};
use tidegate_source::SourceSettings;
use tidegate_store::{ClaimRequest, EntryFilter, EntrySort, SourceShare, Store};
use tidegate_testkit::postgres::{Postgres, PostgresDatabase};

/// Longest wait for something that must happen.
const WAIT: Duration = Duration::from_secs(30);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(5);

/// What the control state lives in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Runs a check on both databases.
pub(crate) fn on_both(check: impl AsyncFn(Check)) {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let site = Check::new(kind).await;
            check(site).await;
        });
    }
}

/// A year: longer than anything that is waited for.
pub(crate) const PAST_MICROS: i64 = 365 * 24 * 3_600 * 1_000_000;

/// Runs a check on both databases, whose time begins so long ago and goes on by steps.
pub(crate) fn on_both_behind(micros: i64, check: impl AsyncFn(Check)) {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            #[expect(clippy::disallowed_methods, reason = "the test makes a past")]
            let clock = Clock::behind(micros);
            check(Check::by(kind, clock).await).await;
        });
    }
}

/// A site.
pub(crate) struct Check {
    pub(crate) clock: Clock,
    site: Site,
    pub(crate) service: Arc<Service>,
    pub(crate) artifacts: Arc<Artifacts>,
    pub(crate) folder: TempDir,
    pub(crate) control_url: String,
    _database: Option<PostgresDatabase<'static>>,
}

impl Check {
    pub(crate) async fn new(kind: Kind) -> Self {
        Self::by(kind, Clock::default()).await
    }

    /// A site that goes by a clock.
    pub(crate) async fn by(kind: Kind, clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(Postgres::shared().database()),
        };
        let control_url = match &database {
            None => format!("sqlite:{}", folder.path().join("control.db").display()),
            Some(database) => database.url(),
        };
        let store = Store::open_by(&control_url, &clock).await.unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let site = shop(&folder);
        let service = Arc::new(Service::new(store, site.clone(), keys));
        service.set_up(&[], None).await.unwrap();
        let artifacts = Arc::new(
            Artifacts::open("file:artifacts", folder.path(), &BucketOptions::default()).unwrap(),
        );
        service.claim_store(&artifacts).await.unwrap();
        let check =
            Self { clock, site, service, artifacts, folder, control_url, _database: database };
        check.people().await;
        check
    }

    async fn people(&self) {
        let setup = self.service.setup_caller("test").await.unwrap();
        self.service.add_operator(&setup, "ada@example.com", "administrator", None).await.unwrap();
        let ada = self.ada().await;
        for (email, role) in [("eve@example.com", "editor"), ("vic@example.com", "viewer")] {
            self.service.add_operator(&ada, email, role, None).await.unwrap();
        }
    }

    /// From now on people are reached like this.
    pub(crate) fn notify(&self, notify: NotifySettings) {
        self.service.take_site(Site { notify, ..self.site.clone() });
    }

    /// Takes a capability from a role.
    pub(crate) async fn forbid(&self, role: &str, capability: &str) {
        let ada = self.ada().await;
        let roles = self.service.roles(&ada).await.unwrap();
        let mut role = roles.into_iter().find(|one| one.slug == role).unwrap();
        role.capabilities.remove(capability);
        self.service.put_role(&ada, role).await.unwrap();
    }

    /// The administrator.
    pub(crate) async fn ada(&self) -> Caller {
        self.person("ada@example.com").await
    }

    pub(crate) async fn person(&self, email: &str) -> Caller {
        self.service.operator_caller(email, Via::Cli).await.unwrap()
    }

    /// Makes a job as the administrator.
    pub(crate) async fn create(&self, request: Value) -> JobId {
        let request = ExportRequest::read(&request).unwrap();
        self.service.create_export(&self.ada().await, &request, None).await.unwrap().job
    }

    pub(crate) async fn job(&self, id: JobId) -> Job {
        self.service.store().job(id).await.unwrap().unwrap()
    }

    pub(crate) fn settings(&self) -> WorkerSettings {
        WorkerSettings {
            host: "here".to_owned(),
            state_folder: self.folder.path().join("workers"),
            lease: Duration::from_secs(10),
            heartbeat: Duration::from_secs(2),
            control_url: self.control_url.clone(),
        }
    }

    pub(crate) fn worker(&self) -> Arc<Worker> {
        let (service, artifacts) = (Arc::clone(&self.service), Arc::clone(&self.artifacts));
        Arc::new(Worker::new(service, artifacts, self.settings()).unwrap())
    }

    pub(crate) fn upkeep(&self) -> Upkeep {
        let settings = UpkeepSettings {
            worker: self.settings(),
            sweep_pause: UpkeepSettings::SWEEP_PAUSE,
            sweep: SweepSettings::default(),
            archive: ArchivePlace::folder(&self.folder.path().join("archive")),
        };
        Upkeep::new(Arc::clone(&self.service), Arc::clone(&self.artifacts), settings)
    }

    /// Builds a job to its end, with a worker for it alone.
    pub(crate) async fn build(&self, id: JobId) -> Job {
        self.worker().build_only(id).await.unwrap();
        self.job(id).await
    }

    /// Claims a job as a worker that dies right away: it leaves its lock file, and no lock.
    pub(crate) async fn claim_and_die(&self, id: JobId) {
        let settings = self.settings();
        let word: String = format!("{:032x}", rand::random::<u128>());
        std::fs::create_dir_all(&settings.state_folder).unwrap();
        std::fs::write(settings.state_folder.join(format!("dead-{word}.lock")), "").unwrap();
        let policy = self.service.store().policy().await.unwrap();
        let caller = Caller::worker(format!("dead-{word}"));
        let target = Target::default();
        let permit = policy::authorize(&policy, &caller, Action::JobClaim, target).unwrap();
        let request = ClaimRequest {
            worker: format!("dead-{word}"),
            host: settings.host,
            lease_token: word.clone(),
            object_nonce: word,
            lease_micros: 60_000_000,
            only_small: false,
            only: Some(id),
            sources: vec![SourceShare { subjects: vec!["orders".to_owned()], exports_max: 9 }],
        };
        self.service.store().claim(permit, request).await.unwrap().expect("it waits");
    }

    /// Waits until a job is in a state.
    pub(crate) async fn wait_for(&self, id: JobId, is_so: impl Fn(&Job) -> bool) -> Job {
        let looked = async {
            loop {
                let job = self.job(id).await;
                if is_so(&job) {
                    return job;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(WAIT, looked).await.expect("it happens in time")
    }

    pub(crate) async fn wait_for_status(&self, id: JobId, status: Status) -> Job {
        self.wait_for(id, |job| job.status == status).await
    }

    /// Files in the artifact store but manifests.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let root = self.folder.path().join("artifacts");
        let mut found = Vec::new();
        let mut folders = vec![root];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for entry in entries {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push(path),
                }
            }
        }
        found.retain(|path| {
            let path = path.to_string_lossy();
            !path.ends_with(".manifest.json") && !path.ends_with("tidegate-store.json")
        });
        found
    }

    /// Entries of an action, oldest first.
    pub(crate) async fn entries(&self, action: &str) -> Vec<Value> {
        let (filter, store) = (EntryFilter::default(), self.service.store());
        let found = store.list_entries(&filter, EntrySort::Newest, None, 1000).await.unwrap();
        let read = found.iter().rev().map(|stored| serde_json::from_str(&stored.text).unwrap());
        read.filter(|entry: &Value| entry["action"] == action).collect()
    }

    /// Words of the entries about a job, in their order.
    pub(crate) async fn actions(&self, id: JobId) -> Vec<String> {
        let filter = EntryFilter { job: Some(id), ..EntryFilter::default() };
        let found =
            self.service.store().list_entries(&filter, EntrySort::Newest, None, 100).await.unwrap();
        let word = |text: &str| -> String {
            let entry: Value = serde_json::from_str(text).unwrap();
            entry["action"].as_str().unwrap().to_owned()
        };
        found.iter().rev().map(|stored| word(&stored.text)).collect()
    }
}

/// A shop: orders of nobody in particular, users, and a statement that never ends.
fn shop(folder: &TempDir) -> Site {
    let path = folder.path().join("shop.db");
    let shop = rusqlite::Connection::open(&path).unwrap();
    shop.execute_batch(
        "create table orders (id integer primary key, status text not null, total integer);
         with recursive n (value) as
             (select 1 union all select value + 1 from n where value < 3000)
         insert into orders select value, iif(value % 3, 'paid', 'open'), value * 10 from n;
         create table events (id integer primary key, at timestamptz not null);
         create table users (id integer primary key, email text not null, city text);
         insert into users values (1, 'ada@example.com', 'Kiel'), (2, 'bo@example.com', null);",
    )
    .unwrap();
    site_of_shop(&path)
}

/// The site of a shop that is there.
pub(crate) fn site_of_shop(path: &Path) -> Site {
    let subject = |value: Value| serde_json::from_value(value).unwrap();
    let subjects = vec![
        subject(json!({ "slug": "orders", "source": "shop", "table": "orders" })),
        subject(json!({
            "slug": "users", "source": "shop", "table": "users", "pii": true,
            "fields": [{ "slug": "id" }, { "slug": "email", "pii": "email" }, { "slug": "city" }],
        })),
        subject(json!({
            "slug": "events", "source": "shop", "table": "events",
            "fields": [{ "slug": "id" }, { "slug": "at", "type": "timestamptz" }],
        })),
        subject(json!({
            "slug": "endless", "source": "shop",
            "query": "with recursive n (value) as \
                      (select 1 union all select value + 1 from n) select value from n",
        })),
    ];
    let url = format!("sqlite:{}", path.display());
    let settings = SourceSettings::new("shop", url);
    Site { sources: [("shop".to_owned(), settings)].into(), subjects, ..Site::default() }
}
