//! What every page behind the sign-in is drawn with: who looks, what there is for them, and how.

use askama::Template;
use axum::{extract::FromRequestParts, response::Response};
use axum_extra::extract::cookie::CookieJar;
use chrono::{DateTime, TimeZone as _};
use chrono_tz::Tz;
use http::{StatusCode, request::Parts};
use tidegate_model::actor::Caller;
use tidegate_service::{Standing, SubjectSummary};

use super::{
    assets::asset,
    flash::{self, Flash},
    icons, nav,
    pause::Held,
    see_other,
    theme::{self, Theme},
    words::{self, Left, When},
};
use crate::{
    clock::moment,
    edge::{Edge, EdgeSettings, Shared},
    middleware::caller::{Known, caller_of, known_caller},
    problem::Problem,
};

/// Cookie in which the browser says its time zone.
const ZONE: &str = "tidegate_zone";

/// What a page is drawn with. A handler that takes it is behind the sign-in: whoever is not signed
/// in is led there, and whoever has to enrol a second factor to that.
pub(crate) struct Shell {
    /// Whoever looks.
    pub(super) caller: Caller,
    /// Its name, its role, what it may do, and the subjects that there are for it.
    pub(super) standing: Standing,
    /// Light, dark, or as the system.
    pub(super) theme: Theme,
    /// Zone of the times on the page.
    pub(super) zone: Tz,
    /// Now, in microseconds since 1970.
    pub(super) now: i64,
    /// Path and query of this page.
    pub(super) here: String,
    /// What the page before has left to be told.
    pub(super) flash: Option<Flash>,
    /// Whether a second factor has to be enrolled before anything else: nothing else is offered.
    pub(super) must_enrol: bool,
    settings: EdgeSettings,
}

impl Shell {
    /// The only place that makes one.
    pub(super) async fn of(edge: &Edge, parts: &Parts) -> Result<Self, Problem> {
        Self::for_caller(edge, parts, caller_of(edge, parts).await?).await
    }

    async fn for_caller(edge: &Edge, parts: &Parts, caller: Caller) -> Result<Self, Problem> {
        let standing = edge.service.standing(&caller).await?;
        let jar = CookieJar::from_headers(&parts.headers);
        let zone = jar.get(ZONE).and_then(|cookie| cookie.value().parse().ok());
        let here = parts.uri.path_and_query();
        Ok(Self {
            caller,
            standing,
            theme: theme::of(&jar),
            zone: zone.unwrap_or(Tz::UTC),
            now: edge.service.now(),
            here: here.map(ToString::to_string).unwrap_or_default(),
            flash: flash::of(&jar),
            must_enrol: false,
            settings: edge.settings.clone(),
        })
    }

    /// A page, with the icons that it uses. What was left to be told has been told with it.
    pub(super) fn page(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = super::written(status, icons::with_sprite(template));
        if self.flash.is_some() {
            flash::take_back(&self.settings, &mut response);
        }
        response
    }

    /// To another page (303), which tells something first.
    pub(super) fn to(&self, path: &str, flash: &Flash) -> Response {
        let mut response = see_other(path);
        flash.leave(&self.settings, &mut response);
        response
    }

    /// How many notices are unread.
    pub(super) fn unread(&self) -> String {
        nav::few(self.standing.unread)
    }

    /// Seconds until a page that is live, and has no scripts, comes anew: these, or so many that
    /// what is told once can be read.
    pub(super) fn refresh_seconds(&self, seconds: u8) -> u8 {
        const READ_SECONDS: u8 = 12;
        if self.flash.is_some() { READ_SECONDS } else { seconds }
    }

    /// Whether a capability is held: to decide what is offered. What is done, the service decides.
    pub(super) fn holds(&self, capability: &str) -> bool {
        self.standing.capabilities.contains(capability)
    }

    /// Whether something of one's own, or of somebody else's, is within `{capability}.own` or
    /// `{capability}.any`.
    pub(super) fn reaches(&self, capability: &str, owner: tidegate_model::ids::OperatorId) -> bool {
        let is_own = self.caller.operator() == Some(owner);
        self.holds(&format!("{capability}.any"))
            || is_own && self.holds(&format!("{capability}.own"))
    }

    /// A subject that there is for whoever looks.
    pub(super) fn subject(&self, slug: &str) -> Option<&SubjectSummary> {
        self.standing.subjects.iter().find(|subject| subject.slug == slug)
    }

    /// The name of a subject as people read it.
    pub(super) fn subject_label(&self, slug: &str) -> String {
        let label = self.subject(slug).and_then(|subject| subject.label.clone());
        label.unwrap_or_else(|| words::title(slug))
    }

    /// The path of a style sheet, script or image, with the hash of what is in it.
    pub(super) fn asset(&self, name: &str) -> &'static str {
        asset(name)
    }

    /// The positions of the switch between light and dark.
    pub(super) fn themes(&self) -> [(Theme, &'static str, &'static str); 3] {
        Theme::ALL
    }

    /// What is paused, as people read it: what, why, by whom and since when.
    pub(super) fn pauses(&self) -> Vec<Held> {
        self.standing.pauses.iter().map(|pause| Held::of(self, pause)).collect()
    }

    /// The groups of the sidebar.
    pub(super) fn nav(&self) -> Vec<nav::Group> {
        nav::groups(self)
    }

    /// Name, or mail address where there is no name.
    pub(super) fn name(&self) -> &str {
        if self.standing.name.is_empty() { &self.caller.name } else { &self.standing.name }
    }

    /// Letters for a face.
    pub(super) fn initials(&self) -> String {
        words::initials(self.name())
    }

    /// A moment, for people: relative up to a day, then the date.
    pub(super) fn when(&self, micros: i64) -> When {
        When::of(micros, self.now, self.zone)
    }

    /// The time of day, and the date where it is not today.
    pub(super) fn clock(&self, micros: i64) -> String {
        words::clock(micros, self.now, self.zone)
    }

    /// What is left of a retention.
    pub(super) fn left(&self, from: i64, until: i64) -> Left {
        Left::of(from, until, self.now)
    }

    /// A moment in the zone of the page.
    pub(super) fn local(&self, micros: i64) -> DateTime<Tz> {
        self.zone.from_utc_datetime(&moment(micros).naive_utc())
    }

    /// The name of the zone.
    pub(super) fn zone_name(&self) -> &'static str {
        self.zone.name()
    }
}

impl FromRequestParts<Shared> for Shell {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Shared) -> Result<Self, Problem> {
        Self::of(edge, parts).await
    }
}

/// The same, also for whoever still has to enrol a second factor.
pub(crate) struct Enrolling(pub(crate) Shell);

impl FromRequestParts<Shared> for Enrolling {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Shared) -> Result<Self, Problem> {
        let Known { caller, must_enrol } = known_caller(edge, parts).await?;
        let shell = Shell::for_caller(edge, parts, caller).await?;
        Ok(Self(Shell { must_enrol, ..shell }))
    }
}
