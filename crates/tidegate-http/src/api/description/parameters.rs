//! Parameters and bodies as they travel: one that is absent is absent, and never null.

use serde_json::{Map, Value, json};

/// Says of the parameters and the body of an operation what their Rust types cannot.
pub(super) fn tidy(operation: &mut Map<String, Value>) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        without_null(&mut parameter["schema"]);
        let is_query = parameter["in"] == "query";
        let schema = &mut parameter["schema"];
        let is_open = schema.get("enum").or(schema.get("pattern")).is_none();
        if is_query && schema["type"] == "string" && is_open {
            // One without a value is refused.
            schema["minLength"] = 1.into();
        }
        // An optional parameter says so by being left out.
        if parameter["required"] == json!(false)
            && let Some(parameter) = parameter.as_object_mut()
        {
            parameter.remove("required");
        }
    }
    if let Some(schema) = operation
        .get_mut("requestBody")
        .and_then(|body| body.pointer_mut("/content/application~1json/schema"))
    {
        without_null(schema);
    }
}

fn without_null(schema: &mut Value) {
    if let Some(types) = schema.get("type").and_then(Value::as_array) {
        let mut types: Vec<Value> = types.iter().filter(|one| *one != "null").cloned().collect();
        if types.len() == 1 {
            schema["type"] = types.remove(0);
        }
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let mut some = choices.iter().filter(|one| one["type"] != "null").cloned();
        if let (Some(only), None) = (some.next(), some.next()) {
            *schema = only;
        }
    }
}
