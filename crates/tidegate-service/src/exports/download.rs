//! Sends a file: by a link, authorised again, written down at both ends.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::StreamExt;
use tidegate_model::{
    action::{Action, Target},
    actor::{Caller, Via},
    ids::{JobId, LinkId},
    job::Job,
    policy,
    status::Status,
};
use tidegate_store::{
    Change, DownloadEnd, EndReason, Link, StartedDownload, StoreError,
    chaos::{self, Point},
};

use tokio::time::sleep;
use tracing::{Span, field::Empty, info_span};

use super::target_of;
use crate::{
    artifacts::{ArtifactError, Artifacts, Download, StoredFile, refuse_other_store},
    error::ServiceError,
    gate::caller_of,
    link::LinkPurpose,
    service::Service,
    trace,
};

/// Time between two looks whether a download may go on: a right that is lost cuts it in a second.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// Bytes between two such looks: little more leaves after the right is lost, however fast.
const LOOK_BYTES: u64 = 8 << 20;

/// Media type of bytes that nobody knows more of.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// A file that a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedFile {
    /// Name of the file for whoever receives it.
    pub file_name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
}

/// A file on its way to somebody.
pub struct Sending {
    /// Name of the file for whoever receives it.
    pub file_name: String,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// Which bytes of it.
    pub range: Range<u64>,
    right: Arc<Right>,
    download: Download,
    started: StartedDownload,
    sent: u64,
    span: Span,
    /// When it was asked last whether this may go on, and how much had been sent.
    looked_at: (Instant, u64),
    /// Whether somebody else asks as time goes by.
    is_watched: bool,
    _under_way: UnderWay,
}

/// Watches over a file on its way, also while whoever receives it does not read.
pub struct Watch(Arc<Right>);

/// The right to a file that is being sent, to be asked again while it is.
struct Right {
    service: Arc<Service>,
    artifacts: Artifacts,
    caller: Caller,
    job: JobId,
    link: LinkId,
    /// Why it was cut, if it was.
    cut: OnceLock<EndReason>,
}

/// The files that this process sends just now: one that expires is kept until they have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sendings(Arc<Mutex<BTreeMap<JobId, usize>>>);

impl Sendings {
    /// Whether the file of a job is being sent.
    pub(crate) fn has(&self, job: JobId) -> bool {
        self.lock().contains_key(&job)
    }

    fn begin(&self, job: JobId) -> UnderWay {
        *self.lock().entry(job).or_default() += 1;
        UnderWay { sendings: self.clone(), job }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is being sent, until this is dropped.
struct UnderWay {
    sendings: Sendings,
    job: JobId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut sendings = self.sendings.lock();
        if let Some(count) = sendings.get_mut(&self.job) {
            *count -= 1;
            if *count == 0 {
                sendings.remove(&self.job);
            }
        }
    }
}

impl Service {
    /// Begins to send the file of a link to whoever it was made for, or the part of it in `range`.
    ///
    /// # Errors
    ///
    /// If the link is none of ours, another's, too old or taken back; if the caller has lost the
    /// right meanwhile; or if the file is gone or damaged.
    pub async fn redeem(
        self: &Arc<Self>,
        artifacts: &Artifacts,
        caller: &Caller,
        token: &str,
        range: Option<Range<u64>>,
    ) -> Result<Sending, ServiceError> {
        let link = self.link_of(LinkPurpose::Download, token).await?;
        if Some(link.operator) != caller.operator() {
            return Err(ServiceError::NotFound);
        }
        self.send(artifacts, caller, &link, range).await
    }

    /// Begins to send the file of a link that needs no sign-in to whoever shows it, from that
    /// address. It is done in the name of the operator whom the link was made for, who must still
    /// be allowed to.
    ///
    /// # Errors
    ///
    /// If the link is none of ours, too old or taken back, or its operator has lost the right, all
    /// of which is the same to a stranger; or if the file is gone or damaged.
    pub async fn redeem_bearer(
        self: &Arc<Self>,
        artifacts: &Artifacts,
        address: Option<&str>,
        token: &str,
        range: Option<Range<u64>>,
    ) -> Result<Sending, ServiceError> {
        let link = self.link_of(LinkPurpose::Bearer, token).await?;
        let caller = self.bearer_caller(&link, address).await?;
        match self.send(artifacts, &caller, &link, range).await {
            Err(ServiceError::Denied(_)) => Err(ServiceError::NotFound),
            sent => sent,
        }
    }

    async fn send(
        self: &Arc<Self>,
        artifacts: &Artifacts,
        caller: &Caller,
        link: &Link,
        range: Option<Range<u64>>,
    ) -> Result<Sending, ServiceError> {
        let job = self.store.job(link.job).await?.ok_or(ServiceError::NotFound)?;
        let policy = self.store.policy().await?;
        let target = self.file_of(&policy, caller, &job);
        let permit = self.permit_by(&policy, caller, Action::DownloadStart, target).await?;
        refuse_unless_whole(&job)?;
        let stored = StoredFile::of_job(&job)
            .ok_or(ServiceError::Store(StoreError::Corrupt { what: "key of a file" }))?;
        let under_way = self.sendings.begin(job.id);
        let download = match artifacts.download(&stored, range).await {
            Ok(download) => download,
            Err(error) => return Err(self.damaged(artifacts, &job, error).await),
        };
        let told = (download.range.start, download.range.end);
        let started = self.store.start_download(permit, link.id, Some(told)).await;
        let started = match started {
            Ok(started) => started,
            // The link has ended, or was taken back.
            Err(StoreError::Missing { .. }) => return Err(ServiceError::NotFound),
            Err(StoreError::PolicyChanged) => {
                let action = Action::DownloadStart;
                return Err(self.refused_meanwhile(caller, action, target_of(&job)).await);
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Sending {
            file_name: job.file_name.clone().unwrap_or_default(),
            bytes: stored.bytes,
            sha256: stored.sha256,
            range: download.range.clone(),
            right: Arc::new(Right {
                service: Arc::clone(self),
                artifacts: artifacts.clone(),
                caller: caller.clone(),
                job: job.id,
                link: link.id,
                cut: OnceLock::new(),
            }),
            download,
            started,
            sent: 0,
            span: span_of(&job),
            looked_at: (Instant::now(), 0),
            is_watched: false,
            _under_way: under_way,
        })
    }

    /// The file of a link that the caller shows, or that needs no sign-in; it is not sent yet.
    ///
    /// # Errors
    ///
    /// As when it is sent.
    pub async fn linked_file(
        &self,
        caller: Option<&Caller>,
        token: &str,
    ) -> Result<LinkedFile, ServiceError> {
        let (link, caller) = match caller {
            Some(caller) => {
                let link = self.link_of(LinkPurpose::Download, token).await?;
                if Some(link.operator) != caller.operator() {
                    return Err(ServiceError::NotFound);
                }
                (link, caller.clone())
            }
            None => {
                let link = self.link_of(LinkPurpose::Bearer, token).await?;
                let caller = self.bearer_caller(&link, None).await?;
                (link, caller)
            }
        };
        let job = self.store.job(link.job).await?.ok_or(ServiceError::NotFound)?;
        let policy = self.store.policy().await?;
        let target = self.file_of(&policy, &caller, &job);
        self.permit_by(&policy, &caller, Action::DownloadStart, target).await?;
        refuse_unless_whole(&job)?;
        let stored = StoredFile::of_job(&job)
            .ok_or(ServiceError::Store(StoreError::Corrupt { what: "key of a file" }))?;
        Ok(LinkedFile {
            file_name: job.file_name.clone().unwrap_or_default(),
            media_type: media_type(&job),
            bytes: stored.bytes,
            sha256: stored.sha256,
        })
    }

    /// Whoever a link that needs no sign-in was made for.
    async fn bearer_caller(
        &self,
        link: &Link,
        address: Option<&str>,
    ) -> Result<Caller, ServiceError> {
        let operator = self.store.operator(link.operator).await?;
        let operator = operator.filter(|one| !one.is_disabled).ok_or(ServiceError::NotFound)?;
        Ok(Caller { address: address.map(str::to_owned), ..caller_of(operator, Via::Link) })
    }

    /// Marks a job whose file turned out to be damaged; nothing is told by another store.
    async fn damaged(
        &self,
        artifacts: &Artifacts,
        job: &Job,
        error: ArtifactError,
    ) -> ServiceError {
        let Some(fault) = error.fault() else { return error.into() };
        if let Err(other) = refuse_other_store::<ServiceError>(&self.store, artifacts).await {
            return other;
        }
        tracing::error!(job.id = %job.id, %error, "the file is damaged");
        let upkeep = Caller::upkeep("download");
        if let Ok(permit) = self.permit(&upkeep, Action::ArtifactFault, target_of(job)).await {
            let change = Change::Fault { fault: fault.to_owned() };
            // Somebody else may have marked it, or the job is over: it is not downloaded anyway.
            drop(self.store.commit(permit, change).await);
        }
        ServiceError::Damaged { fault: fault.to_owned() }
    }
}

/// A file is sent, up to its last byte. It belongs to the trace of the request for it, and is
/// linked to the one in which the file was made.
fn span_of(job: &Job) -> Span {
    let span = info_span!(
        target: trace::TARGET, "download",
        otel.status_code = Empty, tidegate.job.id = job.id.0, tidegate.subject = job.subject,
        tidegate.bytes = Empty, tidegate.is_whole = Empty,
    );
    trace::link(&span, job.trace);
    span
}

/// Media type of a job's file.
fn media_type(job: &Job) -> &'static str {
    let Some(format) = tidegate_format::by_slug(&job.format) else { return UNKNOWN_TYPE };
    match tidegate_format::Options::check(format.options(), &job.options) {
        Ok(options) => {
            let packed = tidegate_format::Compression::of(&options).media_type();
            packed.unwrap_or(format.media_type())
        }
        Err(_) => UNKNOWN_TYPE,
    }
}

/// Asked after the policy: only who may have the file learns what became of it.
pub(super) fn refuse_unless_whole(job: &Job) -> Result<(), ServiceError> {
    match (job.status, &job.fault) {
        (Status::Ready, None) => Ok(()),
        (Status::Ready, Some(fault)) => Err(ServiceError::Damaged { fault: fault.clone() }),
        (status, _) => Err(ServiceError::Conflict { status }),
    }
}

impl Sending {
    /// The next piece; none at the end. What was sent up to an error is not the whole file.
    ///
    /// # Errors
    ///
    /// If the right to it was lost, the file was deleted, or it turns out to be damaged.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ServiceError> {
        let next = self.piece().await;
        next.inspect_err(|error| self.right.is_cut_by(error))
    }

    /// Leaves it to the watch to ask again as time goes by. It has to break off what was handed on
    /// and has not left yet.
    pub fn watch(&mut self) -> Watch {
        self.is_watched = true;
        Watch(Arc::clone(&self.right))
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, ServiceError> {
        chaos::stop_at(Point::Send);
        let (at, sent) = self.looked_at;
        let is_time = !self.is_watched && at.elapsed() >= LOOK_PAUSE;
        if is_time || self.sent - sent >= LOOK_BYTES {
            self.right.look().await?;
            self.looked_at = (Instant::now(), self.sent);
        }
        match self.download.pieces.next().await {
            None => Ok(None),
            Some(Ok(piece)) => {
                self.sent += piece.len() as u64;
                Ok(Some(piece))
            }
            Some(Err(error)) => {
                self.span.record("otel.status_code", "ERROR");
                let Right { service, artifacts, job, .. } = &*self.right;
                let job = service.store.job(*job).await?.ok_or(ServiceError::NotFound)?;
                Err(service.damaged(artifacts, &job, error).await)
            }
        }
    }

    /// Writes down how much was sent, and why not more: because of `left_by`, where neither
    /// everything was sent nor it was cut.
    ///
    /// # Errors
    ///
    /// If the control state cannot be changed.
    pub async fn finish(self, left_by: EndReason) -> Result<(), ServiceError> {
        let is_done = self.sent == self.range.end - self.range.start;
        let cut = self.right.cut.get().copied();
        let reason = if is_done { EndReason::Sent } else { cut.unwrap_or(left_by) };
        let is_whole = self.sent == self.bytes;
        self.span.record("tidegate.bytes", self.sent).record("tidegate.is_whole", is_whole);
        let end = DownloadEnd { bytes: self.sent, is_whole, reason };
        self.right.service.store.finish_download(self.started, end).await?;
        Ok(())
    }
}

/// What is written down of an error that cut a download.
fn reason_of(error: &ServiceError) -> EndReason {
    match error {
        ServiceError::Unknown => EndReason::SignedOut,
        ServiceError::Denied(denied) if denied.is_paused() => EndReason::Paused,
        ServiceError::Denied(_) => EndReason::RightLost,
        ServiceError::NotFound => EndReason::LinkRevoked,
        ServiceError::Conflict { .. } => EndReason::Deleted,
        ServiceError::Damaged { .. } => EndReason::Damaged,
        // Of all else the operators read in the program's own log.
        _ => EndReason::Failed,
    }
}

impl Watch {
    /// Waits until it may not go on any more, and says why.
    pub async fn end(&self) -> ServiceError {
        loop {
            sleep(LOOK_PAUSE).await;
            if let Err(error) = self.0.look().await {
                self.0.is_cut_by(&error);
                return error;
            }
        }
    }
}

impl Right {
    /// What it was cut by first stays.
    fn is_cut_by(&self, error: &ServiceError) {
        self.cut.get_or_init(|| reason_of(error));
    }

    /// Whether it may go on: a file that merely expires is sent to its end.
    async fn look(&self) -> Result<(), ServiceError> {
        let store = &self.service.store;
        let job = store.job(self.job).await?.ok_or(ServiceError::NotFound)?;
        let link = store.link(self.link).await?.ok_or(ServiceError::NotFound)?;
        match job.status {
            Status::Ready | Status::Expired if link.is_revoked => {
                return Err(ServiceError::NotFound);
            }
            Status::Ready | Status::Expired => {}
            status => return Err(ServiceError::Conflict { status }),
        }
        let caller = self.service.caller_now(&self.caller).await?;
        let policy = store.policy().await?;
        let file = self.service.file_of(&policy, &caller, &job);
        let target = Target { status: None, ..file };
        match policy::authorize(&policy, &caller, Action::DownloadStart, target) {
            Ok(_) => Ok(()),
            Err(denied) => Err(denied.into()),
        }
    }
}
