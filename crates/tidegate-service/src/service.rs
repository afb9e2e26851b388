//! The service: what every use case works with.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use tidegate_model::{
    bind::BoundSubject, declaration::SubjectDeclaration, pointer::Pointer,
    registry::ActionDeclaration, sight::Sight,
};
use tidegate_pipeline::{BindError, bind_subject};
use tidegate_source::{Source, SourceSettings};
use tidegate_store::{SourceShare, Store};

use crate::{
    error::ServiceError,
    exports::Sendings,
    gate::Refusals,
    keys::{KeyError, KeyRing, Keys},
    notify::NotifySettings,
    sign_in::Throttle,
    upkeep::TaskLog,
};

/// Sources and subjects, as the configuration declares them.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Sources by name.
    pub sources: BTreeMap<String, SourceSettings>,
    /// Subjects, in the order of the file.
    pub subjects: Vec<SubjectDeclaration>,
    /// Admin actions, in the order of the file.
    pub actions: Vec<ActionDeclaration>,
    /// Exports that may read a source at a time, where it is not [`EXPORTS_MAX`].
    pub exports_max: BTreeMap<String, u32>,
    /// Settings that are given from outside, which nobody changes here.
    pub pinned: Vec<&'static str>,
    /// How people are reached.
    pub notify: NotifySettings,
}

/// Exports that may read a source at a time unless the site says otherwise: the database has other
/// work, too.
pub const EXPORTS_MAX: u32 = 2;

impl Site {
    /// Slugs of the subjects.
    pub fn slugs(&self) -> Vec<&str> {
        self.subjects.iter().map(|subject| subject.slug.as_str()).collect()
    }

    /// What claims have to know of the sources.
    pub(crate) fn shares(&self) -> Vec<SourceShare> {
        let share = |source: &String| {
            let of = self.subjects.iter().filter(|subject| subject.source == *source);
            let exports_max = self.exports_max.get(source).copied().unwrap_or(EXPORTS_MAX);
            SourceShare {
                subjects: of.map(|subject| subject.slug.clone()).collect(),
                exports_max: exports_max.max(1).into(),
            }
        };
        self.sources.keys().map(share).collect()
    }

    /// A subject.
    pub fn subject(&self, slug: &str) -> Option<&SubjectDeclaration> {
        self.subjects.iter().find(|subject| subject.slug == slug)
    }
}

/// Everything that use cases share.
pub struct Service {
    pub(crate) store: Store,
    pub(crate) refusals: Refusals,
    pub(crate) sendings: Sendings,
    pub(crate) throttle: Throttle,
    pub(crate) tasks: TaskLog,
    site: RwLock<Arc<Sited>>,
    pub(crate) key_ring: KeyRing,
}

/// A site with the sources that were opened so far.
pub(crate) struct Sited {
    pub(crate) site: Site,
    sources: Mutex<BTreeMap<String, Arc<dyn Source>>>,
}

impl Service {
    /// Puts a service together.
    pub fn new(store: Store, site: Site, keys: Keys) -> Self {
        Self {
            store,
            refusals: Refusals::default(),
            sendings: Sendings::default(),
            throttle: Throttle::default(),
            tasks: TaskLog::default(),
            site: RwLock::new(Arc::new(Sited::new(site))),
            key_ring: KeyRing::new(keys),
        }
    }

    /// The control state, to be asked.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The keys. One that another process has made is among them a second later.
    pub fn keys(&self) -> Arc<Keys> {
        self.key_ring.current()
    }

    /// Reads the folder of keys again, at once.
    ///
    /// # Errors
    ///
    /// If it does not check: the keys then stay as they were.
    pub fn read_keys_again(&self) -> Result<(), KeyError> {
        self.key_ring.read_again()
    }

    /// Takes another configuration of sources and subjects, from now on; what runs goes on with the
    /// old one.
    pub fn take_site(&self, site: Site) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Sited::new(site));
    }

    pub(crate) fn sited(&self) -> Arc<Sited> {
        self.site.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same as somebody sees it.
    pub(crate) async fn bound_for(&self, sight: &Sight, slug: &str) -> Result<Bound, ServiceError> {
        let bound = self.bound(slug).await?;
        Ok(Bound { subject: bound.subject.seen(sight), ..bound })
    }

    /// Binds a subject to what its source says now, with nothing masked: for what no row of it
    /// leaves by.
    pub(crate) async fn bound(&self, slug: &str) -> Result<Bound, ServiceError> {
        let sited = self.sited();
        let slug = slug.to_owned();
        blocking(move || {
            let declaration = sited.site.subject(&slug).ok_or(ServiceError::NotFound)?;
            let settings =
                sited.site.sources.get(&declaration.source).ok_or(ServiceError::NotFound)?.clone();
            let source = sited.source(&settings)?;
            let at = Pointer::ROOT.member("subject");
            let subject =
                bind_subject(&*source, declaration, &at).map_err(|error| match error {
                    BindError::Source(error) => ServiceError::Source(error),
                    BindError::Faults(faults) => ServiceError::Faults(faults),
                })?;
            Ok(Bound { subject, source, settings })
        })
        .await
    }
}

/// A subject, bound, with its source.
pub(crate) struct Bound {
    pub(crate) subject: BoundSubject,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) settings: SourceSettings,
}

impl Sited {
    fn new(site: Site) -> Self {
        Self { site, sources: Mutex::default() }
    }

    fn source(&self, settings: &SourceSettings) -> Result<Arc<dyn Source>, ServiceError> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = sources.get(&settings.name) {
            return Ok(Arc::clone(source));
        }
        let source: Arc<dyn Source> = Arc::from(tidegate_source::connect(settings.clone())?);
        sources.insert(settings.name.clone(), Arc::clone(&source));
        Ok(source)
    }
}

/// Does work that waits for a database or a disk, off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
