//! Subjects: what can be exported, and a look at its rows.

use axum::{
    Json,
    extract::{OriginalUri, State},
    response::Response,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use tidegate_model::subject::Subject;
use tidegate_service::{Counting, ROWS_PAGE_MAX, RowsRequest, SubjectSummary};
use utoipa::{IntoParams, ToSchema};

use crate::{
    edge::Shared,
    input::{Params, Signed, Slug},
    page::NextPage,
    problem::Problem,
    tagged::tagged,
};

/// Rows of a page unless the request says otherwise.
const PAGE: u32 = 50;

/// A subject.
#[derive(Serialize, ToSchema)]
#[schema(as = Subject)]
pub(super) struct SubjectBody {
    /// Stable name.
    #[schema(example = "orders")]
    slug: String,
    /// Name that people read.
    label: Option<String>,
    /// Slugs of its kinds.
    kinds: Vec<String>,
    /// Whether every record is personal data.
    has_pii: bool,
    /// Whether the caller may export it.
    may_export: bool,
}

impl From<SubjectSummary> for SubjectBody {
    fn from(subject: SubjectSummary) -> Self {
        let SubjectSummary { slug, label, kinds, has_pii, may_export } = subject;
        Self { slug, label, kinds, has_pii, may_export }
    }
}

/// A subject with its fields.
#[derive(Serialize, ToSchema)]
pub(super) struct SubjectDetail {
    #[serde(flatten)]
    subject: SubjectBody,
    /// The subject as a whole, and then each of its kinds.
    shapes: Vec<Shape>,
}

/// The fields of a subject, or of one of its kinds.
#[derive(Serialize, ToSchema)]
struct Shape {
    /// The kind; null for the subject as a whole.
    kind: Option<String>,
    /// Fields that identify a record.
    key: Vec<String>,
    /// Fields that free text is searched in.
    search: Vec<String>,
    /// Field that `date_range` means.
    date_field: Option<String>,
    /// Order of its list.
    sort: Vec<String>,
    /// Its fields.
    fields: Vec<FieldBody>,
}

/// A field.
#[derive(Serialize, ToSchema)]
#[schema(as = Field)]
struct FieldBody {
    /// Stable name; dots nest.
    slug: String,
    /// Name that people read.
    label: String,
    /// Type of its values, as you are shown them.
    #[schema(example = "timestamp_tz")]
    r#type: String,
    /// Whether it belongs to the default set.
    is_default: bool,
    /// Whether it is for staff only.
    is_internal: bool,
    /// Class of personal data, if any.
    pii: Option<String>,
    /// What you are shown of its values: `show`, `hash`, `partial`, `redact`, or `drop` where it is
    /// in no file of yours. Rows are neither filtered nor sorted by a field of which not all is
    /// shown, and free text is not sought in it.
    #[schema(example = "show")]
    mask: &'static str,
}

impl From<&Subject> for Shape {
    fn from(subject: &Subject) -> Self {
        let field = |field: &tidegate_model::field::Field| FieldBody {
            slug: field.slug.clone(),
            label: field.label.clone(),
            r#type: field.as_shown().data_type.to_string(),
            is_default: field.is_default,
            is_internal: field.is_internal,
            pii: field.pii.clone(),
            mask: field.mask.slug(),
        };
        Self {
            kind: subject.kind.clone(),
            key: subject.key.clone(),
            search: subject.search.clone(),
            date_field: subject.date_field.clone(),
            sort: subject.sort.clone(),
            fields: subject.fields.iter().map(field).collect(),
        }
    }
}

/// The subjects that the caller may see.
#[utoipa::path(
    get, path = "/subjects", operation_id = "list_subjects", tag = "subjects",
    responses((status = 200, description = "The subjects", body = Vec<SubjectBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<SubjectBody>>, Problem> {
    let subjects = edge.service.subjects(&caller).await?;
    Ok(Json(subjects.into_iter().map(SubjectBody::from).collect()))
}

/// A subject with its fields, as its source has them now.
#[utoipa::path(
    get, path = "/subjects/{slug}", operation_id = "get_subject", tag = "subjects",
    params(("slug" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, description = "The subject", body = SubjectDetail,
            headers(("ETag" = String))),
        (status = 304, description = "It is as it was"),
    )
)]
pub(super) async fn get(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (subject, bound) = edge.service.subject(&caller, &slug).await?;
    let shapes = std::iter::once(bound.whole()).chain(bound.kinds()).map(Shape::from).collect();
    Ok(tagged(&headers, &SubjectDetail { subject: subject.into(), shapes }))
}

/// Which rows to look at.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RowsParams {
    /// Kind of the subject.
    kind: Option<String>,
    /// A filter, as in the scope of an export: JSON.
    #[param(example = r#"{"field":"status","op":"eq","value":"paid"}"#)]
    filter: Option<String>,
    /// Free text.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Order: slugs, separated by commas, with `-` for the largest first.
    #[param(example = "-placed_at,id")]
    sort: Option<String>,
    /// Fields: slugs, separated by commas; the default set if absent.
    fields: Option<String>,
    /// Zone that dates are meant and written in.
    time_zone: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Which page: `next`, `previous` or `last` of another page of the same rows; the first page if
    /// absent. It is of no use with another filter, search or sort, nor to anybody else.
    #[param(max_length = 4096)]
    cursor: Option<String>,
    /// Whether all rows that match are counted, too: not at all; as well as it can be told at once;
    /// or one by one.
    #[param(inline, default = "none")]
    count: Option<CountParam>,
}

/// How the rows that match are counted.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CountParam {
    None,
    About,
    Exact,
}

impl From<CountParam> for Counting {
    fn from(param: CountParam) -> Self {
        match param {
            CountParam::None => Self::None,
            CountParam::About => Self::About,
            CountParam::Exact => Self::Exact,
        }
    }
}

/// A page of rows.
#[derive(Serialize, ToSchema)]
#[schema(as = RowPage)]
pub(super) struct RowsBody {
    /// Each row, as an object; numbers beyond 53 bits and decimals as text.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Box<RawValue>>,
    /// Cursor of the next page; null where there is none.
    next: Option<String>,
    /// Cursor of the page before; null where there is none.
    previous: Option<String>,
    /// Cursor of the last page; null where this is it, and of a subject without a key.
    last: Option<String>,
    /// Rows that match; null if they were not to be counted, or nobody can tell at once.
    total: Option<u64>,
    /// Whether these rows were counted one by one; false if the database expects about so many.
    is_exact: bool,
}

/// Looks at the rows of a subject. Pages are sought by the key of their rows: one far behind takes
/// no longer than the first, and none skips or repeats a row because others came or went. Rows
/// without a value in a field of the sort come last, either way. A token needs the right to export
/// the subject, too; and of rows with personal data an operator may see only so many in an hour.
#[utoipa::path(
    get, path = "/subjects/{slug}/rows", operation_id = "list_rows", tag = "subjects",
    params(("slug" = String, Path), RowsParams),
    responses(
        (status = 200, description = "A page of rows", body = RowsBody,
            headers(("Link" = String, description = "Where the other pages are"))),
        (status = 409, description = "A value of a row cannot be read"),
    )
)]
pub(super) async fn rows(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
    OriginalUri(uri): OriginalUri,
    Params(params): Params<RowsParams>,
) -> Result<(NextPage, Json<RowsBody>), Problem> {
    let limit = params.limit.unwrap_or(PAGE);
    if !(1..=ROWS_PAGE_MAX).contains(&limit) {
        return Err(Problem::fault("/limit", format!("a page has 1 to {ROWS_PAGE_MAX} rows")));
    }
    let request = RowsRequest {
        subject: slug,
        scope: scope_of(&params)?,
        fields: params.fields.as_deref().map(listed).unwrap_or_default(),
        kind: params.kind,
        time_zone: params.time_zone,
        cursor: params.cursor,
        limit,
        counting: params.count.map_or(Counting::None, Counting::from),
        as_text: false,
    };
    let page = edge.service.rows(&caller, &request).await?;
    let base = &edge.settings.public_url;
    let link = NextPage::of(base, &uri, page.next.as_deref())
        .and("prev", base, &uri, page.previous.as_deref())
        .and("last", base, &uri, page.last.as_deref());
    Ok((
        link,
        Json(RowsBody {
            items: page.rows,
            next: page.next,
            previous: page.previous,
            last: page.last,
            total: page.total.and_then(|total| total.rows),
            is_exact: page.total.is_some_and(|total| total.is_exact),
        }),
    ))
}

fn scope_of(params: &RowsParams) -> Result<Value, Problem> {
    let mut scope = Map::new();
    if let Some(text) = &params.filter {
        let filter = serde_json::from_str(text)
            .map_err(|_| Problem::fault("/filter", "a filter is JSON, as in an export"))?;
        scope.insert("filter".to_owned(), filter);
    }
    if let Some(search) = &params.search {
        scope.insert("search".to_owned(), search.clone().into());
    }
    if let Some(sort) = &params.sort {
        scope.insert("sort".to_owned(), listed(sort));
    }
    Ok(Value::Object(scope))
}

fn listed(text: &str) -> Value {
    text.split(',').map(str::trim).filter(|slug| !slug.is_empty()).collect()
}
