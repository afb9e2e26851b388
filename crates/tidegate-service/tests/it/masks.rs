//! Who is shown what of personal data, and which rows: on every way by which rows leave.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use tidegate_model::{
    actor::Caller,
    capability::Capabilities,
    exposure::Withheld,
    fault::Faults,
    job::{FailureReason, Job},
    mask::{MaskPolicy, MaskRule, MaskRules},
    policy::Reason,
    request::ExportRequest,
    role::{Role, RowLimit},
    settings::Settings,
    sight::UNMASK,
    status::Status,
};
use tidegate_service::{Counting, RowPage, RowsRequest, ServiceError};

use crate::check::{Check, on_both};

/// What a clerk may do.
const CLERK: [&str; 7] = [
    "users.list",
    "users.export",
    "orders.list",
    "orders.export",
    "exports.list.any",
    "exports.download.any",
    "exports.download.own",
];

fn mask(class: &str, policy: MaskPolicy) -> MaskRule {
    MaskRule { class: class.to_owned(), policy }
}

/// Gives the clerk's role these masks and limits.
async fn clerk_with(
    check: &Check,
    more: &[&str],
    masks: Vec<MaskRule>,
    limits: Vec<RowLimit>,
) -> Caller {
    let ada = check.ada().await;
    let capabilities: Capabilities =
        CLERK.iter().chain(more).map(|slug| (*slug).to_owned()).collect();
    let role = Role {
        slug: "clerk".to_owned(),
        label: "Clerk".to_owned(),
        capabilities,
        limits,
        masks: MaskRules(masks),
    };
    check.service.put_role(&ada, role).await.unwrap();
    // There is one from before.
    drop(check.service.add_operator(&ada, "cleo@example.com", "clerk", None).await);
    check.person("cleo@example.com").await
}

async fn clerk(check: &Check, policy: MaskPolicy) -> Caller {
    clerk_with(check, &[], vec![mask("email", policy)], Vec::new()).await
}

fn request(value: Value) -> ExportRequest {
    ExportRequest::read(&value).unwrap()
}

async fn export(check: &Check, caller: &Caller, asked: Value) -> Job {
    let made = check.service.create_export(caller, &request(asked), None).await.unwrap();
    let job = check.build(made.job).await;
    assert_eq!(job.status, Status::Ready, "{:?}", job.error);
    job
}

/// The text of a job's file.
fn text_of(check: &Check, job: &Job) -> String {
    let key = job.artifact_key.as_ref().unwrap();
    let file = check.files().into_iter().find(|path| path.to_string_lossy().contains(key.as_str()));
    fs::read_to_string(file.unwrap()).unwrap()
}

fn users(format: &str) -> Value {
    json!({ "subject": "users", "format": format, "scope": { "sort": ["id"] } })
}

async fn rows(check: &Check, caller: &Caller, scope: Value) -> Result<RowPage, ServiceError> {
    let request = RowsRequest {
        subject: "users".to_owned(),
        kind: None,
        scope,
        fields: Value::Null,
        time_zone: None,
        cursor: None,
        limit: 50,
        counting: Counting::Exact,
        as_text: true,
    };
    check.service.rows(caller, &request).await
}

fn places(refused: Result<impl Sized, ServiceError>) -> Vec<String> {
    match refused {
        Err(ServiceError::Faults(Faults(faults))) => {
            faults.into_iter().map(|fault| fault.pointer).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was allowed"),
    }
}

fn withheld(refused: Result<impl Sized, ServiceError>) -> Withheld {
    match refused {
        Err(ServiceError::Denied(denied)) => match denied.reason {
            Reason::Withheld { why } => why,
            other => panic!("{other}"),
        },
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was allowed"),
    }
}

#[test]
fn each_mask_is_in_file_preview_list_and_manifest_alike() {
    on_both(async |check| {
        for &policy in MaskPolicy::ALL {
            let cleo = clerk(&check, policy).await;
            let job = export(&check, &cleo, users("ndjson")).await;
            let text = text_of(&check, &job);
            let lines: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let shown: Vec<Value> = lines.iter().map(|line| line["email"].clone()).collect();
            let hash = shown[0].as_str().unwrap_or_default();
            match policy {
                MaskPolicy::Show => assert_eq!(shown, ["ada@example.com", "bo@example.com"]),
                MaskPolicy::Hash => {
                    assert!(hash.starts_with("h_") && hash.len() == 26, "{hash}");
                    assert_ne!(shown[0], shown[1]);
                }
                MaskPolicy::Partial => assert_eq!(shown, ["a•••@e•••.com", "b•••@e•••.com"]),
                MaskPolicy::Redact => assert_eq!(shown, ["[redacted]", "[redacted]"]),
                MaskPolicy::Drop => assert!(lines[0].get("email").is_none()),
            }
            assert_eq!(lines[0]["city"], "Kiel");
            let listed = rows(&check, &cleo, Value::Null).await.unwrap().rows;
            let listed: Vec<Value> =
                listed.iter().map(|row| serde_json::from_str(row.get()).unwrap()).collect();
            let of_list: Vec<Value> = listed.iter().map(|row| row["email"].clone()).collect();
            assert_eq!(of_list, shown, "{policy:?}");
            let preview = check.service.preview_export(&cleo, &request(users("ndjson"))).await;
            assert_eq!(preview.unwrap().text, text, "{policy:?}");
            let manifest =
                check.service.export_manifest(&check.artifacts, &cleo, job.id).await.unwrap();
            assert!(policy == MaskPolicy::Show || !manifest.contains("ada@example"), "{manifest}");
            let said: Value = serde_json::from_str(&manifest).unwrap();
            let masks = match said["payload"].is_null() {
                true => said["masks"].clone(),
                false => said["payload"]["masks"].clone(),
            };
            let expected = match policy {
                MaskPolicy::Show => json!([]),
                other => json!([{ "field": "email", "class": "email", "mask": other.slug() }]),
            };
            assert_eq!(masks, expected, "{manifest}");
        }
    });
}

#[test]
fn a_hash_is_the_same_over_runs_and_fields_and_another_on_another_site() {
    on_both(async |check| {
        let cleo = clerk(&check, MaskPolicy::Hash).await;
        let asked = users("csv");
        let first = text_of(&check, &export(&check, &cleo, asked.clone()).await);
        let again = text_of(&check, &export(&check, &cleo, asked.clone()).await);
        assert_eq!(first, again);
        let other = Check::new(crate::check::Kind::Sqlite).await;
        let elsewhere = clerk(&other, MaskPolicy::Hash).await;
        assert_ne!(first, text_of(&other, &export(&other, &elsewhere, asked).await));
    });
}

#[test]
fn what_is_masked_is_neither_filtered_sorted_nor_sought() {
    on_both(async |check| {
        let cleo = clerk(&check, MaskPolicy::Hash).await;
        let filter = json!({ "field": "email", "op": "contains", "value": "ada" });
        for scope in [
            json!({ "filter": filter }),
            json!({ "filter": { "not": filter } }),
            json!({ "filter": { "all": [{ "field": "email", "op": "is_null" }] } }),
        ] {
            assert!(places(rows(&check, &cleo, scope.clone()).await)[0].ends_with("/field"));
            let asked = request(json!({ "subject": "users", "format": "csv", "scope": scope }));
            assert!(places(check.service.create_export(&cleo, &asked, None).await).len() == 1);
            assert!(places(check.service.preview_export(&cleo, &asked).await).len() == 1);
            assert!(places(check.service.estimate_export(&cleo, &asked, true).await).len() == 1);
            assert!(places(check.service.export_terms(&cleo, &asked).await).len() == 1);
        }
        let sorted = json!({ "sort": ["-email"] });
        assert_eq!(places(rows(&check, &cleo, sorted).await), ["/scope/sort/0"]);
        // Whoever sees it may.
        let ada = check.ada().await;
        assert_eq!(rows(&check, &ada, json!({ "filter": filter })).await.unwrap().rows.len(), 1);
    });
}

#[test]
fn the_capability_shows_and_a_token_without_it_does_not() {
    on_both(async |check| {
        let masks = vec![mask("*", MaskPolicy::Redact)];
        let cleo = clerk_with(&check, &[UNMASK], masks, Vec::new()).await;
        let job = export(&check, &cleo, users("csv")).await;
        assert!(text_of(&check, &job).contains("ada@example.com"));
        let scopes: Capabilities = CLERK.iter().map(|slug| (*slug).to_owned()).collect();
        let limited = Caller { token_scopes: Some(scopes), ..cleo.clone() };
        let masked = export(&check, &limited, users("csv")).await;
        assert!(!text_of(&check, &masked).contains("ada@example.com"), "the token may not see it");
        let why = Withheld::Field { field: "email".to_owned() };
        assert_eq!(withheld(check.service.make_link(&limited, job.id).await), why);
        check.service.make_link(&limited, masked.id).await.unwrap();
        check.service.make_link(&cleo, masked.id).await.unwrap();
    });
}

#[test]
fn the_role_comes_before_the_site_and_a_class_before_all_others() {
    on_both(async |check| {
        let ada = check.ada().await;
        let site = Settings {
            masks: MaskRules(vec![mask("email", MaskPolicy::Drop)]),
            ..Settings::default()
        };
        check.service.set_settings(&ada, site).await.unwrap();
        let shown = async |masks: Vec<MaskRule>| {
            let cleo = clerk_with(&check, &[], masks, Vec::new()).await;
            text_of(&check, &export(&check, &cleo, users("csv")).await)
        };
        assert!(!shown(Vec::new()).await.contains("email"));
        assert!(shown(vec![mask("*", MaskPolicy::Redact)]).await.contains("[redacted]"));
        let own = vec![mask("*", MaskPolicy::Redact), mask("email", MaskPolicy::Show)];
        assert!(shown(own).await.contains("ada@example.com"));
        // An administrator holds the capability.
        assert!(text_of(&check, &export(&check, &ada, users("csv")).await).contains("ada@"));
    });
}

#[test]
fn a_file_is_withheld_from_whom_less_is_shown() {
    on_both(async |check| {
        let cleo = clerk(&check, MaskPolicy::Hash).await;
        let ada = check.ada().await;
        let clear = export(&check, &ada, users("csv")).await;
        let why = || Withheld::Field { field: "email".to_owned() };
        assert_eq!(withheld(check.service.make_link(&cleo, clear.id).await), why());
        let manifest = check.service.export_manifest(&check.artifacts, &cleo, clear.id).await;
        assert_eq!(withheld(manifest), why());
        // Nor is one whose rows were chosen by what is masked, though it does not hold it.
        let chosen = export(
            &check,
            &ada,
            json!({
                "subject": "users", "format": "csv", "fields": ["id"],
                "scope": { "filter": { "field": "email", "op": "eq", "value": "ada@example.com" } },
            }),
        )
        .await;
        assert_eq!(withheld(check.service.make_link(&cleo, chosen.id).await), why());
        let told = check.service.export(&cleo, chosen.id).await.unwrap().scope.to_string();
        assert!(!told.contains("ada@") && told.contains("•••"), "{told}");
        assert!(check.job(chosen.id).await.scope.to_string().contains("ada@"));
        assert_eq!(
            places(check.service.rerun_export(&cleo, chosen.id, None).await),
            ["/scope/filter/field"]
        );
        // One that shows no personal field is given; so is a file of one's own.
        let plain = json!({ "subject": "users", "format": "csv", "fields": ["id", "city"] });
        let plain = export(&check, &ada, plain).await;
        check.service.make_link(&cleo, plain.id).await.unwrap();
        let own = export(&check, &cleo, users("csv")).await;
        let link = check.service.make_link(&cleo, own.id).await.unwrap();
        // Until the role is shown less: then neither that link nor a new one is good.
        let cleo = clerk(&check, MaskPolicy::Redact).await;
        assert_eq!(withheld(check.service.make_link(&cleo, own.id).await), why());
        let token = link.link.token().to_owned();
        let sent = check.service.redeem(&check.artifacts, &cleo, &token, None).await;
        assert_eq!(withheld(sent.map(drop)), why());
    });
}

#[test]
fn a_file_within_another_row_limit_is_withheld() {
    on_both(async |check| {
        let limit = |city: &str| RowLimit {
            subject: "users".to_owned(),
            filter: json!({ "field": "city", "op": "eq", "value": city }),
        };
        let ada = check.ada().await;
        let all = export(&check, &ada, users("csv")).await;
        let cleo = clerk_with(&check, &[], Vec::new(), vec![limit("Kiel")]).await;
        assert_eq!(withheld(check.service.make_link(&cleo, all.id).await), Withheld::Rows);
        let own = export(&check, &cleo, users("csv")).await;
        assert_eq!(own.rows_done, 1);
        check.service.make_link(&cleo, own.id).await.unwrap();
        check.service.make_link(&ada, own.id).await.unwrap();
        let again = check.service.rerun_export(&cleo, all.id, None).await.unwrap();
        assert_eq!(check.build(again.job).await.rows_done, 1);
        let cleo = clerk_with(&check, &[], Vec::new(), vec![limit("Ulm")]).await;
        assert_eq!(withheld(check.service.make_link(&cleo, own.id).await), Withheld::Rows);
    });
}

#[test]
fn a_limit_may_rest_on_what_is_masked() {
    on_both(async |check| {
        let limit = RowLimit {
            subject: "users".to_owned(),
            filter: json!({ "field": "email", "op": "starts_with", "value": "bo" }),
        };
        let masks = vec![mask("email", MaskPolicy::Redact)];
        let cleo = clerk_with(&check, &[], masks, vec![limit]).await;
        let job = export(&check, &cleo, users("csv")).await;
        assert_eq!(job.rows_done, 1);
        check.service.make_link(&cleo, job.id).await.unwrap();
        assert_eq!(rows(&check, &cleo, Value::Null).await.unwrap().rows.len(), 1);
    });
}

#[test]
fn the_masks_are_those_of_the_moment_of_the_build() {
    on_both(async |check| {
        let cleo = clerk(&check, MaskPolicy::Show).await;
        let asked = request(users("csv"));
        let made = check.service.create_export(&cleo, &asked, None).await.unwrap();
        clerk(&check, MaskPolicy::Redact).await;
        let job = check.build(made.job).await;
        assert!(text_of(&check, &job).contains("[redacted]"));
        // What may not be asked for any more fails the job, and names no value.
        let cleo = clerk(&check, MaskPolicy::Show).await;
        let chosen = request(json!({
            "subject": "users", "format": "csv",
            "scope": { "filter": { "field": "email", "op": "eq", "value": "ada@example.com" } },
        }));
        let made = check.service.create_export(&cleo, &chosen, None).await.unwrap();
        clerk(&check, MaskPolicy::Redact).await;
        let job = check.build(made.job).await;
        let error = job.error.unwrap();
        assert_eq!((job.status, error.reason), (Status::Failed, FailureReason::SchemaChanged));
        assert!(!error.detail.contains("ada@"), "{}", error.detail);
    });
}

#[test]
fn what_a_new_run_may_not_have_any_more_is_refused_by_name() {
    on_both(async |check| {
        let cleo = clerk(&check, MaskPolicy::Show).await;
        let filter = json!({ "field": "email", "op": "contains", "value": "ada" });
        let asked = json!({ "subject": "users", "format": "csv", "scope": { "filter": filter } });
        let old = export(&check, &cleo, asked).await;
        check.service.rerun_export(&cleo, old.id, None).await.unwrap();
        let cleo = clerk(&check, MaskPolicy::Hash).await;
        let refused = check.service.rerun_export(&cleo, old.id, None).await;
        assert_eq!(places(refused), ["/scope/filter/field"]);
    });
}

#[test]
fn a_list_of_subjects_that_are_personal_is_told_of_where_it_gets_shorter() {
    on_both(async |check| {
        let ada = check.ada().await;
        let listed = |subjects: &[&str]| {
            let listed: BTreeSet<String> = subjects.iter().map(|slug| (*slug).to_owned()).collect();
            Settings { pii_subjects: Some(listed), ..Settings::default() }
        };
        let version = async || check.service.store().policy().await.unwrap().version;
        let before = version().await;
        check.service.set_settings(&ada, listed(&["users", "orders"])).await.unwrap();
        assert!(version().await > before);
        let csv = |subject: &str| json!({ "subject": subject, "format": "csv" });
        let orders = export(&check, &ada, csv("orders")).await;
        assert!(orders.has_pii, "orders are listed");
        check.service.set_settings(&ada, listed(&["orders"])).await.unwrap();
        // A field with a class is personal data whatever the list says.
        assert!(export(&check, &ada, csv("users")).await.has_pii);
        let plain = json!({ "subject": "users", "format": "csv", "fields": ["id"] });
        assert!(!export(&check, &ada, plain).await.has_pii);
        check.service.set_settings(&ada, Settings::default()).await.unwrap();
        let changes = check.entries("setting.changed").await;
        let said: Vec<(&Value, &Value)> = changes
            .iter()
            .map(|entry| (&entry["tags"], &entry["details"]["pii_subjects_changed"]))
            .collect();
        let (none, pii) = (json!([]), json!(["egress.pii"]));
        let longer = json!({ "added": ["orders"], "removed": [] });
        let shorter = json!({ "added": [], "removed": ["users"] });
        let other = json!({ "added": ["users"], "removed": ["orders"] });
        assert_eq!(said, [(&none, &longer), (&pii, &shorter), (&pii, &other)]);
        let unknown = check.service.set_settings(&ada, listed(&["userz"])).await;
        assert_eq!(places(unknown), ["/pii_subjects"]);
    });
}
