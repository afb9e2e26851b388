//! The rules by which exports wait for a second person, and say why they are wanted.

use axum::{extract::State, response::Response};
use http::StatusCode;
use tidegate_model::approval::ApprovalRules;
use utoipa::ToSchema;

use crate::{
    edge::Shared,
    input::{Body, Signed},
    problem::Problem,
    version::{IfMatch, versioned},
};

/// What a site asks of its exports beside the right to make them.
#[derive(ToSchema)]
#[schema(as = ApprovalRules)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the schema of the model's rules")]
pub(super) struct RulesSchema {
    /// Which exports wait for a second person; none is off. The first that matches counts.
    #[schema(max_items = 100)]
    #[serde(default)]
    rules: Vec<RuleSchema>,
    /// Whether whoever may approve may release an export of their own, to be reviewed later.
    #[serde(default)]
    break_glass: bool,
    /// Which exports have to say why they are wanted.
    #[serde(default)]
    reason: ReasonSchema,
}

/// A rule: an export that fits all that it says waits.
#[derive(ToSchema)]
#[schema(as = ApprovalRule)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the schema of the model's rules")]
struct RuleSchema {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Slug of the subject; absent is any.
    subject: Option<String>,
    /// Only exports with personal data.
    #[serde(default)]
    pii: bool,
    /// Only exports of more rows than this; what nobody can say counts as more.
    #[schema(maximum = 9007199254740991_u64)]
    rows_over: Option<u64>,
    /// Mail addresses of operators; with `roles`, whoever is one of either.
    #[serde(default)]
    #[schema(max_items = 100)]
    operators: Vec<String>,
    /// Slugs of roles.
    #[serde(default)]
    #[schema(max_items = 100)]
    roles: Vec<String>,
    /// Only within these hours.
    hours: Option<HoursSchema>,
    /// Hours that it waits before it lapses.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 672, default = 24)]
    wait_hours: u32,
    /// Hours within which it is used once it is granted.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 672, default = 24)]
    good_hours: u32,
}

/// A span of the clock on some days of the week.
#[derive(ToSchema)]
#[schema(as = Hours)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the schema of the model's rules")]
struct HoursSchema {
    /// When it begins: `18:00`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    from: String,
    /// When it ends: `08:00` is that of the next day, where it is before `from`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    until: String,
    /// Days on which it begins; none is every day.
    #[serde(default)]
    #[schema(max_items = 7)]
    days: Vec<WeekdaySchema>,
    /// Time zone of both.
    #[serde(default)]
    #[schema(default = "UTC")]
    time_zone: String,
}

/// A day of the week.
#[derive(ToSchema)]
#[schema(as = Weekday)]
#[expect(dead_code, reason = "it is the schema of a word")]
enum WeekdaySchema {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Which exports have to say why they are wanted, and how.
#[derive(Default, ToSchema)]
#[schema(as = ReasonRule)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is the schema of the model's rules")]
struct ReasonSchema {
    /// Which.
    #[serde(default)]
    required_for: ReasonForSchema,
    /// A regular expression that the whole reason has to match.
    #[schema(max_length = 200)]
    pattern: Option<String>,
}

/// Which exports have to say why they are wanted.
#[derive(Default, ToSchema)]
#[schema(as = ReasonFor)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "it is the schema of a word")]
enum ReasonForSchema {
    #[default]
    None,
    Personal,
    All,
}

/// The rules.
#[utoipa::path(
    get, path = "/approvals/rules", operation_id = "get_approval_rules", tag = "approvals",
    responses((
        status = 200, description = "The rules, and their version", body = RulesSchema,
        headers(("ETag" = String)),
    ))
)]
pub(in crate::api) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Response, Problem> {
    let rules = edge.service.approval_rules(&caller).await?;
    Ok(versioned(rules.version, rules.document))
}

/// Sets all rules. What waits goes on waiting; what was made before goes on.
#[utoipa::path(
    put, path = "/approvals/rules", operation_id = "put_approval_rules", tag = "approvals",
    params((
        "If-Match" = Option<String>, Header,
        description = "The `ETag` that was read: where they are others by now, nothing is changed",
    )),
    request_body = RulesSchema,
    responses((status = 204, description = "They are as they were sent"))
)]
pub(in crate::api) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    IfMatch(version): IfMatch,
    Body(rules): Body<ApprovalRules>,
) -> Result<StatusCode, Problem> {
    edge.service.set_approval_rules(&caller, rules, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
