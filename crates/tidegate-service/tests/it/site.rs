//! A control database with a log in it, its keys and anchors, and raw access to its tables, as
//! somebody has who stole the password.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, memory::InMemory};
use rand::{RngExt, rngs::StdRng};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::json;
use tempfile::TempDir;
use tidegate_model::{
    action::{Action, Target},
    actor::{Actor, Caller, Via},
    ids::OperatorId,
    job::NewJob,
    policy::{Permit, authorize},
    role::{ADMINISTRATOR, defaults},
};
use tidegate_service::{
    Keys,
    audit::{Anchor, Ledger, Report, verify},
    upkeep::checkpoint::{CheckpointError, CheckpointRun, Checkpoints},
};
use tidegate_store::{Change, OperatorChange, RoleEdit, Store};
use tidegate_testkit::postgres::{Postgres, PostgresDatabase};

/// A minute, after which a checkpoint is due.
pub(crate) const MINUTE: i64 = 60_000_000;
const SUBJECTS: [&str; 2] = ["orders", "users"];

/// The two kinds of control database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// A site whose log can be written, signed, verified and tampered with.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) raw: DatabaseConnection,
    pub(crate) url: String,
    pub(crate) keys: Keys,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) folder: TempDir,
    pub(crate) now: i64,
    admin: Caller,
    _database: Option<PostgresDatabase<'static>>,
}

impl Site {
    /// A site with an administrator.
    pub(crate) async fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(Postgres::shared().database()),
        };
        let url = match &database {
            None => format!("sqlite:{}", folder.path().join("control.db").display()),
            Some(database) => database.url(),
        };
        let store = Store::open(&url).await.unwrap();
        let raw = Database::connect(url.replace("sqlite:", "sqlite://")).await.unwrap();
        let setup = Caller::setup("init");
        for role in defaults(SUBJECTS) {
            let change = Change::Role(RoleEdit::Put(role));
            commit(&store, &setup, Action::RoleChange, Target::default(), change).await;
        }
        let change = Change::Operator(OperatorChange::Add {
            email: "änne@example.com".to_owned(),
            name: "Änne".to_owned(),
            role: ADMINISTRATOR.to_owned(),
            password_hash: None,
        });
        let id = commit(&store, &setup, Action::OperatorAdd, Target::default(), change).await;
        let admin = Caller {
            actor: Actor::Operator { id: OperatorId(id.unwrap()), token: None },
            name: "änne@example.com".to_owned(),
            role: Some(ADMINISTRATOR.to_owned()),
            via: Via::Cli,
            address: Some("192.0.2.1".to_owned()),
            ..setup
        };
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let now = store.now().await.unwrap();
        let objects = Arc::new(InMemory::new());
        Self { store, raw, url, keys, objects, folder, now, admin, _database: database }
    }

    /// Writes entries of several kinds.
    pub(crate) async fn write(&self, entries: usize, random: &mut StdRng) {
        for _ in 0..entries {
            let subject = SUBJECTS[random.random_range(0..SUBJECTS.len())];
            match random.random_range(0..3) {
                0 => self.note(random.random_range(0..9)).await,
                1 => self.refuse(subject).await,
                _ => self.export(subject).await,
            }
        }
    }

    /// Writes one entry.
    pub(crate) async fn note(&self, number: i64) {
        let change =
            Change::Note(json!({ "file": format!("backup \"{number}\" of §"), "n": number }));
        commit(&self.store, &self.admin, Action::Backup, Target::default(), change).await;
    }

    async fn refuse(&self, subject: &str) {
        let viewer = Caller { role: Some("viewer".to_owned()), ..self.admin.clone() };
        let policy = self.store.policy().await.unwrap();
        let target = target(subject);
        let denied = authorize(&policy, &viewer, Action::ExportCreate, target).unwrap_err();
        self.store.refuse(&denied).await.unwrap();
    }

    async fn export(&self, subject: &str) {
        let job = NewJob {
            subject: subject.to_owned(),
            kind: None,
            scope: json!({}),
            fields: json!(["id"]),
            format: "csv".to_owned(),
            options: BTreeMap::new(),
            time_zone: "UTC".to_owned(),
            has_pii: subject == "users",
            is_unmasked: true,
            notify_email: None,
            reason: Some("audit".to_owned()),
            via: Via::Cli,
            created_by: self.admin.operator().unwrap(),
            rerun_of: None,
            schedule: None,
            rows_estimated: None,
            attempts_max: 3,
            exposure: Default::default(),
            scope_summary: json!({ "all": [] }),
            idempotency: None,
            trace: None,
        };
        let change = Change::CreateExport { job: Box::new(job), open_jobs_max: i64::MAX };
        commit(&self.store, &self.admin, Action::ExportCreate, target(subject), change).await;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn anchor_file(&self) -> PathBuf {
        self.path("audit/anchors.jsonl")
    }

    /// A file, and objects in memory.
    pub(crate) fn anchors(&self) -> Vec<Anchor> {
        let objects = Anchor::objects("memory:", self.objects.clone(), "audit/checkpoints");
        vec![Anchor::file(&self.anchor_file()), objects]
    }

    /// Allows upkeep to keep a checkpoint.
    pub(crate) async fn checkpoint_permit(&self) -> Permit {
        let policy = self.store.policy().await.unwrap();
        let upkeep = Caller::upkeep("checkpoint");
        authorize(&policy, &upkeep, Action::CheckpointKeep, Target::default()).unwrap()
    }

    /// Runs upkeep a minute after the last time, as a process that has just started.
    pub(crate) async fn checkpoint(&mut self) -> Result<CheckpointRun, CheckpointError> {
        self.now += MINUTE;
        Checkpoints::new(self.anchors()).run(&self.store, &self.keys, self.now).await
    }

    /// Writes entries, with a checkpoint now and then and at the end. Gives the numbers of the
    /// entries that they vouch for.
    pub(crate) async fn grow(&mut self, entries: usize, random: &mut StdRng) -> Vec<i64> {
        let mut marks = Vec::new();
        let mut written = 0;
        while written < entries {
            let some = random.random_range(0..15).min(entries - written);
            self.write(some, random).await;
            let run = self.checkpoint().await.unwrap();
            assert!(run.signed.is_some());
            marks.push(run.seq);
            written += some;
        }
        marks
    }

    pub(crate) async fn verify(&self) -> Report {
        self.verify_with(&self.anchors()).await
    }

    pub(crate) async fn verify_with(&self, anchors: &[Anchor]) -> Report {
        let ledger = Ledger::of_database(self.store.clone());
        verify(ledger, anchors, self.keys.public()).await.unwrap()
    }

    /// Verifies what was streamed to a file, without the database.
    pub(crate) async fn verify_file(&self, path: &Path) -> Report {
        let ledger = Ledger::of_file(path).unwrap();
        verify(ledger, &self.anchors(), self.keys.public()).await.unwrap()
    }

    /// Runs a statement past everything.
    pub(crate) async fn execute(&self, sql: &str) {
        self.raw.execute_unprepared(sql).await.unwrap();
    }

    /// Takes away what keeps the log from being changed.
    pub(crate) async fn drop_triggers(&self) {
        for (table, trigger) in [
            ("activity", "activity_appended"),
            ("activity", "activity_kept"),
            ("checkpoints", "checkpoints_appended"),
            ("checkpoints", "checkpoints_kept"),
        ] {
            match self.raw.get_database_backend() {
                sea_orm::DbBackend::Sqlite => {
                    self.execute(&format!("drop trigger {trigger}")).await;
                }
                _ => self.execute(&format!("drop trigger if exists {trigger} on {table}")).await,
            }
        }
    }
}

fn target(subject: &str) -> Target {
    let has_pii = subject == "users";
    Target { subject: Some(subject.to_owned()), has_pii, ..Target::default() }
}

async fn commit(
    store: &Store,
    caller: &Caller,
    action: Action,
    target: Target,
    change: Change,
) -> Option<i64> {
    let policy = store.policy().await.unwrap();
    let permit = authorize(&policy, caller, action, target).unwrap();
    store.commit(permit, change).await.unwrap().id
}
