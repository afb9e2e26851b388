//! The shape of files: their first line, their length, the length of functions and lines.

use std::ops::RangeInclusive;

use syn::{spanned::Spanned, visit::Visit};

use super::{Complaint, Tree, tree::File};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
/// Texts that are held to the width. Tables in Markdown and TOML cannot be broken.
const NARROW: &[&str] = &[".rs", ".py", ".sql", ".sh"];

/// The first line is `//!` and a sentence.
pub(super) fn headings(tree: &Tree) -> Vec<Complaint> {
    let wrong = tree.rust().filter(|(file, _)| {
        let mut lines = file.text.lines();
        let paragraph: Vec<&str> =
            lines.by_ref().map_while(|line| line.strip_prefix("//! ")).collect();
        !paragraph.last().is_some_and(|line| line.ends_with(['.', ':']))
    });
    wrong
        .map(|(file, _)| Complaint::at(&file.path, 1, "begin with `//! ` and a sentence"))
        .collect()
}

/// Files are short.
pub(super) fn files(tree: &Tree) -> Vec<Complaint> {
    let measured = tree.rust().map(|(file, syntax)| (file, lines_without_tests(file, syntax)));
    let long = measured.filter(|(_, lines)| *lines > FILE_LINES_MAX);
    long.map(|(file, lines)| Complaint::new(&file.path, format!("has {lines} lines"))).collect()
}

fn lines_without_tests(file: &File, syntax: &syn::File) -> usize {
    let test_lines = test_parts(syntax).map(|part| part.count());
    file.text.lines().count() - test_lines.sum::<usize>()
}

/// The lines of each item that is there for tests only.
fn test_parts(syntax: &syn::File) -> impl Iterator<Item = RangeInclusive<usize>> {
    syntax.items.iter().filter(|item| is_cfg_test(attributes(item))).map(|item| {
        let span = item.span();
        span.start().line..=span.end().line
    })
}

/// Whether `#[cfg(test)]` is among the attributes.
pub(super) fn is_cfg_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Functions fit on a screen.
pub(super) fn functions(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (file, syntax) in tree.rust() {
        let mut visitor = Functions { path: &file.path, complaints: &mut complaints };
        visitor.visit_file(syntax);
    }
    complaints
}

struct Functions<'a> {
    path: &'a str,
    complaints: &'a mut Vec<Complaint>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let start = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line - start + 1;
        if lines > FUNCTION_LINES_MAX {
            let fault = format!("`{}` has {lines} lines", signature.ident);
            self.complaints.push(Complaint::at(self.path, start, fault));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.measure(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.measure(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.measure(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

/// Lines are narrow, unless they carry an address. Tests may hold tables of what they expect.
pub(super) fn columns(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let narrow = tree.files.iter().filter(|file| NARROW.iter().any(|end| file.path.ends_with(end)));
    for file in narrow.filter(|file| !file.is_test()) {
        let tests: Vec<_> = file.syntax.iter().flat_map(test_parts).collect();
        for (number, line) in file.lines() {
            let columns = line.chars().count();
            let is_free =
                line.contains("https://") || tests.iter().any(|part| part.contains(&number));
            if columns > COLUMNS_MAX && !is_free {
                complaints.push(Complaint::at(
                    &file.path,
                    number,
                    format!("has {columns} columns"),
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_first_sentence_is_told() {
        for (text, faults) in [
            ("//! Reads rows.\n\nfn read() {}\n", 0),
            ("//! Reads rows, which takes\n//! two lines to say.\n", 0),
            ("//! Reads rows\n", 1),
            ("fn read() {}\n", 1),
            ("// Reads rows.\n", 1),
        ] {
            assert_eq!(headings(&Tree::of(&[("a.rs", text)])).len(), faults, "{text}");
        }
    }

    #[test]
    fn tests_do_not_count_as_lines_of_a_file() {
        let code = "fn f() {}\n".repeat(FILE_LINES_MAX);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
        assert!(files(&Tree::of(&[("a.rs", &format!("{code}{tests}"))])).is_empty());
        assert_eq!(files(&Tree::of(&[("a.rs", &format!("{code}fn g() {{}}\n{tests}"))])).len(), 1);
    }

    #[test]
    fn a_long_function_is_told_wherever_it_stands() {
        let body = "();\n".repeat(FUNCTION_LINES_MAX - 2);
        for wrap in ["", "struct A; impl A {", "trait B {", "mod c {"] {
            let close = if wrap.is_empty() { "" } else { "}" };
            let fits = format!("{wrap}\nfn f() {{\n{body}}}\n{close}");
            let long = format!("{wrap}\nfn f() {{\n{body}();\n}}\n{close}");
            assert!(functions(&Tree::of(&[("a.rs", &fits)])).is_empty());
            assert_eq!(functions(&Tree::of(&[("a.rs", &long)])).len(), 1, "{wrap}");
        }
    }

    #[test]
    fn columns_are_characters_and_addresses_may_be_long() {
        let wide = format!("// {}", "é".repeat(COLUMNS_MAX - 3));
        assert!(columns(&Tree::of(&[("a.rs", &wide)])).is_empty());
        assert_eq!(columns(&Tree::of(&[("a.rs", &format!("{wide}é"))])).len(), 1);
        assert!(columns(&Tree::of(&[("a.rs", &format!("{wide} https://a"))])).is_empty());
        assert!(columns(&Tree::of(&[("a.md", &format!("{wide}é"))])).is_empty());
        let test = format!("#[cfg(test)]\nmod tests {{\n{wide}é\n}}\n");
        assert!(columns(&Tree::of(&[("a.rs", &test)])).is_empty());
        assert_eq!(columns(&Tree::of(&[("a.rs", &test.replace("(test)", "(unix)"))])).len(), 1);
    }
}
