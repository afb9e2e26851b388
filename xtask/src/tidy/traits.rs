//! A trait is there because several types implement it, and all of them pass one suite.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::visit::Visit;

use super::{Complaint, Tree, shape::is_cfg_test};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut found = Traits::default();
    for (file, syntax) in tree.rust() {
        found.path = file.path.clone();
        found.is_test = file.is_test();
        found.visit_file(syntax);
    }
    found.complaints(tree)
}

#[derive(Default)]
struct Traits {
    path: String,
    is_test: bool,
    /// Traits outside of tests: their files, and whether other crates see them.
    declared: BTreeMap<String, (String, bool)>,
    /// Implementations of any trait: name, and whether a test has it.
    implementations: Vec<(String, bool)>,
}

impl Traits {
    fn complaints(&self, tree: &Tree) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (name, (path, is_public)) in &self.declared {
            let all = self.implementations.iter().filter(|(of, _)| of == name);
            let (in_tests, outside): (Vec<_>, Vec<_>) = all.partition(|(_, is_test)| *is_test);
            if in_tests.len() + outside.len() < 2 {
                let fault = format!("`{name}` has no second implementation: make it a type");
                complaints.push(Complaint::new(path, fault));
            }
            if *is_public && outside.len() > 1 && !has_suite(tree, path) {
                let fault = format!("`{name}` has no conformance.rs beside it");
                complaints.push(Complaint::new(path, fault));
            }
        }
        complaints
    }
}

/// Whether a suite stands in the trait's folder, or in the tests of its crate.
fn has_suite(tree: &Tree, path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let root = path.split("/src/").next().unwrap_or_default();
    [folder.to_owned(), format!("{root}/tests/it")]
        .iter()
        .any(|place| tree.file(&format!("{place}/conformance.rs")).is_some())
}

impl<'ast> Visit<'ast> for Traits {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let outer = self.is_test;
        self.is_test |= is_cfg_test(&item.attrs);
        syn::visit::visit_item_mod(self, item);
        self.is_test = outer;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if !self.is_test {
            let is_public = matches!(item.vis, syn::Visibility::Public(_));
            self.declared.insert(item.ident.to_string(), (self.path.clone(), is_public));
        }
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some((_, path, _)) = &item.trait_ {
            let name = path.segments.last().map(|segment| segment.ident.to_string());
            // An implementation for all types with some property stands for many.
            let is_blanket = item
                .generics
                .type_params()
                .any(|parameter| parameter.ident == item.self_ty.to_token_stream().to_string());
            let count = if is_blanket { 2 } else { 1 };
            let name = name.unwrap_or_default();
            self.implementations.extend(std::iter::repeat_n((name, self.is_test), count));
        }
        syn::visit::visit_item_impl(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "crates/a/src/source.rs";

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).into_iter().map(|complaint| complaint.fault).collect()
    }

    #[test]
    fn a_trait_with_one_implementation_is_told() {
        let one = "trait S {} impl S for A {}";
        assert!(complaints(&[(PATH, one)])[0].contains("no second"));
        let double = format!("{one} #[cfg(test)] mod tests {{ impl S for B {{}} }}");
        assert!(complaints(&[(PATH, &double)]).is_empty());
        assert!(complaints(&[(PATH, "#[cfg(test)] mod tests { trait S {} }")]).is_empty());
    }

    #[test]
    fn a_trait_with_several_implementations_needs_its_suite() {
        let several = "pub trait S {} impl S for A {} impl S for B {}";
        assert!(complaints(&[(PATH, several)])[0].contains("conformance"));
        for suite in ["crates/a/src/conformance.rs", "crates/a/tests/it/conformance.rs"] {
            assert!(complaints(&[(PATH, several), (suite, "")]).is_empty(), "{suite}");
        }
        assert!(!complaints(&[(PATH, several), ("crates/b/src/conformance.rs", "")]).is_empty());
        assert!(complaints(&[(PATH, &several.replace("pub ", ""))]).is_empty());
    }
}
