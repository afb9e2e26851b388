//! Headers of the answers that are the same for many operations.

use serde_json::{Map, Value, json};

use super::responses_mut;

/// Adds the headers to the answers of an operation.
pub(super) fn add(operation: &mut Map<String, Value>) {
    for (status, response) in responses_mut(operation) {
        // The host is looked at before anything else.
        if status != "421" {
            header(response, "RateLimit", "What the caller has left", json!({ "type": "string" }));
            header(
                response,
                "RateLimit-Policy",
                "How often it may ask",
                json!({ "type": "string" }),
            );
        }
        let id = json!({ "type": "string", "pattern": "^[0-9a-f]{16}$" });
        header(response, "X-Request-Id", "The request, as the log names it", id);
        if matches!(status.as_str(), "429" | "503") {
            let seconds = json!({ "type": "integer", "minimum": 0 });
            header(response, "Retry-After", "Seconds to wait", seconds);
        }
        if status == "401" {
            let scheme = json!({ "type": "string" });
            header(response, "WWW-Authenticate", "How to sign in", scheme);
        }
    }
}

fn header(response: &mut Value, name: &str, description: &str, schema: Value) {
    response["headers"][name] = json!({ "description": description, "schema": schema });
}
