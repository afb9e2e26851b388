//! Words of the description as HTML: escaped, with `code` where it is meant.

/// Text that can stand in an element or an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// Text with code between backticks.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let html = |(index, part): (usize, &str)| match index % 2 {
        0 => escaped(part),
        _ => code(part),
    };
    parts.map(html).collect()
}

/// Code in a line.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_as_code_is_code_and_nothing_is_markup() {
        assert_eq!(prose("send `a<b` & wait"), "send <code>a&lt;b</code> &amp; wait");
    }
}
