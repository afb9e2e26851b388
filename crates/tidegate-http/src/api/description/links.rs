//! Where one can go from an answer: what it names, and what can be done with that.

use serde_json::{Value, json};

use super::{operations_mut, responses_mut};

/// From an operation and its answer, by the value that an expression finds, to operations.
struct Way {
    from: (&'static str, &'static str),
    by: (&'static str, &'static str),
    to: &'static [&'static str],
}

/// What can be done with an export.
const WITH_EXPORT: &[&str] = &[
    "get_export",
    "list_events",
    "list_attempts",
    "cancel_export",
    "create_download",
    "get_manifest",
    "rerun_export",
    "delete_artifact",
];

/// The ways.
const WAYS: &[Way] = &[
    Way { from: ("create_export", "202"), by: ("id", "$response.body#/id"), to: WITH_EXPORT },
    Way { from: ("rerun_export", "202"), by: ("id", "$response.body#/id"), to: WITH_EXPORT },
    Way { from: ("get_export", "200"), by: ("id", "$response.body#/id"), to: WITH_EXPORT },
    Way { from: ("cancel_export", "202"), by: ("id", "$response.body#/id"), to: WITH_EXPORT },
    Way {
        from: ("list_exports", "200"),
        by: ("id", "$response.body#/items/0/id"),
        to: WITH_EXPORT,
    },
    Way {
        from: ("list_subjects", "200"),
        by: ("slug", "$response.body#/0/slug"),
        to: &["get_subject", "list_rows"],
    },
    Way { from: ("create_token", "201"), by: ("id", "$response.body#/id"), to: &["revoke_token"] },
    Way {
        from: ("add_operator", "201"),
        by: ("id", "$response.body#/id"),
        to: &["change_operator", "reset_second_factor"],
    },
    Way {
        from: ("add_operator", "201"),
        by: ("operator", "$response.body#/id"),
        to: &["list_sessions"],
    },
    Way {
        from: ("add_operator", "201"),
        by: ("actor", "$response.body#/email"),
        to: &["list_activity"],
    },
    Way {
        from: ("list_sessions", "200"),
        by: ("id", "$response.body#/0/id"),
        to: &["end_session"],
    },
    Way { from: ("put_role", "204"), by: ("slug", "$request.path.slug"), to: &["remove_role"] },
];

/// Lists whose next page begins where the last one ends.
const PAGED: &[&str] = &["list_exports", "list_rows", "list_activity"];

/// Adds the links to the answers that they start from.
pub(super) fn add(document: &mut Value) {
    let mut operations = operations_mut(document);
    let mut link = |from: (&str, &str), to: &str, parameters: Value, description: String| {
        let found = operations.iter_mut().find(|(id, _)| id == from.0);
        let (_, operation) = found.expect("a way starts at an operation");
        let response = &mut responses_mut(operation)[from.1];
        let name = format!(
            "{to}_by_{}",
            parameters
                .as_object()
                .and_then(|all| all.keys().next_back())
                .expect("a way hands something on")
        );
        response["links"][name] = json!({
            "operationId": to, "parameters": parameters, "description": description,
        });
    };
    for Way { from, by: (name, value), to } in WAYS {
        for to in *to {
            let description = format!("The `{name}` of the answer is that of `{to}`");
            link(*from, to, json!({ *name: value }), description);
        }
    }
    for list in PAGED {
        let mut parameters = json!({ "cursor": "$response.body#/next" });
        if *list == "list_rows" {
            parameters = json!({ "slug": "$request.path.slug", "cursor": "$response.body#/next" });
        }
        link((list, "200"), list, parameters, "The next page, where there is one".to_owned());
    }
}
