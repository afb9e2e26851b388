//! What went out over some days, added up.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use tidegate_service::{
    Egress, EgressAmounts, EgressDay, EgressKey, EgressMeasure, EgressPart, EgressRequest,
    EgressShare, PERIOD_DAYS_MAX,
};
use utoipa::{IntoParams, ToSchema};

use crate::{
    clock::moment,
    edge::Shared,
    input::{Params, Signed},
    problem::Problem,
};

/// Days that are looked back on unless the request says otherwise.
const DAYS: u32 = 30;

/// What to add up.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EgressParams {
    /// How many days.
    #[param(minimum = 1, maximum = 92, default = 30)]
    days: Option<u32>,
    /// The last of them; absent, it is today.
    until: Option<NaiveDate>,
    /// Zone of the IANA database in which days begin and end; UTC if absent.
    #[param(max_length = 200, example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// By what the operators are in order.
    #[serde(default)]
    #[param(inline)]
    measure: MeasureParam,
    /// What days tell apart.
    #[serde(default)]
    #[param(inline)]
    by: ByParam,
}

/// What is measured.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MeasureParam {
    /// Bytes that downloads sent.
    #[default]
    BytesSent,
    /// Bytes of files that were made.
    Bytes,
    /// Rows in files that were made.
    Rows,
}

/// What days tell apart.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ByParam {
    /// Subjects.
    #[default]
    Subject,
    /// Operators: those with the most; all others are one.
    Operator,
}

/// How much went out.
#[derive(Serialize, ToSchema)]
pub(super) struct Amounts {
    /// Exports that were asked for.
    exports: i64,
    /// Those of them that failed.
    failed: i64,
    /// Those of them that made a file, whether it is still there or not.
    files: i64,
    /// Rows in these files.
    rows: i64,
    /// Bytes of these files, whether anybody took them or not.
    bytes: i64,
    /// Downloads that ended, whole or not, whenever their export was asked for.
    downloads: i64,
    /// Bytes that they sent.
    bytes_sent: i64,
}

/// How much went out, and how much of it had personal data.
#[derive(Serialize, ToSchema)]
pub(super) struct Share {
    /// All of it.
    all: Amounts,
    /// With personal data: a whole file counts where anything in it is.
    personal: Amounts,
}

/// How much of one subject, or of one operator.
#[derive(Serialize, ToSchema)]
pub(super) struct Part {
    /// Slug of the subject, where subjects are told apart.
    subject: Option<String>,
    /// Number of the operator, where operators are told apart; null stands for all others. Whoever
    /// asked for exports, and whoever got downloads.
    operator: Option<i64>,
    /// All of it.
    all: Amounts,
    /// With personal data.
    personal: Amounts,
}

/// How much on a day.
#[derive(Serialize, ToSchema)]
pub(super) struct Day {
    /// Which.
    date: NaiveDate,
    /// All of it.
    all: Amounts,
    /// With personal data.
    personal: Amounts,
    /// The same by subject or operator; what had nothing is not there.
    parts: Vec<Part>,
}

/// What went out over some days, of the exports that the caller may see.
#[derive(Serialize, ToSchema)]
#[schema(as = Egress)]
pub(super) struct EgressBody {
    /// The first day.
    from: NaiveDate,
    /// The last day.
    until: NaiveDate,
    /// Zone in which they begin and end.
    time_zone: String,
    /// Everything.
    total: Share,
    /// Everything, of as many days before.
    before: Share,
    /// By subject.
    subjects: Vec<Part>,
    /// By operator, the most first; the last one may be all others.
    operators: Vec<Part>,
    /// Every day.
    days: Vec<Day>,
    /// Exports that were asked for, by day of the week from Monday on, and by hour.
    hours: Vec<Vec<i64>>,
    /// Entries of the activity log from before this moment were archived, and downloads of then are
    /// not counted; null where none were.
    log_begins: Option<DateTime<Utc>>,
}

/// Adds up what went out: exports by the day they were asked for, downloads by the day they ended.
#[utoipa::path(
    get, path = "/egress", operation_id = "get_egress", tag = "exports", params(EgressParams),
    responses((status = 200, description = "What went out", body = EgressBody))
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Params(params): Params<EgressParams>,
) -> Result<Json<EgressBody>, Problem> {
    let zone = match params.time_zone.as_deref() {
        None => Tz::UTC,
        Some(name) => name.parse().map_err(|_| {
            let detail = "this is no zone of the IANA database, such as `Europe/Berlin`";
            Problem::fault("/time_zone", detail)
        })?,
    };
    let request = EgressRequest {
        days: params.days.unwrap_or(DAYS.min(PERIOD_DAYS_MAX)),
        until: params.until,
        zone,
        measure: match params.measure {
            MeasureParam::BytesSent => EgressMeasure::BytesSent,
            MeasureParam::Bytes => EgressMeasure::Bytes,
            MeasureParam::Rows => EgressMeasure::Rows,
        },
        by_operator: matches!(params.by, ByParam::Operator),
    };
    let egress = edge.service.egress(&caller, &request).await?;
    Ok(Json(EgressBody::from(&egress)))
}

impl From<&Egress> for EgressBody {
    fn from(egress: &Egress) -> Self {
        Self {
            from: egress.window.from,
            until: egress.window.until,
            time_zone: egress.window.zone.name().to_owned(),
            total: Share::from(&egress.total),
            before: Share::from(&egress.before),
            subjects: egress.subjects.iter().map(Part::from).collect(),
            operators: egress.operators.iter().map(Part::from).collect(),
            days: egress.days.iter().map(Day::from).collect(),
            hours: egress.hours.iter().map(|hours| hours.to_vec()).collect(),
            log_begins: egress.log_begins.map(moment),
        }
    }
}

impl From<&EgressDay> for Day {
    fn from(day: &EgressDay) -> Self {
        let Share { all, personal } = Share::from(&day.share);
        let parts = day.parts.iter().map(Part::from).collect();
        Self { date: day.date, all, personal, parts }
    }
}

impl From<&EgressPart> for Part {
    fn from(part: &EgressPart) -> Self {
        let Share { all, personal } = Share::from(&part.share);
        let subject = match &part.key {
            EgressKey::Subject(slug) => Some(slug.clone()),
            EgressKey::Operator(_) | EgressKey::Others => None,
        };
        Self { subject, operator: part.operator().map(|id| id.0), all, personal }
    }
}

impl From<&EgressShare> for Share {
    fn from(share: &EgressShare) -> Self {
        Self { all: Amounts::from(&share.all), personal: Amounts::from(&share.personal) }
    }
}

impl From<&EgressAmounts> for Amounts {
    fn from(amounts: &EgressAmounts) -> Self {
        let EgressAmounts { exports, failed, files, rows, bytes, downloads, bytes_sent } = *amounts;
        Self { exports, failed, files, rows, bytes, downloads, bytes_sent }
    }
}
