//! Examples of requests and answers: a real server is sent each of them in a test.

use serde_json::{Map, Value};

use super::{operations_mut, responses_mut};

/// By operation: `parameters`, `request`, `response`, and `other_responses` by their status.
const EXAMPLES: &str = include_str!("examples.json");

/// Adds the examples to their operations.
pub(super) fn add(document: &mut Value) {
    let all: Map<String, Value> =
        serde_json::from_str(EXAMPLES).expect("the examples are an object by operation");
    for (id, operation) in operations_mut(document) {
        let Some(example) = all.get(&id) else { continue };
        for (name, value) in example["parameters"].as_object().into_iter().flatten() {
            let parameters = operation["parameters"].as_array_mut();
            let mut parameters = parameters.into_iter().flatten();
            let parameter = parameters.find(|one| one["name"] == *name);
            parameter.expect("an example is of a parameter that there is")["example"] =
                value.clone();
        }
        if let Some(request) = example.get("request") {
            operation["requestBody"]["content"]["application/json"]["example"] = request.clone();
        }
        // Where there are several ways to succeed with a body, the usual one is the last.
        if let Some(response) = example.get("response") {
            let responses = responses_mut(operation).iter_mut();
            let is_answer = |(status, answer): &(&String, &mut Value)| {
                status.starts_with('2') && answer.get("content").is_some()
            };
            let success = responses.filter(is_answer).last();
            let (_, success) = success.expect("every operation can succeed");
            success["content"]["application/json"]["example"] = response.clone();
        }
        for (status, other) in example["other_responses"].as_object().into_iter().flatten() {
            let response = &mut responses_mut(operation)[status];
            response["content"]["application/json"]["example"] = other.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document;

    #[test]
    fn every_request_and_every_answer_has_an_example() {
        let mut document = document().clone();
        let mut known = Vec::new();
        for (id, operation) in operations_mut(&mut document) {
            let body = operation.get("requestBody").map(|body| &body["content"]);
            if let Some(content) = body {
                assert!(content["application/json"].get("example").is_some(), "request of {id}");
            }
            let responses = operation["responses"].as_object().unwrap();
            let (_, success) = responses.iter().find(|(code, _)| code.starts_with('2')).unwrap();
            if let Some(content) = success.get("content") {
                assert!(content["application/json"].get("example").is_some(), "answer of {id}");
            }
            known.push(id);
        }
        let all: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap();
        let unknown: Vec<&String> = all.keys().filter(|id| !known.contains(id)).collect();
        assert!(unknown.is_empty(), "examples of operations that there are none of: {unknown:?}");
    }
}
