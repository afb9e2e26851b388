//! What changes the control state shows a permit for it, or what a permit was spent on.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::Visit;

use super::{Complaint, Tree, shape::is_cfg_test};

/// The crate that alone has a connection to the control database.
const STORE: &str = "crates/tidegate-store/src/";
/// Every public function that writes, and the proof that it asks for. A permit is made by the
/// policy alone; whoever has one of the others has spent one.
const WRITERS: &[(&str, &str)] = &[
    ("commit", "Permit"),
    ("claim", "Permit"),
    ("start_download", "Permit"),
    ("count_rows_seen", "Permit"),
    ("note_seen", "&Session"),
    ("keep_checkpoint", "Permit"),
    ("hold_stream", "Permit"),
    ("refuse", "&Denied"),
    ("finish_download", "StartedDownload"),
    ("start_run", "Permit"),
    ("finish_run", "StartedRun"),
    ("renew", "&Lease"),
    ("report", "&Lease"),
    ("note_streamed", "&StreamHold"),
    ("leave_stream", "StreamHold"),
    ("fan_out", "Permit"),
    ("take_deliveries", "Permit"),
    ("note_delivery", "TakenDelivery"),
    ("end_delivery", "Permit"),
    ("forget_told", "Permit"),
];
/// Public functions that touch the database and ask for nothing: nothing that an operator, a worker
/// or upkeep could do changes by them.
const FREE: &[(&str, &str)] = &[
    ("open", "brings the schema up to date"),
    ("open_by", "does the same, by a clock that is behind while a past is made"),
    ("close", "ends the connections"),
    ("save_to", "writes a file of its own; that it did is noted with a permit"),
];
/// How the connection that writes is reached, and what runs a statement for its effect.
const MEANS: [&str; 4] = ["writer", "execute_raw", "execute_unprepared", "begin_with_options"];
/// First words of statements that have an effect.
const VERBS: [&str; 7] = ["insert", "update", "delete", "create", "alter", "drop", "vacuum"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut found = Functions::default();
    for (file, syntax) in tree.rust().filter(|(file, _)| file.path.starts_with(STORE)) {
        found.path.clone_from(&file.path);
        found.visit_file(syntax);
    }
    found.follow();
    let writers = found.all.iter().filter(|one| one.is_public && one.writes);
    let mut complaints: Vec<Complaint> = writers.clone().filter_map(Function::complaint).collect();
    for (name, _) in WRITERS.iter().chain(FREE) {
        if !writers.clone().any(|one| one.name == *name) {
            let fault = format!("`{name}` is listed as a writer, and is none");
            complaints.push(Complaint::new(STORE, fault));
        }
    }
    complaints
}

/// A function, or a constant that holds a statement.
struct Function {
    path: String,
    line: usize,
    name: String,
    /// Whether it is called behind a point.
    is_method: bool,
    is_public: bool,
    writes: bool,
    /// Types of its parameters.
    takes: Vec<String>,
    /// Names that it calls or hands on, and whether they are of methods.
    calls: BTreeSet<(String, bool)>,
}

impl Function {
    fn complaint(&self) -> Option<Complaint> {
        if FREE.iter().any(|(name, _)| *name == self.name) {
            return None;
        }
        let name = &self.name;
        let fault = match WRITERS.iter().find(|(listed, _)| listed == name) {
            Some((_, proof)) if self.takes.iter().any(|taken| taken == proof) => return None,
            Some((_, proof)) => format!("`{name}` writes control state without a `{proof}`"),
            None => format!(
                "`{name}` writes control state: let it take a permit, and list it in \
                 xtask/src/tidy/writers.rs"
            ),
        };
        Some(Complaint::at(&self.path, self.line, fault))
    }
}

#[derive(Default)]
struct Functions {
    path: String,
    all: Vec<Function>,
}

impl Functions {
    /// Whoever calls what writes, writes. Names are enough: two functions of one name, or two
    /// methods, are taken for each other, which may only accuse too many.
    fn follow(&mut self) {
        loop {
            let writers = self.all.iter().filter(|one| one.writes);
            let names = writers.map(|one| (one.name.clone(), one.is_method)).collect();
            let mut is_done = true;
            for one in self.all.iter_mut().filter(|one| !one.writes) {
                one.writes = !one.calls.is_disjoint(&names);
                is_done &= !one.writes;
            }
            if is_done {
                return;
            }
        }
    }

    fn add(&mut self, visibility: &syn::Visibility, signature: &syn::Signature, body: TokenStream) {
        let takes = signature.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(typed) => {
                Some(typed.ty.to_token_stream().to_string().replace(' ', ""))
            }
            syn::FnArg::Receiver(_) => None,
        });
        let mut function = Function {
            path: self.path.clone(),
            line: signature.ident.span().start().line,
            name: signature.ident.to_string(),
            is_method: signature.receiver().is_some(),
            is_public: matches!(visibility, syn::Visibility::Public(_)),
            writes: false,
            takes: takes.collect(),
            calls: BTreeSet::new(),
        };
        function.read(body);
        self.all.push(function);
    }
}

impl Function {
    /// Reads a body word by word, macros too.
    fn read(&mut self, body: TokenStream) {
        let tokens: Vec<TokenTree> = body.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    self.writes |= MEANS.contains(&word.as_str());
                    let is_behind = |mark| at > 0 && is_punct(&tokens[at - 1], mark);
                    let is_constant = word.chars().all(|letter| !letter.is_lowercase());
                    let is_called = tokens.get(at + 1).is_some_and(is_call);
                    if is_behind(':') || is_called && is_behind('.') {
                        self.calls.insert((word.clone(), true));
                    }
                    if is_behind(':') || is_constant || is_called && !is_behind('.') {
                        self.calls.insert((word, false));
                    }
                }
                TokenTree::Literal(literal) => self.writes |= is_effect(&literal.to_string()),
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Punct(_) => {}
            }
        }
    }
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_call(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis)
}

/// Whether a literal is a statement that has an effect: `"\` and a new line may come first.
fn is_effect(literal: &str) -> bool {
    let text = literal.trim_start_matches(|letter: char| !letter.is_alphabetic());
    VERBS.iter().any(|verb| text.strip_prefix(verb).is_some_and(|rest| rest.starts_with(' ')))
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_cfg_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.vis, &item.sig, item.block.to_token_stream());
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.vis, &item.sig, item.block.to_token_stream());
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        let mut constant = Function {
            path: self.path.clone(),
            line: item.ident.span().start().line,
            name: item.ident.to_string(),
            is_method: false,
            is_public: false,
            writes: false,
            takes: Vec::new(),
            calls: BTreeSet::new(),
        };
        constant.read(item.expr.to_token_stream());
        self.all.push(constant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of a store with this function, beside what it lacks.
    fn told(text: &str) -> Vec<String> {
        let tree = Tree::of(&[(&format!("{STORE}store.rs"), text)]);
        let complaints = check(&tree).into_iter().map(|complaint| complaint.fault);
        complaints.filter(|fault| !fault.contains("is none")).collect()
    }

    #[test]
    fn a_writer_that_nobody_knows_is_told() {
        for body in [
            "self.inner.writer.run(x)",
            "self.reader.execute_raw(x)",
            "self.ask(\"update jobs set status = 'ready' returning id\")",
            "const SQL: &str = \"\\\n   delete from jobs\"; self.ask(SQL)",
            "self.ask(&format!(\"insert into {table}\"))",
            "hidden(self)",
            "self.method()",
            "rows.map(Self::method)",
            "rows.map(Self::hidden)",
            "self.ask(REMOVE)",
        ] {
            let text = format!(
                "const REMOVE: &str = \"delete from links\";
                 fn hidden(store: &Store) {{ deeper(store) }}
                 impl Store {{ fn method(&self) {{ hidden(self) }} }}
                 fn deeper(store: &Store) {{ store.inner.writer.run() }}
                 impl Store {{ pub async fn put(&self, permit: Permit) {{ {body} }} }}"
            );
            let told = told(&text);
            assert!(matches!(&told[..], [one] if one.contains("`put` writes")), "{body}: {told:?}");
        }
    }

    #[test]
    fn a_writer_asks_for_its_proof() {
        let text = "impl Store { pub fn renew(&self, lease: LEASE) { self.inner.writer.run() } }";
        assert!(told(&text.replace("LEASE", "&Lease")).is_empty());
        for other in ["&str", "&LeaseName", "Option<&Lease>"] {
            let told = told(&text.replace("LEASE", other));
            assert!(told[0].contains("without a `&Lease`"), "{other}: {told:?}");
        }
    }

    #[test]
    fn what_reads_and_what_nobody_else_sees_is_not_told() {
        for text in [
            "impl Store { pub fn job(&self) { self.ask(\"select * from updates\") } }",
            "impl Store { pub(crate) fn put(&self) { self.inner.writer.run() } }",
            "impl Store { pub fn jobs(&self) { let put = 1; self.page(put + 1) } }
             fn put(store: &Store) { store.inner.writer.run() }",
            "impl Store { pub fn jobs(&self) { list.put(1) } }
             fn put(store: &Store) { store.inner.writer.run() }",
            "#[cfg(test)] mod tests { pub fn put() { store.inner.writer.run() } }",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_listed_writer_that_is_gone_is_told() {
        let complaints = check(&Tree::of(&[]));
        assert_eq!(complaints.len(), WRITERS.len() + FREE.len());
    }
}
