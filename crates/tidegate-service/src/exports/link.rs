//! Makes links to files: for minutes, for whoever signs in, for whoever holds them.

use tidegate_model::{
    action::Action,
    actor::Caller,
    fault::{Fault, Faults},
    ids::{JobId, LinkId},
    job::Job,
    settings::BearerHours,
    status::Status,
};
use tidegate_store::{Change, Link, LinkChange, StoreError};

use super::download::refuse_unless_whole;
use crate::{
    error::ServiceError,
    link::{LinkClaims, LinkFault, LinkNonce, LinkPurpose, SignedLink},
    service::Service,
};

/// Microseconds of a minute.
const MINUTE_MICROS: i64 = 60 * 1_000_000;

/// A link that was made.
#[derive(Debug)]
pub struct NewLink {
    /// The link.
    pub link: SignedLink,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// How a link is made.
struct Life {
    purpose: LinkPurpose,
    micros: i64,
}

impl Service {
    /// Makes a link to a file for the caller, good for minutes.
    ///
    /// # Errors
    ///
    /// If the caller may not, or there is no whole file.
    pub async fn make_link(&self, caller: &Caller, id: JobId) -> Result<NewLink, ServiceError> {
        let micros = i64::from(self.store.settings().await?.link_minutes) * MINUTE_MICROS;
        self.make(caller, id, Life { purpose: LinkPurpose::Download, micros }).await
    }

    /// Makes a link to a file that needs no sign-in, good for so many hours, or as many as the site
    /// allows.
    ///
    /// # Errors
    ///
    /// If the site has such links switched off or allows fewer hours, the caller may not have the
    /// file, or there is no whole one.
    pub async fn make_bearer_link(
        &self,
        caller: &Caller,
        id: JobId,
        hours: Option<u32>,
    ) -> Result<NewLink, ServiceError> {
        let allowed = self.store.settings().await?.bearer_link_hours_max;
        let hours = bearer_hours(hours, allowed)?;
        let life = Life { purpose: LinkPurpose::Bearer, micros: hours.micros() };
        self.make(caller, id, life).await
    }

    async fn make(&self, caller: &Caller, id: JobId, life: Life) -> Result<NewLink, ServiceError> {
        let job = self.store.job(id).await?.ok_or(ServiceError::NotFound)?;
        let policy = self.store.policy().await?;
        let target = self.file_of(&policy, caller, &job);
        let permit = self.permit_by(&policy, caller, Action::DownloadLink, target).await?;
        refuse_unless_whole(&job)?;
        let Life { purpose, micros } = life;
        let nonce = LinkNonce::new();
        let change = LinkChange::Make {
            nonce: nonce.text(),
            life_micros: micros,
            is_bearer: purpose == LinkPurpose::Bearer,
        };
        let committed = self.store.commit(permit, Change::Link(change)).await?;
        let link = LinkId(committed.id.ok_or(StoreError::Corrupt { what: "new link" })?);
        let made = self.store.link(link).await?.ok_or(ServiceError::NotFound)?;
        let expires_at = made.expires_at;
        let claims = LinkClaims { purpose, link: Some(link), job: id, nonce, expires_at };
        Ok(NewLink {
            link: SignedLink::sign(&self.keys(), &claims),
            expires_at,
            sha256: job.sha256.unwrap_or_default(),
        })
    }

    /// Makes a link that names a job, for a mail: good as long as its file. It grants nothing, so
    /// it leaves no entry; what it leads to does.
    ///
    /// # Errors
    ///
    /// If the caller may not see the job, or it has no file.
    pub async fn make_locator(&self, caller: &Caller, id: JobId) -> Result<NewLink, ServiceError> {
        let job = self.export(caller, id).await?;
        refuse_unless_whole(&job)?;
        self.locator(&job).ok_or(ServiceError::Conflict { status: job.status })
    }

    /// The link in the mail about a job that is ready.
    pub(crate) fn locator(&self, job: &Job) -> Option<NewLink> {
        let expires_at = job.expires_at.filter(|_| job.status == Status::Ready)?;
        let claims = LinkClaims {
            purpose: LinkPurpose::Locator,
            link: None,
            job: job.id,
            nonce: LinkNonce::new(),
            expires_at,
        };
        let link = SignedLink::sign(&self.keys(), &claims);
        Some(NewLink { link, expires_at, sha256: job.sha256.clone().unwrap_or_default() })
    }

    /// Follows a locator: whoever has signed in, and may have the file, gets a link for minutes.
    ///
    /// # Errors
    ///
    /// If it is none of ours, the caller may not have the file, or it is gone or damaged.
    pub async fn open_locator(
        &self,
        caller: &Caller,
        token: &str,
    ) -> Result<NewLink, ServiceError> {
        let now = self.store.now().await?;
        match self.claims_of(LinkPurpose::Locator, token, now) {
            Ok(claims) => self.make_link(caller, claims.job).await,
            Err(LinkFault::Unknown) => Err(ServiceError::NotFound),
            // It says what it is about no longer: its file is over, too.
            Err(LinkFault::Expired) => Err(ServiceError::Conflict { status: Status::Expired }),
        }
    }

    /// What a token is for that somebody shows, if it is one of ours.
    pub fn link_purpose(&self, token: &str) -> Option<LinkPurpose> {
        LinkClaims::purpose_of(&self.keys(), token)
    }

    /// The link of a token that is used for this purpose.
    pub(super) async fn link_of(
        &self,
        purpose: LinkPurpose,
        token: &str,
    ) -> Result<Link, ServiceError> {
        let now = self.store.now().await?;
        let claims = self.claims_of(purpose, token, now).map_err(|_| ServiceError::NotFound)?;
        let id = claims.link.ok_or(ServiceError::NotFound)?;
        let link = self.store.link(id).await?.ok_or(ServiceError::NotFound)?;
        let is_its = link.job == claims.job
            && link.nonce == claims.nonce.text()
            && link.is_bearer == (purpose == LinkPurpose::Bearer);
        match is_its && !link.is_revoked {
            true => Ok(link),
            false => Err(ServiceError::NotFound),
        }
    }

    /// What a token says, if we have said it: by a key that this process may not have seen yet.
    fn claims_of(
        &self,
        purpose: LinkPurpose,
        token: &str,
        now: i64,
    ) -> Result<LinkClaims, LinkFault> {
        let read = || LinkClaims::read(&self.keys(), purpose, token, now);
        match read() {
            // A process that has just rotated the keys may have made it.
            Err(LinkFault::Unknown) if self.key_ring.look() => read(),
            read => read,
        }
    }
}

/// Hours that were asked for, if the site allows as many.
fn bearer_hours(
    asked: Option<u32>,
    allowed: Option<BearerHours>,
) -> Result<BearerHours, ServiceError> {
    let refuse = |pointer: &str, detail: String| -> ServiceError {
        Faults(vec![Fault::new(pointer, detail)]).into()
    };
    let Some(allowed) = allowed else {
        let detail = "links that need no sign-in are switched off on this site; the setting \
                      `bearer_link_hours_max` switches them on";
        return Err(refuse("/bearer", detail.to_owned()));
    };
    let Some(asked) = asked else { return Ok(allowed) };
    match BearerHours::try_from(asked) {
        Ok(hours) if hours <= allowed => Ok(hours),
        Ok(_) => {
            let detail = format!("this site allows {} hours at most", u32::from(allowed));
            Err(refuse("/hours", detail))
        }
        Err(fault) => Err(refuse("/hours", fault.to_string())),
    }
}
