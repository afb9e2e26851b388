//! Names of files, types and functions are of the field, not of the trade.

use syn::visit::Visit;

use super::{Complaint, Tree};

/// Words that say nothing about what a thing is, so that no name ends in one.
const EMPTY_WORDS: &[&str] = &[
    "manager",
    "helper",
    "util",
    "common",
    "data",
    "info",
    "processor",
    "handler",
    "core",
    "base",
    "misc",
];
/// Verbs that say nothing about what is done, so that no function begins with one.
const EMPTY_VERBS: &[&str] = &["do_", "process_", "handle_"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (file, syntax) in tree.rust() {
        let stem = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let mut visitor = Names { path: &file.path, complaints: &mut complaints };
        visitor.judge(stem, 1);
        visitor.visit_file(syntax);
    }
    complaints
}

struct Names<'a> {
    path: &'a str,
    complaints: &'a mut Vec<Complaint>,
}

impl Names<'_> {
    fn judge(&mut self, name: &str, line: usize) {
        let word = last_word(name);
        let is_empty_word = EMPTY_WORDS.contains(&word.trim_end_matches('s'));
        if is_empty_word || EMPTY_VERBS.iter().any(|verb| name.starts_with(verb)) {
            self.complaints.push(Complaint::at(
                self.path,
                line,
                format!("`{name}` says too little"),
            ));
        }
    }

    fn judge_ident(&mut self, ident: &syn::Ident) {
        self.judge(&ident.to_string(), ident.span().start().line);
    }
}

/// The last word of `snake_case` and of `CamelCase`, in lower case.
fn last_word(name: &str) -> String {
    let snake = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    let camel = snake.rfind(char::is_uppercase).map_or(snake, |at| &snake[at..]);
    camel.to_lowercase()
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.judge_ident(&item.sig.ident);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // Who implements a trait does not choose the names.
        if item.trait_.is_none() {
            for method in &item.items {
                if let syn::ImplItem::Fn(method) = method {
                    self.judge_ident(&method.sig.ident);
                }
            }
        }
        syn::visit::visit_item_impl(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.judge_ident(&item.sig.ident);
        syn::visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.judge_ident(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.judge_ident(&item.ident);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.judge_ident(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.judge_ident(&item.ident);
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.judge_ident(&item.ident);
        syn::visit::visit_item_mod(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn empty_words_are_refused_at_the_end_of_every_kind_of_name() {
        for text in [
            "struct JobManager;",
            "enum RowData {}",
            "trait Handler {}",
            "type Info = ();",
            "fn date_helpers() {}",
            "fn handle_row() {}",
            "impl A { fn process_row() {} }",
            "trait A { fn do_it(); }",
            "mod common {}",
            "mod rows { fn misc() {} }",
        ] {
            assert_eq!(complaints("a.rs", text), 1, "{text}");
        }
        assert_eq!(complaints("src/util.rs", ""), 1);
        assert_eq!(complaints("src/text_utils.rs", ""), 1);
    }

    #[test]
    fn the_same_words_may_stand_elsewhere() {
        for text in [
            "enum DataType {}",
            "fn base64_length() {}",
            "fn handle() {}",
            "impl Visitor for A { fn process_row() {} }",
            "struct Database;",
            "fn metadata() {}",
        ] {
            assert_eq!(complaints("a.rs", text), 0, "{text}");
        }
    }
}
