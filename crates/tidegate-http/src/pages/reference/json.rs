//! JSON as a person writes it, each part marked for what it is.

use serde_json::Value;

use super::prose::escaped;

/// Characters of a line before a list or an object is broken up.
const LINE_CHARACTERS: usize = 76;

/// JSON as HTML.
pub(super) fn html(value: &Value) -> String {
    let mut html = String::new();
    write(value, 0, 0, &mut html);
    html
}

/// JSON as text, broken up as the HTML is.
fn write(value: &Value, depth: usize, used: usize, html: &mut String) {
    let indent = "  ".repeat(depth + 1);
    let fits = used + 2 * depth + value.to_string().len() <= LINE_CHARACTERS;
    let (open, between, close) = match fits {
        true => (String::new(), ", ".to_owned(), String::new()),
        false => {
            (format!("\n{indent}"), format!(",\n{indent}"), format!("\n{}", "  ".repeat(depth)))
        }
    };
    match value {
        Value::Array(items) if items.is_empty() => html.push_str("[]"),
        Value::Object(members) if members.is_empty() => html.push_str("{}"),
        Value::Array(items) => {
            html.push('[');
            html.push_str(&open);
            for (index, item) in items.iter().enumerate() {
                html.push_str(if index == 0 { "" } else { &between });
                write(item, depth + 1, 0, html);
            }
            html.push_str(&close);
            html.push(']');
        }
        Value::Object(members) => {
            html.push('{');
            html.push_str(if fits { " " } else { &open });
            for (index, (name, member)) in members.iter().enumerate() {
                html.push_str(if index == 0 { "" } else { &between });
                mark("k", &format!("{name:?}"), html);
                html.push_str(": ");
                write(member, depth + 1, name.len() + 4, html);
            }
            html.push_str(if fits { " " } else { &close });
            html.push('}');
        }
        Value::String(_) => mark("s", &value.to_string(), html),
        Value::Number(_) => mark("n", &value.to_string(), html),
        Value::Bool(_) | Value::Null => mark("w", &value.to_string(), html),
    }
}

fn mark(class: &str, text: &str, html: &mut String) {
    html.push_str(&format!("<span class=\"{class}\">{}</span>", escaped(text)));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_html_is_the_same_json_once_its_marks_are_gone() {
        let long = "x".repeat(80);
        let value = json!({ "a": [1, 2, { "b": null }], "long": [long, "<&>"], "empty": {} });
        let html = html(&value);
        let mut text = String::new();
        let mut is_tag = false;
        for c in html.chars() {
            match c {
                '<' => is_tag = true,
                '>' => is_tag = false,
                other if !is_tag => text.push(other),
                _ => {}
            }
        }
        let text = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        let text = text.replace("&amp;", "&");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(text.contains("\"a\": [1, 2, { \"b\": null }]"), "{text}");
    }
}
